package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"reliability/pkg/resilience"
)

// observe says what the policies decide.
func observe(out *log.Logger) resilience.Observer {
	return resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
		switch e.Kind {
		case resilience.EventRetry:
			out.Printf("  attempt %d failed, another follows: %s", e.Attempt, inWords(e.Err))
		case resilience.EventTransition:
			out.Printf("  breaker %s: %v → %v, %s", e.Name, e.Transition.From, e.Transition.To, e.Transition.Reason)
		}
	})
}

// inWords is for a log that people read; an error's own text has the times, too.
func inWords(err error) string {
	if err == nil {
		return "committed"
	}
	if gaveUp, ok := errors.AsType[*resilience.RetryError](err); ok && gaveUp.Last != nil {
		return fmt.Sprintf("gave up at attempt %d (%s): %s", gaveUp.Attempts, gaveUp.Reason, inWords(gaveUp.Last))
	}
	if timeout, ok := errors.AsType[*resilience.TimeoutError](err); ok {
		return fmt.Sprintf("no answer within %v", timeout.Limit)
	}
	if open, ok := errors.AsType[*resilience.OpenError](err); ok {
		return fmt.Sprintf("breaker %s is %v", open.Breaker, open.State)
	}
	return err.Error()
}
