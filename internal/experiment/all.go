package experiment

import (
	"fmt"
	"slices"
	"strings"
)

// All is every experiment, in the order in which they are best read.
func All() []Experiment {
	return []Experiment{
		propagation(),
		retry(),
		permanent(),
		retryAmplification(),
		layeredRetries(),
		jitter(),
		timeoutTuning(),
		timeBudget(),
		retryAfter(),
		doublePayment(),
		breaker(),
		halfOpen(),
		breakerThreshold(),
		compositionOrder(),
		bulkhead(),
		breakerVsLimiter(),
		perInstance(),
		enginesAgree(),
		metastable(),
		fleets(),
		scaleFailures(),
		outage(),
		pinning(),
		rollout(),
	}
}

// Names are those of experiments.
func Names(list []Experiment) []string {
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.Name
	}
	return names
}

// Find returns the experiments of these names, in their order; "all" is every one. The error
// names every name that is none.
func Find(names []string) ([]Experiment, error) {
	all := All()
	var found []Experiment
	var unknown []string
	add := func(e Experiment) { // once
		if !slices.Contains(Names(found), e.Name) {
			found = append(found, e)
		}
	}
	for _, name := range names {
		if name == "all" {
			for _, e := range all {
				add(e)
			}
			continue
		}
		i := slices.IndexFunc(all, func(e Experiment) bool { return e.Name == name })
		if i < 0 {
			unknown = append(unknown, name)
			continue
		}
		add(all[i])
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("no such experiment: %s; there are all, %s", strings.Join(unknown, ", "), strings.Join(Names(all), ", "))
	}
	return found, nil
}
