// Command caller runs the service alone, configured by CALLER_* variables and, for telemetry,
// the standard OTEL_* ones: docs/configuration.md has each. It exits with 0 after an orderly
// end and with 2 if it could not run.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"reliability/internal/serve"
	"reliability/internal/telemetry"
	"reliability/services/caller"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "caller: could not run:\n%v\n", err)
		os.Exit(2)
	}
}

func run(ctx context.Context) error {
	ctx, stop := serve.UntilSignal(ctx)
	defer stop()
	cfg, err := caller.LoadConfig(os.Environ())
	if err != nil {
		return err
	}
	host, _ := os.Hostname() // without one it goes by its service's name
	cfg.Name = cmp.Or(cfg.Name, host, "caller")
	tel, err := telemetry.New(ctx, telemetry.Config{
		Service: "caller", Instance: cfg.Name, Export: serve.ExportConfigured(),
		Store: telemetry.NewStore(), LogOutput: os.Stdout, LogLevel: cfg.LogLevel,
	})
	if err != nil {
		return err
	}
	telemetry.LogErrors(tel.Logger)
	svc, err := caller.New(cfg, tel, caller.Network{})
	if err != nil {
		return err
	}
	server, err := svc.Listen(nil)
	if err != nil {
		return err
	}
	tel.Logger.Info("listening", "addr", server.Addr(), "admin_addr", server.AdminAddr())
	defer tel.Logger.Info("ended")
	return server.Run(ctx)
}
