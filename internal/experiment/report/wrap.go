package report

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// plain is text as a terminal, a line of Markdown or an attribute can take it: on one
// line, without control characters, which might do more than be read.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// columns is the room that a rune takes in a terminal.
func columns(r rune) float64 {
	switch kind := width.LookupRune(r).Kind(); {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// A gauge measures the room that one rune takes.
type gauge func(rune) float64

func (g gauge) of(s string) float64 {
	total := 0.0
	for _, r := range s {
		total += g(r)
	}
	return total
}

// wrap breaks text into lines that are no wider than room: between words, and within one
// only if it is wider than a line by itself.
func (g gauge) wrap(s string, room float64) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(plain(s)) {
		if line != "" && g.of(line+" "+word) <= room {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for g.of(word) > room {
			head := g.head(word, room)
			lines, word = append(lines, head), word[len(head):]
		}
		line = word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// head is as much of a word as there is room for, and one rune at least.
func (g gauge) head(word string, room float64) string {
	total := 0.0
	for i, r := range word {
		if total += g(r); total > room && i > 0 {
			return word[:i]
		}
	}
	return word
}

// cut shortens text to the room there is, and says so with an ellipsis.
func (g gauge) cut(s string, room float64) string {
	s = plain(s)
	if g.of(s) <= room {
		return s
	}
	if room < g('…') {
		return ""
	}
	total := g('…')
	for i, r := range s {
		if total += g(r); total > room {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// lines wraps text into so many lines at most, and cuts the last.
func (g gauge) lines(s string, room float64, most int) []string {
	all := g.wrap(s, room)
	if len(all) <= most {
		return all
	}
	all[most-1] = g.cut(strings.Join(all[most-1:], " "), room)
	return all[:most]
}
