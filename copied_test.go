package reliability_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheLibraryCanBeCopied does what a team does that takes the library home: it copies
// the folder into an empty module of another name, without the two packages that need
// more than the standard library, corrects the import paths, and runs the tests.
func TestTheLibraryCanBeCopied(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	write := func(name string, content []byte) {
		t.Helper()
		file := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", []byte("module example.com/elsewhere\n\ngo 1.26\n"))
	library := os.DirFS(filepath.Join("pkg", "resilience"))
	err := fs.WalkDir(library, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == "sonybreaker" || path == "resilienceotel"):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		content, err := fs.ReadFile(library, path)
		if err != nil {
			return err
		}
		write(filepath.Join("lib", path), bytes.ReplaceAll(content,
			[]byte(`"reliability/pkg/resilience`), []byte(`"example.com/elsewhere/lib`)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"vet", "./..."},
		{"test", "-short", "./..."}, // fewer programs and histories: the whole runs in its own place
		{"list", "-m", "all"},
	} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = home
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		if args[0] == "list" && strings.TrimSpace(string(out)) != "example.com/elsewhere" {
			t.Errorf("the copy needs other modules:\n%s", out)
		}
	}
}
