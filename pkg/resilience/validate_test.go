package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"reliability/pkg/resilience"
)

// complaints are the fields that an error names, each once, without the type's name.
func complaints(err error) []string {
	var fields []string
	var walk func(error)
	walk = func(err error) {
		switch e := err.(type) {
		case *resilience.FieldError:
			name := e.Field[strings.Index(e.Field, ".")+1:]
			if !slices.Contains(fields, name) {
				fields = append(fields, name)
			}
		case interface{ Unwrap() []error }:
			for _, inner := range e.Unwrap() {
				walk(inner)
			}
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		}
	}
	walk(err)
	return fields
}

type validator interface{ Validate() error }

// A fieldCase tries values of one field that are accepted, and values that are not.
type fieldCase[C validator] func(t *testing.T, base C)

type (
	ints      = []int
	floats    = []float64
	durations = []time.Duration
)

func of[C validator, T any](field string, set func(*C, T), good, bad []T) fieldCase[C] {
	return func(t *testing.T, base C) {
		t.Helper()
		for _, v := range good {
			cfg := base
			set(&cfg, v)
			if err := cfg.Validate(); err != nil {
				t.Errorf("%T.%s = %v is refused: %v", cfg, field, v, err)
			}
		}
		for _, v := range bad {
			cfg := base
			set(&cfg, v)
			if got := complaints(cfg.Validate()); !slices.Equal(got, []string{field}) {
				t.Errorf("%T.%s = %v: complaints about %v", cfg, field, v, got)
			}
		}
	}
}

func checkFields[C validator](t *testing.T, base C, cases ...fieldCase[C]) {
	t.Helper()
	if err := base.Validate(); err != nil {
		t.Fatalf("what all cases begin with is refused: %v", err)
	}
	for _, check := range cases {
		check(t, base)
	}
}

const day = 24 * time.Hour

func TestRetryConfigFields(t *testing.T) {
	type C = resilience.RetryConfig
	checkFields(t, C{},
		of("MaxAttempts", func(c *C, v int) { c.MaxAttempts = v }, ints{0, 1, 100}, ints{-1, 101, math.MinInt}),
		of("Base", func(c *C, v time.Duration) { c.Base = v }, durations{0, 1, day}, durations{-1, day + 1, math.MinInt64}),
		of("Max", func(c *C, v time.Duration) { c.Max = v }, durations{0, 1, day}, durations{-1, day + 1}),
		of("Max", func(c *C, v time.Duration) { c.Base, c.Max = time.Second, v }, durations{0, time.Second}, durations{time.Second - 1}),
		of("Multiplier", func(c *C, v float64) { c.Multiplier = v }, floats{0, 1, 1.5, 100}, floats{0.999, 100.1, -1, math.NaN(), math.Inf(1), math.Inf(-1), math.SmallestNonzeroFloat64}),
		of("Jitter", func(c *C, v resilience.Jitter) { c.Jitter = v }, []resilience.Jitter{resilience.JitterFull, resilience.JitterDecorrelated}, []resilience.Jitter{resilience.JitterDecorrelated + 1, 255}),
		of("MaxElapsed", func(c *C, v time.Duration) { c.MaxElapsed = v }, durations{0, 1, math.MaxInt64}, durations{-1}),
		of("MaxRetryAfter", func(c *C, v time.Duration) { c.MaxRetryAfter = v }, durations{0, 1, day}, durations{-1, day + 1}),
	)
}

func TestOtherConfigFields(t *testing.T) {
	type budget = resilience.RetryBudgetConfig
	checkFields(t, budget{},
		of("Burst", func(c *budget, v int) { c.Burst = v }, ints{0, 1, 1_000_000}, ints{-1, 1_000_001}),
		of("Ratio", func(c *budget, v float64) { c.Ratio = v }, floats{0, 1e-9, 1}, floats{-1e-9, 1.0000001, math.NaN(), math.Inf(1), math.Inf(-1)}),
	)
	type timeout = resilience.TimeoutConfig
	checkFields(t, timeout{Limit: 1},
		of("Limit", func(c *timeout, v time.Duration) { c.Limit = v }, durations{1, math.MaxInt64}, durations{0, -1}),
	)
	type slots = resilience.CompartmentConfig
	checkFields(t, slots{MaxConcurrent: 1},
		of("MaxConcurrent", func(c *slots, v int) { c.MaxConcurrent = v }, ints{1, math.MaxInt32}, ints{0, -1, math.MaxInt32 + 1}),
		of("MaxQueue", func(c *slots, v int) { c.MaxQueue = v }, ints{0, 1, math.MaxInt32}, ints{-1, math.MaxInt32 + 1}),
		of("MaxWait", func(c *slots, v time.Duration) { c.MaxQueue, c.MaxWait = 1, v }, durations{0, 1, day}, durations{-1, day + 1}),
		of("MaxWait", func(c *slots, v time.Duration) { c.MaxWait = v }, durations{0}, durations{1}),
	)
	type rate = resilience.RateLimitConfig
	checkFields(t, rate{Limiter: allow(1)},
		of("Limiter", func(c *rate, _ int) { c.Limiter = nil }, nil, ints{0}),
	)
	type fallback = resilience.FallbackConfig
	checkFields(t, fallback{Answer: func(context.Context, error) error { return nil }},
		of("Answer", func(c *fallback, _ int) { c.Answer = nil }, nil, ints{0}),
	)
	type circuit = resilience.CircuitBreakerConfig
	b, err := resilience.NewBreaker(resilience.BreakerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	checkFields(t, circuit{Breaker: b},
		of("Breaker", func(c *circuit, _ int) { c.Breaker = nil }, nil, ints{0}),
		of("BlameAfter", func(c *circuit, v time.Duration) { c.BlameAfter = v }, durations{0, 1, math.MaxInt64}, durations{-1}),
	)
}

func TestBreakerConfigFields(t *testing.T) {
	type C = resilience.BreakerConfig
	notRates := floats{-1e-9, 1.0000001, math.NaN(), math.Inf(1), math.Inf(-1)}
	checkFields(t, C{},
		of("Failures", func(c *C, v int) { c.Failures = v }, ints{0, 1, math.MaxInt32}, ints{-1, math.MaxInt32 + 1}),
		of("FailureRate", func(c *C, v float64) { c.FailureRate = v }, floats{0, 1e-9, 1}, notRates),
		of("SlowRate", func(c *C, v float64) { c.SlowAfter, c.SlowRate = 1, v }, floats{1e-9, 1}, notRates),
		of("SlowAfter", func(c *C, v time.Duration) { c.SlowRate, c.SlowAfter = 1, v }, durations{1, day}, durations{0, -1, day + 1}),
		of("SlowAfter", func(c *C, v time.Duration) { c.SlowAfter = v }, durations{0}, durations{1}),
		of("WindowCalls", func(c *C, v int) { c.FailureRate, c.WindowCalls = 1, v }, ints{0, 1, 100_000}, ints{-1, 100_001}),
		of("WindowCalls", func(c *C, v int) { c.WindowCalls = v }, ints{0}, ints{1}),
		of("WindowTime", func(c *C, v time.Duration) { c.FailureRate, c.WindowTime = 1, v }, durations{0, 10, day}, durations{-1, 9, day + 1}),
		of("WindowTime", func(c *C, v time.Duration) { c.WindowTime = v }, durations{0}, durations{time.Second}),
		of("WindowTime", func(c *C, v time.Duration) { c.FailureRate, c.WindowCalls, c.WindowTime = 1, 1, v }, durations{0}, durations{time.Second}),
		of("MinCalls", func(c *C, v int) { c.FailureRate, c.MinCalls = 1, v }, ints{0, 1, math.MaxInt32}, ints{-1, math.MaxInt32 + 1}),
		of("MinCalls", func(c *C, v int) { c.FailureRate, c.WindowCalls, c.MinCalls = 1, 5, v }, ints{0, 5}, ints{6}),
		of("MinCalls", func(c *C, v int) { c.MinCalls = v }, ints{0}, ints{1}),
		of("OpenFor", func(c *C, v time.Duration) { c.OpenFor = v }, durations{0, 1, day}, durations{-1, day + 1}),
		of("OpenGrowth", func(c *C, v float64) { c.OpenGrowth = v }, floats{0, 1, 100}, floats{0.999, 100.1, -1, math.NaN(), math.Inf(1)}),
		of("OpenMax", func(c *C, v time.Duration) { c.OpenMax = v }, durations{0, 5 * time.Second, day}, durations{-1, 5*time.Second - 1, day + 1}),
		of("OpenJitter", func(c *C, v float64) { c.OpenJitter = v }, floats{0, 1e-9, 1}, notRates),
		of("Probes", func(c *C, v int) { c.Probes = v }, ints{0, 1, math.MaxInt32}, ints{-1, math.MaxInt32 + 1}),
		of("Lease", func(c *C, v time.Duration) { c.Lease = v }, durations{0, 1, day}, durations{-1, day + 1}),
	)
}

// TestEveryBadFieldAtOnce: who mends one field after the other needs one run, not eight.
func TestEveryBadFieldAtOnce(t *testing.T) {
	for _, c := range []struct {
		cfg  validator
		want []string
	}{
		{resilience.RetryConfig{MaxAttempts: -1, Base: -1, Max: -2, Multiplier: math.NaN(), Jitter: 9, MaxElapsed: -1, MaxRetryAfter: -1},
			[]string{"MaxAttempts", "Base", "Max", "MaxElapsed", "MaxRetryAfter", "Multiplier", "Jitter"}},
		{resilience.RetryBudgetConfig{Burst: -1, Ratio: -1}, []string{"Burst", "Ratio"}},
		{resilience.TimeoutConfig{Limit: -1}, []string{"Limit"}},
		{resilience.CompartmentConfig{MaxConcurrent: -1, MaxQueue: -1, MaxWait: -1}, []string{"MaxConcurrent", "MaxQueue", "MaxWait"}},
		{resilience.CircuitBreakerConfig{BlameAfter: -1}, []string{"Breaker", "BlameAfter"}},
		{resilience.RateLimitConfig{}, []string{"Limiter"}},
		{resilience.FallbackConfig{}, []string{"Answer"}},
		{resilience.BreakerConfig{Failures: -1, FailureRate: -1, SlowRate: 2, SlowAfter: -1, WindowCalls: -1, WindowTime: -1, MinCalls: -1,
			OpenFor: -1, OpenGrowth: -1, OpenMax: -1, OpenJitter: -1, Probes: -1, Lease: -1},
			[]string{"Failures", "FailureRate", "SlowRate", "SlowAfter", "WindowCalls", "WindowTime", "MinCalls", "OpenFor", "OpenGrowth",
				"OpenMax", "OpenJitter", "Probes", "Lease"}},
	} {
		err := c.cfg.Validate()
		if got := complaints(err); !slices.Equal(got, c.want) {
			t.Errorf("%T: complaints about %v; want %v", c.cfg, got, c.want)
		}
		name := strings.TrimPrefix(fmt.Sprintf("%T", c.cfg), "resilience.")
		for line := range strings.Lines(err.Error()) {
			if !strings.HasPrefix(line, name+".") || !strings.Contains(line, " is ") || !strings.Contains(line, ": must be ") {
				t.Errorf("%q does not say which field is what, and must be what", line)
			}
		}
	}
}

// TestConstructorsRefuse what Validate does, and say who they are.
func TestConstructorsRefuse(t *testing.T) {
	_, breaker := resilience.NewBreaker(resilience.BreakerConfig{Probes: -1})
	_, budget := resilience.NewRetryBudget(resilience.RetryBudgetConfig{Burst: -1})
	_, slots := resilience.NewCompartment(resilience.CompartmentConfig{})
	for prefix, err := range map[string]error{
		"resilience: new breaker: BreakerConfig.Probes is -1: must be ":               breaker,
		"resilience: new retry budget: RetryBudgetConfig.Burst is -1: must be ":       budget,
		"resilience: new compartment: CompartmentConfig.MaxConcurrent is 0: must be ": slots,
	} {
		if err == nil || !strings.HasPrefix(err.Error(), prefix) {
			t.Errorf("error %v; want %s…", err, prefix)
		}
	}
	if err := resilience.Bulkhead(nil).Err(); err == nil || !strings.Contains(err.Error(), "see NewCompartment") {
		t.Errorf("a bulkhead of nothing: %v", err)
	}
	if _, err := resilience.Chain(resilience.Bulkhead(nil), resilience.Timeout(resilience.TimeoutConfig{})); !slices.Equal(complaints(err), []string{"Bulkhead compartment", "Limit"}) {
		t.Errorf("a chain complains about %v", complaints(err))
	}
	var field *resilience.FieldError
	if !errors.As(breaker, &field) || field.Field != "BreakerConfig.Probes" || field.Value != -1 {
		t.Errorf("%+v", field)
	}
}
