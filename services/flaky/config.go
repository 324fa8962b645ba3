package flaky

import (
	"log/slog"
	"time"

	"reliability/internal/envconfig"
)

// EnvPrefix begins the name of each of flaky's environment variables.
const EnvPrefix = "FLAKY_"

// Config is flaky's configuration, one field for each environment variable.
type Config struct {
	Addr       string        `env:"ADDR" envDefault:"127.0.0.1:8081" validate:"listen_addr" allowed:"host:port, or :port for every interface; port 0 is any that is free" help:"public listener: /work, /charges"`
	AdminAddr  string        `env:"ADMIN_ADDR" envDefault:"127.0.0.1:8091" validate:"listen_addr" allowed:"host:port, or :port for every interface; port 0 is any that is free" help:"admin listener: /faults, /stats, probes, /metrics"`
	Name       string        `env:"NAME" help:"what X-Served-By says; the host name if empty"`
	Faults     Document      `env:"FAULTS" envDefault:"{}" help:"boot profile: the fault document in force at the start, and again after DELETE /faults"`
	Profile    string        `env:"PROFILE" validate:"omitempty,label" allowed:"1 to 63 of a-z, 0-9 and -, which neither begin nor end with -" help:"what the boot profile is called, as in the label of its Deployment: \"healthy\" if it is empty and the profile injects nothing, else \"custom\""`
	FaultsFile string        `env:"FAULTS_FILE" help:"a file with a fault document, such as a mounted ConfigMap: read again whenever it changes, and in force instead of the boot profile unless it is empty"`
	Drain      time.Duration `env:"DRAIN" envDefault:"3s" validate:"min=0s,max=1m" allowed:"a duration from 0s to 1m" help:"how long to go on serving after /readyz says no"`
	Grace      time.Duration `env:"GRACE" envDefault:"10s" validate:"min=1s,max=5m" allowed:"a duration from 1s to 5m" help:"how long running requests may take after that"`
	LogLevel   slog.Level    `env:"LOG_LEVEL" envDefault:"info" allowed:"debug, info, warn or error" help:"the least that is logged; debug has a line for each request"`

	// Exit ends the process, for a crash. Nil: there is none of its own to end, as in the
	// lab, so the public listener closes for a time instead.
	Exit func(code int)
}

// LoadConfig reads the configuration from environ, which is in the form of os.Environ.
// The error lists every problem.
func LoadConfig(environ []string) (Config, error) { return envconfig.Load[Config](EnvPrefix, environ) }
