package flaky

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"reliability/internal/document"
)

// A Distribution is how durations are spread. Its parameters are those of its kind:
//
//	fixed      value
//	uniform    min, max
//	normal     mean, stddev; of which only what is not below 0
//	lognormal  median, p99
//
// What would be longer than the cap, of every kind, is as long as the cap.
type Distribution struct {
	Kind   string             `json:"distribution"`     // its kind; "fixed" if the document does not say
	Value  *document.Duration `json:"value,omitempty"`  // of fixed: all are this long
	Min    *document.Duration `json:"min,omitempty"`    // of uniform
	Max    *document.Duration `json:"max,omitempty"`    // of uniform
	Mean   *document.Duration `json:"mean,omitempty"`   // of normal
	StdDev *document.Duration `json:"stddev,omitempty"` // of normal: the standard deviation
	Median *document.Duration `json:"median,omitempty"` // of lognormal: half are shorter
	P99    *document.Duration `json:"p99,omitempty"`    // of lognormal: 99 of 100 are shorter
	Cap    *document.Duration `json:"cap,omitempty"`    // of every kind: what would be longer ends there; 5m if the document does not say
}

var kinds = [...]string{"fixed", "uniform", "normal", "lognormal"}

// parameters are where a kind's parameters are, by their names.
func (d *Distribution) parameters(kind string) map[string]**document.Duration {
	switch kind {
	case "uniform":
		return map[string]**document.Duration{"min": &d.Min, "max": &d.Max}
	case "normal":
		return map[string]**document.Duration{"mean": &d.Mean, "stddev": &d.StdDev}
	case "lognormal":
		return map[string]**document.Duration{"median": &d.Median, "p99": &d.P99}
	}
	return map[string]**document.Duration{"value": &d.Value}
}

func (d *Distribution) fields() document.Object {
	d.Kind = kinds[0]
	fields := document.Object{
		"distribution": document.OneOf(&d.Kind, kinds[:]...),
		"cap":          interval(&d.Cap),
	}
	for _, kind := range kinds {
		for name, at := range d.parameters(kind) {
			fields[name] = interval(at)
		}
	}
	return fields
}

func interval(into **document.Duration) document.Field {
	value := new(document.Duration)
	field := document.Interval(value, 0, maxWait)
	read := field.Read
	field.Read = func(v document.Value) bool {
		*into = value
		return read(v)
	}
	return field
}

// check looks at the parameters together: those of the kind are there, no others, and they
// describe a distribution.
func (d *Distribution) check(v document.Value) {
	own := d.parameters(d.Kind)
	names := slices.Sorted(maps.Keys(own))
	complete := true
	for _, kind := range kinds {
		for name := range d.parameters(kind) {
			switch mine := own[name] != nil; {
			case mine && !v.Has(name):
				v.Wrong(name, "given")
				complete = false
			case !mine && v.Has(name):
				v.Wrong(name, fmt.Sprintf("absent: the parameters of %s are %s", d.Kind, strings.Join(names, " and ")))
			}
		}
	}
	switch {
	case !complete:
	case d.Kind == "uniform" && *d.Max < *d.Min:
		v.Wrong("max", fmt.Sprintf("at least min, which is %v", *d.Min))
	case d.Kind == "lognormal" && *d.Median == 0:
		v.Wrong("median", "above 0s")
	case d.Kind == "lognormal" && *d.P99 < *d.Median:
		v.Wrong("p99", fmt.Sprintf("at least median, which is %v", *d.Median))
	}
}

// z99 is the 99th percentile of the standard normal distribution.
const z99 = 2.3263478740408408

// at returns the duration below which lies the share u of all, 0 < u < 1.
func (d *Distribution) at(u float64) time.Duration {
	var x float64
	switch d.Kind {
	case "fixed":
		x = float64(*d.Value)
	case "uniform":
		x = float64(*d.Min) + u*float64(*d.Max-*d.Min)
	case "normal":
		mean, sd := float64(*d.Mean), float64(*d.StdDev)
		if sd == 0 {
			x = mean
			break
		}
		below := math.Erfc(mean/sd/math.Sqrt2) / 2 // the share below 0, which there is none of here
		x = mean + sd*standardNormal(below+u*(1-below))
	case "lognormal":
		sigma := math.Log(float64(*d.P99)/float64(*d.Median)) / z99
		x = float64(*d.Median) * math.Exp(sigma*standardNormal(u))
	}
	most := float64(maxWait)
	if d.Cap != nil {
		most = float64(*d.Cap)
	}
	return time.Duration(math.Round(max(0, min(x, most))))
}

// standardNormal is the quantile function of the standard normal distribution.
func standardNormal(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }
