package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"reliability/pkg/resilience"
)

// attempts counts them.
func attempts(n *int) resilience.Observer {
	return resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
		if e.Kind == resilience.EventAttempt {
			*n++
		}
	})
}

// ordersOf is a store over a database that fails by the script.
func ordersOf(t *testing.T, observer resilience.Observer, script ...error) *store {
	t.Helper()
	db := sql.OpenDB(&database{orders: map[string]bool{}, script: script})
	t.Cleanup(func() { _ = db.Close() })
	orders, err := newStore(db, observer)
	if err != nil {
		t.Fatal(err)
	}
	return orders
}

// TestFailedCommit: only what says that nothing has been committed is tried again, or
// passed on as it is.
func TestFailedCommit(t *testing.T) {
	state := func(s string) error { return &stateError{s, "commit failed"} }
	for _, c := range []struct {
		err            error
		retried, known bool
	}{
		{err: state("40001"), retried: true, known: true}, // serialization failure
		{err: state("40P01"), retried: true, known: true}, // deadlock
		{err: state("23505"), known: true},                // a constraint that is checked at the end
		{err: state("23503"), known: true},
		{err: state("08007")}, // transaction resolution unknown
		{err: state("40003")}, // statement completion unknown
		{err: state("57P01")}, // the server is shut down
		{err: state("57P02")}, // and has crashed
		{err: state("08006")}, // the connection is lost
		{err: state("08003")},
		{err: state("53100")}, // the disk is full
		{err: state("40000")}, // rolled back, it does not say why
		{err: state("XX000")}, // internal error
		{err: errLost},
		{err: errors.New("a proxy's own words")},
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				made := 0
				orders := ordersOf(t, attempts(&made), nil, c.err)
				err := orders.insertOrder(t.Context(), "order-1")
				if want := map[bool]int{false: 1, true: 2}[c.retried]; made != want {
					t.Errorf("%d attempts, want %d", made, want)
				}
				if c.retried != (err == nil) {
					t.Errorf("ended with %v", err)
				}
				if unknown := err != nil && strings.Contains(err.Error(), "may have committed"); unknown == c.known {
					t.Errorf("known: %v, but ended with %v", c.known, err)
				}
				if resilience.IsPermanent(err) == c.known {
					t.Errorf("permanent: %v, want %v", resilience.IsPermanent(err), !c.known)
				}
				if err != nil && !errors.Is(err, c.err) {
					t.Errorf("%v hides %v", err, c.err)
				}
			})
		})
	}
}
