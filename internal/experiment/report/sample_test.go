package report

import (
	"math"
	"math/rand/v2"
	"time"
)

// sample is a run as there may be one: most of it passes, one verdict fails, one cannot be
// judged, one experiment is for another world and one could not run.
func sample() []Result {
	results := []Result{jitterSample(), breakerSample(), tuningSample(), metastableSample(), waterfallSample()}
	results = append(results,
		Result{Name: "scale-failures", Claim: "Replicas are the failure ratio", World: "simulated",
			Lesson:  "Count what answers, not what is declared.",
			Skipped: "it scales a Deployment, and a simulated world has none", Repeat: "go run ./cmd/lab experiment scale-failures --caller URL"},
		Result{Name: "bulkhead", Claim: "One slow dependency can exhaust everything", World: "simulated",
			Lesson: "Give each dependency its own compartment.",
			Err:    "flaky answered 409 Conflict to PUT /api/faults: the document was changed by somebody else", Repeat: repeat("bulkhead")})
	for i := range results {
		r := &results[i]
		r.Seed = 20240229
		r.World = "simulated"
		r.Unit = 50 * time.Millisecond
		if r.Skipped != "" {
			continue // it never began
		}
		r.Began = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC).Add(time.Duration(i) * 700 * time.Millisecond)
		if r.Calls > 0 {
			r.Took = time.Duration(r.Calls) * 130 * time.Microsecond
			r.Varies = []string{"the order in which attempts of one instant are served", "real times: began, took"}
		}
	}
	return results
}

func repeat(name string) string { return "go run ./cmd/lab experiment " + name + " --seed 20240229" }

func jitterSample() Result {
	random := rand.New(rand.NewPCG(1, 2))
	var without, with []Point
	counts := make([]int, 60)
	for range 200 {
		counts[random.IntN(40)]++
	}
	for i := range counts {
		y := 0.0
		if i == 20 {
			y = 200
		}
		without = append(without, Point{float64(i) * 10, y})
		with = append(with, Point{float64(i) * 10, float64(counts[i])})
	}
	return Result{
		Name: "jitter", Claim: "Without jitter, retries arrive as a thundering herd", Calls: 1600, Repeat: repeat("jitter"),
		Lesson: "Back-off alone only moves the herd to a later moment: everybody who failed together comes back together. Spread the retries over the whole back-off (full jitter). The trap is equal jitter, which still leaves half of the wait as it was.",
		Setup:  []string{"200 clients, each with Retry(3 attempts, exponential back-off from 4 timeouts)", "flaky fails every first attempt at the same instant", "arrivals of second attempts are counted at flaky, in buckets of 10 ms"},
		Verdicts: []Verdict{
			{Name: "herd", Claim: "without jitter, all retries arrive in one bucket", Expected: "exactly 200 in the fullest bucket of 10 ms", Seen: "200", Test: "count", P: 1, Power: 1, Outcome: Pass},
			{Name: "full jitter", Claim: "with full jitter no bucket is fuller than chance fills it", Expected: "fewer than 22 = the 1 − 1e-6 bound of Poisson(5) over 40 buckets", Seen: "11 in the fullest", Test: "Poisson, Bonferroni over 40 buckets", P: 0.312, Power: 1 - 3e-13, Outcome: Pass},
			{Name: "equal jitter", Claim: "with equal jitter nothing arrives in the first half of the back-off", Expected: "0", Seen: "0", Test: "count", P: 1, Power: 1, Outcome: Pass},
		},
		Measured: []Measure{{"fullest bucket without jitter", 200, "attempts"}, {"fullest bucket with full jitter", 11, "attempts"}, {"spread, full jitter", 391.52, "ms"}},
		Figures: []Figure{{Name: "arrivals", Title: "Second attempts as flaky saw them arrive", Caption: "One spike is 200 clients knocking in the same 10 ms; with full jitter the same retries are a gentle drizzle below the bound.",
			X: Axis{Label: "time since the failure, ms"}, Y: Axis{Label: "attempts per 10 ms", Log: true},
			Lines: []Line{{"no jitter", Bars, without}, {"full jitter", Bars, with}, {"bound for chance, 1 − 1e-6", Rule, []Point{{0, 22}}}}}},
	}
}

func breakerSample() Result {
	success := func(dip float64) []Point {
		var xy []Point
		for i := range 121 {
			t := float64(i) * 2
			y := 1 - dip/200*math.Abs(math.Sin(t))
			if t > 80 && t < 160+dip {
				y = 0.02 * math.Abs(math.Cos(t*dip))
			}
			xy = append(xy, Point{t, y})
		}
		return xy
	}
	band := func(late float64) []Bar {
		return []Bar{{0, 84 + late, "closed", "closed"}, {84 + late, 104 + late, "open", "open"}, {104 + late, 107 + late, "half-open", ""},
			{107 + late, 127 + late, "open", "open"}, {127 + late, 130 + late, "half-open", ""}, {130 + late, 150 + late, "open", "open"},
			{150 + late, 153 + late, "half-open", ""}, {153 + late, 173 + late, "open", "open"}, {173 + late, 178 + late, "half-open", ""}, {178 + late, 240, "closed", "closed"}}
	}
	return Result{
		Name: "breaker", Claim: "Fail fast, then recover by itself", Calls: 4800, Repeat: repeat("breaker"),
		Lesson: "An open breaker costs nothing and asks little: the dependency gets air, the caller gets its answer at once. Recovery needs no operator, only probes.",
		Setup:  []string{"caller with the full chain, both engines, 20 calls per timeout", "flaky refuses from 80 to 160 timeouts"},
		Verdicts: []Verdict{
			{Name: "probes only", Claim: "while open, only probes reach the dead service", Expected: "3 probes for each engine", Seen: "handrolled 3, gobreaker 3", Test: "count", P: 1, Power: 1, Outcome: Pass},
			{Name: "fast", Claim: "rejections are a hundred times faster than the timeout", Expected: "p99 < 0.5 ms", Seen: "p99 = 0.021 ms of 1,412", Test: "upper bound of the quantile by order statistics", P: 2.1e-9, Power: 1 - 4e-9, Outcome: Pass},
			{Name: "recovery", Claim: "closed again within open time and probes", Expected: "≤ 180", Seen: "178 and 178.5", Test: "comparison", P: 1, Power: 1, Outcome: Pass},
		},
		Measured: []Measure{{"time to open, handrolled", 4.012, "timeouts"}, {"time to open, gobreaker", 4.5, "timeouts"}, {"calls saved", 1406, ""}},
		Figures: []Figure{{Name: "bands", Title: "Success rate, and what each breaker was doing", Caption: "The breaker opens four timeouts into the outage, probes three times in vain, and closes by itself after the outage.",
			X: Axis{Label: "time, in attempt timeouts"}, Y: Axis{Label: "success rate", Min: 0, Max: 1},
			Lines:  []Line{{"handrolled", Curve, success(18)}, {"gobreaker", Curve, success(19)}},
			Rows:   []Row{{"handrolled", band(0)}, {"gobreaker", band(0.5)}},
			Phases: []Phase{{80, 160, "outage: flaky refuses"}, {200, 204, "one error"}, {206, 210, "another error"}}}},
	}
}

func tuningSample() Result {
	var failures, theory, held []Point
	for _, t := range []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000} {
		cdf := 0.5 * math.Erfc((math.Log(t)-math.Log(20))/(1.1*math.Sqrt2))
		failures = append(failures, Point{t, math.Round(cdf*400) / 400})
		held = append(held, Point{t, 4 * (1 - math.Exp(-t/60)) / 4})
	}
	for x := 1.0; x <= 1000; x *= 1.05 {
		theory = append(theory, Point{x, 0.5 * math.Erfc((math.Log(x)-math.Log(20))/(1.1*math.Sqrt2))})
	}
	return Result{
		Name: "timeout-tuning", Claim: "Too short gives false failures, too long holds resources", Calls: 4000, Repeat: repeat("timeout-tuning"),
		Lesson: "Choose the timeout from a measured distribution, at the quantile of false failures that you can afford; twice the p99 is a start.",
		Setup:  []string{"flaky sleeps by a log-normal distribution: median 20 ms, σ = 1.1", "400 calls at each of 10 timeouts"},
		Verdicts: []Verdict{
			{Name: "false failures", Claim: "the share of false failures is 1 − CDF(timeout) at each setting", Expected: "1 − CDF(t) of the log-normal distribution: 0.997, 0.982, 0.896, 0.736, 0.500, 0.202, 0.072, 0.018, 0.002, 0.000", Seen: "0.998, 0.983, 0.895, 0.738, 0.500, 0.203, 0.073, 0.018, 0.003, 0.000", Test: "exact binomial, n = 400 at each of 10 settings, Bonferroni", P: 0.871, Power: 0.9999993, Outcome: Pass},
			{Name: "held", Claim: "mean in-flight is rate × mean time held (Little)", Expected: "0.97 ± 0.11", Seen: "0.95", Test: "t-interval over 30 batch means", P: 0.42, Power: 0.99999, Outcome: Inconclusive, Why: "the machine was too busy: 41 of 4,000 arrivals were more than a timeout late, so the load was not the load that was asked for"},
		},
		Measured: []Measure{{"p99 of flaky", 258.4, "ms"}, {"best timeout for 1 % false failures", 260, "ms"}, {"undefined", math.NaN(), "ms"}},
		Figures: []Figure{
			{Name: "failures", Title: "False failures against the timeout", Caption: "Measured shares lie on the theory: below the median most of what is given up would have succeeded.",
				X: Axis{Label: "timeout, ms", Log: true}, Y: Axis{Label: "share of calls that fail", Min: 0, Max: 1},
				Lines: []Line{{"measured", Dots, failures}, {"1 − CDF(t)", Rule, theory}, {"mean in-flight, of its limit", Curve, held}}},
			{Name: "zeros", Title: "The same on log axes, zeros and all", Caption: "A share of 0 has a place at the foot.",
				X: Axis{Label: "timeout, ms", Log: true}, Y: Axis{Label: "share", Log: true},
				Lines: []Line{{"measured", Curve, failures}}},
		},
	}
}

func metastableSample() Result {
	random := rand.New(rand.NewPCG(3, 4))
	series := func(recovery float64) []Point {
		var xy []Point
		for i := range 6000 {
			t := float64(i) / 20
			y := 375 + 30*random.NormFloat64()
			if t > 60 && t < recovery {
				y = math.Max(0, 6*random.NormFloat64())
			}
			xy = append(xy, Point{t, y})
		}
		return xy
	}
	return Result{
		Name: "metastable", Claim: "Overload can outlive its cause", Calls: 48000, Repeat: repeat("metastable") + " --without budget", Negative: "the retry budget",
		Lesson: "Retries that were sized for a blip keep a full queue full. Take load away: a breaker and a budget let the queue drain; adding capacity in the middle of it seldom does.",
		Setup:  []string{"flaky: 10 workers × 20 ms, ρ = 0.75, queue without bound", "caller: timeout 250 ms, 4 attempts", "the trigger: 5 × service time for 40 timeouts"},
		Verdicts: []Verdict{
			{Name: "collapse", Claim: "with naive retries goodput stays at zero after the trigger", Expected: "< 1 % of the load in the last 60 s", Seen: "0.3 %", Test: "exact binomial, n = 22,500", P: 0.9999, Power: 1, Outcome: Pass},
			{Name: "budget", Claim: "a budget alone recovers, later", Expected: "≥ 95 % of the load within 60 s after the trigger", Seen: "2.1 %", Test: "exact binomial, n = 22,500", P: 3.2e-41, Power: 1 - 1e-7, Outcome: Fail},
		},
		Measured: []Measure{{"time to recover, breaker + budget", 4.75, "s"}, {"time to recover, lifo", 31.2, "s"}, {"queue at the end", 183422, "requests"}},
		Figures: []Figure{{Name: "goodput", Title: "Goodput before, during and after the trigger", Caption: "The trigger is gone after 10 seconds; the naive caller never notices.",
			X: Axis{Label: "time, s"}, Y: Axis{Label: "goodput, answers in time per second"},
			Lines:  []Line{{"naive retries", Steps, series(1e9)}, {"breaker + budget", Steps, series(75)}, {"lifo", Steps, series(101)}, {"load", Rule, []Point{{0, 375}}}},
			Phases: []Phase{{60, 70, "trigger: 5 × service time"}}}},
	}
}

func waterfallSample() Result {
	return Result{
		Name: "time-budget", Claim: "Retries × timeouts multiply the total time", Calls: 24, Repeat: repeat("time-budget"),
		Lesson: "Put one deadline over everything; the caller's patience is not the sum of your timeouts.",
		Setup:  []string{"flaky hangs", "caller: 4 attempts of one timeout each, with and without a deadline of 2.5 timeouts"},
		Verdicts: []Verdict{
			{Name: "worst case", Claim: "without a deadline a call takes what Explain predicted", Expected: "4 × 1 + 0.2 + 0.4 + 0.8 = 5.4", Seen: "5.4", Test: "comparison", P: 1, Power: 1, Outcome: Pass},
			{Name: "deadline", Claim: "with one, never longer", Expected: "≤ 2.5", Seen: "2.5", Test: "comparison", P: 1, Power: 1, Outcome: Pass},
		},
		Measured: []Measure{{"longest call", 5.4, "timeouts"}},
		Figures: []Figure{{Name: "waterfall", Title: "Attempts of five calls", Caption: "Each call is a row. The deadline cuts the third attempt off, and nobody waits any longer.",
			X: Axis{Label: "time since the call began, in attempt timeouts"},
			Rows: []Row{
				{"no deadline", []Bar{{0, 1, "timeout", "timeout"}, {1, 1.2, "wait", ""}, {1.2, 2.2, "timeout", "timeout"}, {2.2, 2.6, "wait", ""}, {2.6, 3.6, "timeout", "timeout"}, {3.6, 4.4, "wait", ""}, {4.4, 5.4, "timeout", "timeout"}}},
				{"deadline 2.5", []Bar{{0, 1, "timeout", "timeout"}, {1, 1.2, "wait", ""}, {1.2, 2.2, "timeout", "timeout"}, {2.2, 2.5, "canceled", "canceled"}}},
				{"saved by a retry", []Bar{{0, 0.3, "error", "503"}, {0.3, 0.5, "wait", ""}, {0.5, 0.9, "ok", "200"}}},
				{"breaker open", []Bar{{0, 0.01, "rejected", "rejected at once"}}},
				{"a call with a very long name that nobody could fit", []Bar{{0, 0.08, "ok", "200"}}},
			}, Phases: []Phase{{0, 2.5, "patience"}}}},
	}
}
