package report

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestFigures(t *testing.T) {
	for _, r := range sample() {
		for _, f := range r.Figures {
			t.Run(r.Name+"-"+f.Name, func(t *testing.T) {
				p := svgOf(t, f)
				texts(t, p.raw, 760)
				want := []string{f.Title, f.X.Label, f.Y.Label}
				for _, l := range f.Lines {
					want = append(want, l.Name)
				}
				for _, row := range f.Rows {
					for _, b := range row.Bars {
						want = append(want, b.State)
					}
				}
				for _, phase := range f.Phases {
					want = append(want, phase.Name)
				}
				for _, text := range want {
					if text != "" && !strings.Contains("\n"+p.text, "\n"+text+"\n") {
						t.Errorf("%q is not written anywhere", text)
					}
				}
				if !strings.Contains(p.raw, "<desc id=\"figure-d\">"+escape(f.Caption)) {
					t.Error("the caption is not the description")
				}
			})
		}
	}
}

// TestFiguresOfAnything: whatever the data are, there is a picture, and no mark out of it.
func TestFiguresOfAnything(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	styles := []Style{Curve, Steps, Bars, Dots, Rule, "unknown", ""}
	data := map[string][]Point{
		"none": nil, "one": {{3, 4}}, "one at 0": {{0, 0}}, "twice the same": {{2, 2}, {2, 2}}, "not a number": {{nan, nan}, {1, nan}, {nan, 1}},
		"gaps": {{1, 1}, {2, nan}, {3, 3}, {4, inf}, {5, 2}, {6, 2}}, "infinite": {{inf, -inf}, {-inf, inf}}, "negative": {{-5, -3}, {-2, 4}, {7, -1}},
		"huge": {{-1e308, 1e308}, {1e308, -1e308}, {1, 1}}, "large": {{1e299, -1e299}, {-1e299, 1e299}}, "tiny": {{1e-300, 1e-310}, {2e-300, 5e-324}},
		"close": {{1e9, 1e15}, {1e9 + 1e-7, 1e15 + 1}}, "decades": {{1e-9, 1e9}, {0, 1e-12}, {1e6, 0}}, "backwards": {{5, 1}, {3, 2}, {4, 9}},
	}
	axes := []Axis{{}, {Log: true}, {Min: 1, Max: 3}, {Log: true, Min: 1, Max: 3}, {Log: true, Min: -1, Max: 100}, {Min: 3, Max: 1}, {Min: nan, Max: inf}, {Min: -1e300, Max: 1e300}, {Min: 2, Max: 2}, {Log: true, Max: -5}}
	for name, xy := range data {
		for _, a := range axes {
			t.Run(fmt.Sprintf("%s %+v", name, a), func(t *testing.T) {
				f := Figure{Title: "anything", X: a, Y: a}
				for _, s := range styles {
					f.Lines = append(f.Lines, Line{"as " + string(s), s, xy})
				}
				var bars []Bar
				for _, p := range xy {
					bars = append(bars, Bar{p.X, p.Y, "open", "label"})
				}
				svgOf(t, f)
				f.Rows = []Row{{"row", bars}, {"empty", nil}}
				f.Phases = []Phase{{nan, 1, "no"}, {1, inf, "nor this"}, {2, 1, "backwards"}, {1, 1, "a moment"}}
				svgOf(t, f)
				f.Lines = nil
				svgOf(t, f)
			})
		}
	}
	if p := svgOf(t, Figure{}); !strings.Contains(p.text, "no data") {
		t.Errorf("an empty figure says %q", p.text)
	}
	if p := svgOf(t, hostile().Figures[0]); strings.Contains(p.raw, "<script") {
		t.Error("a script got through")
	} else {
		texts(t, p.raw, 760)
	}
}

// TestManyPoints: what cannot be seen is not drawn, but a peak of a single point is.
func TestManyPoints(t *testing.T) {
	for _, style := range [...]Style{Curve, Steps, Bars, Dots} {
		f := Figure{Title: "many", Lines: []Line{{"many", style, nil}}, Y: Axis{Min: 0, Max: 10}}
		for i := range 50_000 {
			y := 2 + math.Sin(float64(i))
			if i == 31_457 {
				y = 10
			}
			f.Lines[0].XY = append(f.Lines[0].XY, Point{float64(i), y})
		}
		p := svgOf(t, f)
		if limit := 300_000; len(p.raw) > limit {
			t.Errorf("%s: %d bytes", style, len(p.raw))
		}
		// The top of the plot is the peak's height; the left end of the axis line is at its foot.
		var l layout
		l.Figure, l.frame = f, wide()
		l.measure()
		peak := fmt.Sprintf(" %s", pixels(l.top))
		found := false
		for _, d := range p.paths {
			if strings.Count(d, "L") > 100 {
				found = found || strings.Contains(d+"L", peak+"L") || strings.Contains(d+"M", peak+"M")
			}
		}
		if !found {
			t.Errorf("%s: the peak is gone", style)
		}
	}
}

// TestManyRows: a hundred rows are lower, and of bars that cannot be told apart one is drawn.
func TestManyRows(t *testing.T) {
	var f Figure
	for i := range 100 {
		row := Row{Name: fmt.Sprintf("caller %d", i)}
		for n := range 1000 {
			row.Bars = append(row.Bars, Bar{float64(n), float64(n) + 1, [...]string{"closed", "open"}[n/500], "x"})
		}
		f.Rows = append(f.Rows, row)
	}
	for n := range 20_000 {
		f.Rows[7].Bars = append(f.Rows[7].Bars, Bar{500, 500.0001 + float64(n)*1e-9, "error", ""})
	}
	l := layout{Figure: f, frame: wide()}
	l.measure()
	if l.out.height > 900 || l.rowHeight < 5 {
		t.Errorf("%v high, %v a row", l.out.height, l.rowHeight)
	}
	if p := svgOf(t, f); p.rects < 201 || p.rects > 600 || !strings.Contains(p.text, "caller 0\n") || !strings.Contains(p.text, "error\n") {
		t.Errorf("%d rectangles; texts are %.300s", p.rects, p.text)
	}
}

// TestManyNames: a legend of many series takes several lines, and names of phases that are
// close to each other stand above each other.
func TestManyNames(t *testing.T) {
	f := Figure{Title: "names"}
	for i := range 20 {
		f.Lines = append(f.Lines, Line{fmt.Sprintf("the series with the number %d", i), Curve, []Point{{0, 1}, {100, 1}}})
		f.Phases = append(f.Phases, Phase{float64(5 * i), float64(5*i + 2), fmt.Sprintf("phase %d", i)})
	}
	p := svgOf(t, f)
	texts(t, p.raw, 760)
	for _, line := range f.Lines {
		if !strings.Contains(p.text, line.Name+"\n") {
			t.Errorf("%s is not in the legend", line.Name)
		}
	}
	if n := strings.Count(p.text, "phase "); n < 15 {
		t.Errorf("only %d phases have their name", n)
	}
}

// TestShortBars: what took no time at all is still to be seen.
func TestShortBars(t *testing.T) {
	p := svgOf(t, Figure{Rows: []Row{{"r", []Bar{{0, 100, "ok", ""}, {50, 50, "rejected", ""}}}}})
	if !regexp.MustCompile(`<rect x="[^"]+" y="[^"]+" width="1" height="[^"]+" class="f-refused"`).MatchString(p.raw) {
		t.Error("there is no bar of a pixel's width")
	}
}

// TestStepsHold: a step keeps its value until the next, also where the plot cuts it off.
func TestStepsHold(t *testing.T) {
	f := Figure{X: Axis{Min: 5, Max: 25}, Y: Axis{Min: 0, Max: 10}, Lines: []Line{{"s", Steps, []Point{{0, 2}, {10, 8}, {20, 5}, {30, 5}}}}}
	l := layout{Figure: f, frame: wide()}
	l.measure()
	want := fmt.Sprintf("M%s %sL%s %[2]sL%[3]s %sL%s %[4]sL%[5]s %sL%s %[6]s", pixels(l.px(5)), pixels(l.py(2)), pixels(l.px(10)), pixels(l.py(8)), pixels(l.px(20)), pixels(l.py(5)), pixels(l.px(25)))
	if !slices.Contains(svgOf(t, f).paths, want) {
		t.Errorf("no path is %s", want)
	}
}

// TestGaps: a line ends where a value is missing, and begins anew after it; a point alone
// between two gaps is a dot.
func TestGaps(t *testing.T) {
	gap := math.NaN()
	f := Figure{Lines: []Line{{"s", Steps, []Point{{0, 2}, {1, 2}, {2, gap}, {3, 2}, {4, gap}, {5, 2}, {6, 2}}}}}
	l := layout{Figure: f, frame: wide()}
	l.measure()
	at := func(x float64) string { return pixels(l.px(x)) + " " + pixels(l.py(2)) }
	line, dot := "M"+at(0)+"L"+at(1)+"M"+at(5)+"L"+at(6), "M"+at(3)+"L"+at(3)
	paths := svgOf(t, f).paths
	if !slices.Contains(paths, line) || !slices.Contains(paths, dot) {
		t.Errorf("want %s and %s in\n%s", line, dot, strings.Join(paths, "\n"))
	}
}

// TestBarsStand: bars of several series at one place stand side by side, on the axis.
func TestBarsStand(t *testing.T) {
	f := Figure{Lines: []Line{{"a", Bars, []Point{{1, 5}, {2, 3}}}, {"b", Bars, []Point{{1, 4}, {2, -2}}}}}
	l := layout{Figure: f, frame: wide()}
	l.measure()
	if l.bars.slots != 2 || l.bars.width < 20 {
		t.Errorf("%+v", l.bars)
	}
	p := svgOf(t, f)
	w, zero := l.bars.width, pixels(l.py(0))
	want := fmt.Sprintf("M%s %s", pixels(l.px(1)-w), zero)
	second := fmt.Sprintf("M%s %s", pixels(l.px(1)), zero)
	if !strings.Contains(p.raw, want) || !strings.Contains(p.raw, second) {
		t.Errorf("no bar begins at %s, or none at %s", want, second)
	}
	f.Lines[1].XY = []Point{{3, 4}, {4, 4}}
	l = layout{Figure: f, frame: wide()}
	if l.measure(); l.bars.slots != 1 {
		t.Errorf("bars that do not meet: %+v", l.bars)
	}
}

// TestSeriesDiffer: whatever two series share, they do not share paint and dashes.
func TestSeriesDiffer(t *testing.T) {
	seen := map[string]int{}
	for i := range 40 {
		look := series(i) + " " + dashes(i)
		if j, ok := seen[look]; ok {
			t.Errorf("%d looks like %d", i, j)
		}
		seen[look] = i
	}
	for _, state := range [...]string{"ok", "error", "timeout", "rejected", "canceled", "wait", "closed", "open", "half-open"} {
		if lookOf(state) == lookOf("unknown") {
			t.Errorf("%s has no look of its own", state)
		}
	}
}
