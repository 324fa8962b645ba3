package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestCallAnswersThroughTheNodePort(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			a := call(t, engine)
			if a.code != http.StatusOK || a.Outcome != "success" || a.Engine != engine {
				t.Fatalf("GET /call answered %d, want a success of engine %s: %s", a.code, engine, a.body)
			}
			if len(a.Attempts) == 0 || !strings.HasPrefix(a.Attempts[0].ServedBy, "flaky-") {
				t.Errorf("the answer does not say which flaky pod served it: %s", a.body)
			}
			if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(a.TraceID) {
				t.Errorf("trace_id %q, want 32 hex digits", a.TraceID)
			}
			if want := jaegerURL + "/trace/" + a.TraceID; a.TraceURL != want {
				t.Errorf("trace_url %q, want %q", a.TraceURL, want)
			}
		})
	}
}

func TestBreakerOpensAndHeals(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			inject(t, `{"error_rate":1}`)

			first := call(t, engine)
			if first.code != http.StatusBadGateway {
				t.Errorf("with every replica failing, GET /call answered %d, want 502: %s", first.code, first.body)
			}
			var rejected answer
			eventually(t, 20*time.Second, "the breaker opens", func() error {
				rejected = call(t, engine)
				switch rejected.code {
				case http.StatusServiceUnavailable:
					return nil
				case http.StatusBadGateway:
					return fmt.Errorf("GET /call still answers 502: %s", rejected.body)
				default:
					t.Fatalf("GET /call answered %d, want 502 and then 503: %s", rejected.code, rejected.body)
					return nil
				}
			})
			if s, err := strconv.Atoi(rejected.header.Get("Retry-After")); err != nil || s < 1 {
				t.Errorf("503 with Retry-After %q, want whole seconds", rejected.header.Get("Retry-After"))
			}
			for _, at := range rejected.Attempts {
				if at.ServedBy != "" {
					t.Errorf("the breaker is open, but attempt %d reached %s", at.Attempt, at.ServedBy)
				}
			}

			heal(t)
		})
	}
}

// TestEveryCallerIsAsked: breakers live in one process, so the state of all is that of each pod.
func TestEveryCallerIsAsked(t *testing.T) {
	res, body, err := request(t, http.MethodGet, callerURL+"/api/state?all=1", "")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Instances []struct {
			State struct {
				Instance string `json:"instance"`
			} `json:"state"`
			Error string `json:"error"`
		} `json:"instances"`
	}
	if err := json.Unmarshal([]byte(body), &all); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET /api/state?all=1: %s: %v: %s", res.Status, err, body)
	}
	pods := pods(t, "app.kubernetes.io/name=caller")
	if len(all.Instances) == 0 || len(all.Instances) != len(pods) {
		t.Errorf("%d callers of %d pods: %s", len(all.Instances), len(pods), body)
	}
	for _, pod := range pods {
		if !strings.Contains(body, fmt.Sprintf("%q", pod.Metadata.Name)) {
			t.Errorf("pod %s was not asked: %s", pod.Metadata.Name, body)
		}
	}
}

// TestRetriedCallIsOneTrace looks for a call that a retry saved, because it shows most: failed and good attempts,
// and a call that is not an error.
func TestRetriedCallIsOneTrace(t *testing.T) {
	inject(t, `{"error_rate":0.5}`)
	var a answer
	eventually(t, time.Minute, "a call that a retry saves", func() error {
		if a = call(t, "handrolled"); a.code != http.StatusOK || len(a.Attempts) < 2 {
			return fmt.Errorf("the last one answered %d after %d attempts", a.code, len(a.Attempts))
		}
		return nil
	})

	tr := findTrace(t, a.TraceID, func(tr trace) error {
		if n := tr.count("flaky"); n != len(a.Attempts) {
			return fmt.Errorf("%d spans of flaky for %d attempts", n, len(a.Attempts))
		}
		if len(tr.children("")) != 1 {
			return fmt.Errorf("%d root spans, want 1", len(tr.children("")))
		}
		return nil
	})
	defer func() {
		if t.Failed() {
			t.Logf("trace %s:\n%s", a.TraceID, tr)
		}
	}()

	server := tr.children("")[0]
	wantSpan(t, tr, server, "caller", "server")
	calls := tr.children(server.SpanID)
	if len(calls) != 1 {
		t.Fatalf("%d spans below the server span, want 1: the call", len(calls))
	}
	wantSpan(t, tr, calls[0], "caller", "internal")
	if got := calls[0].Tags.get("error"); got == "true" {
		t.Error("the call's span is an error, although a retry saved the call")
	}
	attempts := tr.children(calls[0].SpanID)
	if len(attempts) != len(a.Attempts) {
		t.Fatalf("%d spans below the call, want %d: one per attempt", len(attempts), len(a.Attempts))
	}
	for i, s := range attempts {
		wantSpan(t, tr, s, "caller", "client")
		want := ""
		if i > 0 {
			want = strconv.Itoa(i)
		}
		if got := s.Tags.get("http.request.resend_count"); got != want {
			t.Errorf("attempt %d has resend_count %q, want %q", i+1, got, want)
		}
		served := tr.children(s.SpanID)
		if len(served) != 1 {
			t.Fatalf("%d spans below attempt %d, want 1: flaky's", len(served), i+1)
		}
		wantSpan(t, tr, served[0], "flaky", "server")
		if got := tr.Processes[served[0].ProcessID].Tags.get("k8s.pod.name"); got != a.Attempts[i].ServedBy {
			t.Errorf("attempt %d was served by %q according to the trace, %q to the answer", i+1, got, a.Attempts[i].ServedBy)
		}
	}

	for _, p := range tr.Processes {
		for key, want := range map[string]string{
			"k8s.namespace.name":  "reliability",
			"k8s.deployment.name": p.ServiceName,
			"k8s.container.name":  p.ServiceName,
			"k8s.node.name":       clusterName + "-control-plane",
		} {
			if got := p.Tags.get(key); got != want {
				t.Errorf("%s has resource attribute %s=%q, want %q", p.ServiceName, key, got, want)
			}
		}
		pod := p.Tags.get("k8s.pod.name")
		if !strings.HasPrefix(pod, p.ServiceName+"-") {
			t.Errorf("%s has resource attribute k8s.pod.name=%q", p.ServiceName, pod)
		}
		if got, want := p.Tags.get("service.instance.id"), "reliability."+pod+"."+p.ServiceName; got != want {
			t.Errorf("%s has resource attribute service.instance.id=%q, want %q", p.ServiceName, got, want)
		}
		if p.Tags.get("k8s.pod.uid") == "" {
			t.Errorf("%s has no resource attribute k8s.pod.uid", p.ServiceName)
		}
	}
}

func wantSpan(t *testing.T, tr trace, s span, service, kind string) {
	t.Helper()
	if tr.service(s) != service || s.Tags.get("span.kind") != kind {
		t.Errorf("span %q is %s's of kind %s, want %s's of kind %s",
			s.OperationName, tr.service(s), s.Tags.get("span.kind"), service, kind)
	}
}

func TestPodSecurityIsRestrictedAndKept(t *testing.T) {
	// Enforced: the API server refuses a pod that asks for nothing special but promises nothing either.
	_, err := kubectl(t.Context(), "run", "careless", "--image=reliability/flaky:dev", "--dry-run=server")
	if err == nil || !strings.Contains(err.Error(), `violates PodSecurity "restricted`) {
		t.Errorf("a pod without security context: %v, want a violation of Pod Security restricted", err)
	}

	// Kept, by every overlay: the server, told to be strict, has nothing to say about any object.
	overlays, err := filepath.Glob(filepath.Join(root, "deploy/k8s/overlays/*/kustomization.yaml"))
	if err != nil || len(overlays) < 2 {
		t.Errorf("the overlays are %v (%v), want at least two", overlays, err)
	}
	for _, file := range overlays {
		o := filepath.Base(filepath.Dir(file))
		if _, err := kubectl(t.Context(), "apply", "-k", "deploy/k8s/overlays/"+o,
			"--dry-run=server", "--validate=strict", "--warnings-as-errors"); err != nil {
			t.Errorf("overlay %s: %v", o, err)
		}
	}

	// And what runs, runs.
	for selector, want := range map[string]int{
		"app.kubernetes.io/name=caller": 1, "app.kubernetes.io/name=flaky": 3, "app.kubernetes.io/name=jaeger": 1,
		"app.kubernetes.io/part-of=reliability-patterns": 5, // the mixing desk is there, with every slider down
	} {
		found := pods(t, selector)
		if len(found) != want {
			t.Errorf("%d pods with %s, want %d", len(found), selector, want)
		}
		for _, p := range found {
			for _, c := range p.Status.ContainerStatuses {
				if n := restarts(t, p); !c.Ready || n > 0 {
					t.Errorf("%s: %s, ready %t, %d restarts since the tests began", p.Metadata.Name, p.Status.Phase, c.Ready, n)
				}
			}
		}
	}
}

func TestImagesAreSmallAndNotRoot(t *testing.T) {
	for _, service := range []string{"caller", "flaky"} {
		out, err := exec.CommandContext(t.Context(), "docker", "image", "inspect", "reliability/"+service+":dev").Output()
		if err != nil {
			t.Fatal(withStderr(err))
		}
		var images []struct {
			Size   int64
			Config struct{ User string }
		}
		if err := json.Unmarshal(out, &images); err != nil {
			t.Fatal(err)
		}
		t.Logf("reliability/%s:dev: %.1f MB, user %s", service, float64(images[0].Size)/1e6, images[0].Config.User)
		if images[0].Size >= 25e6 {
			t.Errorf("reliability/%s:dev has %d bytes, want under 25 MB", service, images[0].Size)
		}
		if images[0].Config.User != "65532:65532" {
			t.Errorf("reliability/%s:dev runs as %q, want 65532:65532", service, images[0].Config.User)
		}
	}
}

type pod struct {
	Metadata struct{ Name, DeletionTimestamp string }
	Status   struct {
		Phase             string
		ContainerStatuses []struct {
			Ready        bool
			RestartCount int
		}
	}
}

// pods returns the pods with these labels that are not on their way out.
func pods(t *testing.T, selector string) []pod {
	t.Helper()
	out, err := kubectl(t.Context(), "get", "pods", "-l", selector, "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Items []pod }
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	var staying []pod
	for _, p := range list.Items {
		if p.Metadata.DeletionTimestamp == "" {
			staying = append(staying, p)
		}
	}
	return staying
}
