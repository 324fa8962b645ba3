package experiment

import (
	"context"
	"fmt"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

const (
	payOrders = 100
	payLost   = 0.3 // of the answers
	// payAttempts are so many that an order without an answer is out of the question: one
	// run in three hundred million has one, as 100 × 0.3²⁰ is 3e-9.
	payAttempts = 20
)

// doublePayment: payments that are made and whose answers are lost.
func doublePayment() Experiment {
	return Experiment{
		Name:  "double-payment",
		Claim: "Retrying a non-idempotent operation pays twice",
		Lesson: "A lost answer looks like a failure, and the money has been taken. With an Idempotency-Key the other side knows the second attempt again, and every order is paid once. Without one the only safe answer is not to ask again, and to say so. " +
			"The trap is that naive retries report success for every order: only the ledger shows what that cost.",
		Negatives: []Negative{
			{Name: "answers-kept", Fails: []string{"paid twice"}},
			{Name: "key-everywhere", Fails: []string{"every attempt", "paid twice"}},
			{Name: "idempotency-ignored", Fails: []string{"paid once"}},
			{Name: "retries-off", Fails: []string{"done"}},
			{Name: "guard-off", Fails: []string{"guarded", "told"}},
		},
		Run: func(ctx context.Context, r *Run) error {
			lost := payLost
			if r.Negative("answers-kept") {
				lost = 0
			}
			if err := r.SetFaults(ctx, world.Doc{"reset": world.Doc{"rate": lost, "at": "body"}, "only": "charges"}); err != nil {
				return err
			}
			r.Setup("flaky takes every charge, and resets %.0f %% of the connections half-way through the answer", 100*lost)
			r.Setup("%d orders each, of up to %d attempts: retry on all without a key; on all with an Idempotency-Key; on transient failures without a key", payOrders, payAttempts)

			naive, err := r.pay(ctx, payment{group: "naive", on: "all", keyed: r.Negative("key-everywhere"), attempts: payAttempts})
			if err != nil {
				return err
			}
			r.Exactly("every attempt", "naive: every attempt takes money", reached(naive.samples), naive.charges)
			r.Rate("paid twice", "naive: as many orders are paid again as answers are lost", naive.twice, payOrders, payLost, 0)
			r.Measure("naive: charges for each order; 1/(1 − p) is "+quantity(1/(1-payLost), ""), float64(naive.charges)/payOrders, "")
			r.Measure("naive: orders reported as paid", float64(succeeded(naive.samples)), "")

			attempts := payAttempts
			if r.Negative("retries-off") {
				attempts = 1
			}
			key, err := r.pay(ctx, payment{group: "key", on: "all", keyed: !r.Negative("idempotency-ignored"), attempts: attempts})
			if err != nil {
				return err
			}
			r.Exactly("paid once", "with a key: as many charges as orders, although all are retried", payOrders, key.charges)
			r.Exactly("done", "with a key: all orders are reported as paid", payOrders, succeeded(key.samples))

			on := "transient"
			if r.Negative("guard-off") {
				on = "all"
			}
			guard, err := r.pay(ctx, payment{group: "guard", on: on, attempts: payAttempts})
			if err != nil {
				return err
			}
			r.Exactly("guarded", "without a key, retry on transient: as many charges as orders", payOrders, guard.charges)
			r.Exactly("told", "and those whose answers were lost are reported as failed, no others", guard.lost, payOrders-succeeded(guard.samples))

			r.Figure(payFigure(naive, key, guard))
			return nil
		},
	}
}

// A payment is a way to pay.
type payment struct {
	group    string
	on       string // which failures are retried
	keyed    bool
	attempts int
}

// paid is a load of orders, and what it added to the ledger.
type paid struct {
	samples              []Sample
	charges, twice, lost int
}

func (r *Run) pay(ctx context.Context, p payment) (done paid, err error) {
	retry := world.Doc{"max_attempts": p.attempts, "base": r.Units(0.02), "max": r.Units(0.1), "on": p.on}
	if err := r.SetPolicy(ctx, world.Doc{"order": []string{"retry"}, "retry": retry}); err != nil {
		return paid{}, err
	}
	// count adds to what is done all that there is at flaky, or takes it away.
	count := func(sign int) error {
		ledger, err := r.Flaky.Charges(ctx)
		if err != nil {
			return err
		}
		stats, err := r.settled(ctx)
		done.charges += sign * ledger.Charges
		done.twice += sign * ledger.ChargedTwice
		done.lost += sign * int(stats.Outcomes["reset"])
		return err
	}
	if err := count(-1); err != nil {
		return paid{}, err
	}
	done.samples, err = r.Calls(ctx, r.Caller(), p.group, load.Plan{Calls: payOrders, Every: r.Units(0.03)}, func(i int) world.Call {
		// The ledger of a running deployment may know the orders of an earlier run.
		order := &world.Payment{Order: fmt.Sprintf("%s-%d-%x", p.group, i, r.begin.UnixNano()), Amount: 100}
		if p.keyed {
			order.Key = order.Order
		}
		return world.Call{Payment: order}
	})
	if err != nil {
		return paid{}, err
	}
	return done, count(+1)
}

// payFigure shows how many orders were paid how often.
func payFigure(naive, key, guard paid) report.Figure {
	often := report.Line{Name: "retry on all, no key", Style: report.Bars}
	times := map[int]int{}
	most := 2
	for _, s := range naive.samples { // every attempt takes money
		times[s.Reached()]++
		most = max(most, s.Reached())
	}
	for n := 1; n <= most; n++ {
		often.XY = append(often.XY, report.Point{X: float64(n), Y: float64(times[n])})
	}
	once := func(name string, p paid) report.Line {
		return report.Line{Name: name, Style: report.Bars, XY: []report.Point{{X: 1, Y: float64(payOrders - p.twice)}, {X: 2, Y: float64(p.twice)}}}
	}
	return report.Figure{
		Name: "charges", Title: "How often an order is paid", Caption: "Naive retries pay whenever an answer is lost; with a key, or without a second attempt, each order is paid once.",
		X: report.Axis{Label: "charges for an order"}, Y: report.Axis{Label: "orders"},
		Lines: []report.Line{often, once("with a key", key), once("on transient, no key", guard)},
	}
}
