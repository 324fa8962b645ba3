package main

// A comparison is one benchmark: what it does, and who is the measure of the others.
type comparison struct {
	Name      string // without "Benchmark"
	Yardstick string
	Does      string
}

// comparisons are all benchmarks, in the order of the page.
func comparisons() []comparison {
	return []comparison{
		{"BreakerClosed", "gobreaker", "A call that succeeds, through a closed breaker which five failures in a row would open. " +
			"eapache knows no other rule than failures that add up, and forgets them only in a pause."},
		{"BreakerClosedParallel", "gobreaker", "The same breaker, shared by as many goroutines as there are cores. " +
			"ns/op is elapsed time divided by the calls of all of them: with nothing shared it would be the serial figure divided by the cores."},
		{"BreakerOpen", "gobreaker", "A call that an open breaker turns away; the operation does not run. " +
			"eapache looks at no clock then: a goroutine that sleeps meanwhile ends its open state."},
		{"BreakerWindow", "gobreaker", "A call that succeeds, through a closed breaker which a failure rate of 50 % over ten seconds and at least " +
			"twenty calls would open. gobreaker counts in ten buckets of a second (Interval and BucketPeriod)."},
		{"BreakerWindowParallel", "gobreaker", "The same breaker, shared by as many goroutines as there are cores."},
		{"BreakerWindowSlow", "gobreaker", "The same window, which a rate of 50 % slow calls would open as well, so that each call is timed. " +
			"No peer does that; gobreaker's window of failures stands beside it."},
		{"Retry", "cenkalti", "A call that succeeds at its first attempt, where up to four would be made."},
		{"Pipeline", "contextWithTimeout", "Retry, around a timeout, around a breaker. contextWithTimeout is no contender but the floor: " +
			"a context with a deadline and its cancellation, and no other protection. handassembled is cenkalti, context.WithTimeout and gobreaker, put together by hand."},
		{"PipelineNoTimeout", "gobreaker", "Retry, around a breaker, around a bulkhead. gobreaker is its breaker alone, without the other two."},
	}
}

// A participant explains a contender's name.
type participant struct {
	Name   string
	Module string // its version is known from the input; "" for what is ours
	Is     string
}

func participants() []participant {
	return []participant{
		{"handrolled", "", "our own breaker, as it is used: `Chain(CircuitBreaker(…))`"},
		{"raw", "", "the same breaker without a chain and without an operation: what `Acquire` and `Permit.Done` cost by themselves"},
		{"sonybreaker", "", "our breaker that lets gobreaker decide, through a chain"},
		{"ours", "", "a chain of our policies"},
		{"gobreaker", "github.com/sony/gobreaker/v2", ""},
		{"failsafe", "github.com/failsafe-go/failsafe-go", ""},
		{"cep21", "github.com/cep21/circuit/v4", "without its timeout and its limit of concurrent calls"},
		{"eapache", "github.com/eapache/go-resiliency", ""},
		{"cenkalti", "github.com/cenkalti/backoff/v5", ""},
		{"avast", "github.com/avast/retry-go/v5", ""},
	}
}

// own reports whether a contender is ours.
func own(contender string) bool {
	for _, p := range participants() {
		if p.Name == contender {
			return p.Module == ""
		}
	}
	return false
}

// peer reports whether a contender is another's library, or is made of such.
func peer(contender string) bool { return !own(contender) && contender != "contextWithTimeout" }
