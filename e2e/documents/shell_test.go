package documents

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// page is where the lab of a document is, on its default port.
const page = "http://127.0.0.1:8080"

// shell is a strict one in a directory. It ends as a whole, by the signal of Ctrl-C.
func shell(ctx context.Context, dir, text string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", text)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false -trimpath", "NO_COLOR=1") // compiled for one copy, compiled for all
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// serve starts the lab of a block. It serves until the document's end.
func serve(t *testing.T, home string, b Block) {
	t.Helper()
	if err := ask(t.Context()); err == nil {
		t.Fatalf("%v: somebody serves at %s already: the documents' commands are for that address", b, page)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := shell(ctx, home, b.Text)
	var logs bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &logs
	if err := cmd.Start(); err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		stop()
		t.Logf("%v: ended: %v", b, <-ended)
	})
	began := time.Now()
	for ask(ctx) != nil {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%v: it ended: %v\n%s", b, err, logs.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Since(began) > patience {
			t.Fatalf("%v: nobody serves at %s", b, page)
		}
	}
	t.Logf("%v: serves after %.1f s", b, time.Since(began).Seconds())
}

func ask(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page+"/api/state", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// repositoryCopy is the repository as it stands, also what is not committed, where commands may write what they like.
func repositoryCopy(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	script := fmt.Sprintf(`git ls-files -z --cached --others --exclude-standard | while IFS= read -rd '' f; do [ ! -e "$f" ] || printf '%%s\0' "$f"; done | tar --null -T - -cf - | tar -xf - -C %q`, home)
	if out, err := shell(t.Context(), root, script).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return home
}
