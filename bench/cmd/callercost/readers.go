package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"reliability/bench/internal/process"
	"reliability/bench/internal/wire"
)

// atOnce is how many readers may be on their way at the same time.
const atOnce = 100

// readers are clients of caller's events, in a process of their own: what they cost must
// not be taken for what they cost caller. Every other one is stalled: it reads the head of
// its answer, and whatever came with that, and nothing more.
type readers struct {
	addr string

	open   []net.Conn
	ended  sync.WaitGroup // of those that read
	lost   atomic.Int64   // of those that read, whose events ended too early
	events atomic.Int64   // that were read
}

// What readers are told, and what they answer.
const (
	openReaders  = "open %d"
	countReaders = "count"
	closeReaders = "close"
)

type readersState struct {
	Open   int
	Lost   int64 // ended by caller
	Events int64 // since they were opened
}

// holdReaders is the life of the readers' process.
func holdReaders(ctx context.Context, addr string, stdin io.Reader, stdout io.Writer) error {
	if err := polite(); err != nil {
		return err
	}
	r := &readers{addr: addr}
	defer r.close()
	return process.Serve(stdin, stdout, "ready", func(line string) (any, error) {
		var n int
		var err error
		switch line {
		case closeReaders:
			r.close()
		case countReaders:
		default:
			if _, err = fmt.Sscanf(line, openReaders, &n); err == nil {
				err = r.connect(ctx, n)
			}
		}
		return readersState{len(r.open), r.lost.Load(), r.events.Load()}, err
	})
}

// connect opens so many, and returns when each has what it waits for: those that read
// their first event, the others the head.
func (r *readers) connect(ctx context.Context, n int) error {
	r.lost.Store(0)
	r.events.Store(0)
	errs := make(chan error, n)
	conns := make([]net.Conn, n)
	var wg sync.WaitGroup
	slots := make(chan bool, atOnce)
	for i := range n {
		slots <- true
		wg.Go(func() {
			defer func() { <-slots }()
			var err error
			if conns[i], err = r.reader(ctx, i%2 == 1); err != nil {
				errs <- fmt.Errorf("reader %d of %d: %w", i+1, n, err)
			}
		})
	}
	wg.Wait()
	for _, c := range conns {
		if c != nil {
			r.open = append(r.open, c)
		}
	}
	close(errs)
	return <-errs
}

func (r *readers) reader(ctx context.Context, stalled bool) (_ net.Conn, err error) {
	d := net.Dialer{Timeout: wire.AnswerTimeout}
	if stalled {
		d.Control = narrow
	}
	conn, err := d.DialContext(ctx, "tcp", r.addr)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	if err := conn.SetDeadline(time.Now().Add(wire.AnswerTimeout)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(wire.Request(http.MethodGet, "/api/events", "", "Accept: text/event-stream")); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // its end is the connection's
	if err != nil {
		return nil, err
	}
	if kind := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || kind != "text/event-stream" {
		return nil, fmt.Errorf("answered %s with %q", res.Status, kind)
	}
	if !stalled {
		events := bufio.NewReader(res.Body)
		if err := r.event(events); err != nil {
			return nil, fmt.Errorf("no event came: %w", err)
		}
		defer r.ended.Go(func() { // after the deadline is taken away
			for {
				if err := r.event(events); err != nil {
					if !errors.Is(err, net.ErrClosed) {
						r.lost.Add(1)
					}
					return
				}
			}
		})
	}
	return conn, conn.SetDeadline(time.Time{})
}

// event reads up to the data of the next event. Its lines may be of any length.
func (r *readers) event(from *bufio.Reader) error {
	for {
		line, err := from.ReadSlice('\n')
		is := bytes.HasPrefix(line, []byte("data:"))
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = from.ReadSlice('\n')
		}
		if err != nil {
			return err
		}
		if is {
			r.events.Add(1)
			return nil
		}
	}
}

// close lets all go.
func (r *readers) close() {
	for _, c := range r.open {
		_ = c.Close()
	}
	r.ended.Wait()
	r.open = nil
}
