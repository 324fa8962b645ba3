package caller

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"reliability/internal/problem"
)

// Bounds of the decisions in one batch. What is beyond is lost, and told of.
const (
	maxFeedBatch     = 500
	maxFeedBatchSize = 128 << 10
	minFeedBatchSize = 4 << 10
	// feedBandwidth is how many bytes a second of decisions go to many readers together.
	feedBandwidth = 16 << 20
)

// feedRoom is how large the decisions of one batch may be for so many readers.
func feedRoom(readers int) int {
	if readers <= feedAtOnce {
		return maxFeedBatchSize
	}
	_, tick := feedRhythm(readers)
	room := feedBandwidth * tick.Seconds() / float64(readers)
	return max(minFeedBatchSize, min(maxFeedBatchSize, int(room)))
}

// An important decision is told however much there is to tell.
type important interface{ important() bool }

// An unmissable one is told whatever the bounds: it is the latest state of something, and
// if that stays as it is none follows. There are few of them.
type unmissable interface{ unmissable() }

// A feedBatch is events as they are sent, see the HTML standard's "server-sent events". Its
// zero value is empty. Each event has the number that follows the one before it.
type feedBatch struct {
	text   []byte
	count  int    // decisions in it
	lost   uint64 // decisions not in it
	id     uint64 // of the latest event
	before uint64 // that of the latest event before this batch
}

func (b *feedBatch) empty() bool { return b.count == 0 && b.lost == 0 }

// add appends a decision if there is room. One that cannot be encoded is told of in its place,
// and is returned as an error.
func (b *feedBatch) add(d feedDecision, room int) error {
	if i, ok := d.v.(important); ok && i.important() {
		room = maxFeedBatchSize
	}
	_, must := d.v.(unmissable)
	if !must && (b.count >= maxFeedBatch || len(b.text) >= room) {
		b.lost++
		return nil
	}
	data, err := encodeFeed(func() any { return d.v })
	if err != nil {
		b.count++
		b.problem(d.kind, err)
		return fmt.Errorf("%s: %w", d.kind, err)
	}
	data = withAt(d.at, data)
	if !must && len(b.text)+len(data) > room {
		b.lost++
		return nil
	}
	b.count++
	b.append(d.kind, data)
	return nil
}

// addSnapshot appends a snapshot, after what was lost here and elsewhere.
func (b *feedBatch) addSnapshot(snapshot func() any, lost uint64) error {
	b.addLost(lost)
	data, err := encodeFeed(snapshot)
	if err != nil {
		b.problem("snapshot", err)
		return fmt.Errorf("snapshot: %w", err)
	}
	b.append("snapshot", data)
	return nil
}

// take returns what is to be sent, with what was lost here and elsewhere, and begins anew.
func (b *feedBatch) take(lost uint64) []byte {
	b.addLost(lost)
	text := b.text
	*b = feedBatch{id: b.id, before: b.id} // the text is the readers' now
	return text
}

// first returns a snapshot for those who have seen nothing yet. It goes by the number
// before those of the batch, which they see next.
func (b *feedBatch) first(snapshot func() any) ([]byte, error) {
	first := feedBatch{id: b.before - 1}
	err := first.addSnapshot(snapshot, 0)
	return first.text, err
}

func (b *feedBatch) addLost(elsewhere uint64) {
	if lost := b.lost + elsewhere; lost > 0 {
		b.append("lost", fmt.Appendf(nil, `{"lost":%d}`, lost))
	}
	b.lost = 0
}

// problem appends an event that takes the place of one that cannot be sent. It is not
// called "error", which is what a browser's EventSource calls the end of the connection.
func (b *feedBatch) problem(kind string, err error) {
	data, err := json.Marshal(problem.New(http.StatusInternalServerError, fmt.Sprintf("%s cannot be told: %v", kind, err)))
	if err == nil { // it is three strings
		b.append("problem", data)
	}
}

func (b *feedBatch) append(kind string, data []byte) {
	b.id++
	b.text = append(b.text, "id: "...)
	b.text = strconv.AppendUint(b.text, b.id, 10)
	b.text = append(b.text, "\nevent: "...)
	b.text = append(b.text, kind...)
	b.text = append(b.text, "\ndata: "...)
	b.text = append(b.text, data...) // one line: json.Marshal leaves no line breaks
	b.text = append(b.text, "\n\n"...)
}

// withAt makes "at" the first member of an object that does not begin with it.
func withAt(at time.Time, object []byte) []byte {
	const member = `{"at":`
	if at.IsZero() || len(object) < 2 || object[0] != '{' || len(object) >= len(member) && string(object[:len(member)]) == member {
		return object
	}
	with := make([]byte, 0, len(object)+50)
	with = append(with, member+`"`...)
	with = at.AppendFormat(with, time.RFC3339Nano)
	with = append(with, '"')
	if object[1] != '}' {
		with = append(with, ',')
	}
	return append(with, object[1:]...)
}

// encodeFeed returns what v returns as JSON. A panic of either is an error, because who
// watches would otherwise see an end without a reason.
func encodeFeed(v func() any) (data []byte, err error) {
	defer func() {
		if what := recover(); what != nil {
			err = &feedPanic{what, debug.Stack()}
		}
	}()
	return json.Marshal(v())
}

type feedPanic struct {
	what  any
	stack []byte
}

func (p *feedPanic) Error() string { return fmt.Sprintf("panic: %v", p.what) }

func stackOf(err error) string {
	if p, ok := errors.AsType[*feedPanic](err); ok {
		return string(p.stack)
	}
	return ""
}
