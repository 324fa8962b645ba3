package stat

import (
	"fmt"
	"math"
	"testing"
)

func TestQuantile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	for percent := 1; percent <= 100; percent++ {
		near(t, fmt.Sprintf("%d %%", percent), Quantile(hundred, float64(percent)/100), float64(percent), 0)
	}
	near(t, "99.9 %", Quantile(hundred, 0.999), 100, 0)
	near(t, "0 %", Quantile(hundred, 0), 1, 0)
	near(t, "half of three", Quantile([]float64{1, 5, 7}, 0.5), 5, 0)
	near(t, "half of four", Quantile([]float64{1, 5, 7, 9}, 0.5), 5, 0)
	if q := Quantile(nil, 0.5); !math.IsNaN(q) {
		t.Errorf("without samples %v", q)
	}
	panics(t, "q is 50", func() { Quantile(hundred, 50) })
}
