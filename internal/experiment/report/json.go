package report

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"slices"
)

// JSON writes results as one document: how they ended, then each on a line of its own.
// What is not a number, or infinite, is null.
func JSON(w io.Writer, results []Result) error {
	var b bytes.Buffer
	head, err := json.Marshal(Count(results))
	if err != nil {
		return err
	}
	b.Write(head[:len(head)-1])
	b.WriteString(`,"results":[`)
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // nobody reads this as a page, and → is better to read than an escape
	for i, r := range results {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		if err := encoder.Encode(r.whole()); err != nil {
			return err
		}
		b.Truncate(b.Len() - 1) // the encoder's own end of line
	}
	b.WriteString("\n]}\n")
	_, err = w.Write(b.Bytes())
	return err
}

// whole is a result whose lists are all there: readers find [] and not null.
func (r Result) whole() Result {
	r.Setup, r.Varies = orEmpty(r.Setup), orEmpty(r.Varies)
	r.Verdicts, r.Measured = orEmpty(r.Verdicts), orEmpty(r.Measured)
	r.Figures = append([]Figure{}, r.Figures...)
	for i := range r.Figures {
		f := &r.Figures[i]
		f.Lines, f.Rows = slices.Clone(f.Lines), slices.Clone(f.Rows)
		for i := range f.Lines {
			f.Lines[i].XY = orEmpty(f.Lines[i].XY)
		}
		for i := range f.Rows {
			f.Rows[i].Bars = orEmpty(f.Rows[i].Bars)
		}
	}
	return r
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// An orNull is a number that JSON may not have a word for.
type orNull float64

// MarshalJSON writes null for what JSON cannot say.
func (v orNull) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(v))
}

// MarshalJSON writes a verdict, with null for p or power that are no numbers.
func (v Verdict) MarshalJSON() ([]byte, error) {
	type fields Verdict // without this method
	return json.Marshal(struct {
		fields
		P     orNull `json:"p_value"`
		Power orNull `json:"power"`
	}{fields(v), orNull(v.P), orNull(v.Power)})
}

// MarshalJSON writes a measure, with null for a value that is no number.
func (m Measure) MarshalJSON() ([]byte, error) {
	type fields Measure
	return json.Marshal(struct {
		fields
		Value orNull `json:"value"`
	}{fields(m), orNull(m.Value)})
}

// MarshalJSON writes an axis, with null for an end that is no number.
func (a Axis) MarshalJSON() ([]byte, error) {
	type fields Axis
	return json.Marshal(struct {
		fields
		Min orNull `json:"min,omitempty"`
		Max orNull `json:"max,omitempty"`
	}{fields(a), orNull(a.Min), orNull(a.Max)})
}

// MarshalJSON writes a point, with null for what is no number: a gap in its line.
func (p Point) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		X orNull `json:"x"`
		Y orNull `json:"y"`
	}{orNull(p.X), orNull(p.Y)})
}

// MarshalJSON writes a bar, with null for an end that is no number.
func (b Bar) MarshalJSON() ([]byte, error) {
	type fields Bar
	return json.Marshal(struct {
		From orNull `json:"from"`
		To   orNull `json:"to"`
		fields
	}{orNull(b.From), orNull(b.To), fields(b)})
}

// MarshalJSON writes a phase, with null for an end that is no number.
func (p Phase) MarshalJSON() ([]byte, error) {
	type fields Phase
	return json.Marshal(struct {
		From orNull `json:"from"`
		To   orNull `json:"to"`
		fields
	}{orNull(p.From), orNull(p.To), fields(p)})
}
