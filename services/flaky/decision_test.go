package flaky

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/stat/distuv"
)

// alpha is the chance that an honest fault is called a liar. The seeds are fixed, so that
// a test passes always or never.
const alpha = 1e-6

// binomial reports how improbable so many hits are, both ways.
func binomial(t *testing.T, what string, hits, n int, rate float64) {
	t.Helper()
	if rate == 0 || rate == 1 {
		if float64(hits) != rate*float64(n) {
			t.Errorf("%s: %d of %d", what, hits, n)
		}
		return
	}
	b := distuv.Binomial{N: float64(n), P: rate}
	if below, above := b.CDF(float64(hits)), 1-b.CDF(float64(hits-1)); below < alpha/2 || above < alpha/2 {
		t.Errorf("%s: %d of %d hits; P(≤) = %.2g, P(≥) = %.2g", what, hits, n, below, above)
	}
}

func TestRatesAreHonest(t *testing.T) {
	const n, seed = 20_000, 42
	requests := map[string]func(i int) request{
		"by arrival": func(i int) request { return request{arrival: uint64(i)} },
		"by call":    func(i int) request { return request{call: fmt.Sprintf("call-%d", i), attempt: "1"} },
		"by attempt": func(i int) request { return request{call: "one call", attempt: fmt.Sprint(i)} },
	}
	faults := map[string]struct {
		document string
		hit      func(decision) bool
	}{
		"error":    {`{"error_rate":%v}`, func(d decision) bool { return d.ending == faultError }},
		"hang":     {`{"hang":{"rate":%v}}`, func(d decision) bool { return d.ending == faultHang }},
		"reset":    {`{"reset":{"rate":%v}}`, func(d decision) bool { return d.ending == faultReset }},
		"truncate": {`{"truncate":{"rate":%v}}`, func(d decision) bool { return d.truncate }},
		"drip":     {`{"drip":{"rate":%v,"over":"1s"}}`, func(d decision) bool { return d.drip }},
		"latency":  {`{"latency":{"rate":%v,"value":"1s"}}`, func(d decision) bool { return d.latency == time.Second }},
	}
	for _, rate := range []float64{0, 0.001, 0.1, 0.5, 0.9, 1} {
		for by, request := range requests {
			for fault, f := range faults {
				d := parse(t, fmt.Sprintf(f.document, rate))
				e, hits := d.episodeAt(0), 0
				for i := range n {
					if f.hit(e.decide(seed, request(i))) {
						hits++
					}
				}
				binomial(t, fmt.Sprintf("%s at %v %s, seed %d", fault, rate, by, seed), hits, n, rate)
			}
		}
	}
}

// TestDrawsAreIndependent: whom one fault meets says nothing of whom another one does, so
// that of two at rate 0.5 both meet a quarter. Nor do the attempts of one call, or seeds.
func TestDrawsAreIndependent(t *testing.T) {
	const n, seed = 20_000, 7
	both := map[string]func(i int) bool{
		"two faults": func(i int) bool {
			r := request{arrival: uint64(i)}
			return r.draw(seed, faultError) < 0.5 && r.draw(seed, faultTruncate) < 0.5
		},
		"two attempts": func(i int) bool {
			c := fmt.Sprint("call-", i)
			return request{call: c, attempt: "1"}.draw(seed, faultError) < 0.5 && request{call: c, attempt: "2"}.draw(seed, faultError) < 0.5
		},
		"two seeds": func(i int) bool {
			r := request{arrival: uint64(i)}
			return r.draw(seed, faultError) < 0.5 && r.draw(seed+1, faultError) < 0.5
		},
		"neighbours": func(i int) bool {
			return request{arrival: uint64(2 * i)}.draw(seed, faultError) < 0.5 && request{arrival: uint64(2*i + 1)}.draw(seed, faultError) < 0.5
		},
	}
	for what, hit := range both {
		hits := 0
		for i := range n {
			if hit(i) {
				hits++
			}
		}
		binomial(t, what, hits, n, 0.25)
	}
}

// TestSameSeedSameDecisions, in whatever order and on however many goroutines; and
// switching a fault on does not change whom the others meet.
func TestSameSeedSameDecisions(t *testing.T) {
	const n = 2000
	d := parse(t, `{"error_rate":0.3,"hang":{"rate":0.1},"latency":{"distribution":"lognormal","median":"50ms","p99":"1s","rate":0.5},"truncate":{"rate":0.2}}`)
	var requests []request
	for i := range n {
		requests = append(requests, request{arrival: uint64(i)}, request{call: fmt.Sprint(i), attempt: "2", arrival: rand.Uint64()})
	}
	decide := func(d Document, order []int) []string {
		e := d.episodeAt(0)
		got := make([]string, len(requests))
		var all sync.WaitGroup
		for g := range 8 {
			all.Go(func() {
				for i := g; i < len(order); i += 8 {
					x := e.decide(5, requests[order[i]])
					got[order[i]] = fmt.Sprint(x.ending, x.latency, x.truncate)
				}
			})
		}
		all.Wait()
		return got
	}
	order := make([]int, len(requests))
	for i := range order {
		order[i] = i
	}
	first := decide(d, order)
	for i := 1; i < len(requests); i += 2 {
		requests[i].arrival++ // a call that says who it is may arrive whenever it likes
	}
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	if diff := cmp.Diff(first, decide(d, order)); diff != "" {
		t.Errorf("the second time, -want +got:\n%s", diff)
	}
	d.Drip, d.Capacity, d.RetryAfter = &Drip{1, *ms(10)}, &Capacity{Workers: 1, ServiceTime: Distribution{Kind: "fixed", Value: ms(1)}}, *ms(1000)
	if diff := cmp.Diff(first, decide(d, order)); diff != "" {
		t.Errorf("with two more faults, -want +got:\n%s", diff)
	}
}

// TestEndingsAreDecidedInOrder: with all at once the first one wins.
func TestEndingsAreDecidedInOrder(t *testing.T) {
	d := parse(t, `{"error_rate":1,"fail_first":{"count":1},"hang":{"rate":1},"reset":{"rate":1}}`)
	for _, want := range []string{faultReset, faultHang, faultFailFirst, faultError} {
		if got := d.episodeAt(0).decide(1, request{}).ending; got != want {
			t.Errorf("%q; want %q", got, want)
		}
		switch want {
		case faultReset:
			d.Reset = nil
		case faultHang:
			d.Hang = nil
		case faultFailFirst:
			d.FailFirst = nil
		}
	}
}

// kolmogorovSmirnov compares a sample with a distribution. By the inequality of Dvoretzky,
// Kiefer and Wolfowitz with Massart's constant, an honest sample exceeds the limit with a
// chance of at most alpha, whatever its size.
func kolmogorovSmirnov(t *testing.T, what string, sample []float64, cdf func(float64) float64) {
	t.Helper()
	slices.Sort(sample)
	n := float64(len(sample))
	worst := 0.0
	for i, x := range sample {
		p := cdf(x)
		worst = max(worst, p-float64(i)/n, float64(i+1)/n-p)
	}
	if limit := math.Sqrt(math.Log(2/alpha) / 2 / n); worst > limit {
		t.Errorf("%s: D = %.4f of %d; at most %.4f", what, worst, len(sample), limit)
	}
}

// distributions are what the documents say, by textbook formulas of gonum's.
var distributions = [...]struct {
	document string
	cdf      func(seconds float64) float64
}{
	{`{"distribution":"uniform","min":"20ms","max":"80ms"}`, distuv.Uniform{Min: 0.02, Max: 0.08}.CDF},
	{`{"distribution":"normal","mean":"50ms","stddev":"10ms"}`, distuv.Normal{Mu: 0.05, Sigma: 0.01}.CDF},
	{`{"distribution":"normal","mean":"10ms","stddev":"20ms"}`, func(x float64) float64 { // cut at 0
		n := distuv.Normal{Mu: 0.01, Sigma: 0.02}
		return max(0, (n.CDF(x)-n.CDF(0))/(1-n.CDF(0)))
	}},
	{`{"distribution":"lognormal","median":"50ms","p99":"400ms"}`,
		distuv.LogNormal{Mu: math.Log(0.05), Sigma: math.Log(8) / distuv.UnitNormal.Quantile(0.99)}.CDF},
}

func TestLatenciesFollowTheirDistribution(t *testing.T) {
	const n, seed = 20_000, 11
	for _, c := range distributions {
		d := parse(t, `{"latency":`+c.document+`}`)
		e, sample := d.episodeAt(0), make([]float64, n)
		for i := range sample {
			sample[i] = e.decide(seed, request{arrival: uint64(i)}).latency.Seconds()
		}
		kolmogorovSmirnov(t, fmt.Sprintf("%s, seed %d", c.document, seed), sample, c.cdf)
	}
	// A cap is where all longer ones end, and changes no other.
	with, without := parse(t, `{"latency":{"distribution":"lognormal","median":"50ms","p99":"400ms","cap":"100ms"}}`), parse(t, `{"latency":`+distributions[3].document+`}`)
	capped := 0
	for i := range n {
		r := request{arrival: uint64(i)}
		got, want := with.episodeAt(0).decide(seed, r).latency, without.episodeAt(0).decide(seed, r).latency
		if want > 100*time.Millisecond {
			capped++
			want = 100 * time.Millisecond
		}
		if got != want {
			t.Fatalf("with a cap %v; want %v", got, want)
		}
	}
	binomial(t, "above the cap", capped, n, 1-distributions[3].cdf(0.1))
}

func TestFailFirst(t *testing.T) {
	hits := func(per string, requests ...request) (got []bool) {
		e := &episode{faults: &Faults{FailFirst: &FailFirst{Count: 2, Per: per}, ErrorStatus: 503}}
		for _, r := range requests {
			got = append(got, e.decide(1, r).ending == faultFailFirst)
		}
		return got
	}
	a, b, none := request{call: "a", key: "k"}, request{call: "b", key: "l"}, request{}
	a1, a2, a3 := request{call: "a", attempt: "1"}, request{call: "a", attempt: "2"}, request{call: "a", attempt: "3"}
	for _, c := range []struct {
		per      string
		requests []request
		want     []bool
	}{
		{perReplica, []request{a, b, a, none}, []bool{true, true, false, false}},
		{perCall, []request{a, b, a, a, b, b}, []bool{true, true, true, false, true, false}},
		{perCall, []request{none, none, none, a}, []bool{true, true, false, true}},
		{perCall, []request{a3, a2, a1, a1}, []bool{false, true, true, true}}, // the attempts say which they are
		{perKey, []request{a, b, a, a, b, b}, []bool{true, true, true, false, true, false}},
		{perKey, []request{a1, a1, a1}, []bool{true, true, false}}, // without a key
	} {
		if got := hits(c.per, c.requests...); !slices.Equal(got, c.want) {
			t.Errorf("per %s, %+v: %v; want %v", c.per, c.requests, got, c.want)
		}
	}
	// What is counted is bounded.
	e := &episode{faults: &Faults{FailFirst: &FailFirst{Count: 1, Per: perKey}}}
	for i := range 3 * maxFailing {
		e.decide(1, request{key: fmt.Sprint(i)})
	}
	if len(e.failing.count) != maxFailing || len(e.failing.order) != maxFailing {
		t.Errorf("%d keys are counted", len(e.failing.count))
	}
	if e.decide(1, request{key: fmt.Sprint(3*maxFailing - 1)}).ending != "" || e.decide(1, request{key: "0"}).ending == "" {
		t.Error("not the oldest was forgotten")
	}
}
