package draw

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// TestTheNumbersStay: who has noted a seed meets the same chance in the next version.
func TestTheNumbersStay(t *testing.T) {
	const most = 1<<53 - 1
	for _, c := range []struct {
		seed       uint64
		name, part string
		want       float64
	}{
		{1, "call-1", "1", 0.8783043543110506}, {42, "call-1", "1", 0.0725945099398958}, {most, "call-1", "1", 0.5564202926263994},
		{1, "call-1", "2", 0.05337269952146306}, {42, "a", "", 0.9232010088876806}, {most, "Überfall", "1000", 0.8347528059515742},
	} {
		if got := ByName(c.seed, "error", c.name, c.part); got != c.want {
			t.Errorf("seed %d, %s, %s: %v; want %v", c.seed, c.name, c.part, got, c.want)
		}
	}
	for _, c := range []struct {
		seed, n uint64
		want    float64
	}{
		{1, 0, 0.28227578858973634}, {42, 0, 0.35227113923604947}, {1, 1, 0.44239016419346144}, {most, 1, 0.2534141663440096},
	} {
		if got := ByNumber(c.seed, "error", c.n); got != c.want {
			t.Errorf("seed %d, %d: %v; want %v", c.seed, c.n, got, c.want)
		}
	}
}

// TestNumbersAreUniform, whatever changes from one to the next, and of two that are
// neighbours both are below a half as often as chance has it.
func TestNumbersAreUniform(t *testing.T) {
	const n, alpha = 20_000, 1e-6
	for what, number := range map[string]func(i int) float64{
		"seeds":     func(i int) float64 { return ByName(uint64(i), "error", "call", "1") },
		"questions": func(i int) float64 { return ByName(1, fmt.Sprint(i), "call", "1") },
		"names":     func(i int) float64 { return ByName(1, "error", fmt.Sprint("call-", i), "1") },
		"parts":     func(i int) float64 { return ByName(1, "error", "call", fmt.Sprint(i)) },
		"numbers":   func(i int) float64 { return ByNumber(1, "error", uint64(i)) },
	} {
		both := 0
		sample := make([]float64, n)
		for i := range sample {
			if sample[i] = number(i); i%2 == 1 && sample[i] < 0.5 && sample[i-1] < 0.5 {
				both++
			}
		}
		// Five deviations of n/2 pairs at a chance of a quarter.
		if deviation := math.Sqrt(n / 2 * 0.25 * 0.75); math.Abs(float64(both)-n/8) > 5*deviation {
			t.Errorf("%s: %d of %d pairs are below a half; expected %d", what, both, n/2, n/8)
		}
		slices.Sort(sample)
		worst := 0.0
		for i, x := range sample {
			worst = max(worst, x-float64(i)/n, float64(i+1)/n-x)
		}
		// Dvoretzky, Kiefer and Wolfowitz, with Massart's constant.
		if limit := math.Sqrt(math.Log(2/alpha) / 2 / n); worst > limit {
			t.Errorf("%s: the distance from uniform is %.4f; at most %.4f", what, worst, limit)
		}
	}
}

func TestADrawAllocatesNothing(t *testing.T) {
	if got := testing.AllocsPerRun(100, func() { ByName(1, "error", "call-1", "1"); ByNumber(1, "error", 1) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
