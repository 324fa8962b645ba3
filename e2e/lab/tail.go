package lab

import "sync"

// kept is how much of a lab's logs is remembered, in bytes.
const kept = 16 << 10

// A tail remembers the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if beyond := len(t.text) - kept; beyond > 0 {
		t.text = append(t.text[:0], t.text[beyond:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
