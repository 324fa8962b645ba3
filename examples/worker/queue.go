package main

import (
	"context"
	"fmt"
)

// A job is a mail to somebody.
type job struct {
	recipient string
	tries     int // that count against it
}

// A queue is a stand-in for one that keeps jobs until they are done: whoever takes a job
// answers for it by one of done, putBack and bury. It is for one worker.
type queue struct {
	waiting, dead []job
	finished      int
}

func newQueue(recipients ...string) *queue {
	q := &queue{}
	for _, r := range recipients {
		q.waiting = append(q.waiting, job{recipient: r})
	}
	return q
}

// take reports false when there are no jobs left or ctx has ended. A real one waits.
func (q *queue) take(ctx context.Context) (job, bool) {
	if ctx.Err() != nil || len(q.waiting) == 0 {
		return job{}, false
	}
	next := q.waiting[0]
	q.waiting = q.waiting[1:]
	return next, true
}

func (q *queue) done(job)      { q.finished++ }
func (q *queue) bury(j job)    { q.dead = append(q.dead, j) }
func (q *queue) putBack(j job) { q.waiting = append(q.waiting, j) }

func (q *queue) String() string {
	return fmt.Sprintf("%d done, %d waiting, %d dead", q.finished, len(q.waiting), len(q.dead))
}
