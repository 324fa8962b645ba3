// Command httpclient is an http.Client that survives its dependency: retries with a budget,
// a deadline for each attempt and a circuit breaker, below net/http, so that the code which
// makes the requests stays as it is.
//
// newClient is what to take home. Around it is a dependency that fails by a script, and
// requests that show what the client makes of it: a Retry-After is kept to, a POST is sent
// again only with an Idempotency-Key, a dependency that hangs is left alone after five
// attempts, and asked again when the breaker says so.
//
//	go run ./examples/httpclient
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/resiliencehttp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err == nil {
		err = run(ctx, os.Stdout, listener, http.DefaultTransport.(*http.Transport).Clone())
	}
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// newClient protects the requests to one dependency. A client of many has a chain for
// each: resiliencehttp.PerHost.
func newClient(base *http.Transport, observer resilience.Observer) (*http.Client, error) {
	breaker, err := resilience.NewBreaker(resilience.BreakerConfig{Name: "shop", Failures: 5, OpenFor: 2 * time.Second, Observer: observer})
	if err != nil {
		return nil, err
	}
	budget, err := resilience.NewRetryBudget(resilience.RetryBudgetConfig{}) // of all calls together
	if err != nil {
		return nil, err
	}
	handler, err := resilience.Chain(
		resilience.Timeout(resilience.TimeoutConfig{Limit: 5 * time.Second}), // of a whole request, its retries included
		resilience.Retry(resilience.RetryConfig{MaxAttempts: 3, Budget: budget, Observer: observer}),
		resilience.Timeout(resilience.TimeoutConfig{Limit: 250 * time.Millisecond}), // of an attempt
		resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker}),
	)
	if err != nil {
		return nil, err
	}
	transport, err := resiliencehttp.NewTransport(resiliencehttp.Config{Base: base, Handler: handler})
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: transport}, nil
}

func run(ctx context.Context, stdout io.Writer, listener net.Listener, base *http.Transport) error {
	out := log.New(stdout, "", 0)
	client, err := newClient(base, observe(out))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	defer serve(listener)()
	shop := "http://" + listener.Addr().String()

	for _, r := range []struct{ why, method, path, key string }{
		{"A GET is sent again, no sooner than Retry-After says.", http.MethodGet, "/stock", ""},
		{"A POST is not: nobody knows whether the first one was worked on.", http.MethodPost, "/charges", ""},
		{"With a key the server can tell that it is the same one.", http.MethodPost, "/charges", "order-1"},
		{"A dependency that hangs is given 250ms for each attempt.", http.MethodGet, "/report", ""},
		{"The fifth failure in a row opens the breaker, which ends the retries.", http.MethodGet, "/report", ""},
		{"An open breaker answers at once. Then the program waits as long as it says.", http.MethodGet, "/report", ""},
		{"Its probes are ordinary requests; two that succeed close it.", http.MethodGet, "/report", ""},
		{"", http.MethodGet, "/report", ""},
	} {
		if r.why != "" {
			out.Print(r.why)
		}
		outcome, wait := send(ctx, client, r.method, shop+r.path, r.key)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		out.Printf("%s %s: %s", r.method, r.path, outcome)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// send makes a request as any client does. It returns what came of it in words and, if it
// never left, how long to wait before the next.
func send(ctx context.Context, client *http.Client, method, url, key string) (outcome string, wait time.Duration) {
	req, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return err.Error(), 0
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := client.Do(req)
	if open, ok := errors.AsType[*resilience.OpenError](err); ok && resilience.Rejected(err) {
		return "not sent: " + inWords(err), open.RetryAfter()
	}
	if err != nil {
		return "no answer: " + inWords(err), 0
	}
	defer func() { _ = res.Body.Close() }()
	return fmt.Sprintf("%s, requests sent: %d", res.Status, resiliencehttp.Attempts(res)), 0
}
