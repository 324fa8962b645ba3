package report

import (
	"fmt"
	"regexp"
	"strings"
)

// check reports the first name of an experiment or a figure that files cannot have, or that
// two of them would have.
func check(results []Result) error {
	allowed := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	taken := map[string]bool{}
	use := func(what, name, file string) error {
		if !allowed.MatchString(name) {
			return fmt.Errorf("name of %s: %q: want lower-case letters, digits and single dashes", what, name)
		}
		if taken[file] {
			return fmt.Errorf("name of %s: %q: want one of its own, for there is a %s already", what, name, file)
		}
		taken[file] = true
		return nil
	}
	for _, r := range results {
		if err := use("an experiment", r.Name, cardFile(r)); err != nil {
			return err
		}
		for _, f := range r.Figures {
			if err := use("a figure of "+r.Name, f.Name, figureFile(r, f)); err != nil {
				return err
			}
		}
	}
	return nil
}

func cardFile(r Result) string { return "card-" + r.Name + ".svg" }

func figureFile(r Result, f Figure) string { return r.Name + "-" + f.Name + ".svg" }

// slug makes an anchor of a name: one that needs no escape anywhere.
func slug(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name)), "-")
}
