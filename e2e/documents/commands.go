package documents

import (
	"regexp"
	"slices"
	"strings"
)

// Shell reports whether a block is for a shell.
func (b Block) Shell() bool { return b.Language == "sh" }

// NeedsCluster reports whether a block's commands are for the cluster of `make up`, so that e2e/cluster runs it. What
// a comment says decides nothing.
func (b Block) NeedsCluster() bool {
	cluster := regexp.MustCompile(`\bkubectl\b|kind-reliability|127\.0\.0\.1:(8088|16686)|\bmake (up|down|reset|status)\b`)
	return b.Shell() && slices.ContainsFunc(b.Commands(), cluster.MatchString)
}

// Serves reports whether a block starts the lab, which goes on until it is stopped.
func (b Block) Serves() bool {
	return b.Shell() && regexp.MustCompile(`^([A-Z_]+=\S+ )*go run \./cmd/lab( --\S+( \S+)?)*( +#.*)?\n$`).MatchString(b.Text)
}

// Commands are a block's lines, those that go on below as one, without comments and empty lines.
func (b Block) Commands() []string {
	var commands []string
	for line := range strings.Lines(strings.ReplaceAll(b.Text, "\\\n", " ")) {
		line = strings.TrimSpace(regexp.MustCompile(`(^|\s)#\s.*`).ReplaceAllString(line, ""))
		if line != "" {
			commands = append(commands, line)
		}
	}
	return commands
}
