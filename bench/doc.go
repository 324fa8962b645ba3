// Package bench compares package resilience with its peers: the same work for each, side
// by side in one run. It is a module of its own, so that the peers never become
// dependencies of the library. There is nothing here to import.
//
//	go test ./...             each contender does what it is compared for
//	go test -bench . ./...    what that costs
//	make bench                the same at the root, several times, as docs/benchmarks.md
//
// Contenders that are configured to do the same stand next to each other: circuit
// breakers in consecutive_test.go and window_test.go, retries in retry_test.go, whole
// pipelines in pipeline_test.go and bulkhead_test.go. How each peer is called is in a file
// named after it.
package bench
