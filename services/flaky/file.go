package flaky

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"reliability/internal/document"
	"reliability/internal/problem"
)

// filePoll is how often the fault file is read. It is not watched for changes: inotify sees
// nothing through some mounts, and what it sees of a ConfigMap is a link being renamed.
// Reading through the link always finds one whole version of the file.
const filePoll = time.Second

// A file is the fault file as it was last read.
type file struct {
	path     string
	document *Document // the latest valid one; nil: the file was empty, and leaves it to the boot profile
	text     []byte    // of the latest reading that was looked at, valid or not
	seen     []byte    // by the latest reading; looked at when the next one agrees, for then nobody is still writing it
	problem  string    // why the file is not what document says; "" if it is
}

// openFile reads a fault file for the first time. The error names the variable.
func openFile(path string) (*file, error) {
	f := &file{path: path}
	text, err := readFile(path)
	if err != nil {
		return nil, problem.Fields{{Field: EnvPrefix + "FAULTS_FILE", Value: fmt.Sprintf("%q", path), Allowed: "a file that can be read: " + err.Error()}}
	}
	f.text, f.seen = text, text
	if f.document, err = parseFile(text); err != nil {
		return nil, fmt.Errorf("%sFAULTS_FILE %s:\n%w", EnvPrefix, path, err)
	}
	return f, nil
}

// parseFile returns nil for a file with nothing in it: a ConfigMap that is mounted before it
// is needed says nothing yet.
func parseFile(text []byte) (*Document, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil //nolint:nilnil // there is no document, and that is no error
	}
	d, err := ParseDocument(text)
	if err != nil {
		return nil, err
	}
	return &d, nil
}

func readFile(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file") // a pipe would be waited for
	}
	f, err := os.Open(path) //nolint:gosec // the operator says which file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, document.MaxSize+1))
	if err == nil && len(text) > document.MaxSize {
		err = fmt.Errorf("larger than %d bytes", document.MaxSize)
	}
	return text, err
}

// followFile puts each new version of the file in force, until ctx ends. An invalid one
// changes nothing and is told of, in the log and at /faults.
func (s *Service) followFile(ctx context.Context) {
	ticker := time.NewTicker(filePoll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.readAgain(ctx)
		}
	}
}

func (s *Service) readAgain(ctx context.Context) {
	text, err := readFile(s.file.path)
	s.applying.Lock()
	f := s.file
	before := f.problem
	changed := f.take(text, err)
	if changed {
		s.applyLocked(s.homeLocked())
	}
	now, p := f.problem, s.inForce.Load()
	s.applying.Unlock()
	switch {
	case changed:
		s.tel.Logger.InfoContext(ctx, "faults set", "source", p.source, "file", f.path, "faults", p.Document)
	case now != "" && now != before:
		s.tel.Logger.ErrorContext(ctx, "the fault file changed nothing", "file", f.path, "error", now)
	}
}

// take looks at a reading and reports whether there is another document.
func (f *file) take(text []byte, err error) (changed bool) {
	switch {
	case err != nil:
		f.problem = err.Error()
		return false
	case !bytes.Equal(text, f.seen):
		f.seen = text
		return false
	case bytes.Equal(text, f.text) && f.problem == "":
		return false
	}
	d, err := parseFile(text)
	if err != nil {
		f.text, f.problem = text, err.Error()
		return false
	}
	changed = !bytes.Equal(text, f.text)
	f.document, f.text, f.problem = d, text, ""
	return changed
}
