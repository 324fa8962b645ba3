package experiment

import (
	"context"
	"strings"
	"time"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/world"
)

// Composition order: the same three policies in three orders, before a dependency that
// fails at once, and before one that hangs.
const (
	orderAttempts  = 3
	orderThreshold = 6
	orderCalls     = orderThreshold + 2 // enough to open, and see it open, in each order
	orderHanging   = 5                  // calls
	orderEvery     = 0.5                // units, as what follows, from one of these to the next: what holds one up spares another
	orderOpen      = 2.0                // of the breaker
	orderBase      = 0.05               // of the back-off, which doubles
	orderNoLimit   = 20                 // a timeout that nothing reaches
)

func compositionOrder() Experiment {
	return Experiment{
		Name:  "composition-order",
		Claim: "Order matters",
		Lesson: "Retry(Timeout(CircuitBreaker(call))) gives each attempt its time and shows each attempt to the breaker. With the breaker outermost it sees one failure for " +
			"many, opens late, and each of its probes is a burst. With the timeout outermost there is no second attempt at what hangs, and the breaker, which only sees callers give up, never opens.",
		Latency:   true,
		Negatives: []Negative{{Name: "order-swapped", Fails: []string{"failures", "opening", "price", "probe", "attempts", "blame", "predicted", "latency"}}},
		Run: func(ctx context.Context, r *Run) error {
			allowance, err := r.Allowance(ctx)
			if err != nil {
				return err
			}
			r.Setup("%d attempts, back-off %v doubled and without jitter", orderAttempts, r.Units(orderBase))
			r.Setup("flaky fails at once: %d calls in turn in each order, against a breaker that opens after %d failures in a row, for %v, one probe; timeout %v, which is not reached",
				orderCalls, orderThreshold, r.Units(orderOpen), r.Units(orderNoLimit))
			r.Setup("flaky hangs: %d calls in each order, one every %v, against a breaker that counts but cannot open yet; timeout %v", orderHanging, r.Units(orderEvery), r.U)
			all := orders(r)
			for _, measure := range []func(context.Context, *Run) error{all.failing, all.hanging} {
				if err := measure(ctx, r); err != nil {
					return err
				}
			}
			all.judge(r, allowance)
			r.Figure(all.waterfall())
			r.Figure(all.openings())
			return nil
		},
	}
}

// An ordering is one order: what follows from it, and what was seen.
type ordering struct {
	name, order string
	want, got   orderFacts
	failing     []Sample // in turn
	hanging     []Sample
}

// orderFacts are of one order. All but the times are counts.
type orderFacts struct {
	perCall int // failures that the breaker counts for one failed call
	opening int // calls until it opens
	price   int // attempts until then, which all reach the dead service
	probe   int // attempts of the call that probes

	attempts  int           // of all calls that hang
	blamed    int           // failures that the breaker counts for these
	predicted time.Duration // how long one takes at worst, as caller says
	longest   time.Duration // and as measured
}

type orderings []*ordering

func orders(r *Run) orderings {
	const n, threshold, hanging = orderAttempts, orderThreshold, orderHanging
	long := n*r.U + r.Units(orderBase) + 2*r.Units(orderBase)
	all := orderings{
		{name: "retry outermost", order: "retry,timeout,breaker", want: orderFacts{n, (threshold + n - 1) / n, threshold, 1, n * hanging, n * hanging, long, long}},
		{name: "breaker outermost", order: "breaker,retry,timeout", want: orderFacts{1, threshold, n * threshold, n, n * hanging, hanging, long, long}},
		{name: "timeout outermost", order: "timeout,retry,breaker", want: orderFacts{n, (threshold + n - 1) / n, threshold, 1, hanging, 0, r.U, r.U}},
	}
	if r.Negative("order-swapped") {
		all[0].order, all[1].order, all[2].order = all[1].order, all[2].order, all[0].order
	}
	return all
}

// orderPolicy is the policy, but for the order.
func orderPolicy(r *Run, threshold int, timeout time.Duration) world.Doc {
	return world.Doc{
		"retry": world.Doc{"max_attempts": orderAttempts, "base": r.Units(orderBase), "jitter": "none"}, "timeout": world.Doc{"limit": timeout},
		"breaker": world.Doc{"failures": threshold, "open_for": r.Units(orderOpen), "probes": 1},
	}
}

// prepareOrder puts a policy and faults in force, and closes the breakers with nothing counted.
func prepareOrder(ctx context.Context, r *Run, policy, faults world.Doc) error {
	if err := r.SetPolicy(ctx, policy); err != nil {
		return err
	}
	if err := r.SetFaults(ctx, faults); err != nil {
		return err
	}
	return r.RenewBreakers(ctx)
}

// failing counts what the breaker sees of a dependency that fails at once.
func (all orderings) failing(ctx context.Context, r *Run) error {
	for _, o := range all {
		if err := prepareOrder(ctx, r, orderPolicy(r, orderThreshold, r.Units(orderNoLimit)), world.Doc{"error_rate": 1}); err != nil {
			return err
		}
		call := func(int) world.Call { return world.Call{Order: o.order} }
		samples, err := r.InTurn(ctx, r.Callers[:1], "failing-"+o.order, paced(orderCalls, 0), call)
		if err != nil {
			return err
		}
		o.failing, o.got.perCall, o.got.price = samples, samples[0].Breaker.Failures, reached(samples)
		for i, s := range samples {
			if s.Breaker.State == "open" {
				o.got.opening = i + 1
				break
			}
		}
		probe, err := r.InTurn(ctx, r.Callers[:1], "probe-"+o.order, []time.Duration{r.Units(orderOpen)}, call)
		if err != nil {
			return err
		}
		o.got.probe = reached(probe)
	}
	return nil
}

// hanging measures what becomes of calls to one that hangs.
func (all orderings) hanging(ctx context.Context, r *Run) error {
	for _, o := range all {
		var err error
		if o.got.predicted, err = explainOrder(ctx, r, o.order); err != nil {
			return err
		}
		if err := prepareOrder(ctx, r, orderPolicy(r, 2*orderAttempts*orderHanging, r.U), world.Doc{"hang": world.Doc{"rate": 1}}); err != nil {
			return err
		}
		o.hanging, err = r.Calls(ctx, r.Caller(), "hanging-"+o.order, load.Plan{Calls: orderHanging, Every: r.Units(orderEvery)}, func(int) world.Call { return world.Call{Order: o.order} })
		if err != nil {
			return err
		}
		// Of calls that must take so long, the quickest is the one that nothing else held up.
		quickest := o.hanging[0].ElapsedMS
		for _, s := range o.hanging {
			quickest = min(quickest, s.ElapsedMS)
		}
		state, err := r.Caller().State(ctx)
		if err != nil {
			return err
		}
		o.got.attempts, o.got.blamed = reached(o.hanging), state.Engines[world.Handrolled].Breaker.Failures
		o.got.longest = ofMillis(quickest)
	}
	return nil
}

// explainOrder is how long a call can take in an order, by what caller says of the policy.
func explainOrder(ctx context.Context, r *Run, order string) (time.Duration, error) {
	doc := orderPolicy(r, orderThreshold, r.U)
	doc["order"], doc["any_order"] = strings.Split(order, ","), true
	explained, err := r.Caller().Policy(ctx, r.Policy(doc))
	return ofMillis(explained.LongestTimeMS), err
}
