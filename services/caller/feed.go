package caller

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// feedPeriod is how often snapshots are sent.
	feedPeriod = 250 * time.Millisecond
	// feedTick is the least time between two batches for a few readers. Of many, each adds
	// feedTickPerReader, so that all together are written to 5000 times a second at most.
	feedTick          = 20 * time.Millisecond
	feedTickPerReader = 200 * time.Microsecond
	// Up to feedAtOnce readers are woken at the same time and told everything, more in groups
	// and less.
	feedAtOnce = 100
	feedGroup  = 5
	// maxFeedReaders may watch at the same time.
	maxFeedReaders = 2000
	// maxFeedWaiting decisions may wait to be encoded.
	maxFeedWaiting = 4096
)

// feed fans out what happens to those who watch: snapshots at a steady rate and every
// decision as it happens, each encoded once for all readers. It never holds up a call:
// decisions that it cannot keep up with are counted and told of as lost, and a reader that
// does not keep up is dropped.
//
// One goroutine, [feed.run], takes the decisions and sends batches of them; each reader has
// a bounded queue of batches that all readers share. It is safe for concurrent use.
type feed struct {
	snapshot func() any
	// logger is told of what cannot be sent: bugs. Nil: slog's default.
	logger *slog.Logger

	watching  atomic.Int64 // readers
	decisions chan feedDecision
	lost      atomic.Uint64 // decisions that found the channel full
	joined    chan struct{} // there is somebody in fresh

	mu      sync.Mutex // protects what follows
	ended   bool
	fresh   map[*feedReader]struct{} // those who have not been sent their first snapshot
	readers map[*feedReader]struct{}
}

// A feedDecision is an event before it is encoded.
type feedDecision struct {
	kind string
	at   time.Time
	v    any
}

// newFeed returns a feed that does nothing until run. Snapshot is called by run's
// goroutine, and only while somebody watches.
func newFeed(snapshot func() any) *feed {
	return &feed{
		snapshot: snapshot, decisions: make(chan feedDecision, maxFeedWaiting), joined: make(chan struct{}, 1),
		fresh: map[*feedReader]struct{}{}, readers: map[*feedReader]struct{}{},
	}
}

// publish sends a decision to all who watch. It never waits, and while nobody watches it
// is one atomic load. V must not change afterwards, and is a JSON object, which gets "at"
// as its first member unless it begins with one.
func (f *feed) publish(kind string, at time.Time, v any) {
	if f.watching.Load() == 0 {
		return
	}
	select {
	case f.decisions <- feedDecision{kind, at, v}:
	default:
		f.lost.Add(1)
	}
}

// tell sends what must not be missed. It waits until there is room, so no call may call it;
// run must be running, or ctx end.
func (f *feed) tell(ctx context.Context, kind string, v unmissable) {
	select {
	case f.decisions <- feedDecision{kind: kind, v: v}:
	case <-ctx.Done():
	}
}

// run sends what there is until ctx ends, and then ends all streams.
func (f *feed) run(ctx context.Context) {
	defer f.end()
	s := &feedSender{feed: f, timer: time.NewTimer(feedPeriod)}
	defer s.timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-f.decisions:
			s.take(d)
		case <-f.joined:
			s.welcome()
		case <-s.timer.C:
			s.send(ctx)
		}
	}
}

// feedRhythm returns how long it is from one snapshot to the next for so many readers, and
// the time between batches, of which a whole number makes that up: one write is then both
// a batch and a snapshot.
func feedRhythm(readers int) (period, tick time.Duration) {
	tick = max(feedTick, time.Duration(readers)*feedTickPerReader)
	period = max(feedPeriod, tick)
	return period, period / (period / tick)
}

// A feedSender is what run has.
type feedSender struct {
	*feed
	timer    *time.Timer
	batch    feedBatch
	latest   time.Time // when the latest snapshot was due; the ticks are counted from here
	watched  bool      // the rhythm goes on, although the last reader may have left meanwhile
	reported string    // what went wrong latest
}

// take puts a decision into the batch, which is sent at the next tick.
func (s *feedSender) take(d feedDecision) {
	if _, must := d.v.(unmissable); must && !s.watched {
		s.welcome() // whoever it was made for
	}
	if !s.watched || s.watching.Load() == 0 {
		return // it was made for one who has left, or before the snapshot for one who comes
	}
	if s.batch.empty() {
		now := time.Now()
		period, tick := feedRhythm(int(s.watching.Load()))
		next := now.Sub(s.latest).Truncate(tick) + tick
		s.timer.Reset(s.latest.Add(min(next, period)).Sub(now))
	}
	s.report(s.batch.add(d, feedRoom(int(s.watching.Load()))))
}

// welcome sends a snapshot to those who have come, at once. The decisions of the batch
// follow it, although it knows of them: for others it must not be sent before its time,
// lest many who come make many writes to all.
func (s *feedSender) welcome() {
	if !s.anyFresh() {
		return
	}
	if !s.watched {
		s.watched, s.latest = true, time.Now()
		s.lost.Store(0) // nobody missed them
		s.timer.Reset(feedPeriod)
	}
	text, err := s.batch.first(s.snapshot)
	s.report(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.fresh {
		r.queue <- text // its first, so there is room
		s.readers[r] = struct{}{}
	}
	clear(s.fresh)
}

func (f *feed) anyFresh() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.fresh) > 0
}

// send sends the batch, and with it a snapshot if that is due.
func (s *feedSender) send(ctx context.Context) {
	readers := int(s.watching.Load())
	if readers == 0 {
		s.watched = false
		s.batch.take(0)
		return
	}
	now := time.Now()
	period, _ := feedRhythm(readers)
	lost := s.lost.Swap(0)
	if due := s.latest.Add(period); !now.Before(due) {
		s.latest = due
		if now.Sub(due) >= period { // there was no time for some
			s.latest = now
		}
		s.report(s.batch.addSnapshot(s.snapshot, lost))
		lost = 0
	}
	s.timer.Reset(s.latest.Add(period).Sub(now))
	if text := s.batch.take(lost); len(text) > 0 {
		s.deliver(ctx, text)
	}
}

// deliver gives a text to all readers. Many are not woken all at once, because calls would
// have to wait for them: they are spread over most of the time up to the next batch.
func (s *feedSender) deliver(ctx context.Context, text []byte) {
	begin := time.Now()
	readers := s.everybody()
	_, tick := feedRhythm(len(readers))
	for i, r := range readers {
		if len(readers) > feedAtOnce && i%feedGroup == 0 {
			due := begin.Add(tick * 4 / 5 * time.Duration(i) / time.Duration(len(readers)))
			if !wait(ctx, nil, due) {
				return
			}
		}
		s.offer(r, text)
	}
}

func (s *feedSender) everybody() []*feedReader {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.readers))
}

// offer gives a text to a reader that has not left. Who has no room for it is dropped.
func (s *feedSender) offer(r *feedReader, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, here := s.readers[r]; !here {
		return
	}
	select {
	case r.queue <- text:
	default:
		delete(s.readers, r)
		s.watching.Add(-1)
		r.drop()
	}
}

// join makes one a reader if there is room, or says why not.
func (f *feed) join(r *feedReader) (refusal string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ended:
		return "this caller is shutting down"
	case len(f.readers)+len(f.fresh) >= maxFeedReaders:
		return "there are as many readers as may be"
	}
	f.fresh[r] = struct{}{}
	f.watching.Add(1)
	select {
	case f.joined <- struct{}{}:
	default: // who is told of one sees all
	}
	return ""
}

// leave forgets a reader, whom nobody touches afterwards.
func (f *feed) leave(r *feedReader) {
	r.leave()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, readers := range []map[*feedReader]struct{}{f.fresh, f.readers} {
		if _, has := readers[r]; has {
			delete(readers, r)
			f.watching.Add(-1)
		}
	}
}

// end ends all streams.
func (f *feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	for _, readers := range []map[*feedReader]struct{}{f.fresh, f.readers} {
		for r := range readers {
			r.end()
		}
	}
	f.watching.Store(0)
	clear(f.fresh)
	clear(f.readers)
}

// report logs what could not be sent, once for as long as it stays the same.
func (s *feedSender) report(err error) {
	if err == nil || err.Error() == s.reported {
		return
	}
	s.reported = err.Error()
	logger := s.logger
	if logger == nil {
		logger = slog.Default()
	}
	logger.Error("the feed cannot tell of something", "error", s.reported, "stack", stackOf(err))
}
