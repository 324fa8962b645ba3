package manifests

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// checkRestricted is the Pod Security Standard restricted, and what it leaves open: a root file system that nobody
// writes to, no token for the API server, and no environment that another Service's name could change.
func checkRestricted(t *testing.T, m *manifests) {
	m.each(t, func(t *testing.T, d *appsv1.Deployment) {
		spec, c := &d.Spec.Template.Spec, container(t, d)
		pod, own := spec.SecurityContext, c.SecurityContext
		if pod == nil || own == nil {
			t.Fatal("no securityContext of pod or container")
		}
		for what, ok := range map[string]bool{
			"automountServiceAccountToken is not false": is(spec.AutomountServiceAccountToken, false),
			"enableServiceLinks is not false":           is(spec.EnableServiceLinks, false),
			"it shares a namespace of the node's":       !spec.HostNetwork && !spec.HostPID && !spec.HostIPC,
			"runAsNonRoot is not true":                  is(pod.RunAsNonRoot, true) && isOr(own.RunAsNonRoot, true),
			"runAsUser is root or not said":             pod.RunAsUser != nil && *pod.RunAsUser > 0 && (own.RunAsUser == nil || *own.RunAsUser > 0),
			"seccompProfile is not RuntimeDefault":      seccomp(pod.SeccompProfile) && (own.SeccompProfile == nil || seccomp(own.SeccompProfile)),
			"it is privileged":                          isOr(own.Privileged, false),
			"allowPrivilegeEscalation is not false":     is(own.AllowPrivilegeEscalation, false),
			"readOnlyRootFilesystem is not true":        is(own.ReadOnlyRootFilesystem, true),
			"capabilities are not all dropped": own.Capabilities != nil && len(own.Capabilities.Add) == 0 &&
				slices.Equal(own.Capabilities.Drop, []corev1.Capability{"ALL"}),
			// A kind cluster has images that no registry has.
			"imagePullPolicy is not IfNotPresent": c.ImagePullPolicy == corev1.PullIfNotPresent,
			"image has no tag that stays":         regexp.MustCompile(`^[a-z/]+:[^:]+$`).MatchString(c.Image) && !strings.HasSuffix(c.Image, ":latest"),
		} {
			if !ok {
				t.Error(what)
			}
		}
		for _, v := range spec.Volumes {
			if v.ConfigMap == nil && v.EmptyDir == nil {
				t.Errorf("the volume %s is neither a ConfigMap nor an emptyDir", v.Name)
			}
			if v.EmptyDir != nil && v.EmptyDir.SizeLimit == nil {
				t.Errorf("the volume %s has no sizeLimit", v.Name)
			}
		}
	})
}

func is(field *bool, want bool) bool   { return field != nil && *field == want }
func isOr(field *bool, want bool) bool { return field == nil || *field == want }

func seccomp(p *corev1.SeccompProfile) bool {
	return p != nil && p.Type == corev1.SeccompProfileTypeRuntimeDefault
}

// checkResources wants a bound of memory that Go knows of, and none of CPU: throttling would be latency that
// nobody injected.
func checkResources(t *testing.T, m *manifests) {
	m.each(t, func(t *testing.T, d *appsv1.Deployment) {
		c := container(t, d)
		requests, limits := c.Resources.Requests, c.Resources.Limits
		if requests.Cpu().Sign() <= 0 || requests.Memory().Sign() <= 0 {
			t.Errorf("it requests CPU %s and memory %s, want some of each", requests.Cpu(), requests.Memory())
		}
		if limits.Memory().Cmp(*requests.Memory()) < 0 {
			t.Errorf("its limit of memory is %s, want at least what it requests, %s", limits.Memory(), requests.Memory())
		}
		if cpu, limited := limits[corev1.ResourceCPU]; limited {
			t.Errorf("it has a limit of CPU, %s", &cpu)
		}
		// Go writes KiB where Kubernetes writes Ki.
		value, _ := literal(c, "GOMEMLIMIT")
		soft, err := resource.ParseQuantity(strings.TrimSuffix(value, "B"))
		if err != nil || soft.Sign() <= 0 || soft.Cmp(*limits.Memory()) >= 0 {
			t.Errorf("GOMEMLIMIT is %q, want less than the limit of memory, %s", value, limits.Memory())
		}
	})
}

// checkProbes: a replica that drains is out of service within two seconds, and alive.
func checkProbes(t *testing.T, m *manifests) {
	m.each(t, func(t *testing.T, d *appsv1.Deployment) {
		c := container(t, d)
		path := map[string]string{}
		for what, probe := range map[string]*corev1.Probe{
			"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe,
		} {
			if probe == nil || probe.HTTPGet == nil {
				t.Fatalf("it has no %s probe that asks by HTTP", what)
			}
			path[what] = probe.HTTPGet.Path
			if !hasPort(c, probe.HTTPGet.Port.String()) {
				t.Errorf("the %s probe asks port %s, which the container does not have", what, probe.HTTPGet.Port.String())
			}
		}
		_, ours := service(d)
		want := map[string]string{"startup": "/livez", "readiness": "/readyz", "liveness": "/livez"}
		if !ours {
			want = map[string]string{"startup": "/status", "readiness": "/api/services", "liveness": "/status"}
		}
		if diff := cmp.Diff(want, path); diff != "" {
			t.Errorf("what the probes ask, -want +got:\n%s", diff)
		}
		if s := c.StartupProbe; s.PeriodSeconds != 1 || s.FailureThreshold < 30 {
			t.Errorf("the start-up probe asks every %d s and %d times, want every second, and 30 times at least", s.PeriodSeconds, s.FailureThreshold)
		}
		if !ours {
			return
		}
		if r := c.ReadinessProbe; r.PeriodSeconds != 1 || r.FailureThreshold != 2 {
			t.Errorf("readiness is asked every %d s and lost after %d failures, want 1 and 2", r.PeriodSeconds, r.FailureThreshold)
		}
		// Faults never touch that listener: a sick replica must stay in service to be seen.
		for what, port := range map[string]string{
			"startup": c.StartupProbe.HTTPGet.Port.String(), "readiness": c.ReadinessProbe.HTTPGet.Port.String(),
			"liveness": c.LivenessProbe.HTTPGet.Port.String(),
		} {
			if port != "admin" {
				t.Errorf("the %s probe asks port %s, want admin", what, port)
			}
		}
	})
}

func hasPort(c *corev1.Container, name string) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == name })
}

// checkRollouts: no replica goes before its successor is there. On a laptop that is all of them at once.
func checkRollouts(t *testing.T, m *manifests) {
	rollout, known := map[string]string{
		"ci":    "0 unavailable, 1 more, ready for 3 s",
		"local": "0 unavailable, 100% more, ready for 0 s",
	}[m.overlay]
	if !known {
		t.Fatalf("nothing here knows how the overlay %s is to roll out", m.overlay)
	}
	m.each(t, func(t *testing.T, d *appsv1.Deployment) {
		s := d.Spec.Strategy
		if _, ours := service(d); !ours {
			if s.Type != appsv1.RecreateDeploymentStrategyType {
				t.Errorf("its strategy is %q, want Recreate: two at once would each hold half of the traces", s.Type)
			}
			return
		}
		if s.Type != "" && s.Type != appsv1.RollingUpdateDeploymentStrategyType || s.RollingUpdate == nil ||
			s.RollingUpdate.MaxUnavailable == nil || s.RollingUpdate.MaxSurge == nil {
			t.Fatalf("it does not say how it rolls out: %+v", s)
		}
		got := fmt.Sprintf("%s unavailable, %s more, ready for %d s", s.RollingUpdate.MaxUnavailable, s.RollingUpdate.MaxSurge, d.Spec.MinReadySeconds)
		if got != rollout {
			t.Errorf("it rolls out with %s, want %s", got, rollout)
		}
	})
}

// checkGrace holds the kubelet's patience against how long a process may take to end: it drains, running requests
// end, and the last spans are sent. Its defaults are in the source, and the environment can set others.
func checkGrace(t *testing.T, m *manifests) {
	flush := duration(t, "internal/serve/serve.go", `cfg\.FlushTimeout = (\d+) \* time\.Second`) // seconds
	m.each(t, func(t *testing.T, d *appsv1.Deployment) {
		name, ours := service(d)
		if !ours {
			return
		}
		takes := flush
		for _, variable := range []string{"DRAIN", "GRACE"} {
			if value, set := literal(container(t, d), strings.ToUpper(name)+"_"+variable); set {
				of, err := time.ParseDuration(value)
				if err != nil {
					t.Fatal(err)
				}
				takes += of
				continue
			}
			takes += duration(t, "services/"+name+"/config.go", `env:"`+variable+`" envDefault:"([^"]+)"`)
		}
		grace := 30 * time.Second // unless it says otherwise
		if s := d.Spec.Template.Spec.TerminationGracePeriodSeconds; s != nil {
			grace = time.Duration(*s) * time.Second
		}
		if grace < takes {
			t.Errorf("it is killed after %s, and may take %s to end", grace, takes)
		}
	})
}

// duration finds one in the source; a bare number is one of seconds.
func duration(t *testing.T, file, pattern string) time.Duration {
	t.Helper()
	found := regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, file), -1)
	if len(found) != 1 {
		t.Fatalf("%s has %d of %s, want one", file, len(found), pattern)
	}
	d, err := time.ParseDuration(found[0][1])
	if err != nil {
		d, err = time.ParseDuration(found[0][1] + "s")
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return d
}
