package resilience

import "context"

// A Permit is the admission of one call. It belongs to that call: it is not safe for
// concurrent use; settling a copy too may count it twice, or as another call.
//
// It is four words, because so much the compiler keeps in registers.
type Permit struct {
	settler Settler // nil once settled
	ticket  Ticket
}

// A Ticket is what a breaker wants to know of a permit when it comes back.
type Ticket struct {
	Generation uint64  // of the state that admitted the call
	Record     *Record // of the call, if the breaker keeps one
}

// A Settler is a breaker's end of its permits. It must be safe for concurrent use.
type Settler interface {
	// Settle counts the outcome of the ticket's call and reports whether it still
	// mattered: one from an older generation changes nothing. err explains a failure.
	Settle(ctx context.Context, t Ticket, o Outcome, err error) bool
}

// NewPermit is for those who implement a [Breaker].
func NewPermit(s Settler, t Ticket) Permit { return Permit{settler: s, ticket: t} }

// Live reports whether the permit is still to be settled.
func (p *Permit) Live() bool { return p.settler != nil }

// failureOf is err if the outcome makes it the failure of the call: the error of a
// neutral call, which may be the one that brings a transition, is not to blame for it.
func failureOf(o Outcome, err error) error {
	if o == Success || o == Neutral {
		return nil
	}
	return err
}

// Done settles the permit and reports whether the outcome counted. Only the first call
// does anything. err is the failure's cause, for the transition it may bring; the
// outcome alone decides. ctx is that of the call, for the same event.
func (p *Permit) Done(ctx context.Context, o Outcome, err error) bool {
	s := p.settler
	if s == nil {
		return false
	}
	p.settler = nil
	return s.Settle(ctx, p.ticket, o, err)
}
