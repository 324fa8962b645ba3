package flaky

import (
	"bytes"
	"context"
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
	document Document // the latest valid one
	text     []byte   // of the latest reading that was looked at, valid or not
	seen     []byte   // by the latest reading; looked at when the next one agrees, for then nobody is still writing it
	problem  string   // why the file is not what document says; "" if it is
}

// openFile reads a fault file for the first time. The error names the variable.
func openFile(path string) (*file, error) {
	f := &file{path: path}
	text, err := readFile(path)
	if err != nil {
		return nil, problem.Fields{{Field: EnvPrefix + "FAULTS_FILE", Value: fmt.Sprintf("%q", path), Allowed: "a file that can be read: " + err.Error()}}
	}
	f.text, f.seen = text, text
	if f.document, err = ParseDocument(text); err != nil {
		return nil, fmt.Errorf("%sFAULTS_FILE %s:\n%w", EnvPrefix, path, err)
	}
	return f, nil
}

func readFile(path string) ([]byte, error) {
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
	defer s.applying.Unlock()
	f, before := s.file, s.file.problem
	switch {
	case err != nil:
		f.problem = err.Error()
	case !bytes.Equal(text, f.seen):
		f.seen = text
		return
	case bytes.Equal(text, f.text):
		if before != "" && f.valid() { // it could not be read for a while
			f.problem = ""
		}
	default:
		f.text = text
		d, err := ParseDocument(text)
		if err != nil {
			f.problem = err.Error()
			break
		}
		f.document, f.problem = d, ""
		s.applyLocked(d, sourceFile)
		s.tel.Logger.InfoContext(ctx, "faults set", "source", sourceFile, "file", f.path, "faults", s.inForce.Load().Document)
	}
	if f.problem != "" && f.problem != before {
		s.tel.Logger.ErrorContext(ctx, "the fault file changed nothing", "file", f.path, "error", f.problem)
	}
}

// valid reports whether the text last looked at is that of the document.
func (f *file) valid() bool {
	_, err := ParseDocument(f.text)
	return err == nil
}
