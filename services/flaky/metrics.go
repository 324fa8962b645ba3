package flaky

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// measure lets /metrics show what /stats does: it is read when somebody looks, and costs a
// request nothing.
func (s *Service) measure() error {
	meter := s.tel.Meters.Meter("reliability/services/flaky")
	requests, err := meter.Int64ObservableCounter("reliability.flaky.requests", metric.WithUnit("{request}"),
		metric.WithDescription("Requests that are done, by outcome."))
	if err != nil {
		return err
	}
	inFlight, err := meter.Int64ObservableGauge("reliability.flaky.in_flight", metric.WithUnit("{request}"),
		metric.WithDescription("Requests that are not done."))
	if err != nil {
		return err
	}
	queue, err := meter.Int64ObservableGauge("reliability.flaky.queue", metric.WithUnit("{request}"),
		metric.WithDescription("Requests that wait for a worker."))
	if err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		now := s.read(10 * time.Millisecond)
		for outcome, n := range now.Outcomes {
			o.ObserveInt64(requests, int64(n), metric.WithAttributes(attribute.String("outcome", string(outcome))))
		}
		o.ObserveInt64(inFlight, int64(now.InFlight))
		o.ObserveInt64(queue, int64(now.Queue))
		return nil
	}, requests, inFlight, queue)
	return err
}
