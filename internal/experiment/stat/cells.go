package stat

import (
	"fmt"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// fewestExpected is Cochran's rule for Pearson's test (Biometrics 10, 1954).
const fewestExpected = 5

// ChiSquareUniform is the p-value of Pearson's test of the claim that each of so many
// independent events went into one of the cells with the same probability. The
// distribution that it compares with is a limit: below five expected in a cell it is an
// error, and far out, as at Alpha, it wants some hundreds in each to be right within a
// small factor.
func ChiSquareUniform(counts []int) (float64, error) {
	total := sum(counts)
	expected := float64(total) / float64(len(counts))
	if len(counts) < 2 || expected < fewestExpected {
		return 0, fmt.Errorf("counts are %d in %d cells; allowed are two cells or more, and %d or more for each on average", total, len(counts), fewestExpected)
	}
	observed, even := make([]float64, len(counts)), make([]float64, len(counts))
	for i, c := range counts {
		observed[i] = float64(c)
	}
	floats.AddConst(expected, even)
	return distuv.ChiSquared{K: float64(len(counts) - 1)}.Survival(stat.ChiSquare(observed, even)), nil
}

func sum(counts []int) (total int) {
	for _, c := range counts {
		count("a count", c)
		total += c
	}
	return total
}
