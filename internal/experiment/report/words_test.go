package report

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 200: "200", 1840: "1840", 183422: "183,422", 1e14: "100,000,000,000,000", 4.0123: "4.012", 391.52: "391.5", 12345.678: "12,346",
		-0.5: "-0.5", 0.00012345: "0.0001234", 3e-7: "3e-07", 2.5e18: "2.5e+18", math.Inf(1): "+∞", math.Inf(-1): "−∞",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %s; want %s", v, got, want)
		}
	}
	if got := number(math.NaN()); got != "–" {
		t.Error(got)
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 50 * time.Millisecond: "50 ms", 1234 * time.Millisecond: "1.23 s", 62 * time.Second: "62 s", 1500 * time.Microsecond: "1.5 ms", 700: "700ns", 4 * time.Hour: "14,400 s",
	} {
		if got := duration(d); got != want {
			t.Errorf("duration(%v) = %s; want %s", d, got, want)
		}
	}
}

func TestPower(t *testing.T) {
	for _, c := range [...]struct {
		p, power         float64
		wantP, wantPower string
	}{
		{1, 1, "–", "–"}, {0.5, 1, "0.5", "1"}, {3.2e-41, 1 - 1e-7, "3.2e-41", "1 − 1e-7"}, {1, 0.99, "1", "0.99"},
		{0.5, 1 - 1e-14, "0.5", "> 1 − 1e-12"}, {math.NaN(), math.NaN(), "–", "–"},
	} {
		v := Verdict{P: c.p, Power: c.power}
		if v.pValue() != c.wantP || v.power() != c.wantPower {
			t.Errorf("p %v, power %v: %s, %s; want %s, %s", c.p, c.power, v.pValue(), v.power(), c.wantP, c.wantPower)
		}
	}
}

func TestWrap(t *testing.T) {
	g := gauge(columns)
	for _, c := range [...]struct {
		text string
		room float64
		want []string
	}{
		{"", 5, nil},
		{"a bc def", 4, []string{"a bc", "def"}},
		{"a\n\tb", 9, []string{"a b"}},
		{"größer als", 6, []string{"größer", "als"}},
		{"abcdefgh ij", 3, []string{"abc", "def", "gh", "ij"}},
		{"漢字漢字", 4, []string{"漢字", "漢字"}}, // each as wide as two letters
		{"漢", 1, []string{"漢"}},           // wider than a line, and still there
		{"e\u0301e\u0301", 2, []string{"e\u0301e\u0301"}},
	} {
		if diff := cmp.Diff(c.want, g.wrap(c.text, c.room)); diff != "" {
			t.Errorf("%q in %v:\n%s", c.text, c.room, diff)
		}
	}
	for _, c := range [...]struct {
		text string
		room float64
		want string
	}{{"short", 5, "short"}, {"too long", 5, "too…"}, {"größer", 4, "grö…"}, {"漢字", 3, "漢…"}, {"x y", 0, ""}} {
		if got := g.cut(c.text, c.room); got != c.want {
			t.Errorf("%q in %v: %q; want %q", c.text, c.room, got, c.want)
		}
	}
	if diff := cmp.Diff([]string{"a b", "c…"}, g.lines("a b c d e f", 3, 2)); diff != "" {
		t.Error(diff)
	}
}

// TestLetters: widths are those of the fonts' own tables.
func TestLetters(t *testing.T) {
	// Helvetica: W is 944 thousandths of an em, i 222; bold 944 and 278. Courier: all 600.
	for _, c := range [...]struct {
		s    script
		text string
		want float64
	}{
		{script{size: 1000}, "Wi", 944 + 222}, {script{size: 1000, bold: true}, "Wi", 944 + 278}, {script{size: 10, mono: true}, "Wi", 12}, {script{size: 10}, "🦊", 10},
	} {
		if got := c.s.gauge().of(c.text); math.Abs(got-c.want) > 0.005*c.want {
			t.Errorf("%+v, %s: %v; want %v", c.s, c.text, got, c.want)
		}
	}
	if g := (script{size: 12}).gauge(); g.of(strings.Repeat("x", 50)) != 50*g.of("x") {
		t.Error("widths do not add up")
	}
}
