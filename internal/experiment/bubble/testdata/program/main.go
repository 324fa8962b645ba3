// Command program uses bubbles where no test runs.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"reliability/internal/experiment/bubble"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	bubbles := bubble.New()
	began := time.Now()
	hour := func(context.Context) error {
		begin := time.Now()
		time.Sleep(time.Hour)
		if time.Since(begin) != time.Hour {
			return errors.New("this is real time")
		}
		return nil
	}
	if err := bubbles.Run(ctx, hour); err == nil && time.Since(began) < time.Minute {
		fmt.Println("an hour has passed")
	}
	var both sync.WaitGroup
	var errs [2]error
	for i := range errs {
		both.Go(func() { errs[i] = bubbles.Run(ctx, hour) })
	}
	both.Wait()
	fmt.Println("two at once:", errors.Join(errs[:]...) == nil)
	fmt.Println("error:", bubbles.Run(ctx, func(context.Context) error { return errors.New("as it was") }))
	err := bubbles.Run(ctx, func(context.Context) error { panic("ouch") })
	fmt.Println(strings.SplitN(err.Error(), "\n", 2)[0])
	err = bubbles.Run(ctx, func(inner context.Context) error {
		cancel()
		select {
		case <-inner.Done():
			return context.Cause(inner)
		case <-time.After(time.Minute):
			return nil
		}
	})
	fmt.Println("canceled inside:", errors.Is(err, context.Canceled))
	fmt.Println("canceled:", errors.Is(bubbles.Run(ctx, hour), context.Canceled))
}
