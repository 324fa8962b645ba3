package caller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"reliability/internal/draw"
)

// Bounds of what says which call a request is.
const (
	maxCallID  = 200 // characters of X-Call-Id
	maxAttempt = 1000
)

// identityOf reads which call a client says that its request is. Another caller says which
// attempt of its own too.
func identityOf(h http.Header, wrong func(field string, value any, allowed string)) (callID string, attempt int) {
	if ids := h[headerCallID]; len(ids) == 1 && nameable(ids[0]) {
		callID = ids[0]
	} else if len(ids) > 0 {
		wrong(headerCallID, shortened(strings.Join(ids, ", ")), "given once, as 1 to "+strconv.Itoa(maxCallID)+" printable ASCII characters, none a space")
	}
	if text := strings.Join(h[headerAttempt], ", "); text != "" {
		n, err := strconv.ParseUint(text, 10, 32)
		if attempt = int(n); err != nil || n < 1 || n > maxAttempt {
			wrong(headerAttempt, shortened(text), "a whole number from 1 to "+strconv.Itoa(maxAttempt))
		}
	}
	return callID, attempt
}

func nameable(id string) bool {
	return id != "" && len(id) <= maxCallID && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

// identity is what the dependency is to know the call by, or "" if the client has no name
// for it. Each attempt of a client that retries is a call of its own, with attempts that
// the dependency must not take for those of the one before.
func (w wish) identity() string {
	if w.callID == "" || w.attempt == 0 {
		return w.callID
	}
	id := w.callID + "." + strconv.Itoa(w.attempt)
	if len(id) <= maxCallID {
		return id
	}
	// As much of it as there is room for, and what tells it from others that begin alike.
	sum := sha256.Sum256([]byte(id))
	hash := "~" + hex.EncodeToString(sum[:16])
	return id[:maxCallID-len(hash)] + hash
}

// seeded draws the back-off of an attempt by who its call is, so that a run can be
// repeated: the same seed and the same call, the same delays.
func seeded(seed uint64) func(ctx context.Context, attempt int) float64 {
	return func(ctx context.Context, attempt int) float64 {
		return draw.ByName(seed, "back-off", ctx.Value(recordKey{}).(*record).callID, strconv.Itoa(attempt))
	}
}
