package documents

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	source := "# One `and` two\n\nSee [there](b.md#c) and <https://example.com/>,\n![picture](p.svg)\n\n" +
		"```sh\ngo run ./cmd/lab --load 0   # serves\n```\n\n## Same\n\nUndo it\nnow:\n\n```sh\nmake reset \\\n  X=1 # back\n\n```\n\n```text\ndone\n```\n\n## Same\n\n* item\n\n  ```sh\n  go run ./cmd/lab experiment list\n  ```\n\nThen\n\n    kubectl get pods\n"
	got := parse("d.md", []byte(source))
	got.Source = nil
	want := Document{
		Path:    "d.md",
		Links:   []Link{{"b.md#c", 3}, {"https://example.com/", 3}, {"p.svg", 3}},
		Inline:  []Span{{"and", 1}},
		Drawn:   []Span{{"kubectl get pods\n", 35}},
		Anchors: map[string]bool{"one-and-two": true, "same": true, "same-1": true},
		Blocks: []Block{
			{Document: "d.md", Language: "sh", Text: "go run ./cmd/lab --load 0   # serves\n", Line: 7, Heading: "One and two", Lead: "See there and , picture"},
			{
				Document: "d.md", Language: "sh", Text: "make reset \\\n  X=1 # back\n\n", Line: 16, Heading: "Same", Lead: "Undo it now:",
				Output: "done\n", OutputLine: 22,
			},
			{Document: "d.md", Language: "text", Text: "done\n", Line: 22, Heading: "Same"},
			{Document: "d.md", Language: "sh", Text: "go run ./cmd/lab experiment list\n", Line: 30, Heading: "Same", Lead: "item"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	kind := func(b Block) [3]bool { return [3]bool{b.Shell(), b.NeedsCluster(), b.Serves()} }
	for i, want := range [][3]bool{{true, false, true}, {true, true, false}, {false, false, false}, {true, false, false}} {
		if kind(got.Blocks[i]) != want {
			t.Errorf("%v: for a shell, for a cluster, a server: %v, want %v", got.Blocks[i], kind(got.Blocks[i]), want)
		}
	}
	if diff := cmp.Diff([]string{"make reset    X=1"}, got.Blocks[1].Commands()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
