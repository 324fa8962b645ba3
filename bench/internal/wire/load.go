package wire

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"
)

// DialAll returns connections, all or none.
func DialAll(ctx context.Context, addr string, n int) ([]*Client, error) {
	clients := make([]*Client, 0, n)
	for range n {
		c, err := Dial(ctx, addr)
		if err != nil {
			CloseAll(clients)
			return nil, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

// CloseAll closes connections.
func CloseAll(clients []*Client) {
	for _, c := range clients {
		c.Close()
	}
}

// Load has each client send one request after the other for a while, at least one, and
// returns how many were answered in a second.
func Load(ctx context.Context, clients []*Client, request []byte, d time.Duration) (float64, error) {
	answers, errs := make([]int, len(clients)), make([]error, len(clients))
	var wg sync.WaitGroup
	begin := time.Now()
	for i, c := range clients {
		wg.Go(func() {
			n := 0 // not in answers, where the clients would share a cache line
			for errs[i] == nil && (n == 0 || time.Since(begin) < d) && ctx.Err() == nil {
				if _, errs[i] = c.Exchange(request); errs[i] == nil {
					n++
				}
			}
			answers[i] = n
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	sum := 0
	for _, n := range answers {
		sum += n
	}
	return float64(sum) / elapsed.Seconds(), cmp.Or(ctx.Err(), errors.Join(errs...))
}
