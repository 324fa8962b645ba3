// Package documents reads the repository's documents the way their readers do: what a block tells them to type, what
// it says they will see, and where a link leads.
//
// In a document
//
//	```sh      is a block for a shell. Each is run, word by word: by this package's tests, or in a cluster by those of
//	           e2e/cluster, see [Block.NeedsCluster].
//	```text    right after one is what that prints, see [Block.Output].
//	```console holds commands after "$ " with their answers. cmd/lab compares those of caller in virtual time.
package documents

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// A Document is one file of Markdown.
type Document struct {
	Path    string // from the repository's root, with slashes
	Source  []byte
	Blocks  []Block
	Links   []Link
	Inline  []Span          // of code, within a sentence
	Drawn   []Span          // blocks of code that are indented, and so say no language
	Anchors map[string]bool // of its headings, as GitHub makes them
}

// A Block is one of code, between fences.
type Block struct {
	Document, Language, Text string
	Line                     int    // of its first line, from 1
	Heading                  string // the nearest one above
	Lead                     string // the paragraph right above, if there is one
	Output                   string // the text of the block of text right below; "" if there is none
	OutputLine               int    // 0: there is no Output
}

// String is where a block stands.
func (b Block) String() string { return fmt.Sprintf("%s:%d", b.Document, b.Line) }

// A Span is a piece of code that is no Block.
type Span struct {
	Text string
	Line int
}

// A Link leads to another place, or to a picture.
type Link struct {
	To   string
	Line int
}

// Read returns every document of the repository: those in its root, and all below docs/.
func Read(root string) ([]Document, error) {
	tree := os.DirFS(root)
	names, err := fs.Glob(tree, "*.md")
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(tree, "docs", func(name string, _ fs.DirEntry, err error) error {
		if path.Ext(name) == ".md" {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	documents := make([]Document, len(names))
	for i, name := range names {
		source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name))) //nolint:gosec // a name that was found there
		if err != nil {
			return nil, err
		}
		documents[i] = parse(name, source)
	}
	return documents, nil
}

func parse(name string, source []byte) Document {
	d := Document{Path: name, Source: source, Anchors: map[string]bool{}}
	tree := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	heading := ""
	_ = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // no visit fails
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			heading = plain(n, source)
			d.Anchors[unused(slug(heading), d.Anchors)] = true
		case *ast.Link:
			d.Links = append(d.Links, Link{string(n.Destination), line(n, source)})
		case *ast.Image:
			d.Links = append(d.Links, Link{string(n.Destination), line(n, source)})
		case *ast.AutoLink:
			d.Links = append(d.Links, Link{string(n.URL(source)), line(n, source)})
		case *ast.CodeSpan:
			d.Inline = append(d.Inline, Span{plain(n, source), line(n, source)})
		case *ast.CodeBlock:
			d.Drawn = append(d.Drawn, Span{string(n.Lines().Value(source)), line(n, source)})
		case *ast.FencedCodeBlock:
			d.Blocks = append(d.Blocks, block(n, source, name, heading))
		}
		return ast.WalkContinue, nil
	})
	return d
}

func block(n *ast.FencedCodeBlock, source []byte, document, heading string) Block {
	b := Block{Document: document, Heading: heading, Language: string(n.Language(source)), Text: string(n.Lines().Value(source)), Line: line(n, source)}
	if p, above := n.PreviousSibling().(*ast.Paragraph); above {
		b.Lead = plain(p, source)
	}
	if next, below := n.NextSibling().(*ast.FencedCodeBlock); below && string(next.Language(source)) == "text" {
		b.Output, b.OutputLine = string(next.Lines().Value(source)), line(next, source)
	}
	return b
}

// plain is what a reader sees of a node with text in it.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // no visit fails
		if t, is := n.(*ast.Text); is && entering {
			b.Write(t.Segment.Value(source))
			if t.SoftLineBreak() || t.HardLineBreak() {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// line is where a node begins: that of its own lines, or of the first node around it that has some.
func line(n ast.Node, source []byte) int {
	for ; n != nil; n = n.Parent() {
		if n.Type() != ast.TypeInline && n.Lines().Len() > 0 {
			return 1 + strings.Count(string(source[:n.Lines().At(0).Start]), "\n")
		}
	}
	return 1
}

// slug is the anchor that GitHub makes of a heading.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsNumber(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, heading)
}

// unused is a slug that no other heading has.
func unused(slug string, taken map[string]bool) string {
	for n, s := 1, slug; ; n++ {
		if !taken[s] {
			return s
		}
		s = fmt.Sprintf("%s-%d", slug, n)
	}
}
