package flaky

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/document"
	"reliability/internal/problem"
)

// everything is a document with every field in it.
const everything = `{
	"only": "work", "error_rate": 0.25, "error_status": 500, "retry_after": "2s", "after_work": true, "unready": true, "seed": 7,
	"latency": {"distribution": "lognormal", "median": "50ms", "p99": "400ms", "cap": "2s", "rate": 0.5},
	"hang": {"rate": 0.1, "cap": "1m"}, "reset": {"rate": 0.1, "at": "body"},
	"fail_first": {"count": 2, "per": "key"}, "truncate": {"rate": 0.5}, "drip": {"rate": 1, "over": "2s"},
	"crash": {"after": "1s", "exit_code": 3, "back_after": "10s"},
	"capacity": {"workers": 10, "queue": 400, "service_time": {"value": "20ms"}, "discipline": "lifo", "drop_abandoned": true},
	"schedule": [
		{"for": "10s"},
		{"for": "5s", "latency": {"distribution": "uniform", "min": "1ms", "max": "9ms"}},
		{"for": "5s", "latency": {"distribution": "normal", "mean": "50ms", "stddev": "10ms"}, "error_rate": 1}
	]
}`

func ms(n int) *document.Duration {
	d := document.Duration(n) * document.Duration(time.Millisecond)
	return &d
}

// parse reads a document that is right.
func parse(t testing.TB, text string) Document {
	t.Helper()
	d, err := ParseDocument([]byte(text))
	if err != nil {
		t.Fatalf("%s:\n%v", text, err)
	}
	return d
}

func TestParseDocument(t *testing.T) {
	second := document.Duration(time.Second)
	for text, want := range map[string]Document{
		`{}`:                            {},
		"{\t\"error_rate\" : 0 }\n":     {},
		`{"error_rate":1}`:              {Faults: Faults{ErrorRate: 1, ErrorStatus: 503}},
		`{"latency":{"value":"1m30s"}}`: {Faults: Faults{Latency: &Latency{Distribution{Kind: "fixed", Value: ms(90_000)}, 1}}},
		`{"latency":{"value":"0s"}}`:    {Faults: Faults{Latency: &Latency{Distribution{Kind: "fixed", Value: ms(0)}, 1}}},
		`{"hang":{"rate":1},"reset":{"rate":0.5},"fail_first":{"count":1},"crash":{}}`: {Faults: Faults{
			ErrorStatus: 503, Hang: &Hang{1, 300 * second}, Reset: &Reset{0.5, "start"}, FailFirst: &FailFirst{1, "replica"},
			Crash: &Crash{After: *ms(100), ExitCode: 1, BackAfter: 5 * second},
		}},
		`{"schedule":[{"for":"1s"},{"for":"2s","error_rate":1}],"loop":true,"seed":9007199254740991}`: {
			Schedule: []Phase{{For: second}, {2 * second, Faults{ErrorRate: 1, ErrorStatus: 503}}}, Loop: true, Seed: maxSeed,
		},
		everything: {Seed: 7,
			Faults: Faults{
				Only: "work", ErrorRate: 0.25, ErrorStatus: 500, RetryAfter: 2 * second, AfterWork: true, Unready: true,
				Latency: &Latency{Distribution{Kind: "lognormal", Median: ms(50), P99: ms(400), Cap: ms(2000)}, 0.5},
				Hang:    &Hang{0.1, 60 * second}, Reset: &Reset{0.1, "body"}, FailFirst: &FailFirst{2, "key"},
				Truncate: &Truncate{0.5}, Drip: &Drip{1, 2 * second}, Crash: &Crash{second, 3, 10 * second},
				Capacity: &Capacity{10, 400, Distribution{Kind: "fixed", Value: ms(20)}, "lifo", true},
			},
			Schedule: []Phase{
				{For: 10 * second},
				{5 * second, Faults{Latency: &Latency{Distribution{Kind: "uniform", Min: ms(1), Max: ms(9)}, 1}}},
				{5 * second, Faults{Latency: &Latency{Distribution{Kind: "normal", Mean: ms(50), StdDev: ms(10)}, 1}, ErrorRate: 1, ErrorStatus: 503}},
			},
		},
	} {
		got := parse(t, text)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseDocument(again); err != nil || !cmp.Equal(back, got) {
			t.Errorf("%s is written as %s, which reads as %+v, %v", text, again, back, err)
		}
	}
}

func TestParseDocumentListsEveryProblem(t *testing.T) {
	for text, want := range map[string]string{
		`{"error_rate":1.5,"error_status":503.5,"seed":0,"retry_after":"1500ms","hang":{"cap":"1h"},"unready":"yes"}`: `error_rate is 1.5: must be a number from 0 to 1
error_status is 503.5: must be a whole number from 400 to 599
hang.cap is 1h: must be a duration such as "50ms", from 1ms to 5m0s
retry_after is 1500ms: must be a whole number of seconds such as "2s", from 0s to 1h
seed is 0: must be a whole number from 1 to 9007199254740991
unready is yes: must be true or false`,
		`{"latency":{"distribution":"zipf","value":"-1s","p99th":1}}`: `latency.distribution is zipf: must be "fixed", "uniform", "normal" or "lognormal"
latency.p99th is 1: must be absent: the fields here are cap, distribution, max, mean, median, min, p99, rate, stddev, value
latency.value is -1s: must be a duration such as "50ms", from 0s to 5m0s`,
		`{"schedule":[{"for":"1s"},{"latency":{"distribution":"lognormal","median":"50ms","p99":"5ms"}},7,{"for":"0s"}]}`: `schedule[1].latency.p99 is 5ms: must be at least median, which is 50ms
schedule[2] is 7: must be an object
schedule[3].for is 0s: must be a duration such as "50ms", from 1ms to 24h0m0s`,
		`{"schedule":[{"error_rate":1}]}`:                                           `schedule[0].for: must be given`,
		`{"schedule":[{"for":"1s","crash":{"after":"1s"}}]}`:                        `schedule[0].crash.after: must be below the phase's own time, 1s`,
		`{"latency":{"distribution":"uniform","value":"1s","min":"2s","max":"1s"}}`: `latency.max is 1s: must be at least min, which is 2s` + "\n" + `latency.value is 1s: must be absent: the parameters of uniform are max and min`,
		`{"latency":{"distribution":"normal"}}`:                                     "latency.mean: must be given\nlatency.stddev: must be given",
		`{"latency":{"distribution":"lognormal","median":"0s","p99":"1s"}}`:         `latency.median is 0s: must be above 0s`,
		`{"latency":{}}`:             `latency.value: must be given`,
		`{"latency":null}`:           `latency is null: must be an object`,
		`{"capacity":{"workers":0}}`: `capacity.workers is 0: must be a whole number from 1 to 10000`,
		`{"capacity":{"workers":1}}`: `capacity.service_time: must be given`,
		`{"capacity":{"workers":1,"service_time":{"distribution":"uniform","min":"1ms"}}}`: `capacity.service_time.max: must be given`,
		`{"loop":true}`: `loop is true: must be absent where there is no schedule`,
		`{"loop":true,"error_rate":1,"schedule":[{"for":"1s"}]}`:                  `loop is true: must be absent: a schedule in a loop never comes to the faults outside it`,
		`{"error_rate":0,"error_rate":1}`:                                         `error_rate: must be there once: it was given twice`,
		`{"hang":{"rate":0,"rate":1}}`:                                            `hang.rate: must be there once: it was given twice`,
		`{"schedule":{}}`:                                                         `schedule is {}: must be an array of at most 100 phases`,
		`{"schedule":[` + strings.Repeat(`{"for":"1s"},`, 100) + `{"for":"1s"}]}`: `schedule is [{"for":"1s"},{"for":"1s"},{"for":"1s"},{"for":"1s"},{"for":"1s"},{"for":"1s"},{"for":"1s"},{"for":"1s"},{"for":"1s"},{"for":"1s"},{"for":"1s"},{"for":"1s"},{"for":"1s"},{"for":"1s"},{"for":"1s"},{"fo… (1314 bytes): must be an array of at most 100 phases`,
		`[]`:                          `document is []: must be one JSON object`,
		`null`:                        `document is null: must be one JSON object`,
		``:                            `document is : must be one JSON object`,
		`{"error_rate":1} {"seed":1}`: `document is {"error_rate":1} {"seed":1}: must be one JSON object`,
		`{"error_rate":1`:             `document is {"error_rate":1: must be one JSON object`,
	} {
		got, err := ParseDocument([]byte(text))
		bad, ok := errors.AsType[problem.Fields](err)
		if !ok {
			t.Errorf("%s: error %v", text, err)
			continue
		}
		lines := strings.Split(bad.Error(), "\n")
		for line := range strings.SplitSeq(want, "\n") {
			if !strings.Contains("\n"+bad.Error()+"\n", "\n"+line+"\n") {
				t.Errorf("%s: not said: %s\nin\n%v", text, line, bad)
			}
		}
		if len(lines) != len(strings.Split(want, "\n")) {
			t.Errorf("%s: said\n%v\nwant\n%s", text, bad, want)
		}
		if !cmp.Equal(got, Document{}) {
			t.Errorf("%s: left %+v behind", text, got)
		}
	}
}

func TestHealthy(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`: true, `{"error_status":500,"retry_after":"1s","after_work":true,"seed":1}`: true, `{"latency":{"value":"0s"}}`: true,
		`{"latency":{"value":"1s","rate":0},"hang":{"rate":0},"reset":{"rate":0},"truncate":{"rate":0},"drip":{"rate":0,"over":"1s"}}`: true,
		`{"schedule":[{"for":"1s"}]}`: true, `{"schedule":[{"for":"1s"},{"for":"1s","error_rate":0.1}]}`: false,
		`{"error_rate":0.1}`: false, `{"latency":{"value":"1ms"}}`: false, `{"hang":{"rate":0.1}}`: false, `{"reset":{"rate":0.1}}`: false,
		`{"truncate":{"rate":0.1}}`: false, `{"drip":{"rate":0.1,"over":"1s"}}`: false, `{"fail_first":{"count":1}}`: false,
		`{"capacity":{"workers":1,"service_time":{"value":"0s"}}}`: false, `{"unready":true}`: false, `{"crash":{}}`: false,
	} {
		d := parse(t, text)
		if got := d.Healthy(0); got != want {
			t.Errorf("%s: healthy %v", text, got)
		}
	}
	once, loop := parse(t, `{"schedule":[{"for":"1s","error_rate":1},{"for":"1s"}]}`), parse(t, `{"schedule":[{"for":"1s","error_rate":1},{"for":"1s"}],"loop":true}`)
	if once.Healthy(time.Second-1) || !once.Healthy(time.Second) || loop.Healthy(time.Second) {
		t.Error("what a schedule has behind it is not what is to come")
	}
}

func FuzzParseDocument(f *testing.F) {
	for _, seed := range []string{`{}`, everything, `{"latency":null}`, `{"a":{"b":[]}}`, `{"loop":true,"schedule":[{"for":"1ms","crash":{"after":"0s"}}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := ParseDocument(text)
		if err != nil {
			if bad, ok := errors.AsType[problem.Fields](err); !ok || len(bad) == 0 || bad.Error() == "" {
				t.Errorf("%q: error %v has no problem in it", text, err)
			}
			return
		}
		written, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseDocument(written); err != nil || !cmp.Equal(back, d) {
			t.Errorf("%q reads as %s, which reads as %+v, %v", text, written, back, err)
		}
		// What is accepted can be in force, at any time.
		for _, elapsed := range []time.Duration{0, 1, time.Second, 1000 * time.Hour} {
			e := d.episodeAt(elapsed)
			if e.begins > elapsed || e.ends > 0 && e.ends <= elapsed {
				t.Errorf("%q: at %v the episode is from %v to %v", text, elapsed, e.begins, e.ends)
			}
			if from, to, crash := d.outageAt(elapsed); crash != nil && (from >= to || to <= elapsed) {
				t.Errorf("%q: at %v the next outage is from %v to %v", text, elapsed, from, to)
			}
			got := e.decide(7, request{arrival: 1})
			if got.latency < 0 || got.latency > maxWait {
				t.Errorf("%q: decided %+v", text, got)
			}
			if c := e.faults.Capacity; c != nil {
				if service := c.ServiceTime.at(got.served); service < 0 || service > maxWait {
					t.Errorf("%q: works for %v", text, service)
				}
			}
		}
	})
}

func TestLoadConfig(t *testing.T) {
	_, err := LoadConfig([]string{`FLAKY_FAULTS={"error_rate":2,"latency":{}}`, "FLAKY_DRAIN=soon", "FLAKY_ADDR=8081", "FLAKY_FAULT={}"})
	if err == nil {
		t.Fatal("accepted")
	}
	got := strings.Split(err.Error(), "\n")
	want := []string{
		"FLAKY_FAULTS: error_rate is 2: must be a number from 0 to 1",
		"FLAKY_FAULTS: latency.value: must be given",
		`FLAKY_DRAIN is "soon": must be a duration from 0s to 1m`,
		`FLAKY_ADDR is "8081": must be host:port, or :port for every interface; port 0 is any that is free`,
		`FLAKY_FAULT is "{}": must be absent: there is no such variable`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	cfg, err := LoadConfig([]string{`FLAKY_FAULTS={"error_rate":1}`, "FLAKY_ADDR=:80", "PATH=/bin"})
	if err != nil || cfg.Faults.ErrorRate != 1 || cfg.Faults.ErrorStatus != 503 || cfg.Addr != ":80" || cfg.Drain != 3*time.Second {
		t.Errorf("%+v, %v", cfg, err)
	}
}
