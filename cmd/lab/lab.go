package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"reliability/internal/problem"
	"reliability/internal/serve"
	"reliability/internal/telemetry"
	"reliability/services/caller"
	"reliability/services/flaky"
)

// Names of the flags, which errors refer to.
const (
	flagAddr            = "addr"
	flagFlakyAddr       = "flaky-addr"
	flagCallerAdminAddr = "caller-admin-addr"
	flagFlakyAdminAddr  = "flaky-admin-addr"
	flagLoad            = "load"
)

// defaultLoad is gentle: enough for state, traces and page to be alive at once.
const defaultLoad = 20

// grace is how long running calls may take after Ctrl-C.
const grace = 2 * time.Second

type options struct {
	addr, flakyAddr, callerAdminAddr, flakyAdminAddr string

	load *float64 // calls a second that caller makes by itself; nil: as CALLER_LOAD says

	environ []string  // CALLER_* and FLAKY_* as in os.Environ
	logs    io.Writer // JSON lines of both services
	export  bool      // spans also go where OTEL_* says
	listen  func(addr string) (net.Listener, error)
	network caller.Network
}

// A lab is both services, listening. They share nothing but the store of spans, so that
// a trace is seen whole.
type lab struct {
	caller, flaky *serve.Server
}

func start(ctx context.Context, o options) (*lab, error) {
	flakyCfg, flakyErr := flaky.LoadConfig(o.environ)
	callerCfg, callerErr := caller.LoadConfig(o.environ)
	if err := errors.Join(flakyErr, callerErr, reserved(o.environ)); err != nil {
		return nil, fmt.Errorf("configuration:\n%w", err)
	}
	store := telemetry.NewStore()

	flakyCfg.Addr, flakyCfg.AdminAddr, flakyCfg.Name = o.flakyAddr, o.flakyAdminAddr, cmp.Or(flakyCfg.Name, "flaky")
	// Nobody sends calls here who would have to notice, and whoever presses Ctrl-C waits.
	flakyCfg.Drain, flakyCfg.Grace = 0, grace
	tel, err := o.telemetry(ctx, "flaky", telemetry.Config{Instance: flakyCfg.Name, Store: store, LogLevel: flakyCfg.LogLevel})
	if err != nil {
		return nil, err
	}
	service, err := flaky.New(flakyCfg, tel)
	if err != nil {
		return nil, err
	}
	dependency, err := service.Listen(o.listen)
	if err != nil {
		return nil, naming(err, flagFlakyAddr, flagFlakyAdminAddr)
	}

	callerCfg.Addr, callerCfg.AdminAddr, callerCfg.Name = o.addr, o.callerAdminAddr, cmp.Or(callerCfg.Name, "caller")
	callerCfg.Drain, callerCfg.Grace = 0, grace
	callerCfg.UpstreamURL = url(dependency.Addr()) + "/work"
	callerCfg.FlakyAdminURL = url(dependency.AdminAddr())
	if o.load != nil {
		callerCfg.Load.Rate = *o.load
	}
	survivor, err := startCaller(ctx, o, callerCfg, store)
	if err != nil {
		return nil, errors.Join(naming(err, flagAddr, flagCallerAdminAddr), dependency.Close())
	}
	return &lab{caller: survivor, flaky: dependency}, nil
}

// useLoad takes the flag, unless only CALLER_LOAD was given.
func (o *options) useLoad(rate float64, given bool) error {
	if _, err := caller.ParseLoad(fmt.Appendf(nil, `{"rate":%v}`, rate)); err != nil {
		return fmt.Errorf("--%s is %v: must be 0, or a number from 0.001 to 10000", flagLoad, rate)
	}
	if given || !slices.ContainsFunc(o.environ, func(v string) bool { return strings.HasPrefix(v, "CALLER_LOAD=") }) {
		o.load = &rate
	}
	return nil
}

// reserved says which variables are set although the lab decides what they would: to run
// with others and not be told would be worse.
func reserved(environ []string) error {
	const own = "absent: in the lab both services drain at once"
	instead := map[string]string{
		"CALLER_ADDR": flagAddr, "CALLER_ADMIN_ADDR": flagCallerAdminAddr, "FLAKY_ADDR": flagFlakyAddr, "FLAKY_ADMIN_ADDR": flagFlakyAdminAddr,
		"CALLER_UPSTREAM_URL": "", "CALLER_FLAKY_ADMIN_URL": "",
		"CALLER_DRAIN": "", "CALLER_GRACE": "", "FLAKY_DRAIN": "", "FLAKY_GRACE": "",
	}
	var bad problem.Fields
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		flag, ours := instead[name]
		if !ours {
			continue
		}
		allowed := own
		switch {
		case flag != "":
			allowed = "absent: in the lab --" + flag + " says that"
		case strings.HasSuffix(name, "_URL"):
			allowed = "absent: in the lab caller calls its flaky; cmd/caller calls any other"
		}
		bad = append(bad, problem.Field{Field: name, Value: strconv.Quote(value), Allowed: allowed})
	}
	if len(bad) == 0 {
		return nil
	}
	return bad
}

func startCaller(ctx context.Context, o options, cfg caller.Config, store *telemetry.Store) (*serve.Server, error) {
	tel, err := o.telemetry(ctx, "caller", telemetry.Config{Instance: cfg.Name, Store: store, LogLevel: cfg.LogLevel})
	if err != nil {
		return nil, err
	}
	service, err := caller.New(cfg, tel, o.network)
	if err != nil {
		return nil, err
	}
	return service.Listen(o.listen)
}

func (o options) telemetry(ctx context.Context, service string, cfg telemetry.Config) (*telemetry.Telemetry, error) {
	cfg.Service, cfg.Export, cfg.LogOutput = service, o.export, o.logs
	return telemetry.New(ctx, cfg)
}

// naming says which flag chooses another address.
func naming(err error, public, admin string) error {
	e, ok := errors.AsType[*serve.ListenError](err)
	if !ok {
		return err
	}
	flag := public
	if e.Admin {
		flag = admin
	}
	return fmt.Errorf("%w; choose another address with --%s", err, flag)
}

// run serves until ctx is done. Caller goes first and flaky last, so that the calls then
// under way still find their dependency.
func (l *lab) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	flakyCtx, endFlaky := context.WithCancel(context.WithoutCancel(ctx))
	defer endFlaky()
	flakyEnded := make(chan error, 1)
	go func() {
		flakyEnded <- l.flaky.Run(flakyCtx)
		cancel() // alone, caller is no lab
	}()
	err := l.caller.Run(ctx)
	endFlaky()
	return errors.Join(err, <-flakyEnded)
}

func (l *lab) greet(out io.Writer) {
	page := url(l.caller.Addr())
	_, _ = fmt.Fprintf(out, `Reliability Patterns: caller protects its calls to flaky. Ctrl-C ends both.

  page    %[1]s/
  caller  %[1]s/call        metrics %[3]s/metrics
  flaky   %[2]s/work        faults  %[4]s/faults

Try next, in another terminal:

  curl -s %[1]s/call
  curl -s -X PUT %[1]s/api/faults -d '{"error_rate":0.3}'
  curl -s %[1]s/api/state

`, page, url(l.flaky.Addr()), url(l.caller.AdminAddr()), url(l.flaky.AdminAddr()))
}

// url is where a listener is reached from this machine, also when it listens everywhere.
func url(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "http://" + addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
