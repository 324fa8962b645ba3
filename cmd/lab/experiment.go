package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"reliability/internal/experiment"
	"reliability/internal/experiment/bubble"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
	"reliability/internal/serve"
)

// errVerdict is that a verdict failed: the command ends with 1.
var errVerdict = errors.New("a verdict failed")

// errInconclusive is that something could not be run or judged: the command ends with 2.
var errInconclusive = errors.New("not everything could be judged")

// maxSeed is the largest: what every JSON reader can hold exactly.
const maxSeed = 1<<53 - 1

// maxParallel is more than there is to run.
const maxParallel = 100

// experimentOptions are the flags of the command.
type experimentOptions struct {
	seed       uint64
	parallel   int
	world      string
	callers    []string
	flakyAdmin string
	kube       world.Kube
	fleet      int
	negative   string
	json       bool
	output     string
	docs       string
}

func experimentCommand() *cobra.Command {
	o := &experimentOptions{}
	cmd := &cobra.Command{
		Use:   "experiment NAME… | all | list",
		Short: "Measure what is claimed about the patterns, with verdicts that can fail",
		Long: "Measure what is claimed about the patterns, with verdicts that can fail.\n" +
			"Exit codes: 0 all verdicts pass, 1 one failed, 2 something could not be run or judged.",
		Example: "  lab experiment list\n  lab experiment retry jitter\n  lab experiment all -o report\n  lab experiment jitter --negative jitter-off",
		Args: func(_ *cobra.Command, names []string) error {
			if len(names) == 0 {
				return errors.New("no experiment is named: name some, or all; lab experiment list shows them")
			}
			return nil
		},
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, names []string) error {
			ctx, stop := serve.UntilSignal(cmd.Context())
			defer stop()
			return o.run(ctx, names, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use: "list", Short: "The experiments, and their negative controls", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return list(cmd.OutOrStdout()) },
	})
	f := cmd.Flags()
	f.Uint64Var(&o.seed, "seed", 0, "repeats faults and back-offs, 1 to 2^53-1; 0 draws one, and says which")
	f.StringVar(&o.world, "world", "", "simulated (virtual time) or local (this machine; the default); with --caller it is cluster, or local: then what needs a cluster runs there, and the rest here")
	f.StringArrayVar(&o.callers, "caller", nil, "URL of a running caller, instead of services of its own; may be given several times; needs --flaky-admin or --kube-context")
	f.StringVar(&o.flakyAdmin, "flaky-admin", "", "URL of the admin listener of the flaky that the callers call")
	f.StringVar(&o.kube.Context, "kube-context", "", "kubectl's context of the cluster that the callers are in, for experiments that scale replicas")
	f.StringVar(&o.kube.Namespace, "namespace", "reliability", "its namespace")
	f.IntVar(&o.parallel, "parallel", runtime.NumCPU(), "how many run at once; those that measure latency run alone")
	f.IntVar(&o.fleet, "fleet", experiment.DefaultFleet, "callers of the largest fleet of the experiment fleet, 100 to 10000")
	f.StringVar(&o.negative, "negative", "", "run this negative control of one experiment: with the protection removed or broken, its verdict fails")
	f.BoolVar(&o.json, "json", false, "results as JSON on standard output instead of the table")
	f.StringVarP(&o.output, "output", "o", "", "also write a report into this directory: index.html, results.json, plots and cards as SVG")
	f.StringVar(&o.docs, "docs", "", "also write experiments.md, scale.md and their plots into this directory, and the quotations of the pages in it and beside it")
	return cmd
}

func list(out io.Writer) error {
	for _, e := range experiment.All() {
		where := ""
		if len(e.Worlds) > 0 {
			where = "; " + strings.Join(e.Worlds, ", ") + " only"
		}
		negatives := make([]string, len(e.Negatives))
		for i, n := range e.Negatives {
			negatives[i] = n.Name
		}
		if _, err := fmt.Fprintf(out, "%-20s %s\n%-20s negative: %s%s\n", e.Name, e.Claim, "", strings.Join(negatives, ", "), where); err != nil {
			return err
		}
	}
	return nil
}

// check reads what the flags say. All problems come at once.
func (o *experimentOptions) check(names []string) ([]experiment.Experiment, error) {
	found, err := experiment.Find(names)
	errs := []error{err}
	deployed := len(o.callers) > 0 || o.flakyAdmin != "" || o.kube.Context != ""
	if deployed {
		if o.world == world.NameSimulated {
			errs = append(errs, fmt.Errorf("--world is %q: must be absent or local with --caller, --flaky-admin and --kube-context", o.world))
		}
		o.world = cmp.Or(o.world, world.NameCluster)
	}
	switch o.world {
	case "":
		o.world = world.NameLocal
	case world.NameLocal, world.NameSimulated:
	case world.NameCluster:
		o.parallel = 1 // there is one deployment
		deployed = true
	default:
		errs = append(errs, fmt.Errorf("--world is %q: must be simulated or local; with --caller and --flaky-admin it is cluster", o.world))
	}
	if deployed {
		_, err := world.Cluster(o.running())
		errs = append(errs, err)
	}
	if o.seed > maxSeed {
		errs = append(errs, fmt.Errorf("--seed is %d: must be at most %d", o.seed, uint64(maxSeed)))
	}
	if o.parallel < 1 || o.parallel > maxParallel {
		errs = append(errs, fmt.Errorf("--parallel is %d: must be 1 to %d", o.parallel, maxParallel))
	}
	if o.fleet < 100 || o.fleet > 10_000 {
		errs = append(errs, fmt.Errorf("--fleet is %d: must be 100 to 10000", o.fleet))
	}
	if o.negative != "" {
		errs = append(errs, checkNegative(o.negative, found))
	}
	return found, errors.Join(errs...)
}

func checkNegative(negative string, found []experiment.Experiment) error {
	if len(found) != 1 {
		return fmt.Errorf("--negative is %q: must be absent unless one experiment is named", negative)
	}
	var there []string
	for _, n := range found[0].Negatives {
		there = append(there, n.Name)
	}
	if !slices.Contains(there, negative) {
		return fmt.Errorf("--negative is %q: of %s there is %s", negative, found[0].Name, strings.Join(there, ", "))
	}
	return nil
}

func (o *experimentOptions) running() world.Running {
	r := world.Running{Callers: o.callers, FlakyAdmin: o.flakyAdmin}
	if o.kube.Context != "" {
		r.Kube = &o.kube
	}
	return r
}

func (o *experimentOptions) run(ctx context.Context, names []string, out, progress io.Writer) error {
	found, err := o.check(names)
	if err != nil {
		return err
	}
	if o.seed == 0 {
		o.seed = 1 + rand.Uint64N(maxSeed)
	}
	if err := o.prepare(found); err != nil {
		return err
	}
	bubbles := bubble.New()
	p := newProgress(progress, len(found), o.seed)
	series := experiment.Series{
		Experiments: found, Options: experiment.Options{Seed: o.seed, Negative: o.negative, Fleet: o.fleet, Command: o.command},
		Parallel: o.parallel, Virtual: o.world == world.NameSimulated, Began: p.began, Ended: p.ended,
		In: func(ctx context.Context, e experiment.Experiment, f func(context.Context, *world.World)) error {
			switch o.worldOf(e) {
			case world.NameSimulated:
				return bubbles.Run(ctx, func(ctx context.Context) error { f(ctx, world.Simulated()); return nil })
			case world.NameCluster:
				w, err := world.Cluster(o.running())
				if err == nil {
					f(ctx, w)
				}
				return err
			}
			f(ctx, world.Local())
			return nil
		},
	}
	results := series.Run(ctx)
	p.end()
	if o.json {
		err = report.JSON(out, results)
	} else {
		err = report.Table(out, results, !colored(out))
	}
	if err != nil {
		return err
	}
	return errors.Join(o.write(results, progress), verdict(results))
}

// worldOf is where an experiment runs: in the world that is asked for, unless it knows one only.
func (o *experimentOptions) worldOf(e experiment.Experiment) string {
	switch {
	case experiment.OnlySimulated(e):
		return world.NameSimulated
	case experiment.OnlyCluster(e) && len(o.callers) > 0:
		return world.NameCluster
	}
	return o.world
}

// prepare finds out what cannot be written before the time is spent.
func (o *experimentOptions) prepare(found []experiment.Experiment) error {
	if o.docs != "" && len(found) != len(experiment.All()) {
		return fmt.Errorf("--docs is %q: must be absent unless all experiments run", o.docs)
	}
	for _, dir := range []string{o.output, o.docs} {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a report for everybody to read
			return err
		}
	}
	return nil
}

// write writes the report and the pages of docs/, if they are asked for.
func (o *experimentOptions) write(results []report.Result, progress io.Writer) error {
	if o.output != "" {
		if err := report.Write(o.output, results); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(progress, "report: %s\n", filepath.Join(o.output, "index.html"))
	}
	if o.docs != "" {
		return experiment.Docs(o.docs, results)
	}
	return nil
}

// verdict is how the command ends. What cannot run in this world is no failure where others
// could.
func verdict(results []report.Result) error {
	failed, inconclusive, ran := false, false, false
	for _, r := range results {
		if r.Skipped != "" {
			continue
		}
		ran = true
		failed = failed || r.Outcome() == report.Fail
		inconclusive = inconclusive || r.Outcome() == report.Inconclusive
	}
	switch {
	case failed:
		return errVerdict
	case inconclusive, !ran:
		return errInconclusive
	}
	return nil
}

// command is how an experiment of this run can be run by itself, without name and seed.
func (o *experimentOptions) command(e experiment.Experiment) string {
	words := []string{"go run ./cmd/lab experiment"}
	switch o.worldOf(e) {
	case world.NameSimulated:
		if !experiment.OnlySimulated(e) {
			words = append(words, "--world "+world.NameSimulated)
		}
	case world.NameCluster:
		for _, c := range o.callers {
			words = append(words, "--caller "+c)
		}
		if o.flakyAdmin != "" {
			words = append(words, "--flaky-admin "+o.flakyAdmin)
		}
		if o.kube.Context != "" {
			words = append(words, "--kube-context "+o.kube.Context, "--namespace "+o.kube.Namespace)
		}
	}
	return strings.Join(words, " ")
}

// colored reports whether out is a terminal whose reader wants colours (no-color.org).
func colored(out io.Writer) bool { return os.Getenv("NO_COLOR") == "" && terminal(out) }

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
