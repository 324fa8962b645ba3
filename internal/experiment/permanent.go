package experiment

import (
	"context"
	"fmt"
	"strconv"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

// A failureKind is a way to fail, and what a classifier ought to make of it.
type failureKind struct {
	name    string
	verdict string
	faults  world.Doc
	order   bool // a POST instead of a GET
	key     bool // with an Idempotency-Key
	mends   bool // another attempt may help, and does no harm
}

func failureKinds() []failureKind {
	return []failureKind{
		{name: "404", verdict: "not found", faults: world.Doc{"error_rate": 1, "error_status": 404}},
		{name: "501", verdict: "not implemented", faults: world.Doc{"error_rate": 1, "error_status": 501}},
		{name: "429", verdict: "too many", faults: world.Doc{"error_rate": 1, "error_status": 429}, mends: true},
		{name: "503", verdict: "unavailable", faults: world.Doc{"error_rate": 1}, mends: true},
		{name: "reset", verdict: "reset", faults: world.Doc{"reset": world.Doc{"rate": 1}}, mends: true},
		{name: "order", verdict: "order", faults: world.Doc{"reset": world.Doc{"rate": 1}, "after_work": true}, order: true},
		{name: "keyed order", verdict: "keyed order", faults: world.Doc{"reset": world.Doc{"rate": 1}, "after_work": true}, order: true, key: true, mends: true},
	}
}

// permanent: every kind of failure, under a classifier that tells them apart and under one
// that does not.
func permanent() Experiment {
	const (
		most  = 4 // attempts
		calls = 10
	)
	return Experiment{
		Name:  "permanent",
		Claim: "Only transient failures are worth a retry",
		Lesson: "What the request itself has done wrong, no attempt mends: 4xx but for 408, 425 and 429, and of 5xx 501 and 505. What may have been done must not be asked for twice, unless a key lets the other side recognise it. " +
			"The trap is to retry on any error: it costs attempts where they are useless, and money where the answer, and not the payment, was lost.",
		Negatives: []Negative{
			{Name: "retry-all", Fails: []string{"not found", "not implemented", "order"}},
			{Name: "retries-off", Fails: []string{"too many", "unavailable", "reset", "keyed order"}},
		},
		Run: func(ctx context.Context, r *Run) error {
			r.Setup("retry: up to %d attempts, on transient failures and then on all; %d calls of each kind", most, calls)
			r.Setup("flaky fails all: with a status; by a reset connection; of orders, POSTs without and with an Idempotency-Key, only the answer is lost, by a reset after the work")
			var rows []report.Row
			for _, on := range []string{"transient", "all"} {
				judged := on == "transient"
				retry := world.Doc{"max_attempts": most, "base": r.Units(0.01), "on": on}
				switch {
				case judged && r.Negative("retry-all"):
					retry["on"] = "all"
				case judged && r.Negative("retries-off"):
					retry["max_attempts"] = 1
				}
				if err := r.SetPolicy(ctx, world.Doc{"order": []string{"retry"}, "retry": retry}); err != nil {
					return err
				}
				for number, kind := range failureKinds() {
					if err := r.SetFaults(ctx, kind.faults); err != nil {
						return err
					}
					group := fmt.Sprintf("%s-%d", on, number)
					samples, err := r.Calls(ctx, r.Caller(), group, load.Plan{Calls: calls, Every: r.Units(0.02)}, func(i int) world.Call {
						return kind.call(group + "-" + strconv.Itoa(i))
					})
					if err != nil {
						return err
					}
					if judged {
						want, claim := 1, kind.name+": one attempt, and no second"
						if kind.mends {
							want, claim = most, kind.name+": every attempt that there is"
						}
						r.EachMakes(kind.verdict, claim, want, samples)
					}
					rows = append(rows, attemptsRow(kind.name+", on "+on, samples[0]))
				}
			}
			r.Figure(report.Figure{
				Name: "attempts", Title: "Attempts by kind of failure",
				Caption: "On transient failures only those are repeated that may pass and may be repeated; on all, every one.",
				X:       report.Axis{Label: "attempts", Min: 0, Max: most}, Rows: rows,
			})
			return nil
		},
	}
}

// call is one that fails in this way.
func (k failureKind) call(name string) world.Call {
	if !k.order {
		return world.Call{}
	}
	p := &world.Payment{Order: name, Amount: 100}
	if k.key {
		p.Key = name
	}
	return world.Call{Payment: p}
}

// attemptsRow is a bar for each attempt of a call that reached the dependency, however long
// it took.
func attemptsRow(name string, s Sample) report.Row {
	row := report.Row{Name: name}
	for i := range s.Reached() {
		row.Bars = append(row.Bars, report.Bar{From: float64(i), To: float64(i + 1), State: s.Attempts[i].Result, Label: strconv.Itoa(i + 1)})
	}
	return row
}
