package main

import (
	"context"
	"errors"

	"reliability/pkg/resilience"
)

// newDependencies returns two that fail by a script: profiles, which hang for one
// recipient, and mail, which has one hiccup and an outage.
func newDependencies() (profile func(context.Context, string) (string, error), send func(context.Context, string, string) error) {
	profile = func(ctx context.Context, recipient string) (string, error) {
		if recipient == "cem" {
			<-ctx.Done()
			return "", ctx.Err()
		}
		return "fr", nil
	}
	calls := 0
	send = func(_ context.Context, recipient, _ string) error {
		if recipient == "not an address" {
			return resilience.Permanent(errors.New("550 no such mailbox"))
		}
		calls++
		switch {
		case calls == 2:
			return errors.New("connection reset")
		case calls >= 4 && calls <= 9:
			return errors.New("421 service not available")
		}
		return nil
	}
	return profile, send
}
