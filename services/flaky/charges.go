package flaky

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"reliability/internal/document"
	"reliability/internal/problem"
)

const (
	shownCharges = 100 // of the latest, by GET /charges
	maxKey       = 255 // bytes of an Idempotency-Key
	maxOrder     = 100 // characters of an order's name
	maxAmount    = 1_000_000_000_000
)

// charge records a payment. With an Idempotency-Key a second request is answered as the
// first was, see draft-ietf-httpapi-idempotency-key-header; without one it pays twice.
func (s *Service) charge(r *http.Request, body []byte) answer {
	c := Charge{Key: strings.Clone(r.Header.Get("Idempotency-Key"))} // and not the whole header with it
	if len(c.Key) > maxKey {
		field := problem.Field{Field: "Idempotency-Key", Value: fmt.Sprintf("%d bytes", len(c.Key)), Allowed: fmt.Sprintf("at most %d bytes", maxKey)}
		return problemAnswer(problem.New(http.StatusBadRequest, field.String(), field))
	}
	err := document.Parse(body, document.Object{
		"order":  document.Text(&c.Order, maxOrder),
		"amount": document.Int(&c.Amount, 1, maxAmount),
	}, required("order", "amount"))
	if err != nil {
		return problemAnswer(document.Refused(err))
	}
	a, replayed, ok := s.ledger.record(c, func(c Charge) answer {
		return answer{status: http.StatusCreated, contentType: "application/json", body: problem.Encode(c)}
	})
	if !ok {
		return problemAnswer(problem.New(http.StatusUnprocessableEntity, "this Idempotency-Key was used for another charge"))
	}
	if replayed {
		a.header = map[string]string{"Idempotent-Replayed": "true"}
	}
	return a
}

// getCharges shows the ledger. It meets no faults: whoever looks at it counts payments.
func (s *Service) getCharges(c *gin.Context) {
	charges := s.ledger.read(shownCharges)
	charges.ServedBy = s.cfg.Name
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", charges)
}
