package resilience

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// RetryBudgetConfig configures a [RetryBudget]. The zero value is usable.
type RetryBudgetConfig struct {
	// Burst is how many tokens there are at first, and at most. A retry costs one.
	// 1 to 1000000. 0: 10.
	Burst int
	// Ratio is how much of a token each success earns: the share of retries in the long
	// run. Above 0, at most 1; less than a millionth is lost. 0: 0.1.
	Ratio float64
}

// Validate reports every field that cannot be accepted.
func (c RetryBudgetConfig) Validate() error {
	var bad fieldErrors
	bad.require(c.Burst >= 0 && c.Burst <= 1_000_000, "RetryBudgetConfig.Burst", c.Burst, "1 to 1000000, or 0 for 10")
	bad.require(c.Ratio >= 0 && c.Ratio <= 1, "RetryBudgetConfig.Ratio", c.Ratio, "above 0 and at most 1, or 0 for 0.1")
	return errors.Join(bad...)
}

// A RetryBudget keeps retries from multiplying the load of a dependency that is down
// already: of any number of calls, for every moment of their history,
//
//	retries ≤ Burst + Ratio × successes
//
// One budget serves one dependency; all its [Retry] policies share it. It is a token
// bucket filled by successes, not by time, as Finagle's RetryBudget is filled by requests.
// gRPC's retry throttling (proposal A6) differs: there failures cost a token, and retries
// end at half of the tokens. It is safe for concurrent use.
type RetryBudget struct {
	burst, ratio int64 // in microtokens
	tokens       atomic.Int64
}

// microtokens are what tokens are counted in, so that ten tenths are exactly one.
const microtokens = 1_000_000

// NewRetryBudget returns a full budget.
func NewRetryBudget(c RetryBudgetConfig) (*RetryBudget, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("resilience: new retry budget: %w", err)
	}
	setDefault(&c.Burst, 10)
	setDefault(&c.Ratio, 0.1)
	b := &RetryBudget{
		burst: int64(c.Burst) * microtokens,
		ratio: int64(c.Ratio*microtokens + 1e-6), // rounded down, but 15699.999999999998 is 15700
	}
	b.tokens.Store(b.burst)
	return b, nil
}

// Deposit adds what a success earns.
func (b *RetryBudget) Deposit() {
	for {
		old := b.tokens.Load()
		if old == b.burst { // in good times nothing is written, and nobody contends
			return
		}
		if b.tokens.CompareAndSwap(old, min(old+b.ratio, b.burst)) {
			return
		}
	}
}

// Withdraw takes the token of one retry, or reports false if there is none.
func (b *RetryBudget) Withdraw() bool {
	for {
		old := b.tokens.Load()
		if old < microtokens {
			return false
		}
		if b.tokens.CompareAndSwap(old, old-microtokens) {
			return true
		}
	}
}

// Tokens is how many there are, from 0 to Burst.
func (b *RetryBudget) Tokens() float64 { return float64(b.tokens.Load()) / microtokens }

// Ratio is the share of retries in the long run.
func (b *RetryBudget) Ratio() float64 { return float64(b.ratio) / microtokens }
