package caller

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

const (
	maxPods  = 100     // told apart; all others are one
	otherPod = "other" // their name
)

// A Pod is what one replica has answered: which that was is the only way to see how
// connections are spread.
type Pod struct {
	ServedBy string `json:"served_by"`
	Answers  uint64 `json:"answers"`
	Failed   uint64 `json:"failed"` // of them, those that were failures
}

// pods counts answers by replica. It is safe for concurrent use.
type pods struct {
	mu   sync.Mutex // protects seen
	seen map[string]*Pod
}

func newPods() *pods { return &pods{seen: map[string]*Pod{}} }

func (p *pods) count(attempts []Attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range attempts {
		if a.ServedBy == "" {
			continue
		}
		pod := p.seen[a.ServedBy]
		if pod == nil {
			name := strings.Clone(a.ServedBy) // and not the whole header with it
			if len(p.seen) >= maxPods {
				name = otherPod
			}
			if pod = p.seen[name]; pod == nil {
				pod = &Pod{ServedBy: name}
				p.seen[name] = pod
			}
		}
		pod.Answers++
		if a.Result != resultOK {
			pod.Failed++
		}
	}
}

func (p *pods) read() []Pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]Pod, 0, len(p.seen))
	for _, pod := range p.seen {
		list = append(list, *pod)
	}
	slices.SortFunc(list, func(a, b Pod) int { return cmp.Compare(a.ServedBy, b.ServedBy) })
	return list
}
