// Command lab runs caller and flaky in one process on this machine; as lab experiment it
// measures what is claimed about the patterns. docs/configuration.md has its flags and
// variables. It exits with 0 after an orderly end and with 2 if it could not run; as lab
// experiment, with 1 if a verdict failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"reliability/internal/serve"
	"reliability/internal/telemetry"
	"reliability/services/caller"
)

func main() {
	err := command().ExecuteContext(context.Background())
	switch {
	case err == nil:
		return
	case errors.Is(err, errVerdict):
		os.Exit(1) // the table has said which
	}
	fmt.Fprintf(os.Stderr, "lab: %v\n", err)
	os.Exit(2)
}

func command() *cobra.Command {
	var load float64
	o := options{environ: os.Environ(), logs: os.Stderr, network: caller.Network{}, export: serve.ExportConfigured()}
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Both services on this machine: break flaky, and watch caller",
		Long: "Both services on this machine: break flaky, and watch caller.\n" +
			"Policies and faults are configured by CALLER_* and FLAKY_* variables, telemetry by OTEL_*;\n" +
			"addresses, upstream, drain and grace are the lab's own.",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.useLoad(load, cmd.Flags().Changed(flagLoad)); err != nil {
				return err
			}
			telemetry.LogErrors(slog.New(slog.NewJSONHandler(o.logs, nil)))
			ctx, stop := serve.UntilSignal(cmd.Context())
			defer stop()
			l, err := start(ctx, o)
			if err != nil {
				return err
			}
			l.greet(cmd.OutOrStdout())
			return l.run(ctx)
		},
	}
	cmd.AddCommand(experimentCommand())
	cmd.Flags().StringVar(&o.addr, flagAddr, "127.0.0.1:8080", "caller: page, /call, /api; port 0 picks a free one, here and below")
	cmd.Flags().StringVar(&o.flakyAddr, flagFlakyAddr, "127.0.0.1:8081", "flaky: /work")
	cmd.Flags().StringVar(&o.callerAdminAddr, flagCallerAdminAddr, "127.0.0.1:8090", "caller's probes and /metrics")
	cmd.Flags().StringVar(&o.flakyAdminAddr, flagFlakyAdminAddr, "127.0.0.1:8091", "flaky's /faults, probes and /metrics")
	cmd.Flags().Float64Var(&load, flagLoad, defaultLoad, "calls a second that caller makes by itself, 0.001 to 10000; 0: none")
	return cmd
}
