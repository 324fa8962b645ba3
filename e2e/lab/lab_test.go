package lab

import (
	"net/http"
	"strings"
	"testing"
)

// TestLab: it answers at each of its addresses with what it was given, is gone when
// ended or killed, and is back at the same addresses.
func TestLab(t *testing.T) {
	t.Setenv("CALLER_NAME", "of-the-environment")
	binary, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l, err := Start(t.Context(), binary, []string{"--load", "1.5"}, []string{`CALLER_POLICY={"breaker":{"open_for":"3s"}}`})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.End() })
	first := l.Addresses
	given := func() {
		t.Helper()
		for path, want := range map[string]string{"api/load": `"rate":1.5`, "api/policy": `"open_for":"3s"`, "api/state": `"instance":"caller"`} {
			answer, err := l.Send(t.Context(), http.MethodGet, path, "")
			if answer = strings.Join(strings.Fields(answer), ""); err != nil || !strings.Contains(answer, want) {
				t.Errorf("%s is %s, %v; want %s", path, answer, err, want)
			}
		}
		for _, address := range []string{l.Page, l.Flaky, l.Admin, l.FlakyAdmin} {
			if status := get(t, address); status != http.StatusOK {
				t.Errorf("%s answers %d", address, status)
			}
		}
	}
	given()
	for name, end := range map[string]func() error{"ended": l.End, "killed": func() error { l.Kill(); return nil }} {
		if err := end(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, address := range []string{l.Page, l.Flaky, l.Admin, l.FlakyAdmin} {
			if status := get(t, address); status != 0 {
				t.Errorf("%s, and still %s answers %d", name, address, status)
			}
		}
		if err := l.Restart(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if l.Addresses != first {
			t.Errorf("%s and back at %v, not at %v", name, l.Addresses, first)
		}
		given()
	}
	if answer, err := l.Send(t.Context(), http.MethodPut, "api/load", `{"rate":-1}`); err == nil || !strings.Contains(err.Error(), "rate") {
		t.Errorf("an invalid load is answered %s, %v", answer, err)
	}
}

// TestNoLab: one that does not start says why.
func TestNoLab(t *testing.T) {
	binary, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), binary, []string{"--load", "-1"}, nil)
	if err == nil || !strings.Contains(err.Error(), "--load is -1") {
		t.Errorf("with a wrong flag: %v", err)
	}
}

// get returns the status, 0 if nobody answers.
func get(t *testing.T, address string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
