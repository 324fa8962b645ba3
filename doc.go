// Package reliability is the root of a tree that shows, measures and proves retry, timeout
// and circuit breaker. There is nothing here to import:
//
//	pkg/resilience       the library: policies, chains, a breaker; see also resiliencehttp
//	examples             programs that use it, each in one folder
//	services             caller, which survives, and flaky, which fails on command
//	cmd                  the services alone, and lab, which is both and runs experiments
//	internal/experiment  what is claimed about the patterns, and how it is measured
//
// The tests here hold for the whole tree: who may import whom, what the README says, and
// that the library can be copied.
package reliability
