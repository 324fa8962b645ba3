package stat

import "testing"

func TestSlidingBound(t *testing.T) {
	for what, got := range map[string]int{
		"all in one is not rare": SlidingBound(3, 0.5, 0.01) - 3,
		"none":                   SlidingBound(0, 0.5, 0.01),
		"certain":                SlidingBound(5, 1, 0.01) - 5,
	} {
		if got != 1 {
			t.Errorf("%s: %d", what, got)
		}
	}
	// A window that may lie anywhere can be fuller than a hundred side by side.
	side, anywhere := 0, SlidingBound(200, 0.01, Alpha)
	for 100*BinomialAtLeast(side, 200, 0.01) >= Alpha {
		side++
	}
	if anywhere <= side || anywhere > side+3 {
		t.Errorf("side by side %d, anywhere %d", side, anywhere)
	}
	panics(t, "n is -1", func() { SlidingBound(-1, 0.1, Alpha) })
	panics(t, "p is 2", func() { SlidingBound(5, 2, Alpha) })
	panics(t, "alpha is 0", func() { SlidingBound(5, 0.1, 0) })
}
