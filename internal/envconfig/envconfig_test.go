package envconfig_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/envconfig"
	"reliability/internal/problem"
)

type config struct {
	Addr     string        `env:"ADDR" envDefault:"127.0.0.1:80" validate:"listen_addr" allowed:"host:port"`
	Attempts int           `env:"ATTEMPTS" envDefault:"4" validate:"min=1,max=100" allowed:"a whole number from 1 to 100"`
	Profile  string        `env:"PROFILE" validate:"omitempty,label" allowed:"a label"`
	Limit    time.Duration `env:"LIMIT" envDefault:"250ms" validate:"min=1ms,max=1m" allowed:"a duration from 1ms to 1m"`
}

func TestDefaultsAndValues(t *testing.T) {
	got, err := envconfig.Load[config]("X_", []string{"X_ATTEMPTS=7", "PATH=/bin", "X_LIMIT="})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config{"127.0.0.1:80", 7, "", 250 * time.Millisecond}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, err := envconfig.Load[config]("X_", []string{"X_ATTEMPTS=many", "X_LIMIT=2m", "X_LIMT=1s", "Y_LIMT=1s"})
	want := problem.Fields{
		{Field: "X_ATTEMPTS", Value: `"many"`, Allowed: "a whole number from 1 to 100"},
		{Field: "X_LIMIT", Value: `"2m"`, Allowed: "a duration from 1ms to 1m"},
		{Field: "X_LIMT", Value: `"1s"`, Allowed: "absent: there is no such variable"},
	}
	got, ok := err.(problem.Fields)
	if !ok {
		t.Fatalf("error %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestListenAddresses(t *testing.T) {
	for addr, ok := range map[string]bool{
		"127.0.0.1:0": true, ":8080": true, "[::]:80": true, "localhost:65535": true,
		"8080": false, "localhost": false, "localhost:http": false, "::1:80": false, ":65536": false, ":-1": false,
	} {
		if _, err := envconfig.Load[config]("X_", []string{"X_ADDR=" + addr}); (err == nil) != ok {
			t.Errorf("%q: %v", addr, err)
		}
	}
}

func TestLabels(t *testing.T) {
	for label, ok := range map[string]bool{
		"": true, "a": true, "7": true, "a-b--c9": true, strings.Repeat("x", 63): true,
		strings.Repeat("x", 64): false, "-": false, "a-": false, "-a": false, "A": false, "a_b": false, "a.b": false, "é": false, "a\n": false,
	} {
		if _, err := envconfig.Load[config]("X_", []string{"X_PROFILE=" + label}); (err == nil) != ok {
			t.Errorf("%q: %v", label, err)
		}
	}
}
