package resilience

import (
	"fmt"
	"reflect"
	"strings"
)

// An OrderError says that in a chain's order some policy cannot do what it promises.
// [AnyOrder] lets the chain through; [Explain] then still tells.
type OrderError struct {
	Problems []OrderProblem
}

// An OrderProblem is two policies of a chain that should not stand as they do.
type OrderProblem struct {
	Outer, Inner string // the policies' kinds
	Why          string // what goes wrong
}

// String puts the problem in one line.
func (p OrderProblem) String() string {
	return fmt.Sprintf("%s inside %s: %s", p.Inner, p.Outer, p.Why)
}

func (e *OrderError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "; ") + " (AnyOrder lets it through)"
}

// AnyOrder is a policy that does nothing but to let [Chain] accept an order that it would
// refuse: to show what goes wrong, or because you know better. Where it stands does not
// matter.
func AnyOrder() Policy { return Policy{kind: "any order", anyOrder: true} }

// orderProblems looks at every pair of policies, the first of which is further out.
func orderProblems(policies []Policy) []OrderProblem {
	var problems []OrderProblem
	for i, outer := range policies {
		for _, inner := range policies[i+1:] {
			if why := orderProblem(outer, inner); why != "" {
				problems = append(problems, OrderProblem{Outer: outer.kind, Inner: inner.kind, Why: why})
			}
		}
	}
	return problems
}

func orderProblem(outer, inner Policy) string {
	switch {
	case outer.breaker != nil && inner.retry != nil:
		return "the breaker sees one result of many attempts, so it opens late, and each of its probes is a burst"
	case outer.retry != nil && inner.retry != nil && outer.retry.cfg.Budget != nil && outer.retry.cfg.Budget == inner.retry.cfg.Budget:
		return "the same budget twice earns twice for one success, so retries exceed what it allows"
	case outer.limits && inner.retry != nil:
		return "the limit counts calls, and each may make many attempts, so the dependency gets more than it allows"
	case outer.retry != nil && inner.answers:
		return "the fallback answers the first failed attempt, so there is never a second"
	case outer.breaker != nil && inner.answers:
		return "the fallback hides every failure from the breaker, which never opens"
	case outer.limit > 0 && inner.limit >= outer.limit:
		return fmt.Sprintf("the outer limit of %v passes first, so the inner one of %v never does anything", outer.limit, inner.limit)
	case outer.breaker != nil && same(outer.breaker, inner.breaker):
		return "the same breaker twice takes two permits for a call and counts it twice; half-open with one probe it can never close"
	case outer.compartment != nil && outer.compartment == inner.compartment:
		return "the same compartment twice takes two slots for a call, and calls that hold one each wait for each other for ever"
	}
	return ""
}

// same compares breakers, which may be of a kind that cannot be compared.
func same(a, b Breaker) bool {
	return b != nil && reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}
