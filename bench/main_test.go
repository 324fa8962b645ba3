package bench

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/mod/modfile"
)

//go:embed go.mod
var gomod []byte

// TestMain puts what package testing does not say of itself at the head of benchmarks, as
// configuration in the benchmark format: the output alone makes the page.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.bench"); f.Value.String() != "" {
		if err := describe(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}

func describe() error {
	fmt.Printf("date: %s\n", time.Now().UTC().Format(time.DateOnly))
	fmt.Printf("go: %s\n", runtime.Version())
	fmt.Printf("cores: %d\n", runtime.NumCPU())
	fmt.Printf("gomaxprocs: %d\n", runtime.GOMAXPROCS(0))
	fmt.Printf("benchtime: %s\n", flag.Lookup("test.benchtime").Value)
	// A test binary does not know its dependencies' versions (debug.ReadBuildInfo); go.mod,
	// kept tidy, does.
	mod, err := modfile.Parse("go.mod", gomod, nil)
	if err != nil {
		return err
	}
	for _, r := range mod.Require {
		if !r.Indirect {
			fmt.Printf("module/%s: %s\n", r.Mod.Path, r.Mod.Version)
		}
	}
	return nil
}
