package resiliencehttp

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ParseRetryAfter reads the value of a Retry-After header, RFC 9110 §10.2.3: a number of
// seconds, or a date in any of the three forms of [http.ParseTime], which is compared
// with now. It reports false for anything else, a negative number included.
//
// The wait is never negative: a date in the past is 0, true. What is longer than a
// time.Duration can say, 292 years, is the longest Duration, so that no number is too
// large to be obeyed or refused.
func ParseRetryAfter(value string, now time.Time) (wait time.Duration, ok bool) {
	value = strings.Trim(value, " \t")
	if isDigits(value) {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if errors.Is(err, strconv.ErrRange) || seconds > math.MaxInt64/int64(time.Second) {
			return math.MaxInt64, true
		}
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return max(0, at.Sub(now)), true
}

// isDigits keeps out what strconv takes and the header does not: signs.
func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
