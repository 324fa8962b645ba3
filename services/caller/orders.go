package caller

import (
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"reliability/internal/document"
	"reliability/internal/problem"
)

// Bounds of an order, those of flaky's ledger.
const (
	maxKey    = 255 // bytes of an Idempotency-Key
	maxOrder  = 100 // characters of its name
	maxAmount = 1_000_000_000_000
	// chargesPath is where orders are paid, beside what /call calls.
	chargesPath = "charges"
)

// An OrderAnswer says what happened to an order.
type OrderAnswer struct {
	Answer
	Receipt json.RawMessage `json:"receipt,omitempty"` // the dependency's answer, if it was paid and that is JSON
}

type orderFailure struct {
	problem.Document
	OrderAnswer
}

// An Order is what POST /orders takes.
type Order struct {
	Order  string `json:"order"`
	Amount int64  `json:"amount"` // in the smallest unit of a currency
}

// orderKey is where an order's body waits, in Gin's context.
const orderKey = "order"

// readOrder reads the body before the order takes one of the places that there are for
// calls: a client may take its time to send it.
func readOrder(c *gin.Context) {
	if body, ok := document.Body(c.Writer, c.Request); ok {
		c.Set(orderKey, body)
	} else {
		c.Abort()
	}
}

// order is the payment path: a charge that must not be made twice. Without an
// Idempotency-Key by which the dependency could tell that it has seen it before, an attempt
// that may have reached the dependency is the last one.
func (s *Service) order(c *gin.Context) {
	body := c.MustGet(orderKey).([]byte)
	w, bad := wishOf(c.Request)
	var o Order
	err := document.Parse(body, document.Object{
		"order":  document.Text(&o.Order, maxOrder),
		"amount": document.Int(&o.Amount, 1, maxAmount),
	}, func(v document.Value) {
		for _, field := range []string{"order", "amount"} {
			if !v.Has(field) {
				v.Wrong(field, "given")
			}
		}
	})
	if fields, ok := err.(problem.Fields); ok { //nolint:errorlint // Parse returns nothing else
		bad = append(bad, fields...)
	}
	if len(bad) > 0 {
		refuse(c, bad...)
		return
	}
	charge, err := json.Marshal(o)
	if err != nil {
		problem.New(http.StatusInternalServerError, err.Error()).Write(c.Writer)
		return
	}
	ctx, cancel := w.context(c.Request.Context())
	defer cancel()
	a, out, receipt, err := s.protect(ctx, w, request{method: http.MethodPost, path: chargesPath, body: charge, key: w.key})
	if err == nil {
		out.status = http.StatusCreated
	}
	answer := OrderAnswer{Answer: a}
	if json.Valid(receipt) {
		answer.Receipt = receipt
	}
	s.answer(c, out, answer, err)
}
