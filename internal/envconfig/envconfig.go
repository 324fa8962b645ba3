// Package envconfig reads a service's configuration from environment variables, and
// says all that is wrong with them at once, in the words of whoever set them: variable,
// value, what is allowed.
//
// A configuration is a flat struct whose fields carry tags:
//
//	Drain time.Duration `env:"DRAIN" envDefault:"3s" validate:"min=0s,max=1m" allowed:"a duration from 0s to 1m" help:"…"`
//
// env and envDefault are those of github.com/caarlos0/env, validate is that of
// github.com/go-playground/validator, listen_addr (host:port) and label (a name as Kubernetes
// has them in labels, in lower case), allowed is for the reader of an error, and help
// for the reader of the reference.
package envconfig

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/caarlos0/env/v11"
	"github.com/go-playground/validator/v10"

	"reliability/internal/problem"
)

// Load reads the variables that begin with prefix from environ, which is in the form of
// os.Environ. A variable that begins with prefix and is none of the struct's is an error
// too: it is a slip of the pen that would otherwise go unnoticed. All problems come as
// one [problem.Fields], whose fields are variables.
func Load[T any](prefix string, environ []string) (T, error) {
	var cfg T
	variables := byName[T](prefix)
	set := env.ToMap(environ)
	var bad problem.Fields
	add := func(field string, allowed string) {
		v := variables[field]
		value := set[v.name]
		if value == "" {
			value = v.fallback
		}
		f := problem.Field{Field: v.name, Value: fmt.Sprintf("%q", value), Allowed: v.allowed}
		if f.Allowed == "" {
			f.Allowed = allowed
		}
		if !bad.Has(f.Field) {
			bad = append(bad, f)
		}
	}

	// env stops at nothing, so that what follows can look at the fields it could parse.
	if err := env.ParseWithOptions(&cfg, env.Options{Prefix: prefix, Environment: set}); err != nil {
		aggregate, ok := errors.AsType[env.AggregateError](err)
		if !ok {
			return cfg, fmt.Errorf("envconfig: %w", err)
		}
		for _, err := range aggregate.Errors {
			parse, ok := errors.AsType[env.ParseError](err)
			if !ok {
				return cfg, fmt.Errorf("envconfig: %w", err)
			}
			if inner, ok := errors.AsType[problem.Fields](parse.Err); ok { // a document with problems of its own
				for _, f := range inner {
					f.Field = variables[parse.Name].name + ": " + f.Field
					bad = append(bad, f)
				}
				continue
			}
			add(parse.Name, parse.Err.Error())
		}
	}
	if err := validate(cfg); err != nil {
		invalid, ok := errors.AsType[validator.ValidationErrors](err)
		if !ok {
			return cfg, fmt.Errorf("envconfig: %w", err)
		}
		for _, f := range invalid {
			add(f.StructField(), f.Tag()+"="+f.Param())
		}
	}
	bad = append(bad, unknown(prefix, set, variables)...)
	if len(bad) > 0 {
		return cfg, bad
	}
	return cfg, nil
}

// validate checks a configuration by its tags. It adds listen_addr to them: hostname_port
// knows no port 0; and label: dns_rfc1035_label knows none that begins with a digit.
func validate(cfg any) error {
	v := validator.New(validator.WithRequiredStructEnabled())
	err := v.RegisterValidation("listen_addr", func(f validator.FieldLevel) bool {
		_, port, err := net.SplitHostPort(f.Field().String())
		if err != nil {
			return false
		}
		_, err = strconv.ParseUint(port, 10, 16)
		return err == nil
	})
	if err != nil {
		return err
	}
	label := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	err = v.RegisterValidation("label", func(f validator.FieldLevel) bool { return label.MatchString(f.Field().String()) })
	if err != nil {
		return err
	}
	return v.Struct(cfg)
}

// A variable is one field of the struct.
type variable struct{ name, fallback, allowed string }

// byName returns the variables by the name of their struct field.
func byName[T any](prefix string) map[string]variable {
	variables := map[string]variable{}
	for f := range reflect.TypeFor[T]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
		if name == "" {
			continue
		}
		variables[f.Name] = variable{prefix + name, f.Tag.Get("envDefault"), f.Tag.Get("allowed")}
	}
	return variables
}

func unknown(prefix string, set map[string]string, variables map[string]variable) problem.Fields {
	known := map[string]bool{}
	for _, v := range variables {
		known[v.name] = true
	}
	var bad problem.Fields
	for name, value := range set {
		if strings.HasPrefix(name, prefix) && !known[name] {
			bad = append(bad, problem.Field{Field: name, Value: fmt.Sprintf("%q", value), Allowed: "absent: there is no such variable"})
		}
	}
	slices.SortFunc(bad, func(a, b problem.Field) int { return strings.Compare(a.Field, b.Field) })
	return bad
}
