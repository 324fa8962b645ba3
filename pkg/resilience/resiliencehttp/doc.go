// Package resiliencehttp puts the policies of package resilience under any http.Client.
//
// A [Transport] is an http.RoundTripper. Each request becomes one call through a chain,
// and each attempt of that call one exchange of the transport below:
//
//	http.Client → Transport → Retry(Timeout(CircuitBreaker(exchange))) → http.Transport
//
//	transport, err := resiliencehttp.NewTransport(resiliencehttp.Config{Handler: handler})
//	...
//	client := &http.Client{Transport: transport}
//	res, err := client.Get("https://payments.example/charges")
//
// A client of many dependencies has a chain, so a breaker, for each: see [PerHost].
//
// # What is a failure
//
// An attempt fails when there is no whole answer (refused, reset, timed out, broken off
// in the middle of the body) and when the answer says so: 408, 425, 429 and 5xx but 501
// and 505, see [DefaultClassify]. The policies see a [*StatusError] then, with the
// Retry-After of any failed answer. Everything else, 404 for one, is an answer.
//
// The client sees what it would see without the package: if the last attempt brought an
// answer, it gets that answer, 503 or not, and [Attempts] tells how many requests it
// took. Otherwise it gets an error, mostly an [*Error], in which errors.Is and errors.As
// find every cause.
//
// # What is sent again
//
// The chain decides whether to make another attempt; the transport sees to it that none
// is made which could do harm. It marks a failure permanent, by an [*UnrepeatableError],
//
//   - when the request is not idempotent: its method is not GET, HEAD, OPTIONS, TRACE, PUT
//     or DELETE (RFC 9110 §9.2.2), it has no header Idempotency-Key or X-Idempotency-Key,
//     and its context is not marked by [WithIdempotent]. This holds for 429 and 503 too: a
//     proxy may say so of a request that has been worked on. It does not hold where there
//     was no connection to send it on (the dial or the name look-up failed). A write that
//     failed is no such case; nor is an attempt whose limit passed while it dialled, of which
//     net/http tells only that it ended.
//   - when its body has been read and Request.GetBody is nil. http.NewRequest sets GetBody
//     for strings and bytes.
//
// A chain whose RetryIf asks for an attempt all the same gets the refusal again; nothing
// is sent. An attempt after a failed one uses a fresh connection, because a kept one
// leads to the same, maybe sick, replica: see [Config].Fresh. Over HTTP/2 fresh means not
// that of any first attempt; retries running at one time may share theirs.
//
// # Bodies
//
// The body of an answer is read within the attempt, up to [Config].MaxBuffered, so a body
// that breaks off or drips is retried, timed and counted like any failure, and connection
// and trailers are done with when the answer is returned. A larger one streams: the
// attempt ends at the headers, and so do its timeout and its permit of the breaker; the
// caller's context still bounds it, and Close ends it. Event streams, answers to CONNECT
// and 101 Switching Protocols always stream.
//
// A failed answer is treated alike, because it may be the last. If another attempt
// follows, what still streams of it is closed, at the cost of its connection.
//
// # Contexts
//
// The transport below gets a clone of the request under a context that has the values of
// the attempt (its number, the span), so it may be one that traces. It ends with the
// attempt, or with the caller once the body streams. Its Deadline is the caller's. A body
// that does not end with its context keeps the attempt waiting, like any Op that does
// not.
//
// The package imports the standard library and package resilience only.
package resiliencehttp
