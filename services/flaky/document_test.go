package flaky

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/problem"
)

func TestParseFaults(t *testing.T) {
	for text, want := range map[string]Faults{
		`{}`: {},
		`{"error_rate":0.25,"error_status":500,"latency":{"distribution":"fixed","value":"50ms"},"seed":7}`: {
			ErrorRate: 0.25, ErrorStatus: 500, Seed: 7,
			Latency: &Latency{Distribution: "fixed", Value: Duration(50 * time.Millisecond)},
		},
		`{"error_rate":1}`:              {ErrorRate: 1, ErrorStatus: 503},
		`{"latency":{"value":"1m30s"}}`: {Latency: &Latency{Distribution: "fixed", Value: Duration(90 * time.Second)}},
		"{\t\"error_rate\" : 0 }\n":     {},
	} {
		got, err := ParseFaults([]byte(text))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v; -want +got:\n%s", text, err, diff)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseFaults(again); err != nil || !cmp.Equal(back, got) {
			t.Errorf("%s is written as %s, which reads as %+v, %v", text, again, back, err)
		}
	}
}

func TestParseFaultsListsEveryProblem(t *testing.T) {
	for text, want := range map[string]problem.Fields{
		`{"error_rate":1.5,"error_status":503.5,"seed":0,"eror_rate":1,"latency":{"distribution":"zipf","value":"-1s","p99":1}}`: {
			{Field: "eror_rate", Value: 1.0, Allowed: "absent: the fields here are error_rate, error_status, latency, seed"},
			{Field: "error_rate", Value: 1.5, Allowed: "a number from 0 to 1"},
			{Field: "error_status", Value: 503.5, Allowed: "a whole number from 400 to 599"},
			{Field: "latency.distribution", Value: "zipf", Allowed: `"fixed"`},
			{Field: "latency.p99", Value: 1.0, Allowed: "absent: the fields here are distribution, value"},
			{Field: "latency.value", Value: "-1s", Allowed: `a duration such as "50ms", from 0s to 5m0s`},
			{Field: "seed", Value: 0.0, Allowed: "a whole number from 1 to 9007199254740991"},
		},
		`{"error_rate":"half","latency":"50ms"}`: {
			{Field: "error_rate", Value: "half", Allowed: "a number from 0 to 1"},
			{Field: "latency", Value: "50ms", Allowed: "an object"},
		},
		`{"error_rate":null,"latency":{}}`: {
			{Field: "error_rate", Value: nil, Allowed: "a number from 0 to 1"},
			{Field: "latency.value", Allowed: "given"},
		},
		`{"latency":{"value":50}}`:    {{Field: "latency.value", Value: 50.0, Allowed: `a duration such as "50ms", from 0s to 5m0s`}},
		`[]`:                          {{Field: "document", Value: `[]`, Allowed: "one JSON object"}},
		`null`:                        {{Field: "document", Value: `null`, Allowed: "one JSON object"}},
		``:                            {{Field: "document", Value: ``, Allowed: "one JSON object"}},
		`{"error_rate":1} {"seed":1}`: {{Field: "document", Value: `{"error_rate":1} {"seed":1}`, Allowed: "one JSON object"}},
		`{"error_rate":-0.1,"seed":-1}`: {
			{Field: "error_rate", Value: -0.1, Allowed: "a number from 0 to 1"},
			{Field: "seed", Value: -1.0, Allowed: "a whole number from 1 to 9007199254740991"},
		},
	} {
		got, err := ParseFaults([]byte(text))
		bad, ok := errors.AsType[problem.Fields](err)
		if !ok {
			t.Errorf("%s: error %v", text, err)
		}
		if diff := cmp.Diff(want, bad); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
		if !cmp.Equal(got, Faults{}) {
			t.Errorf("%s: left %+v behind", text, got)
		}
	}
}

func FuzzParseFaults(f *testing.F) {
	for _, seed := range []string{`{}`, `{"error_rate":0.5,"latency":{"value":"1ms"},"seed":9}`, `{"latency":null}`, `{"a":{"b":[]}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		faults, err := ParseFaults(text)
		if err != nil {
			if bad, ok := errors.AsType[problem.Fields](err); !ok || len(bad) == 0 || bad.Error() == "" {
				t.Errorf("%q: error %v has no problem in it", text, err)
			}
			return
		}
		written, err := json.Marshal(faults)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseFaults(written); err != nil || !cmp.Equal(back, faults) {
			t.Errorf("%q reads as %s, which reads as %+v, %v", text, written, back, err)
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
