package resilience_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

func budget(t *testing.T, cfg resilience.RetryBudgetConfig) *resilience.RetryBudget {
	t.Helper()
	b, err := resilience.NewRetryBudget(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func budgeted(attempts int, b *resilience.RetryBudget) resilience.RetryConfig {
	return with(plain(attempts), func(c *resilience.RetryConfig) { c.Budget = b })
}

// seeded is another source of randomness each time. SEED=n repeats one.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 0, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEED=%#x", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// TestBudgetLaw: for every prefix of every history, retries ≤ Burst + Ratio × successes,
// and the tokens stay within 0 and Burst.
func TestBudgetLaw(t *testing.T) {
	random := seeded(t)
	for range 200 {
		cfg := resilience.RetryBudgetConfig{Burst: 1 + random.IntN(20), Ratio: 0.01 + 0.99*random.Float64()}
		b, p := budget(t, cfg), random.Float64()
		retries, successes := 0, 0
		for range 500 {
			if random.Float64() < p {
				b.Deposit()
				successes++
			} else if b.Withdraw() {
				retries++
			} else if got := b.Tokens(); got >= 1 {
				t.Fatalf("%+v: refused with %v tokens", cfg, got)
			}
			if limit := float64(cfg.Burst) + cfg.Ratio*float64(successes); float64(retries) > limit+1e-9 {
				t.Fatalf("%+v: %d retries after %d successes; want at most %v", cfg, retries, successes, limit)
			}
			if got := b.Tokens(); got < 0 || got > float64(cfg.Burst) {
				t.Fatalf("%+v: %v tokens", cfg, got)
			}
		}
	}
}

// TestBudgetLawOfCalls is the same of whole calls, in two chains that share the budget.
func TestBudgetLawOfCalls(t *testing.T) {
	random := seeded(t)
	synctest.Test(t, func(t *testing.T) {
		const burst, ratio = 5, 0.2
		b := budget(t, resilience.RetryBudgetConfig{Burst: burst, Ratio: ratio})
		retries, successes := 0, 0
		cfg := budgeted(4, b)
		cfg.Observer = resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
			if e.Kind == resilience.EventRetry {
				retries++
			}
			if limit := burst + ratio*float64(successes); float64(retries) > limit+1e-9 {
				t.Errorf("%d retries after %d successes; want at most %v", retries, successes, limit)
			}
		})
		handlers := []resilience.Handler{chain(t, resilience.Retry(cfg)), chain(t, resilience.Retry(cfg))}
		spent := 0
		for i := range 2000 {
			failing := 0.1
			if i/200%2 == 0 { // an outage, then better times
				failing = 0.9
			}
			err := handlers[random.IntN(2)](t.Context(), func(context.Context) error {
				if random.Float64() < failing {
					return errBoom
				}
				return nil
			})
			if err == nil {
				successes++
			} else if e, ok := errors.AsType[*resilience.RetryError](err); ok && e.Reason == resilience.StopBudget {
				spent++
			}
		}
		if spent == 0 || retries == 0 {
			t.Errorf("%d retries, %d times without a token: this history shows nothing", retries, spent)
		}
	})
}

func TestBudgetSteps(t *testing.T) {
	b := budget(t, resilience.RetryBudgetConfig{})
	tokens := func(want float64) {
		t.Helper()
		if got := b.Tokens(); got != want {
			t.Errorf("%v tokens; want %v", got, want)
		}
	}
	tokens(10)
	b.Deposit() // full already
	tokens(10)
	for range 10 {
		if !b.Withdraw() {
			t.Error("refused with tokens left")
		}
	}
	tokens(0)
	for range 9 {
		b.Deposit()
	}
	tokens(0.9)
	if b.Withdraw() {
		t.Error("nine tenths bought a retry")
	}
	tokens(0.9) // a refusal costs nothing
	b.Deposit()
	tokens(1) // ten tenths are exactly one
	if !b.Withdraw() {
		t.Error("ten tenths bought no retry")
	}
	if got := b.Ratio(); got != 0.1 {
		t.Errorf("ratio %v", got)
	}
	// 0.0157 × 1e6 is 15699.999999999998, and yet nothing is lost.
	if got := budget(t, resilience.RetryBudgetConfig{Ratio: 0.0157}).Ratio(); got != 0.0157 {
		t.Errorf("ratio %v; want 0.0157", got)
	}
}

// TestWhatABudgetIsChargedFor: the wait is paid for in advance, a success earns, and
// nothing else does either.
func TestWhatABudgetIsChargedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const full = 10
		started := func(t *testing.T, spend int) *resilience.RetryBudget {
			b := budget(t, resilience.RetryBudgetConfig{Ratio: 0.5})
			for range spend {
				b.Withdraw()
			}
			return b
		}
		always := func(context.Context, error) bool { return true }
		for _, c := range []struct {
			name     string
			deadline time.Duration // the caller's
			cfg      resilience.RetryConfig
			errs     []error
			spent    int // before
			want     float64
		}{
			{"a success at once earns", time.Hour, plain(3), []error{nil}, 2, full - 1.5},
			{"a retry costs one, its success earns", time.Hour, plain(3), []error{errBoom, nil}, 2, full - 2.5},
			{"a failure earns nothing", time.Hour, plain(3), []error{errBoom}, 0, full - 2},
			{"nor does one that is not retried", time.Hour, plain(3), []error{resilience.Permanent(errBoom)}, 2, full - 2},
			{"nor a rejection", time.Hour, plain(3), []error{&resilience.OpenError{}}, 2, full - 2},
			{"a rejection that is retried costs", time.Hour, with(plain(2), func(c *resilience.RetryConfig) { c.RetryIf = always }), []error{&resilience.OpenError{}}, 2, full - 3},
			{"no retry before the deadline, no charge", 100 * ms, plain(3), []error{errBoom}, 0, full},
			{"asked to wait too long, no charge", time.Hour, plain(3), []error{after(time.Minute)}, 0, full},
		} {
			b := started(t, c.spent)
			c.cfg.Budget = b
			ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
			_ = chain(t, resilience.Retry(c.cfg))(ctx, (&script{errs: c.errs}).op)
			cancel()
			if got := b.Tokens(); got != c.want {
				t.Errorf("%s: %v tokens; want %v", c.name, got, c.want)
			}
		}
	})
}

// TestATokenIsNotGivenBack to a call that leaves while it waits: a retry that is not made
// in an outage is one that nobody else should make either.
func TestATokenIsNotGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget(t, resilience.RetryBudgetConfig{})
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(50*ms, leave)
		e := retryError(t, chain(t, resilience.Retry(budgeted(3, b)))(ctx, (&script{errs: []error{errBoom}}).op))
		if e.Reason != resilience.StopContext || e.Attempts != 1 || b.Tokens() != 9 {
			t.Errorf("%v, %v tokens; want 9", e, b.Tokens())
		}
	})
}

// TestATokenIsSpentBeforeTheWait: those who wait already are in the sum.
func TestATokenIsSpentBeforeTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget(t, resilience.RetryBudgetConfig{Burst: 2})
		var attempts atomic.Int64
		for range 5 { // in two chains
			h := chain(t, resilience.Retry(budgeted(2, b)))
			go func() {
				_ = h(t.Context(), func(context.Context) error { attempts.Add(1); return errBoom })
			}()
		}
		synctest.Wait()
		if got := b.Tokens(); got != 0 {
			t.Errorf("%v tokens while they wait; want 0", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := attempts.Load(); got != 5+2 {
			t.Errorf("%d attempts; want 7, of which 2 are retries", got)
		}
	})
}

// TestABudgetUnderConcurrency: no token is lost or made.
func TestABudgetUnderConcurrency(t *testing.T) {
	const burst, goroutines, each = 100, 8, 2000
	b := budget(t, resilience.RetryBudgetConfig{Burst: burst, Ratio: 0.5})
	for range burst {
		b.Withdraw()
	}
	var withdrawn atomic.Int64
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for range each {
				if i%2 == 0 {
					b.Deposit()
				} else if b.Withdraw() {
					withdrawn.Add(1)
				}
				if got := b.Tokens(); got < 0 || got > burst {
					t.Errorf("%v tokens", got)
				}
			}
		})
	}
	wg.Wait()
	earned := 0.5 * goroutines / 2 * each
	// What was earned with the budget full is lost, and how much that is nobody knows.
	if got := float64(withdrawn.Load()) + b.Tokens(); got > earned || math.Mod(got, 0.5) != 0 {
		t.Errorf("%v withdrawn and left, of %v earned", got, earned)
	}
	// Without a full budget, nothing is lost.
	b = budget(t, resilience.RetryBudgetConfig{Burst: 1_000_000, Ratio: 0.5})
	for range 1_000_000 {
		b.Withdraw()
	}
	withdrawn.Store(0)
	for i := range goroutines {
		wg.Go(func() {
			for range each {
				if i%2 == 0 {
					b.Deposit()
				} else if b.Withdraw() {
					withdrawn.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if got := float64(withdrawn.Load()) + b.Tokens(); got != earned {
		t.Errorf("%v withdrawn and left; want the %v earned", got, earned)
	}
}
