// Command sql is a transaction that survives its database: what is worth another attempt,
// what is not, and what may not have one.
//
// newStore, insertOrder and classify.go are what to take home. One look at an error,
// class, decides two questions: whether Retry makes another attempt, and whether the
// circuit breaker holds it against the database. A serialization failure is retried but
// says nothing bad about the database; a lost connection is both; a constraint violation
// is neither. The whole transaction is the attempt, because after a failure nothing of it
// is left. A COMMIT that fails is not tried again, unless its error says that nothing has
// been committed: otherwise nobody knows, and a second time might do it twice.
//
// The database is a stand-in that fails by a script, under database/sql as it is. SQLSTATE
// is read from a method SQLState() string, which the errors of pgx and lib/pq have.
//
//	go run ./examples/sql
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"reliability/pkg/resilience"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

type store struct {
	db      *sql.DB
	protect resilience.Handler
}

func newStore(db *sql.DB, observer resilience.Observer) (*store, error) {
	breaker, err := resilience.NewBreaker(resilience.BreakerConfig{
		Name: "orders", Failures: 3, OpenFor: 2 * time.Second, Probes: 1, Observer: observer,
	})
	if err != nil {
		return nil, err
	}
	budget, err := resilience.NewRetryBudget(resilience.RetryBudgetConfig{}) // of all calls together
	if err != nil {
		return nil, err
	}
	protect, err := resilience.Chain(
		resilience.Retry(resilience.RetryConfig{
			MaxAttempts: 4, Base: 20 * time.Millisecond, RetryIf: retryIf, Budget: budget, Observer: observer,
		}),
		resilience.Timeout(resilience.TimeoutConfig{Limit: 500 * time.Millisecond}),
		resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker, Classify: blame}),
	)
	return &store{db: db, protect: protect}, err
}

func (s *store) insertOrder(ctx context.Context, id string) error {
	return s.protect(ctx, func(ctx context.Context) error {
		tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // after a commit it does nothing
		if _, err = tx.ExecContext(ctx, "INSERT INTO orders (id) VALUES ($1)", id); err != nil {
			return err
		}
		if err = tx.Commit(); err != nil && !rolledBack(err) {
			return resilience.Permanent(fmt.Errorf("it may have committed: %w", err))
		}
		return err
	})
}

func run(ctx context.Context, stdout io.Writer) error {
	out := log.New(stdout, "", 0)
	db := sql.OpenDB(newDatabase())
	defer func() { _ = db.Close() }()
	orders, err := newStore(db, observe(out))
	if err != nil {
		return err
	}
	for _, o := range []struct{ why, id string }{
		{"It meets other transactions, twice: the whole transaction is tried again.", "order-1"},
		{"The same order again violates a constraint: no attempt can mend that.", "order-1"},
		{"The connection is lost in the middle: nothing has happened, so it is tried again.", "order-2"},
		{"The connection is lost during COMMIT: to try again might do it twice.", "order-3"},
		{"Who asks again finds out.", "order-3"},
		{"The database hangs: 500ms for each attempt, and the third one opens the breaker.", "order-4"},
		{"An open breaker answers at once. Then the program waits as long as it says.", "order-4"},
		{"It probes, and closes.", "order-4"},
	} {
		out.Print(o.why)
		err := orders.insertOrder(ctx, o.id)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		out.Printf("%s: %s", o.id, inWords(err))
		if open, ok := errors.AsType[*resilience.OpenError](err); ok && resilience.Rejected(err) {
			select {
			case <-time.After(open.RetryAfter()):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}
