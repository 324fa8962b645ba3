package caller

import (
	"errors"
	"fmt"
	"time"
)

// Where a policy comes from.
const (
	sourceBoot = "boot" // CALLER_POLICY, or the defaults
	sourceAPI  = "api"  // /api/policy
)

// A version is the policy in force. It is replaced as a whole and never changes: a call
// ends under the version that it began under.
type version struct {
	number    int // from 1
	policy    Policy
	source    string
	since     time.Time
	pipelines map[string]*pipelines // by engine
}

// apply puts a checked policy in force: one chain for every call that begins from now on.
// What has state keeps it and is given its new limits. If a part refuses them, which a
// checked policy gives it no reason to, everything stays as it was.
func (s *Service) apply(p Policy, source string) error {
	s.applying.Lock()
	defer s.applying.Unlock()
	return s.applyLocked(p, source)
}

func (s *Service) applyLocked(p Policy, source string) error {
	next := &version{number: 1, policy: p, source: source, since: time.Now(), pipelines: map[string]*pipelines{}}
	old := s.inForce.Load()
	if old != nil {
		next.number = old.number + 1
		if err := s.reconfigureLocked(p); err != nil {
			return errors.Join(err, s.reconfigureLocked(old.policy))
		}
	}
	for _, x := range s.protections {
		made, err := x.pipelines(p, s.tracer)
		if err != nil {
			return fmt.Errorf("%s: %w", x.engine, err)
		}
		next.pipelines[x.engine] = made
	}
	s.upstream.connections.configure(p)
	s.inForce.Store(next)
	return nil
}

func (s *Service) reconfigureLocked(p Policy) error {
	var errs []error
	for _, x := range s.protections {
		errs = append(errs, x.reconfigure(p))
	}
	return errors.Join(errs...)
}
