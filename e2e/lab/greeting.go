package lab

import (
	"bufio"
	"io"
	"regexp"
)

// Addresses are where a lab is reached, as it says itself.
type Addresses struct {
	Page       string // the page, and so caller: http://host:port/
	Flaky      string // http://host:port/work
	Admin      string // caller's: http://host:port/metrics
	FlakyAdmin string // http://host:port/faults
}

// listen reads what a lab prints until it ends, and sends its addresses once it has named
// them all.
func listen(out io.Reader, greeted chan<- Addresses) {
	line := regexp.MustCompile(`^\s+(page|caller|flaky)\s+(http://\S+)(?:\s+(?:metrics|faults)\s+(http://\S+))?$`)
	var a Addresses
	for lines := bufio.NewScanner(out); lines.Scan(); {
		m := line.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		switch m[1] {
		case "page":
			a.Page = m[2]
		case "caller":
			a.Admin = m[3]
		case "flaky":
			a.Flaky, a.FlakyAdmin = m[2], m[3]
		}
		if a.Page != "" && a.Admin != "" && a.Flaky != "" && a.FlakyAdmin != "" && greeted != nil {
			greeted <- a
			greeted = nil
		}
	}
}
