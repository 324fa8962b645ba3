package bench

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A drive spreads the n calls of one measurement and returns how many failed.
type drive func(ctx context.Context, n int, s subject) (failed int)

func serial(ctx context.Context, n int, s subject) int { return s.loop(ctx, n) }

// parallel has GOMAXPROCS goroutines share the calls. testing.B.RunParallel would do so
// call by call, which costs as much as the cheapest of them.
func parallel(ctx context.Context, n int, s subject) int {
	const share = 1024
	var (
		taken  atomic.Int64
		failed atomic.Int64
		wg     sync.WaitGroup
	)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				left := int64(n) - taken.Add(share) + share
				if left <= 0 {
					return
				}
				failed.Add(int64(s.loop(ctx, int(min(left, share)))))
			}
		})
	}
	wg.Wait()
	return int(failed.Load())
}

// passing measures calls that pass: not one may fail, and a breaker must be closed at the
// end, or something else was measured.
func passing(b *testing.B, contenders []contender, d drive) {
	each(b, contenders, func(b *testing.B, s subject) {
		if failed := measure(b, s, d); failed > 0 {
			b.Fatalf("%d of %d calls failed", failed, b.N)
		}
		wantState(b, s, "closed")
	})
}

// rejected measures calls that an open breaker turns away: not one may pass.
func rejected(b *testing.B, contenders []contender, d drive) {
	each(b, contenders, func(b *testing.B, s subject) {
		open(b, s)
		if failed := measure(b, s, d); failed != b.N {
			b.Fatalf("%d of %d calls passed", b.N-failed, b.N)
		}
		wantState(b, s, "open")
	})
}

func each(b *testing.B, contenders []contender, run func(*testing.B, subject)) {
	for _, c := range contenders {
		if c.make == nil {
			// A line of configuration in the benchmark format, whose keys have no upper case.
			// It stands before the results that follow, and so reaches the table.
			name := strings.TrimPrefix(b.Name(), "Benchmark") + "/" + c.name
			fmt.Printf("absent/%s: %s\n", strings.ToLower(name), c.cannot)
		}
	}
	for _, c := range contenders {
		if c.make != nil {
			b.Run(c.name, func(b *testing.B) { run(b, c.make(b)) })
		}
	}
}

func measure(b *testing.B, s subject, d drive) (failed int) {
	ctx := b.Context()
	b.ReportAllocs()
	b.ResetTimer()
	failed = d(ctx, b.N, s)
	b.StopTimer()
	return failed
}

func wantState(tb testing.TB, s subject, want string) {
	tb.Helper()
	if s.state == nil {
		return
	}
	if got := s.state(); got != want {
		tb.Fatalf("the breaker is %s, want %s", got, want)
	}
}

// open lets a breaker trip.
func open(tb testing.TB, s subject) {
	tb.Helper()
	for range failures {
		_ = s.call(tb.Context(), fail)
	}
	wantState(tb, s, "open")
}
