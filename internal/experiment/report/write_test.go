package report

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "report")
	results := sample()
	for range 2 { // the second time over what is there
		if err := Write(dir, results); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"index.html", "results.json"}
	for _, r := range results {
		want = append(want, "card-"+r.Name+".svg")
		for _, f := range r.Figures {
			want = append(want, r.Name+"-"+f.Name+".svg")
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Error(diff)
	}
	for _, name := range want {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		switch filepath.Ext(name) {
		case ".svg":
			read(t, string(text))
		case ".json":
			if !json.Valid(text) {
				t.Error("results.json is none")
			}
		case ".html": // what it links to is there
			for _, e := range elements(t, string(text)) {
				for _, a := range e.Attr {
					if a.Key == "href" && !strings.HasPrefix(a.Val, "#") && !slices.Contains(want, a.Val) {
						t.Errorf("there is no %s", a.Val)
					}
				}
			}
		}
	}
}

// TestMarkdownsFigures: the files that a page in Markdown shows are those of Figures.
func TestMarkdownsFigures(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "experiments")
	if err := Figures(dir, sample()); err != nil {
		t.Fatal(err)
	}
	text := markdownOf(t, sample())
	for _, name := range files(t, dir) {
		if !strings.Contains(text, "](experiments/"+name+")") {
			t.Errorf("%s is not shown", name)
		}
	}
	if n := strings.Count(text, "!["); n != len(files(t, dir)) {
		t.Errorf("%d figures are shown", n)
	}
}

func TestWriteSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(file, sample()); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("into a file: %v", err)
	}
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "index.html"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(taken, sample()); err == nil || !strings.Contains(err.Error(), filepath.Join(taken, "index.html")) {
		t.Errorf("over a folder: %v", err)
	}
	for _, name := range files(t, taken) {
		if strings.HasPrefix(name, ".") {
			t.Errorf("%s is left behind", name)
		}
	}

	err := Save(dir, "new.svg", func(io.Writer) error { return errors.New("no ink") })
	if want := filepath.Join(dir, "new.svg") + ": no ink"; err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}

	figures := func(names ...string) (list []Figure) {
		for _, n := range names {
			list = append(list, Figure{Name: n})
		}
		return list
	}
	for _, c := range [...]struct {
		results []Result
		want    string
	}{
		{[]Result{{Name: "../evil"}}, `name of an experiment: "../evil": want lower-case letters, digits and single dashes`},
		{[]Result{{Name: ""}}, `name of an experiment: ""`},
		{[]Result{{Name: "a"}, {Name: "a"}}, `name of an experiment: "a": want one of its own`},
		{[]Result{{Name: "a", Figures: figures("B")}}, `name of a figure of a: "B"`},
		{[]Result{{Name: "a", Figures: figures("b", "b")}}, `name of a figure of a: "b": want one of its own`},
		{[]Result{{Name: "a-b", Figures: figures("c")}, {Name: "a", Figures: figures("b-c")}}, `name of a figure of a: "b-c": want one of its own`},
		{[]Result{{Name: "x"}, {Name: "card", Figures: figures("x")}}, `name of a figure of card: "x": want one of its own`},
	} {
		empty := filepath.Join(dir, "empty")
		err := Write(empty, c.results)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %s", err, c.want)
		}
		if _, err := os.Stat(empty); err == nil {
			t.Fatal("something was written all the same")
		}
	}
}
