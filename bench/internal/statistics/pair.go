package statistics

// A Pair is one comparison of two things, in four slices: one, other, other, one, so that
// what changes steadily meanwhile hits both alike.
type Pair[T any] struct{ One, Other [2]T }

// Pairs measures so many pairs, after one to warm up. Each function measures one slice.
func Pairs[T any](n int, one, other func() (T, error)) ([]Pair[T], error) {
	pairs := make([]Pair[T], n+1)
	for i := range pairs {
		p := &pairs[i]
		for _, slice := range []struct {
			measure func() (T, error)
			into    *T
		}{{one, &p.One[0]}, {other, &p.Other[0]}, {other, &p.Other[1]}, {one, &p.One[1]}} {
			var err error
			if *slice.into, err = slice.measure(); err != nil {
				return nil, err
			}
		}
	}
	return pairs[1:], nil
}

// A Comparison is of two throughputs: each a figure for each pair, and the ratio of the
// one to the other.
type Comparison struct {
	One, Other []float64
	Ratio      Estimate
}

// Compare compares what was done in slices of the same length.
func Compare(pairs []Pair[float64]) Comparison {
	var c Comparison
	ratios := make([]float64, len(pairs))
	for i, p := range pairs {
		c.One = append(c.One, (p.One[0]+p.One[1])/2)
		c.Other = append(c.Other, (p.Other[0]+p.Other[1])/2)
		ratios[i] = c.One[i] / c.Other[i]
	}
	c.Ratio = EstimateOf(ratios)
	return c
}
