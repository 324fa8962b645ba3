package flaky

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/telemetry"
)

// A configMap is a folder as Kubernetes mounts one: faults.json leads through ..data to a
// folder of one version, and a new version is one renaming.
type configMap struct {
	*testing.T
	dir     string
	version int
}

func (m *configMap) path() string { return filepath.Join(m.dir, "faults.json") }

func (m *configMap) set(text string) {
	m.Helper()
	m.version++
	version := "..v" + string(rune('0'+m.version))
	m.must(os.Mkdir(filepath.Join(m.dir, version), 0o750))
	m.must(os.WriteFile(filepath.Join(m.dir, version, "faults.json"), []byte(text), 0o600))
	m.must(os.Symlink(version, filepath.Join(m.dir, "..data_tmp")))
	m.must(os.Rename(filepath.Join(m.dir, "..data_tmp"), filepath.Join(m.dir, "..data")))
	if m.version == 1 {
		m.must(os.Symlink(filepath.Join("..data", "faults.json"), m.path()))
	}
}

func (m *configMap) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func TestTheFileIsFollowed(t *testing.T) {
	m := &configMap{T: t, dir: t.TempDir()}
	m.set(`{"error_rate":1}`)
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"error_rate":0.5}`, func(c *Config) { c.FaultsFile = m.path() })
		time.Sleep(time.Millisecond) // between two readings
		check := func(what, source string, rate float64, file float64, problem string) {
			t.Helper()
			s := r.faults("GET", "")
			if s.Source != source || s.Faults.ErrorRate != rate || s.File == nil || s.File.Faults == nil || s.File.Faults.ErrorRate != file || s.Boot.ErrorRate != 0.5 ||
				(s.File.Error == "") != (problem == "") || !strings.Contains(s.File.Error, problem) {
				t.Errorf("%s: %+v, file %+v; want %s %v, file %v %q", what, s, s.File, source, rate, file, problem)
			}
		}
		check("at the start", "file", 1, 1, "")
		m.set(`{"error_rate":0.25}`)
		time.Sleep(2*time.Second - 2*time.Millisecond) // once read, and not agreed with yet
		check("a moment later", "file", 1, 1, "")
		time.Sleep(2 * time.Millisecond)
		check("two readings later", "file", 0.25, 0.25, "")
		since := r.faults("GET", "").Since
		time.Sleep(time.Minute)
		if !r.faults("GET", "").Since.Equal(since) {
			t.Error("put in force again although nothing changed")
		}

		r.faults("PUT", `{"error_rate":0.75}`)
		time.Sleep(time.Minute)
		check("the API came last", "api", 0.75, 0.25, "")
		r.faults("DELETE", "")
		check("DELETE", "file", 0.25, 0.25, "")
		r.faults("PUT", `{"error_rate":0.75}`)
		m.set(`{"error_rate":0.125}`)
		time.Sleep(3 * time.Second)
		check("the file came last", "file", 0.125, 0.125, "")

		m.set(`{"error_rate":7,"schedule":[{}]}`)
		time.Sleep(3 * time.Second)
		check("an invalid version", "file", 0.125, 0.125, "error_rate is 7: must be a number from 0 to 1\nschedule[0].for: must be given")
		r.faults("PUT", `{}`)
		r.faults("DELETE", "")
		check("DELETE with an invalid version", "file", 0.125, 0.125, "error_rate is 7")
		m.set(`{"error_rate":0.125}`)
		time.Sleep(3 * time.Second)
		check("mended", "file", 0.125, 0.125, "")

		m.must(os.Remove(m.path()))
		time.Sleep(3 * time.Second)
		check("gone", "file", 0.125, 0.125, "no such file")
		m.must(os.Symlink(filepath.Join("..data", "faults.json"), m.path()))
		time.Sleep(3 * time.Second)
		check("there again", "file", 0.125, 0.125, "")
		m.set(strings.Repeat(" ", 65<<10) + `{}`)
		time.Sleep(3 * time.Second)
		check("too large", "file", 0.125, 0.125, "larger than 65536 bytes")
	})
}

// TestAnEmptyFileSaysNothing: a ConfigMap is mounted long before anybody needs it, and the boot
// profile, which kubectl set env changes, is in force until then.
func TestAnEmptyFileSaysNothing(t *testing.T) {
	m := &configMap{T: t, dir: t.TempDir()}
	m.set("\n")
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"error_rate":0.5}`, func(c *Config) { c.FaultsFile = m.path() })
		time.Sleep(time.Millisecond) // between two readings
		check := func(what, source string, rate float64) {
			t.Helper()
			s := r.faults("GET", "")
			if s.Source != source || s.Faults.ErrorRate != rate || s.File == nil || (s.File.Faults != nil) != (source == "file") || s.File.Error != "" {
				t.Errorf("%s: %+v, file %+v; want %s %v", what, s, s.File, source, rate)
			}
		}
		check("at the start", "boot", 0.5)
		m.set(`{"error_rate":0.25}`)
		time.Sleep(3 * time.Second)
		check("filled", "file", 0.25)
		m.set("")
		time.Sleep(3 * time.Second)
		check("empty again", "boot", 0.5)
		r.faults("PUT", `{"error_rate":0.75}`)
		time.Sleep(time.Minute)
		if s := r.faults("GET", ""); s.Source != "api" || s.Faults.ErrorRate != 0.75 {
			t.Errorf("a file that stays empty changed what the API set: %+v", s)
		}
		r.faults("DELETE", "")
		check("DELETE", "boot", 0.5)
	})
}

// TestABadFileIsToldOnce, and takes nothing back that the API has set.
func TestABadFileIsToldOnce(t *testing.T) {
	m := &configMap{T: t, dir: t.TempDir()}
	m.set(`{"error_rate":1}`)
	var log strings.Builder
	tel, err := telemetry.New(t.Context(), telemetry.Config{Service: "flaky", Store: telemetry.NewStore(), LogOutput: &log})
	m.must(err)
	s, err := New(Config{FaultsFile: m.path()}, tel)
	m.must(err)
	s.apply(parse(t, `{"error_rate":0.5}`), sourceAPI)
	for i, text := range []string{`{"error_rate":7}`, `{"error_rate":8}`, `{"error_rate":1}`} {
		m.set(text)
		for range 5 {
			s.readAgain(t.Context())
		}
		if got, want := strings.Count(log.String(), "the fault file changed nothing"), min(i+1, 2); got != want {
			t.Errorf("%s: told of %d bad files; want %d:\n%s", text, got, want, log.String())
		}
		if p := s.inForce.Load(); i < 2 && p.source != sourceAPI {
			t.Errorf("%s: what is in force now came by %s", text, p.source)
		}
	}
}

func TestAFileThatCannotBeUsedAtTheStart(t *testing.T) {
	m := &configMap{T: t, dir: t.TempDir()}
	if _, err := openFile(m.path()); err == nil || !strings.HasPrefix(err.Error(), `FLAKY_FAULTS_FILE is "`+m.path()+`": must be a file that can be read: `) {
		t.Errorf("missing: %v", err)
	}
	m.set(`{"error_rate":7,"nonsense":1}`)
	_, err := openFile(m.path())
	if err == nil || !strings.Contains(err.Error(), "FLAKY_FAULTS_FILE") || !strings.Contains(err.Error(), "\nerror_rate is 7") || !strings.Contains(err.Error(), "\nnonsense is 1") {
		t.Errorf("invalid: %v", err)
	}
}
