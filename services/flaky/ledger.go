package flaky

import (
	"sync"
	"time"
)

// maxCharges bounds the ledger. The oldest charge makes room, with its key; totals go on.
const maxCharges = 20_000

// A Charge is one entry: money that was taken.
type Charge struct {
	ID     int       `json:"id"` // from 1
	Order  string    `json:"order"`
	Amount int       `json:"amount"` // of the smallest unit of the currency
	Key    string    `json:"idempotency_key,omitempty"`
	At     time.Time `json:"at"`
}

// Charges is what GET /charges says.
type Charges struct {
	ServedBy string `json:"served_by"`
	// Charges is how many were recorded, Amount what they come to, Replayed how many
	// requests got the answer of an earlier one instead.
	Charges  int `json:"charges"`
	Amount   int `json:"amount"`
	Replayed int `json:"replayed"`
	// Orders is how many orders the ledger knows of, ChargedTwice how many of them were
	// charged more than once. Forgotten is how many charges are too old to be known of.
	Orders       int      `json:"orders"`
	ChargedTwice int      `json:"charged_twice"`
	Forgotten    int      `json:"forgotten"`
	Latest       []Charge `json:"latest"` // the last first
}

// A ledger counts what it is told, as often as it is told: only an idempotency key tells a
// second attempt from a second order. It is safe for concurrent use.
type ledger struct {
	mu       sync.Mutex // protects what follows
	entries  []Charge   // oldest first
	byOrder  map[string]int
	byKey    map[string]keyed
	total    int
	amount   int
	replayed int
	twice    int
}

// keyed is what a key was first used for, and its answer.
type keyed struct {
	order  string
	amount int
	answer answer
}

func newLedger() *ledger {
	return &ledger{byOrder: map[string]int{}, byKey: map[string]keyed{}}
}

// record adds a charge, unless its key was used before: then it returns the first answer,
// or false if the key was used for something else. Two requests with one key at the same
// time are no different: one of them is first.
func (l *ledger) record(c Charge, write func(Charge) answer) (a answer, replayed, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.Key != "" {
		if first, used := l.byKey[c.Key]; used {
			if first.order != c.Order || first.amount != c.Amount {
				return answer{}, false, false
			}
			l.replayed++
			return first.answer, true, true
		}
	}
	if len(l.entries) >= maxCharges {
		l.forgetOldestLocked()
	}
	l.total++
	l.amount += c.Amount
	c.ID, c.At = l.total, time.Now()
	l.entries = append(l.entries, c)
	if l.byOrder[c.Order]++; l.byOrder[c.Order] == 2 {
		l.twice++
	}
	a = write(c)
	if c.Key != "" {
		l.byKey[c.Key] = keyed{c.Order, c.Amount, a}
	}
	return a, false, true
}

func (l *ledger) forgetOldestLocked() {
	oldest := l.entries[0]
	l.entries = l.entries[1:]
	delete(l.byKey, oldest.Key)
	switch l.byOrder[oldest.Order]--; l.byOrder[oldest.Order] {
	case 1:
		l.twice--
	case 0:
		delete(l.byOrder, oldest.Order)
	}
}

// read returns the totals and up to n of the latest charges.
func (l *ledger) read(n int) Charges {
	l.mu.Lock()
	defer l.mu.Unlock()
	latest := make([]Charge, 0, min(n, len(l.entries)))
	for i := len(l.entries) - 1; i >= 0 && len(latest) < n; i-- {
		latest = append(latest, l.entries[i])
	}
	return Charges{
		Charges: l.total, Amount: l.amount, Replayed: l.replayed, Orders: len(l.byOrder), ChargedTwice: l.twice,
		Forgotten: l.total - len(l.entries), Latest: latest,
	}
}
