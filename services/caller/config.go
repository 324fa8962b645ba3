package caller

import (
	"fmt"
	"log/slog"
	"time"

	"reliability/internal/envconfig"
	"reliability/pkg/resilience"
)

// EnvPrefix begins the name of each of caller's environment variables.
const EnvPrefix = "CALLER_"

// Config is caller's configuration, one field for each environment variable.
type Config struct {
	Addr          string `env:"ADDR" envDefault:"127.0.0.1:8080" validate:"listen_addr" allowed:"host:port, or :port for every interface; port 0 is any that is free" help:"public listener: page, /call, /api"`
	AdminAddr     string `env:"ADMIN_ADDR" envDefault:"127.0.0.1:8090" validate:"listen_addr" allowed:"host:port, or :port for every interface; port 0 is any that is free" help:"admin listener: probes, /metrics"`
	Name          string `env:"NAME" help:"how this instance calls itself; the host name if empty"`
	UpstreamURL   string `env:"UPSTREAM_URL" envDefault:"http://127.0.0.1:8081/work" validate:"http_url" allowed:"an http:// or https:// URL" help:"what /call calls: flaky, or any other HTTP service"`
	FlakyAdminURL string `env:"FLAKY_ADMIN_URL" validate:"omitempty,http_url" allowed:"an http:// or https:// URL, or empty" help:"flaky's admin listener, for /api/faults; a host name stands for all its addresses, one for each replica; without it there are no fault controls"`
	TraceURL      string `env:"TRACE_URL" validate:"omitempty,http_url" allowed:"an http:// or https:// URL, or empty" help:"Jaeger as a browser reaches it, for links to traces"`

	RetryMaxAttempts int           `env:"RETRY_MAX_ATTEMPTS" envDefault:"4" validate:"min=1,max=100" allowed:"a whole number from 1 to 100" help:"attempts of a call in all; 1 is no retry"`
	RetryBase        time.Duration `env:"RETRY_BASE" envDefault:"50ms" validate:"min=1ns,max=24h" allowed:"a duration above 0 and at most 24h" help:"ceiling of the first back-off"`
	RetryMax         time.Duration `env:"RETRY_MAX" envDefault:"2s" validate:"gtefield=RetryBase,max=24h" allowed:"a duration from CALLER_RETRY_BASE to 24h" help:"ceiling of every back-off"`
	RetryJitter      Jitter        `env:"RETRY_JITTER" envDefault:"full" allowed:"full, none, equal or decorrelated" help:"how a back-off is spread below its ceiling"`
	Timeout          time.Duration `env:"TIMEOUT" envDefault:"250ms" validate:"min=1ms,max=1h" allowed:"a duration from 1ms to 1h" help:"limit of each attempt"`
	BreakerFailures  int           `env:"BREAKER_FAILURES" envDefault:"5" validate:"min=1,max=2147483647" allowed:"a whole number from 1 to 2147483647" help:"failures in a row that open the breaker"`
	BreakerOpenFor   time.Duration `env:"BREAKER_OPEN_FOR" envDefault:"5s" validate:"min=1ms,max=24h" allowed:"a duration from 1ms to 24h" help:"how long an open breaker turns calls away before it probes"`
	BreakerProbes    int           `env:"BREAKER_PROBES" envDefault:"2" validate:"min=1,max=2147483647" allowed:"a whole number from 1 to 2147483647" help:"calls that half-open admits, and that must succeed to close"`
	BreakerLease     time.Duration `env:"BREAKER_LEASE" envDefault:"30s" validate:"min=1ms,max=24h" allowed:"a duration from 1ms to 24h" help:"how long a probe may take before it counts as failed"`

	Drain    time.Duration `env:"DRAIN" envDefault:"3s" validate:"min=0s,max=1m" allowed:"a duration from 0s to 1m" help:"how long to go on serving after /readyz says no"`
	Grace    time.Duration `env:"GRACE" envDefault:"10s" validate:"min=1s,max=5m" allowed:"a duration from 1s to 5m" help:"how long running calls may take after that"`
	LogLevel slog.Level    `env:"LOG_LEVEL" envDefault:"info" allowed:"debug, info, warn or error" help:"the least that is logged; debug has a line for each request"`
}

// LoadConfig reads the configuration from environ, which is in the form of os.Environ.
// The error lists every problem.
func LoadConfig(environ []string) (Config, error) { return envconfig.Load[Config](EnvPrefix, environ) }

// Jitter is a [resilience.Jitter] by its name.
type Jitter resilience.Jitter

// UnmarshalText accepts the names that String gives.
func (j *Jitter) UnmarshalText(text []byte) error {
	for k := resilience.JitterFull; k <= resilience.JitterDecorrelated; k++ {
		if k.String() == string(text) {
			*j = Jitter(k)
			return nil
		}
	}
	return fmt.Errorf("jitter is %q: must be full, none, equal or decorrelated", text)
}
