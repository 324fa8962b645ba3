package flaky

import "time"

// Arrivals are kept by the moment they came, finely enough to see a herd: retries without
// jitter land in one bucket.
const (
	bucketWidth = 10 * time.Millisecond
	maxWindow   = time.Minute
	buckets     = int64(maxWindow / bucketWidth)
)

// Recent is the arrivals of a time just past.
type Recent struct {
	BucketMS int       `json:"bucket_ms"`
	From     time.Time `json:"from"`   // when the first bucket began; the last one is not over yet
	Counts   []uint32  `json:"counts"` // one for each bucket
}

// arrivals is a ring of buckets, numbered by the time since the epoch. The zero value is
// empty.
type arrivals struct {
	numbers [buckets]int64
	counts  [buckets]uint32
}

func bucketOf(t time.Time) int64 { return t.UnixNano() / int64(bucketWidth) }

func (a *arrivals) add(now time.Time) {
	n := bucketOf(now)
	i := n % buckets
	if a.numbers[i] != n {
		a.numbers[i], a.counts[i] = n, 0
	}
	a.counts[i]++
}

// last returns the buckets of the last window, the current one included.
func (a *arrivals) last(window time.Duration, now time.Time) Recent {
	n := min(int64(window/bucketWidth), buckets)
	newest := bucketOf(now)
	counts := make([]uint32, n)
	for i := range counts {
		number := newest - n + 1 + int64(i)
		if at := number % buckets; a.numbers[at] == number {
			counts[i] = a.counts[at]
		}
	}
	return Recent{BucketMS: int(bucketWidth.Milliseconds()), From: time.Unix(0, (newest-n+1)*int64(bucketWidth)), Counts: counts}
}
