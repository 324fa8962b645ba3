package world

import (
	"context"
	"net/http"
	"time"

	"reliability/services/flaky"
)

// Flaky is the dependency, by its admin API.
type Flaky struct{ api }

// Faults puts a fault document in force.
func (f *Flaky) Faults(ctx context.Context, doc Doc) error {
	return f.ask(ctx, http.MethodPut, "/faults", doc, nil)
}

// Stats is what it has seen, with the arrivals of the last window in buckets of 10 ms.
func (f *Flaky) Stats(ctx context.Context, window time.Duration) (flaky.Stats, error) {
	var s flaky.Stats
	err := f.ask(ctx, http.MethodGet, "/stats?window="+window.String(), nil, &s)
	return s, err
}

// Charges is its ledger: the totals, and the latest hundred.
func (f *Flaky) Charges(ctx context.Context) (flaky.Charges, error) {
	var c flaky.Charges
	err := f.ask(ctx, http.MethodGet, "/charges", nil, &c)
	return c, err
}
