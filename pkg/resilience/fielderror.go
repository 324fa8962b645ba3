package resilience

import "fmt"

// A FieldError is one field of a configuration that cannot be accepted. Validate
// methods join one for each bad field, so that all problems are seen at once.
type FieldError struct {
	Field   string // the field, as "RetryConfig.MaxAttempts"
	Value   any    // what it was
	Allowed string // what it may be
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("%s is %v: must be %s", e.Field, e.Value, e.Allowed)
}

// fieldErrors collects complaints; bad fields are added only when ok is false.
type fieldErrors []error

func (l *fieldErrors) require(ok bool, field string, value any, allowed string) {
	if !ok {
		*l = append(*l, &FieldError{Field: field, Value: value, Allowed: allowed})
	}
}
