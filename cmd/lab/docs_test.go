package main

import (
	"context"
	"flag"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/memnet"
	"reliability/services/caller"
)

var update = flag.Bool("update", false, "write docs/configuration.md, and the answers in docs/api.md")

const apiPage = "../../docs/api.md"

// TestDocs: the answers of docs/api.md are those that are given, one request after the
// other as the page has them.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile(apiPage)
	if err != nil {
		t.Fatal(err)
	}
	var written string
	synctest.Test(t, func(t *testing.T) { written = withAnswers(t, string(text)) })
	if *update {
		if err := os.WriteFile(apiPage, []byte(written), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(string(text), "\n"), strings.Split(written, "\n")); diff != "" {
		t.Errorf("docs/api.md is not what caller answers (go test ./cmd/lab -run Docs -update writes it), -page +real:\n%s", diff)
	}
}

// withAnswers returns the page with the answers of a lab that has just been started.
func withAnswers(t *testing.T, page string) string {
	var network memnet.Network
	client := &http.Client{Transport: &http.Transport{DialContext: network.DialContext, DisableKeepAlives: true}}
	l, err := start(t.Context(), options{
		addr: "127.0.0.1:8080", callerAdminAddr: "127.0.0.1:8090", flakyAddr: "127.0.0.1:8081", flakyAdminAddr: "127.0.0.1:8091",
		logs: io.Discard, listen: network.Listen,
		network: caller.Network{
			DialContext: network.DialContext,
			LookupHost:  func(_ context.Context, host string) ([]string, error) { return []string{host}, nil },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx) }()
	examples := 0
	page = regexp.MustCompile("(?s)```console\n(.*?)```\n").ReplaceAllStringFunc(page, func(block string) string {
		var b strings.Builder
		b.WriteString("```console\n")
		for line := range strings.Lines(block) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				examples++
				b.WriteString(line)
				b.WriteString(answer(t, client, strings.TrimSpace(command)))
			}
		}
		return b.String() + "```\n"
	})
	if examples < 15 {
		t.Errorf("only %d examples were found", examples)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return page
}

// answer does what the curl of an example would, and returns what it would print, without
// what is different each time.
func answer(t *testing.T, client *http.Client, command string) string {
	t.Helper()
	words := regexp.MustCompile(`'[^']*'|\S+`).FindAllString(command, -1)
	method, url, body := "", "", ""
	header := http.Header{}
	if words[0] != "curl" {
		t.Fatalf("not a curl: %s", command)
	}
	for i := 1; i < len(words); i++ {
		word := strings.Trim(words[i], "'")
		next := func() string {
			i++
			return strings.Trim(words[i], "'")
		}
		switch word {
		case "-s", "-sN":
		case "-X":
			method = next()
		case "-H":
			name, value, _ := strings.Cut(next(), ": ")
			header.Set(name, value)
		case "-d":
			body = next()
			if method == "" {
				method = http.MethodPost
			}
		default:
			url = word
		}
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.Header.Get("Content-Type") == "text/event-stream" {
		return beginning(t, res.Body)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return anyTime(string(text))
}

// beginning is how a stream of events begins: as much of the first one as fits a page.
func beginning(t *testing.T, stream io.Reader) string {
	t.Helper()
	buffer := make([]byte, 1<<16)
	n := 0
	for !strings.Contains(string(buffer[:n]), "data: ") {
		m, err := stream.Read(buffer[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	text := anyTime(string(buffer[:n]))
	at := strings.Index(text, "data: ")
	return text[:at+70] + " …\n"
}

// anyTime writes zeros for what is different each time.
func anyTime(text string) string {
	for pattern, with := range map[string]string{
		`\b[0-9a-f]{32}\b`:       strings.Repeat("0", 32),
		`("seed": ?)\d{4,}`:      "${1}0",
		`("id": ?")[^"]*(")`:     "${1}…${2}",
		`127\.0\.0\.1:[1-9]{5,}`: "127.0.0.1:0",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, with)
	}
	return text
}
