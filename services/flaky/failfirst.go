package flaky

import (
	"crypto/sha256"
	"strconv"
	"sync"
)

// What the first requests are counted by.
const (
	perReplica = "replica"
	perCall    = "call"
	perKey     = "key"
)

// maxFailing bounds how many calls or keys are counted at once. The oldest makes room, and
// would fail again; by then nobody retries it.
const maxFailing = 10_000

// failing counts the requests that have failed for being among the first.
type failing struct {
	mu    sync.Mutex // protects what follows
	count map[identity]int
	order []identity // of those in count, oldest first
}

// An identity stands for a call or a key, which a client may make as long as a header can
// be.
type identity = [sha256.Size]byte

// hits reports whether a request is among the first, and counts it.
func (x *failing) hits(f FailFirst, r request) bool {
	var who string // requests that do not say whose they are count together
	switch f.Per {
	case perCall:
		if attempt, err := strconv.Atoi(r.attempt); err == nil && r.call != "" {
			return attempt <= f.Count // other attempts may have gone to other replicas
		}
		who = r.call
	case perKey:
		who = r.key
	}
	id := sha256.Sum256([]byte(who))
	x.mu.Lock()
	defer x.mu.Unlock()
	n, known := x.count[id]
	if n >= f.Count {
		return false
	}
	if x.count == nil {
		x.count = map[identity]int{}
	}
	if !known {
		if len(x.order) >= maxFailing {
			delete(x.count, x.order[0])
			x.order = x.order[1:]
		}
		x.order = append(x.order, id)
	}
	x.count[id] = n + 1
	return true
}
