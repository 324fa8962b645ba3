package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"reliability/internal/experiment"
	"reliability/internal/experiment/report"
)

const progressWidth = 100

// A progress tells what runs and what has ended: a line for each experiment and, on a
// terminal, one that says every second what is running.
type progress struct {
	out      io.Writer
	live     bool
	all      int
	begin    time.Time
	stop     chan struct{}
	stopped  sync.WaitGroup
	mu       sync.Mutex // protects what follows, and out
	running  []string
	done     int
	finished bool
}

func newProgress(out io.Writer, all int, seed uint64) *progress {
	p := &progress{out: out, live: terminal(out), all: all, begin: time.Now(), stop: make(chan struct{})}
	_, _ = fmt.Fprintf(out, "%d experiments, seed %d\n", all, seed)
	if p.live {
		p.stopped.Go(p.tick)
	}
	return p
}

func (p *progress) tick() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.mu.Lock()
			p.statusLocked()
			p.mu.Unlock()
		case <-p.stop:
			return
		}
	}
}

// statusLocked rewrites the last line of a terminal.
func (p *progress) statusLocked() {
	const eraseLine = "\r\x1b[K"
	if !p.live {
		return
	}
	_, _ = fmt.Fprint(p.out, eraseLine)
	if !p.finished && len(p.running) > 0 {
		text := fmt.Sprintf("  %d of %d, %.0f s: %s", p.done, p.all, time.Since(p.begin).Seconds(), strings.Join(p.running, ", "))
		_, _ = fmt.Fprint(p.out, text[:min(len(text), progressWidth-1)])
	}
}

func (p *progress) began(e experiment.Experiment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = append(p.running, e.Name)
	if !p.live {
		_, _ = fmt.Fprintf(p.out, "  …  %s\n", e.Name)
	}
	p.statusLocked()
}

func (p *progress) ended(r report.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, name := range p.running {
		if name == r.Name {
			p.running = append(p.running[:i], p.running[i+1:]...)
			break
		}
	}
	p.done++
	live := p.running
	p.running = nil
	p.statusLocked()
	p.running = live
	line := []rune(fmt.Sprintf("%s  %s: %s", sign(r), r.Name, strings.ReplaceAll(said(r), "\n", "; ")))
	if len(line) > progressWidth { // the table has it whole
		line = append(line[:progressWidth-1], '…')
	}
	_, _ = fmt.Fprintln(p.out, string(line))
	p.statusLocked()
}

func (p *progress) end() {
	close(p.stop)
	p.stopped.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finished = true
	p.statusLocked()
}

func sign(r report.Result) string {
	switch {
	case r.Skipped != "":
		return "  –"
	case r.Outcome() == report.Pass:
		return "  ✓"
	case r.Outcome() == report.Fail:
		return "  ✗"
	}
	return "  ?"
}

func said(r report.Result) string {
	switch {
	case r.Skipped != "":
		return r.Skipped
	case r.Err != "":
		return r.Err
	}
	passed := 0
	for _, v := range r.Verdicts {
		if v.Outcome == report.Pass {
			passed++
		}
	}
	return fmt.Sprintf("%d of %d verdicts pass, %d calls, %.1f s", passed, len(r.Verdicts), r.Calls, r.Took.Seconds())
}
