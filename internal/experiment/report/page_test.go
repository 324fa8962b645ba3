package report

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// elements reads a page, and reports tags that do not match, and names that do not meet.
func elements(t *testing.T, text string) []html.Token {
	t.Helper()
	void := []string{"meta", "br", "img", "link", "hr", "input"}
	var all []html.Token
	var open, ids, refs []string
	for z := html.NewTokenizer(strings.NewReader(text)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			if !errors.Is(z.Err(), io.EOF) {
				t.Fatal(z.Err())
			}
			break
		}
		token := z.Token()
		switch kind {
		case html.StartTagToken, html.SelfClosingTagToken:
			all = append(all, token)
			for _, a := range token.Attr {
				switch {
				case a.Key == "id":
					if slices.Contains(ids, a.Val) {
						t.Errorf("id %s is there twice", a.Val)
					}
					ids = append(ids, a.Val)
				case a.Key == "aria-labelledby":
					refs = append(refs, strings.Fields(a.Val)...)
				case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
					refs = append(refs, a.Val[1:])
				case strings.HasPrefix(a.Key, "on") || strings.Contains(a.Val, "ZgotmplZ"):
					t.Errorf("%s has %s=%q", token.Data, a.Key, a.Val)
				}
			}
			if kind == html.StartTagToken && !slices.Contains(void, token.Data) {
				open = append(open, token.Data)
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				t.Fatalf("</%s> closes %v", token.Data, open)
			}
			open = open[:len(open)-1]
		}
	}
	for _, ref := range refs {
		if !slices.Contains(ids, ref) {
			t.Errorf("nothing is called %s", ref)
		}
	}
	if len(open) > 0 {
		t.Errorf("never closed: %v", open)
	}
	return all
}

func pageOf(t *testing.T, results []Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := page(&b, results); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPage(t *testing.T) {
	results := sample()
	text := pageOf(t, results)
	count := map[string]int{}
	for _, e := range elements(t, text) {
		count[e.Data]++
	}
	figures := 0
	for _, r := range results {
		figures += len(r.Figures)
		for _, want := range []string{r.Claim, r.Lesson, r.Negative, r.Skipped, r.Err, r.Repeat} {
			if !strings.Contains(html.UnescapeString(text), want) {
				t.Errorf("%s: %q is missing", r.Name, want)
			}
		}
		for _, v := range r.Verdicts {
			for _, want := range []string{v.Name, v.Claim, v.Expected, v.Seen, v.Test, v.Why, v.pValue(), v.power()} {
				if !strings.Contains(html.UnescapeString(text), want) {
					t.Errorf("%s, %s: %q is missing", r.Name, v.Name, want)
				}
			}
		}
	}
	if count["section"] != len(results) || count["svg"] != figures || count["figure"] != figures || count["script"] != 0 || count["style"] != 1 {
		t.Errorf("elements: %v", count)
	}
	for _, want := range []string{"10 verdicts passed", "1 failed", "1 inconclusive", "1 experiment skipped", "1 experiment could not run", "@media print", "prefers-color-scheme: dark", "58,424", "2026-03-14 09:26 UTC", ">8.34 s<"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// TestPageStandsAlone: it loads nothing, from nowhere, and has no link that leads out of its
// folder.
func TestPageStandsAlone(t *testing.T) {
	text := pageOf(t, append(sample(), hostile()))
	leadsOut := func(link string) bool {
		return !regexp.MustCompile(`^(#.*|results\.json|card-[a-z0-9-]+\.svg)$`).MatchString(link)
	}
	for _, e := range elements(t, text) {
		for _, a := range e.Attr {
			if a.Key == "src" || a.Key == "srcset" || a.Key == "data" || a.Key == "href" && leadsOut(a.Val) {
				t.Errorf("%s loads %s", e.Data, a.Val)
			}
		}
		if slices.Contains([]string{"script", "link", "iframe", "img", "object"}, e.Data) {
			t.Errorf("there is a %s", e.Data)
		}
	}
	if found := regexp.MustCompile(`url\(|@import`).FindString(text); found != "" {
		t.Errorf("a style loads something: %s", found)
	}
}

// TestPageOfStrangeNames: sections of the same name, or of none that an anchor can have,
// are still reached one by one.
func TestPageOfStrangeNames(t *testing.T) {
	elements(t, pageOf(t, []Result{{Name: "a b"}, {Name: "A/B"}, {Name: "…"}, {}, hostile(), hostile()}))
	elements(t, pageOf(t, nil))
}
