package report

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// A page quotes verdicts of experiments.md between two comments, which stay:
//
//	<!-- measured: retry/success; jitter/full, least -->
//	<!-- /measured -->
//
// Each is an experiment's name and a verdict's, and becomes a row of a table. So no figure
// stands in two places, and none is typed. After "measured claims:" a row begins with what
// the experiment claims, and not with its name.
func quotation() *regexp.Regexp {
	return regexp.MustCompile(`(?s)(<!-- measured( claims)?: ([^>]*?) -->\n)(.*?)(<!-- /measured -->)`)
}

// A verdictRow is one that experiments.md has, cell by cell and in its markup.
type verdictRow struct {
	about                          string // what its experiment claims
	claim, expected, seen, outcome string
}

// Quote fills the quotations of a page. The text of experiments.md is what they quote, and
// link is where that is, as seen from the page. A verdict that is not there is an error.
func Quote(page, experiments, link string) (string, error) {
	rows := verdictRows(experiments)
	var missing []string
	page = quotation().ReplaceAllStringFunc(page, func(found string) string {
		part := quotation().FindStringSubmatch(found)
		var b strings.Builder
		b.WriteString(part[1] + "| experiment | claim | expected | measured | verdict |\n|---|---|---|---|---|\n")
		for name := range strings.SplitSeq(part[3], ";") {
			name = strings.Join(strings.Fields(name), " ")
			row, there := rows[name]
			if !there {
				missing = append(missing, name)
				continue
			}
			experiment, _, _ := strings.Cut(name, "/")
			called := experiment
			if part[2] != "" {
				called = row.about
			}
			fmt.Fprintf(&b, "| [%s](%s#%s) | %s | %s | %s | %s |\n", called, link, slug(experiment), row.claim, row.expected, row.seen, row.outcome)
		}
		return b.String() + part[5]
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("%s has no verdict %s", path.Base(link), strings.Join(missing, ", nor "))
	}
	if n := len(regexp.MustCompile(`<!--\s*measured`).FindAllString(page, -1)); n != len(quotation().FindAllString(page, -1)) {
		return "", fmt.Errorf("of %d quotations some are not between <!-- measured: … --> and <!-- /measured -->, each in a line", n)
	}
	if typed := regexp.MustCompile(`(?m)^\|.*experiments\.md#.*(✓|✗).*\|$`).FindString(quotation().ReplaceAllString(page, "")); typed != "" {
		return "", fmt.Errorf("a verdict is typed, and not quoted: %s", typed)
	}
	return page, nil
}

// verdictRows returns the verdicts of experiments.md by experiment/verdict.
func verdictRows(experiments string) map[string]verdictRow {
	rows := map[string]verdictRow{}
	cell := regexp.MustCompile(`(?:[^|\\]|\\.)*`)
	experiment, claim, verdicts := "", "", false
	for line := range strings.Lines(experiments) {
		line = strings.TrimSpace(line)
		if name, heading := strings.CutPrefix(line, "## "); heading {
			experiment = name
		}
		if about, is := strings.CutPrefix(line, "**Claim.** "); is {
			claim = about
		}
		if !strings.HasPrefix(line, "|") {
			verdicts = false
			continue
		}
		var cells []string
		for _, c := range cell.FindAllString(strings.Trim(line, "|"), -1) {
			if c = strings.TrimSpace(c); c != "" {
				cells = append(cells, c)
			}
		}
		switch {
		case len(cells) != 8:
		case cells[0] == "verdict":
			verdicts = true
		case verdicts && !strings.HasPrefix(cells[0], "---"):
			rows[experiment+"/"+strings.ReplaceAll(cells[0], `\`, "")] = verdictRow{claim, cells[1], cells[2], cells[3], cells[7]}
		}
	}
	return rows
}
