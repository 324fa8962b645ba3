package caller

import (
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"reliability/internal/problem"
	"reliability/internal/serve"
)

const (
	// feedQueue is how many batches may wait for one reader: enough for what holds a reader
	// up that is well, such as a collection of garbage.
	feedQueue = 64
	// feedWriteLimit is how long one write to a reader may take.
	feedWriteLimit = 5 * time.Second
)

// A feedReader is one who watches.
type feedReader struct {
	queue chan []byte   // full: it is dropped
	gone  chan struct{} // closed when there is nothing more to come

	mu      sync.Mutex // protects what follows
	conn    *http.ResponseController
	writing bool
	over    bool // gone is closed, or nobody is left to whom that would matter
}

// stream sends events to one client until it goes, does not keep up, or the server ends.
func (f *feed) stream(c *gin.Context) {
	r := newFeedReader(c.Writer)
	if refusal := f.join(r); refusal != "" {
		c.Header("Retry-After", "1")
		problem.New(http.StatusServiceUnavailable, refusal).Write(c.Writer)
		return
	}
	defer f.leave(r)
	c.Header("Content-Type", "text/event-stream")
	c.Header("Cache-Control", "no-store")
	c.Header("X-Accel-Buffering", "no") // nginx would hold events back
	c.Header("Connection", "close")     // its deadlines are no use to another request
	ctx := c.Request.Context()
	stopping := serve.LifeOf(ctx).Stopping
	text := []byte("retry: 1000\n\n")
	for r.write(c.Writer, text) {
		select {
		case text = <-r.queue:
		case <-r.gone:
			return
		case <-stopping:
			return
		case <-ctx.Done():
			return
		}
	}
}

func newFeedReader(w gin.ResponseWriter) *feedReader {
	var inner http.ResponseWriter = w
	if wrapped, ok := inner.(interface{ Unwrap() http.ResponseWriter }); ok {
		inner = wrapped.Unwrap() // Gin's Flush would not say that it failed
	}
	return &feedReader{queue: make(chan []byte, feedQueue), gone: make(chan struct{}), conn: http.NewResponseController(inner)}
}

// write reports whether a text was sent in time.
func (r *feedReader) write(w gin.ResponseWriter, text []byte) bool {
	if !r.begin() {
		return false
	}
	if _, err := w.Write(text); err != nil {
		return false
	}
	return r.conn.Flush() == nil && r.finish()
}

func (r *feedReader) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return false
	}
	r.writing = true
	return r.conn.SetWriteDeadline(time.Now().Add(feedWriteLimit)) == nil
}

func (r *feedReader) finish() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writing = false
	return !r.over
}

// drop cuts the connection off, also for a write that waits, and for net/http when it waits
// for the rest of a request that nobody reads.
func (r *feedReader) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cutLocked()
}

// end ends the stream in order, unless it would have to be waited for.
func (r *feedReader) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writing {
		r.cutLocked()
	} else if !r.over {
		r.over = true
		close(r.gone)
	}
}

func (r *feedReader) cutLocked() {
	if r.over {
		return
	}
	r.over = true
	close(r.gone)
	past := time.Unix(1, 0)
	_ = r.conn.SetReadDeadline(past) // whoever cannot set it has nothing to wait for
	_ = r.conn.SetWriteDeadline(past)
}

// leave is called before the connection belongs to somebody else.
func (r *feedReader) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
}
