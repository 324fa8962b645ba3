package main

import (
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"reliability/services/caller"
	"reliability/services/flaky"
)

const configurationPage = "../../docs/configuration.md"

// TestConfiguration: the tables of docs/configuration.md are what the code says: struct
// tags, what documents allow and fill in, comments, flags.
func TestConfiguration(t *testing.T) {
	text, err := os.ReadFile(configurationPage)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]func(*testing.T) string{
		"caller variables": func(*testing.T) string { return variables[caller.Config](caller.EnvPrefix) },
		"flaky variables":  func(*testing.T) string { return variables[flaky.Config](flaky.EnvPrefix) },
		"policy":           policyTable,
		"load":             loadTable,
		"faults":           faultsTable,
		"lab flags":        func(*testing.T) string { return flags(command().Flags()) },
		"experiment flags": func(t *testing.T) string { return flags(subcommand(t, "experiment").Flags()) },
		"export":           exportedBy,
		"telemetry":        telemetryTable,
	}
	marker := regexp.MustCompile("(?s)(<!-- generated: ([^\n]*) -->\n)(.*?)(<!-- /generated -->\n)")
	written := marker.ReplaceAllStringFunc(string(text), func(section string) string {
		m := marker.FindStringSubmatch(section)
		table := sections[m[2]]
		if table == nil {
			t.Errorf("the page has a section %q that nobody writes, or twice", m[2])
			return section
		}
		delete(sections, m[2])
		return m[1] + table(t) + m[4]
	})
	for name := range sections {
		t.Errorf("the page has no section %q", name)
	}
	if *update {
		if err := os.WriteFile(configurationPage, []byte(written), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(string(text), "\n"), strings.Split(written, "\n")); diff != "" {
		t.Errorf("docs/configuration.md is not what the code says (go test ./cmd/lab -run Configuration -update writes it), -page +code:\n%s", diff)
	}
}

// table is one in Markdown.
func table(header []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) {
		for _, cell := range cells {
			b.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	line(header)
	b.WriteString(strings.Repeat("|---", len(header)) + "|\n")
	for _, row := range rows {
		line(row)
	}
	return b.String()
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// documents are where the fields of a variable's document are.
var documents = map[reflect.Type]string{
	reflect.TypeFor[caller.Policy]():  "a JSON document: [the policy](#the-policy)",
	reflect.TypeFor[caller.Load]():    "a JSON document: [the load](#the-load)",
	reflect.TypeFor[flaky.Document](): "a JSON document: [the faults](#the-faults)",
}

// variables is what the tags of a configuration say, and which of them the lab has of its own.
func variables[T any](prefix string) string {
	var rows [][]string
	for f := range reflect.TypeFor[T]().Fields() {
		name := f.Tag.Get("env")
		if name == "" {
			continue
		}
		name = prefix + name
		allowed := f.Tag.Get("allowed")
		if where, ok := documents[f.Type]; ok {
			allowed = where
		}
		if allowed == "" {
			allowed = "any text"
		}
		inLab := "yes"
		if reserved([]string{name + "=x"}) != nil {
			inLab = "no"
		}
		rows = append(rows, []string{code(name), code(f.Tag.Get("envDefault")), allowed, f.Tag.Get("help"), inLab})
	}
	return table([]string{"variable", "default", "allowed", "what it is for", "in the lab"}, rows)
}

func subcommand(t *testing.T, name string) *cobra.Command {
	t.Helper()
	found, _, err := command().Find([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func flags(set *pflag.FlagSet) string {
	var rows [][]string
	set.VisitAll(func(f *pflag.Flag) {
		name := code("--" + f.Name)
		if f.Shorthand != "" {
			name = code("-"+f.Shorthand) + ", " + name
		}
		value := code(f.DefValue)
		switch {
		case f.Name == "parallel" && f.DefValue == strconv.Itoa(runtime.NumCPU()):
			value = "one for each CPU"
		case f.DefValue == "[]":
			value = ""
		}
		rows = append(rows, []string{name, value, f.Usage})
	})
	return table([]string{"flag", "default", "what it is for"}, rows)
}
