package caller

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/problem"
)

// asked remembers by which call and attempt each request came.
type asked struct {
	mu  sync.Mutex // protects ids
	ids []string
}

func (a *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids = append(a.ids, r.Header.Get("X-Call-Id")+" "+r.Header.Get("X-Attempt"))
	w.WriteHeader(http.StatusServiceUnavailable)
}

// take returns what came since it was last asked.
func (a *asked) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	ids := a.ids
	a.ids = nil
	return ids
}

// TestAClientMayNameItsCall: upstream knows it by that name, and so does the answer.
func TestAClientMayNameItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, `CALLER_POLICY={"order":["retry"],"retry":{"max_attempts":2}}`)
		var upstream asked
		w.serve("upstream.test:80", upstream.ServeHTTP)
		most := strings.Repeat("x", 198)
		for _, c := range []struct {
			id, attempt string
			want        string
		}{
			{"order-7", "", "order-7"},
			{"order-7", "2", "order-7.2"},
			{"!~", "1000", "!~.1000"},
			{most + "yz", "", most + "yz"},
			{most, "1", most + ".1"},
		} {
			for _, route := range []string{"GET /call", "POST /orders", "POST /charges"} {
				method, path, _ := strings.Cut(route, " ")
				body, headers := "", []string{"X-Call-Id", c.id, "Idempotency-Key", "key"}
				if c.attempt != "" {
					headers = append(headers, "X-Attempt", c.attempt)
				}
				if method == "POST" {
					body = `{"order":"A-1","amount":1}`
				}
				var a failure
				w.ask(method, path, body, &a, headers...)
				if diff := cmp.Diff([]string{c.want + " 1", c.want + " 2"}, upstream.take()); diff != "" || a.CallID != c.want {
					t.Errorf("%s as %q, attempt %q: the answer says %q; -want +got:\n%s", route, c.id, c.attempt, a.CallID, diff)
				}
			}
		}
	})
}

// TestACallWithoutAName: an attempt alone says nothing, and the answer has no name of
// caller's own making.
func TestACallWithoutAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		var upstream asked
		w.serve("upstream.test:80", upstream.ServeHTTP)
		for _, headers := range [][]string{nil, {"X-Attempt", "3"}} {
			a := w.call("", headers...)
			if ids := upstream.take(); a.CallID != "" || len(ids) != 2 || !strings.HasPrefix(ids[0], a.TraceID+"-") || !strings.HasSuffix(ids[1], " 2") {
				t.Errorf("with %v: %q, and upstream is asked by %v", headers, a.CallID, ids)
			}
		}
	})
}

// TestALongNameStaysOne: with the attempt it is too long to be passed on. What is, is as
// long as it may be, the same each time, and different for each name and attempt.
func TestALongNameStaysOne(t *testing.T) {
	long := strings.Repeat("x", 199)
	seen := map[string]bool{}
	for _, w := range []wish{
		{callID: long + "a", attempt: 1}, {callID: long + "a", attempt: 2}, {callID: long + "b", attempt: 1}, {callID: long, attempt: 1}, {callID: long, attempt: 12},
	} {
		id := w.identity()
		if !nameable(id) || len(id) != 200 || !strings.HasPrefix(id, long[:150]) || seen[id] || id != w.identity() {
			t.Errorf("%q, attempt %d: %q of %d characters", w.callID, w.attempt, id, len(id))
		}
		seen[id] = true
	}
}

func TestNamesThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		var upstream asked
		w.serve("upstream.test:80", upstream.ServeHTTP)
		const name, number = "given once, as 1 to 200 printable ASCII characters, none a space", "a whole number from 1 to 1000"
		for _, c := range []struct {
			header  string
			values  []string
			value   string
			allowed string
		}{
			{"X-Call-Id", []string{""}, "", name},
			{"X-Call-Id", []string{"two words"}, "two words", name},
			{"X-Call-Id", []string{"a", "b"}, "a, b", name},
			{"X-Call-Id", []string{"größe"}, "größe", name},
			{"X-Call-Id", []string{strings.Repeat("x", 201)}, strings.Repeat("x", 100), name},
			{"X-Attempt", []string{"0"}, "0", number},
			{"X-Attempt", []string{"1001"}, "1001", number},
			{"X-Attempt", []string{"first"}, "first", number},
			{"X-Attempt", []string{"-1"}, "-1", number},
			{"X-Attempt", []string{"1", "2"}, "1, 2", number},
		} {
			for _, route := range []string{"GET /call", "POST /orders", "POST /charges"} {
				method, path, _ := strings.Cut(route, " ")
				req := w.request(method, path, `{"order":"A-1","amount":1}`)
				req.Header[c.header] = c.values
				res, body := w.do(req)
				var d problem.Document
				decode(t, body, &d)
				want := []problem.Field{{Field: c.header, Value: c.value, Allowed: c.allowed}}
				if diff := cmp.Diff(want, d.Errors); diff != "" || res.StatusCode != http.StatusBadRequest {
					t.Errorf("%s with %s %q: %s; -want +got:\n%s", route, c.header, c.values, res.Status, diff)
				}
			}
		}
		if ids := upstream.take(); len(ids) != 0 {
			t.Errorf("upstream was asked all the same: %v", ids)
		}
	})
}

// TestEachAttemptFurtherOutIsACallOfItsOwn: of two callers in a row both retry, and what
// is behind them can tell all four attempts apart.
func TestEachAttemptFurtherOutIsACallOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		var upstream asked
		w.serve("upstream.test:80", upstream.ServeHTTP)
		cfg, err := LoadConfig([]string{
			"CALLER_ADDR=outer.test:80", "CALLER_ADMIN_ADDR=outer.test:90", "CALLER_NAME=outer", "CALLER_UPSTREAM_URL=http://caller.test/call", "CALLER_DRAIN=0s",
			`CALLER_POLICY={"order":["retry"],"retry":{"max_attempts":2,"base":"100ms","exclusive":false}}`,
		})
		if err != nil {
			t.Fatal(err)
		}
		w.start(cfg, w.tel)
		req := w.request("GET", "/call", "")
		req.URL.Host = "outer.test"
		req.Header.Set("X-Call-Id", "order-7")
		_, body := w.do(req)
		var a failure
		decode(t, body, &a)
		want := []string{"order-7.1 1", "order-7.1 2", "order-7.2 1", "order-7.2 2"}
		if diff := cmp.Diff(want, upstream.take()); diff != "" || a.CallID != "order-7" || len(a.Attempts) != 2 {
			t.Errorf("the outer one answers as %q after %d attempts; -want +got:\n%s", a.CallID, len(a.Attempts), diff)
		}
	})
}

// delays are when the attempts of some calls began, in a world of its own.
func delays(t *testing.T, policy string, ids ...string) (starts []float64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := run(t, `CALLER_POLICY={"order":["retry"],"retry":{"max_attempts":4,"base":"1s","max":"10s",`+policy+`}}`)
		w.serve("upstream.test:80", failing)
		for _, id := range ids {
			a := w.call("", "X-Call-Id", id)
			for _, attempt := range a.Attempts[1:] {
				starts = append(starts, attempt.StartMS)
			}
		}
	})
	return starts
}

// TestASeedRepeatsTheBackOff, for every kind of jitter and in whatever order the calls
// come; another call or another seed has other delays, and without one no two runs agree.
func TestASeedRepeatsTheBackOff(t *testing.T) {
	for _, jitter := range []string{"full", "equal", "decorrelated"} {
		policy := func(seed int) string { return fmt.Sprintf(`"jitter":%q,"seed":%d`, jitter, seed) }
		first := delays(t, policy(7), "a", "b")
		if len(first) != 6 {
			t.Fatalf("%s: %v", jitter, first)
		}
		again := delays(t, policy(7), "b", "a")
		if diff := cmp.Diff(first, slices.Concat(again[3:], again[:3])); diff != "" {
			t.Errorf("%s: the second time, -first +second:\n%s", jitter, diff)
		}
		if first[0] == first[3] {
			t.Errorf("%s: two calls have the same delay: %v", jitter, first)
		}
		if other := delays(t, policy(8), "a"); other[0] == first[0] {
			t.Errorf("%s: another seed, and the same delay: %v", jitter, other)
		}
		if one, two := delays(t, policy(0), "a"), delays(t, policy(0), "a"); one[0] == two[0] {
			t.Errorf("%s: without a seed twice the same delay: %v", jitter, one)
		}
	}
}

// TestSeededBackOffIsUniform, over calls and over attempts: by the inequality of
// Dvoretzky, Kiefer and Wolfowitz with Massart's constant an honest sample exceeds the
// limit with a chance of at most alpha.
func TestSeededBackOffIsUniform(t *testing.T) {
	const n, alpha = 20_000, 1e-6
	random := seeded(42)
	for what, draw := range map[string]func(i int) (call string, attempt int){
		"calls":    func(i int) (string, int) { return fmt.Sprint("call-", i), 1 },
		"attempts": func(i int) (string, int) { return fmt.Sprint("call-", i/4), 1 + i%4 },
	} {
		sample := make([]float64, n)
		for i := range sample {
			call, attempt := draw(i)
			ctx, _ := newRecord(t.Context(), call)
			sample[i] = random(ctx, attempt)
		}
		slices.Sort(sample)
		worst := 0.0
		for i, x := range sample {
			worst = max(worst, x-float64(i)/n, float64(i+1)/n-x)
		}
		if limit := math.Sqrt(math.Log(2/alpha) / 2 / n); worst > limit || sample[0] < 0 || sample[n-1] >= 1 {
			t.Errorf("%s: the distance from uniform is %.4f; at most %.4f", what, worst, limit)
		}
		if different := len(slices.Compact(sample)); different != n {
			t.Errorf("%s: only %d of %d numbers are different", what, different, n)
		}
	}
}

// TestThePolicysSeed: put, kept by a patch of something else, patched, taken away.
func TestThePolicysSeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, `CALLER_POLICY={"retry":{"seed":5}}`)
		for _, c := range []struct {
			method, body string
			want         uint64
		}{
			{"GET", "", 5},
			{"PUT", `{"retry":{"seed":9007199254740991}}`, 1<<53 - 1},
			{"PATCH", `{"retry":{"max_attempts":3}}`, 1<<53 - 1},
			{"PATCH", `{"retry":{"seed":8}}`, 8},
			{"PATCH", `{"retry":{"seed":null}}`, 0},
			{"DELETE", "", 5},
		} {
			var a PolicyAnswer
			if status := w.ask(c.method, "/api/policy", c.body, &a); status != http.StatusOK || a.Policy.Retry.Seed != c.want {
				t.Errorf("%s %s: %d with seed %d; want %d", c.method, c.body, status, a.Policy.Retry.Seed, c.want)
			}
		}
	})
	for _, seed := range []string{"-1", "9007199254740992", "0.5", `"1"`} {
		_, err := ParsePolicy([]byte(`{"retry":{"seed":` + seed + `}}`))
		if err == nil || !strings.HasPrefix(err.Error(), "retry.seed is ") || !strings.HasSuffix(err.Error(), "a whole number from 0 to 9007199254740991") {
			t.Errorf("%s: %v", seed, err)
		}
	}
}
