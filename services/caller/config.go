package caller

import (
	"log/slog"
	"time"

	"reliability/internal/envconfig"
)

// EnvPrefix begins the name of each of caller's environment variables.
const EnvPrefix = "CALLER_"

// Config is caller's configuration, one field for each environment variable.
type Config struct {
	Addr          string `env:"ADDR" envDefault:"127.0.0.1:8080" validate:"listen_addr" allowed:"host:port, or :port for every interface; port 0 is any that is free" help:"public listener: page, /call, /orders, /api"`
	AdminAddr     string `env:"ADMIN_ADDR" envDefault:"127.0.0.1:8090" validate:"listen_addr" allowed:"host:port, or :port for every interface; port 0 is any that is free" help:"admin listener: probes, /metrics"`
	Name          string `env:"NAME" validate:"omitempty,printascii,max=100" allowed:"at most 100 printable ASCII characters" help:"how this instance calls itself; the host name if empty"`
	UpstreamURL   string `env:"UPSTREAM_URL" envDefault:"http://127.0.0.1:8081/work" validate:"http_url" allowed:"an http:// or https:// URL" help:"what /call calls: flaky, another caller, or any other HTTP service; /orders pays at charges beside it"`
	FlakyAdminURL string `env:"FLAKY_ADMIN_URL" validate:"omitempty,http_url" allowed:"an http:// or https:// URL, or empty" help:"flaky's admin listener, for /api/faults; a host name stands for all its addresses, one for each replica; without it there are no fault controls"`
	PeersURL      string `env:"PEERS_URL" validate:"omitempty,http_url" allowed:"an http:// or https:// URL, or empty" help:"every caller's public listener, for /api/state?all=1; a host name stands for all its addresses"`
	TraceURL      string `env:"TRACE_URL" validate:"omitempty,http_url" allowed:"an http:// or https:// URL, or empty" help:"Jaeger as a browser reaches it, for links to traces"`

	Policy Policy `env:"POLICY" envDefault:"{}" help:"how calls are protected, as a JSON document such as {\"timeout\":{\"limit\":\"100ms\"}}"`
	Load   Load   `env:"LOAD" envDefault:"{}" help:"calls that caller makes by itself, as a JSON document such as {\"rate\":20}"`

	MaxInFlight int     `env:"MAX_IN_FLIGHT" envDefault:"2000" validate:"min=1,max=1000000" allowed:"a whole number from 1 to 1000000" help:"clients' calls at once; one more is answered 503"`
	RateLimit   float64 `env:"RATE_LIMIT" envDefault:"0" validate:"min=0,max=1000000" allowed:"a number from 0 to 1000000" help:"clients' calls a second, beyond which they are answered 429; 0 is no limit"`
	RateBurst   int     `env:"RATE_BURST" envDefault:"100" validate:"min=1,max=1000000" allowed:"a whole number from 1 to 1000000" help:"how many may come at once under that limit"`

	Drain    time.Duration `env:"DRAIN" envDefault:"3s" validate:"min=0s,max=1m" allowed:"a duration from 0s to 1m" help:"how long to go on serving after /readyz says no"`
	Grace    time.Duration `env:"GRACE" envDefault:"10s" validate:"min=1s,max=5m" allowed:"a duration from 1s to 5m" help:"how long running calls may take after that"`
	LogLevel slog.Level    `env:"LOG_LEVEL" envDefault:"info" allowed:"debug, info, warn or error" help:"the least that is logged; debug has a line for each request"`
}

// LoadConfig reads the configuration from environ, which is in the form of os.Environ.
// The error lists every problem.
func LoadConfig(environ []string) (Config, error) { return envconfig.Load[Config](EnvPrefix, environ) }
