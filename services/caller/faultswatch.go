package caller

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"time"
)

const (
	eventFaults = "faults"
	// faultsPeriod is how often the replicas are asked while somebody watches.
	faultsPeriod = 500 * time.Millisecond
)

// A faultsEvent is what GET /api/faults would answer.
type faultsEvent struct{ document any }

// MarshalJSON implements [json.Marshaler].
func (e faultsEvent) MarshalJSON() ([]byte, error) { return json.Marshal(e.document) }

func (faultsEvent) unmissable() {}

// watchFaults tells those who watch of faults that change, whoever changes them, until ctx
// ends. While nobody watches it asks nobody.
func (s *Service) watchFaults(ctx context.Context) {
	if s.replicas == nil {
		return
	}
	ticker := time.NewTicker(faultsPeriod)
	defer ticker.Stop()
	told := "" // nothing yet
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.faultsWritten:
		}
		if s.feed.watching.Load() == 0 {
			told = "" // to those who come
			continue
		}
		found, err := s.replicas.read(ctx)
		if ctx.Err() != nil {
			return
		}
		if now := withoutNoise(found, err); now != told {
			told = now
			_, document := faultsDocument(found, err)
			s.feed.tell(ctx, eventFaults, faultsEvent{document})
		}
	}
}

// withoutNoise is what was found as text that is another one only if the faults are.
func withoutNoise(found []Replica, err error) string {
	if err != nil {
		return failureKind(err)
	}
	found = slices.Clone(found)
	for i := range found {
		if found[i].Error != "" {
			found[i].Error = found[i].failure
		}
	}
	text, err := json.Marshal(found)
	if err != nil { // each was read as JSON
		return err.Error()
	}
	return string(text)
}

// failureKind is an error without the port that a connection happened to have.
func failureKind(err error) string {
	if kind := cause(resultError, err); kind != causeOther {
		return kind
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op
	}
	return err.Error()
}
