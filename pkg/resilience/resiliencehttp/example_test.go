package resiliencehttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/resiliencehttp"
)

// A client of one dependency: retried, each attempt with a time limit, behind a breaker.
func Example() {
	requests := 0
	dependency := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests++; requests < 3 {
			http.Error(w, "try later", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "hello")
	}))
	defer dependency.Close()

	breaker, err := resilience.NewBreaker(resilience.BreakerConfig{Name: "dependency"})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler, err := resilience.Chain(
		resilience.Retry(resilience.RetryConfig{MaxAttempts: 4, Base: time.Millisecond}),
		resilience.Timeout(resilience.TimeoutConfig{Limit: 5 * time.Second}),
		resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker}),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	transport, err := resiliencehttp.NewTransport(resiliencehttp.Config{Handler: handler})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport}
	defer client.CloseIdleConnections()

	res, err := client.Get(dependency.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	fmt.Printf("%s %q %v, after %d attempts\n", res.Status, body, err, resiliencehttp.Attempts(res))

	// A payment is sent once, unless the server can tell that it is the same one. The
	// client gets the answer there was.
	requests = 0
	res, err = client.Post(dependency.URL, "text/plain", strings.NewReader("charge"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = res.Body.Close()
	fmt.Printf("%s, after %d attempt\n", res.Status, resiliencehttp.Attempts(res))

	// Output:
	// 200 OK "hello" <nil>, after 3 attempts
	// 503 Service Unavailable, after 1 attempt
}

// A client of many dependencies: each scheme and host has a breaker of its own.
func ExamplePerHost() {
	perHost, err := resiliencehttp.NewPerHost(resiliencehttp.PerHostConfig{
		New: func(origin string) (resilience.Handler, error) {
			breaker, err := resilience.NewBreaker(resilience.BreakerConfig{Name: origin, Failures: 1})
			if err != nil {
				return nil, err
			}
			return resilience.Chain(resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker}))
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	transport, err := resiliencehttp.NewTransport(resiliencehttp.Config{
		PerHost: perHost,
		Base: roundTripper(func(req *http.Request) (*http.Response, error) { // instead of a network
			if req.URL.Host == "sick.example" {
				return respond(req, http.StatusInternalServerError, ""), nil
			}
			return respond(req, http.StatusOK, ""), nil
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport}
	for _, url := range []string{"http://sick.example/a", "http://sick.example/b", "http://well.example/"} {
		res, err := client.Get(url)
		if open, ok := errors.AsType[*resilience.OpenError](err); ok {
			fmt.Println(url, "turned away by", open.Breaker)
			continue
		}
		_ = res.Body.Close()
		fmt.Println(url, res.Status)
	}
	fmt.Println(perHost.Origins())

	// Output:
	// http://sick.example/a 500 Internal Server Error
	// http://sick.example/b turned away by http://sick.example
	// http://well.example/ 200 OK
	// [http://well.example http://sick.example]
}

// A POST that the server handles idempotently, although it knows no key.
func ExampleWithIdempotent() {
	requests := 0
	handler, err := resilience.Chain(resilience.Retry(resilience.RetryConfig{Base: time.Millisecond}))
	if err != nil {
		fmt.Println(err)
		return
	}
	transport, err := resiliencehttp.NewTransport(resiliencehttp.Config{
		Handler: handler,
		Base: roundTripper(func(req *http.Request) (*http.Response, error) {
			if requests++; requests == 1 {
				return nil, io.ErrUnexpectedEOF // the connection broke
			}
			return respond(req, http.StatusOK, ""), nil
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := resiliencehttp.WithIdempotent(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://search.example/query", strings.NewReader("{}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = res.Body.Close()
	fmt.Println(res.Status, "after", resiliencehttp.Attempts(res), "attempts")

	// Output:
	// 200 OK after 2 attempts
}

// What else counts as a failure, on top of the default.
func ExampleConfig_classify() {
	cfg := resiliencehttp.Config{
		Classify: func(res *http.Response) error {
			if res.StatusCode == http.StatusConflict { // here: somebody else holds the lock
				return resiliencehttp.NewStatusError(res)
			}
			return resiliencehttp.DefaultClassify(res)
		},
	}
	fmt.Println(cfg.Classify(&http.Response{StatusCode: http.StatusConflict}))
	fmt.Println(cfg.Classify(&http.Response{StatusCode: http.StatusNotFound}))

	// Output:
	// resiliencehttp: answered 409 Conflict
	// <nil>
}
