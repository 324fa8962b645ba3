package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func cardOf(t *testing.T, r Result) picture {
	t.Helper()
	var b bytes.Buffer
	if err := Card(&b, r); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `viewBox="0 0 1200 630"`) {
		t.Errorf("it begins %.200s", b.String())
	}
	own, _, _ := strings.Cut(b.String(), "<svg x=") // of the figure in it there are other tests
	texts(t, own, cardWidth)
	_, own, _ = strings.Cut(b.String(), "</svg>\n")
	texts(t, own, cardWidth)
	return read(t, b.String())
}

func TestCards(t *testing.T) {
	for _, r := range append(sample(), hostile()) {
		t.Run(r.Name, func(t *testing.T) {
			p := cardOf(t, r)
			for _, want := range []string{r.Name, string(r.ended()), "seed"} {
				if !strings.Contains(p.text, want) {
					t.Errorf("%q is not on it", want)
				}
			}
			if strings.Contains(p.raw, "<script") {
				t.Error("a script got through")
			}
		})
	}
	p := cardOf(t, sample()[3])
	failed, passed := strings.Index(p.text, "seen 2.1 %"), strings.Index(p.text, "seen 0.3 %")
	if failed < 0 || passed < failed {
		t.Errorf("what failed does not come first: %s", p.text)
	}
}

// TestCardOfManyVerdicts: what does not fit is counted.
func TestCardOfManyVerdicts(t *testing.T) {
	r := sample()[0]
	for n := 1; n <= 30; n++ {
		r.Verdicts = append(r.Verdicts[:0:0], make([]Verdict, n)...)
		for i := range r.Verdicts {
			r.Verdicts[i] = Verdict{Name: fmt.Sprintf("verdict %d", i), Expected: "one", Seen: "one", Outcome: Pass}
		}
		p := cardOf(t, r)
		shown, missing := strings.Count(p.text, "verdict "), 0
		if _, more, ok := strings.Cut(p.text, "and "); ok {
			if _, err := fmt.Sscan(more, &missing); err != nil {
				t.Fatal(err)
			}
		}
		if shown+missing != n || shown < min(n, 4) {
			t.Errorf("of %d verdicts %d are shown and %d counted", n, shown, missing)
		}
	}
}
