package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"reliability/bench/internal/openloop"
	"reliability/bench/internal/process"
	"reliability/bench/internal/server"
	"reliability/bench/internal/wire"
)

const (
	inFlight = 5000 // calls at a time
	samples  = 60   // for each upstream
)

// mostGoroutines is how many may be left where there were so many before.
func mostGoroutines(before int) int { return before + 10 }

// mostFiles is how many may be left open.
func mostFiles(before int) int { return before + 5 }

// An upstream is a way to be broken.
type upstream struct {
	Name     string
	Document string // flaky's faults; "": flaky has ended, and nobody listens any more
}

// upstreams ends with the one from which there is no way back.
func upstreams() []upstream {
	return []upstream{
		{"hanging", `{"hang":{"rate":1}}`},
		{"resetting", `{"reset":{"rate":1}}`},
		{"truncating", `{"truncate":{"rate":1}}`},
		{"slow-drip", `{"drip":{"rate":1,"over":"5s"}}`},
		{"dead", ""},
	}
}

// A pipeline is what calls go through.
type pipeline struct{ Name, query string }

// pipelines are the whole, and that without a breaker: behind an open breaker little
// happens.
func pipelines() []pipeline {
	return []pipeline{{"full chain", ""}, {"retry, timeout", "?order=retry,timeout"}}
}

// soaked is what caller held, and what became of calls.
type soaked struct {
	Baseline process.Stats
	Rounds   []round
}

// A round is calls to one upstream through one pipeline.
type round struct {
	Upstream, Pipeline string
	Outcomes           map[string]int
	Withheld           int             // calls that were not made: so many were under way
	Samples            []process.Stats // evenly, while calls were made
	After              process.Stats
	Back               time.Duration // how long it took until then
}

// soak makes calls to each broken upstream. flaky is in this process, caller is not.
func (r *report) soak(ctx context.Context, stderr io.Writer) (err error) {
	dependency, err := server.Start(ctx, "flaky", server.Flaky)
	if err != nil {
		return err
	}
	end := sync.OnceValue(dependency.End)
	defer func() { err = errors.Join(err, end()) }()
	faults := &wire.Pool{Addr: dependency.AdminAddr()}
	defer faults.Close()
	subject, err := startCaller(ctx, stderr, dependency.Addr())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, subject.End()) }()

	s := &soak{options: r.options, caller: subject}
	for _, p := range pipelines() { // what is kept of calls fills up first
		if _, err := s.round(ctx, upstream{Name: "healthy"}, p); err != nil {
			return err
		}
	}
	if r.Soaked.Baseline, err = subject.rest(ctx, time.Second); err != nil {
		return err
	}
	for _, u := range upstreams() {
		if u.Document == "" {
			err = end()
		} else {
			err = put(ctx, faults, u.Document)
		}
		if err != nil {
			return err
		}
		for _, p := range pipelines() {
			measured, err := s.round(ctx, u, p)
			if err != nil {
				return err
			}
			begin := time.Now()
			if _, err = subject.until(ctx, r.Soaked.back); err != nil {
				return err
			}
			measured.Back = time.Since(begin)
			if measured.After, err = subject.rest(ctx, quiet); err != nil {
				return err
			}
			r.Soaked.Rounds = append(r.Soaked.Rounds, measured)
		}
	}
	return nil
}

// put puts faults in force.
func put(ctx context.Context, faults *wire.Pool, document string) error {
	refused := ""
	err := faults.Ask(ctx, wire.Request(http.MethodPut, "/faults", document), func(status int, body []byte) {
		if status != http.StatusOK {
			refused = string(body)
		}
	})
	if refused != "" {
		err = errors.New(refused)
	}
	if err != nil {
		return fmt.Errorf("PUT /faults %s: %w", document, err)
	}
	return nil
}

// back reports whether nothing is left of calls.
func (s *soaked) back(now process.Stats) bool {
	return now.Goroutines <= mostGoroutines(s.Baseline.Goroutines) && now.Files <= mostFiles(s.Baseline.Files)
}

type soak struct {
	options
	caller *callerProcess
}

// round makes calls for half of an upstream's time, and samples caller meanwhile.
func (s *soak) round(ctx context.Context, u upstream, p pipeline) (round, error) {
	m := round{Upstream: u.Name, Pipeline: p.Name, Outcomes: map[string]int{}}
	pool := &wire.Pool{Addr: s.caller.addr}
	defer pool.Close()
	request := wire.Request(http.MethodGet, "/call"+p.query, "")
	var mu sync.Mutex // protects Outcomes
	var sampling error
	done := make(chan bool)
	var sampler sync.WaitGroup
	sampler.Go(func() { m.Samples, sampling = s.sample(ctx, done) })
	load := openloop.Load{
		Rate: float64(s.SoakRate), Most: inFlight,
		Poisson: rand.New(rand.NewPCG(1, 2)),
	}
	m.Withheld = load.Run(ctx, s.Soak/2, func(ctx context.Context, _ time.Time) {
		what := noAnswer
		err := pool.Ask(ctx, request, func(status int, body []byte) { what = outcome(status, body) })
		if err != nil {
			what = noAnswer
		}
		mu.Lock()
		defer mu.Unlock()
		m.Outcomes[what]++
	})
	close(done)
	sampler.Wait()
	return m, errors.Join(sampling, ctx.Err())
}

const noAnswer = "no answer"

// outcome is in one word what an answer says of its call.
func outcome(status int, body []byte) string {
	var answer struct{ Outcome string }
	if err := json.Unmarshal(body, &answer); err != nil || answer.Outcome == "" {
		return fmt.Sprint(status)
	}
	return answer.Outcome
}

// sample takes caller's stats until done.
func (s *soak) sample(ctx context.Context, done <-chan bool) (all []process.Stats, err error) {
	tick := time.NewTicker(s.Soak / samples)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-done:
			return all, nil
		case <-ctx.Done():
			return all, nil
		}
		now, err := s.caller.stats()
		if err != nil {
			return all, err
		}
		all = append(all, now)
	}
}
