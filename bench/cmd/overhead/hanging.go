package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"reliability/bench/internal/statistics"
	"reliability/bench/internal/wire"
)

const (
	// hangDocument makes every request hang.
	hangDocument = `{"hang":{"rate":1}}`

	controls  = 200 // requests of the control API
	batch     = 500 // connections that may wait to be accepted
	backAfter = 10 * time.Second
)

// hang measures the control API while requests hang, and what is left of them.
func (r *report) hang(ctx context.Context, stderr io.Writer) (err error) {
	flaky, err := startChild(ctx, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, flaky.End()) }()
	admin, err := wire.Dial(ctx, flaky.Admin)
	if err != nil {
		return err
	}
	defer admin.Close()
	if _, err := admin.Exchange(wire.Request(http.MethodPut, "/faults", hangDocument)); err != nil {
		return fmt.Errorf("PUT /faults %s: %w", hangDocument, err)
	}
	if r.Idle, err = control(ctx, admin); err != nil {
		return err
	}
	if r.Before, err = flaky.stats(); err != nil {
		return err
	}

	var hung []net.Conn // with neither a goroutine nor a buffer each
	leave := func() {
		for _, c := range hung {
			_ = c.Close()
		}
		hung = nil
	}
	defer leave()
	work := wire.Request(http.MethodGet, "/work", "")
	for len(hung) < r.Hanging {
		for range min(batch, r.Hanging-len(hung)) {
			c, err := wire.Connect(ctx, flaky.Public)
			if err != nil {
				return fmt.Errorf("connection %d of %d: %w", len(hung)+1, r.Hanging, err)
			}
			hung = append(hung, c)
			if _, err := c.Write(work); err != nil {
				return err
			}
		}
		all := int64(len(hung))
		r.During, err = flaky.until(ctx, func(s stats) bool { return s.Hanging >= all })
		if err != nil {
			return err
		}
		if r.During.Hanging != all {
			return fmt.Errorf("of %d requests only %d hang: are there files enough? see ulimit -n", all, r.During.Hanging)
		}
	}

	if r.Control, err = control(ctx, admin); err != nil {
		return err
	}
	switch s, err := flaky.stats(); {
	case err != nil:
		return err
	case s.Hanging != int64(r.Hanging):
		return fmt.Errorf("while the control API was asked, %d of %d requests ended", int64(r.Hanging)-s.Hanging, r.Hanging)
	}
	leave()
	begin := time.Now()
	if _, err = flaky.until(ctx, r.back); err != nil {
		return err
	}
	r.Back = time.Since(begin)
	r.After, err = flaky.stats() // once more: garbage was collected while the last requests ended
	return err
}

// control asks the control API, one request after the other.
func control(ctx context.Context, admin *wire.Client) (statistics.Quantiles, error) {
	get := wire.Request(http.MethodGet, "/faults", "")
	took := make([]time.Duration, controls)
	for i := range took {
		begin := time.Now()
		if _, err := admin.Exchange(get); err != nil {
			return statistics.Quantiles{}, fmt.Errorf("GET /faults: %w", err)
		}
		took[i] = time.Since(begin)
		if ctx.Err() != nil {
			return statistics.Quantiles{}, ctx.Err()
		}
	}
	return statistics.QuantilesOf(took), nil
}

// back reports whether nothing is left of the requests that hung.
func (r *report) back(s stats) bool {
	return s.Hanging == 0 && s.Goroutines <= r.mostGoroutines()
}

func (r *report) mostGoroutines() int { return r.Before.Goroutines + r.Before.Goroutines/10 + 50 }
