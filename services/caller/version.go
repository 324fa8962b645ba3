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
// What has state keeps it and is given its new limits. If that fails, which a checked policy
// gives no reason for, the limits are those of the policy in force again.
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
	}
	if err := s.buildLocked(next); err != nil {
		if old != nil {
			err = errors.Join(err, s.buildLocked(&version{policy: old.policy, pipelines: map[string]*pipelines{}}))
		}
		return err
	}
	s.upstream.connections.configure(p)
	s.inForce.Store(next)
	return nil
}

// buildLocked gives each engine's parts the version's limits, and the version its chains.
func (s *Service) buildLocked(v *version) error {
	for _, x := range s.protections {
		if err := x.reconfigure(v.policy); err != nil {
			return err
		}
		made, err := x.pipelines(v.policy, s.tracer)
		if err != nil {
			return fmt.Errorf("%s: %w", x.engine, err)
		}
		v.pipelines[x.engine] = made
	}
	return nil
}
