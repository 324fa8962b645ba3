package flaky

import (
	"fmt"
	"time"

	"reliability/internal/document"
)

// UnmarshalText makes a document of an environment variable. Nothing is set on an error.
func (d *Document) UnmarshalText(text []byte) error {
	parsed, err := ParseDocument(text)
	if err == nil {
		*d = parsed
	}
	return err
}

// UnmarshalJSON makes one of a part of another document.
func (d *Document) UnmarshalJSON(text []byte) error { return d.UnmarshalText(text) }

// ParseDocument reads and checks a whole document. The error is a problem.Fields with
// every problem in it.
func ParseDocument(text []byte) (Document, error) {
	var d Document
	fields := d.fields()
	fields["seed"] = document.Int(&d.Seed, 1, maxSeed)
	fields["loop"] = document.Bool(&d.Loop)
	fields["schedule"] = document.Field{
		Allowed: fmt.Sprintf("an array of at most %d phases", maxPhases),
		Read: func(v document.Value) bool {
			return v.Array(maxPhases, func(v document.Value) { d.Schedule = append(d.Schedule, parsePhase(v)) })
		},
	}
	if err := document.Parse(text, fields, d.check); err != nil {
		return Document{}, err
	}
	d.complete()
	for i := range d.Schedule {
		d.Schedule[i].complete()
	}
	return d, nil
}

func (d *Document) check(v document.Value) {
	switch {
	case d.Loop && len(d.Schedule) == 0:
		v.Wrong("loop", "absent where there is no schedule")
	case d.Loop && !d.healthy():
		v.Wrong("loop", "absent: a schedule in a loop never comes to the faults outside it")
	}
}

func parsePhase(v document.Value) Phase {
	var p Phase
	fields := p.fields()
	fields["for"] = document.Interval(&p.For, time.Millisecond, maxPhase)
	phase := document.Nested(fields, func(v document.Value) {
		required("for")(v)
		if p.Crash != nil && p.Crash.After >= p.For {
			v.Wrong("crash.after", fmt.Sprintf("below the phase's own time, %v", p.For))
		}
	})
	if !phase.Read(v) {
		v.Wrong("", phase.Allowed)
	}
	return p
}

// fields are those of a document and of each of its phases.
func (f *Faults) fields() document.Object {
	return document.Object{
		"only":         document.OneOf(&f.Only, routeWork, routeCharges),
		"error_rate":   document.Float(&f.ErrorRate, 0, 1),
		"error_status": document.Int(&f.ErrorStatus, 400, 599),
		"retry_after": {
			Allowed: `a whole number of seconds such as "2s", from 0s to 1h`,
			Read: func(v document.Value) bool {
				return document.Interval(&f.RetryAfter, 0, time.Hour).Read(v) && time.Duration(f.RetryAfter)%time.Second == 0
			},
		},
		"latency":    document.NestedIn(&f.Latency, (*Latency).field),
		"hang":       document.NestedIn(&f.Hang, (*Hang).field),
		"reset":      document.NestedIn(&f.Reset, (*Reset).field),
		"fail_first": document.NestedIn(&f.FailFirst, (*FailFirst).field),
		"after_work": document.Bool(&f.AfterWork),
		"capacity":   document.NestedIn(&f.Capacity, (*Capacity).field),
		"truncate":   document.NestedIn(&f.Truncate, (*Truncate).field),
		"drip":       document.NestedIn(&f.Drip, (*Drip).field),
		"unready":    document.Bool(&f.Unready),
		"crash":      document.NestedIn(&f.Crash, (*Crash).field),
	}
}

// complete says what the document leaves open.
func (f *Faults) complete() {
	if f.ErrorStatus == 0 && (f.ErrorRate > 0 || f.FailFirst != nil) {
		f.ErrorStatus = defaultErrorStatus
	}
}

func (l *Latency) field() document.Field {
	l.Rate = 1
	fields := l.fields()
	fields["rate"] = document.Float(&l.Rate, 0, 1)
	return document.Nested(fields, l.check)
}

func (h *Hang) field() document.Field {
	h.Cap = document.Duration(maxWait)
	return document.Nested(document.Object{
		"rate": document.Float(&h.Rate, 0, 1),
		"cap":  document.Interval(&h.Cap, time.Millisecond, maxWait),
	}, required("rate"))
}

func (r *Reset) field() document.Field {
	r.At = atStart
	return document.Nested(document.Object{
		"rate": document.Float(&r.Rate, 0, 1),
		"at":   document.OneOf(&r.At, atStart, atBody),
	}, required("rate"))
}

func (f *FailFirst) field() document.Field {
	f.Per = perReplica
	return document.Nested(document.Object{
		"count": document.Int(&f.Count, 1, 1_000_000),
		"per":   document.OneOf(&f.Per, perReplica, perCall, perKey),
	}, required("count"))
}

func (t *Truncate) field() document.Field {
	return document.Nested(document.Object{"rate": document.Float(&t.Rate, 0, 1)}, required("rate"))
}

func (d *Drip) field() document.Field {
	return document.Nested(document.Object{
		"rate": document.Float(&d.Rate, 0, 1),
		"over": document.Interval(&d.Over, time.Millisecond, maxWait),
	}, required("rate", "over"))
}

func (c *Crash) field() document.Field {
	c.After, c.ExitCode, c.BackAfter = document.Duration(defaultCrashAfter), 1, document.Duration(defaultBackAfter)
	return document.Nested(document.Object{
		"after":      document.Interval(&c.After, 0, maxPhase),
		"exit_code":  document.Int(&c.ExitCode, 0, 255),
		"back_after": document.Interval(&c.BackAfter, time.Millisecond, maxWait),
	}, nil)
}

// required is the check that fields are there at all.
func required(fields ...string) func(document.Value) {
	return func(v document.Value) {
		for _, field := range fields {
			if !v.Has(field) {
				v.Wrong(field, "given")
			}
		}
	}
}
