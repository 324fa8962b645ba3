// Command table reads the output of this module's benchmarks from standard input and
// prints what it says: a table for each comparison, and which requirements are met.
//
//	go test -bench . | go run ./cmd/table [PAGE]
//
// Given the name of a PAGE it writes the same there, with explanations, unless the run was
// too short for its figures to mean anything. Several runs in one input become medians and
// their spread. What cannot be read or written ends it with exit code 2; a requirement that
// is missed does not, because a noisy minute may be to blame.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	if len(args) > 1 {
		_, _ = fmt.Fprintln(stderr, "usage: go test -bench . | table [PAGE]")
		return 2
	}
	measured, err := read(stdin)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "table: %v\n", err)
		return 2
	}
	if _, err := fmt.Fprint(stdout, tables(measured)); err != nil {
		return 2
	}
	if why := measured.meaningless(); why != "" {
		_, _ = fmt.Fprintf(stdout, "\nNo verdicts, and no page: %s.\n", why)
		return 0
	}
	_, _ = fmt.Fprintf(stdout, "\n%s", verdictTable(measured))
	if len(args) == 0 || args[0] == "" {
		return 0
	}
	if err := writePage(args[0], measured); err != nil {
		_, _ = fmt.Fprintf(stderr, "table: %v\n", err)
		return 2
	}
	_, _ = fmt.Fprintf(stdout, "\nWritten to %s.\n", args[0])
	return 0
}
