package manifests

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

const (
	root      = "../.."
	namespace = "reliability"

	nameLabel    = "app.kubernetes.io/name"
	profileLabel = "reliability.dev/profile"
)

// manifests are one overlay's objects, each by its name.
type manifests struct {
	overlay     string
	namespaces  map[string]*corev1.Namespace
	configMaps  map[string]*corev1.ConfigMap
	services    map[string]*corev1.Service
	deployments map[string]*appsv1.Deployment
	policies    map[string]*networkingv1.NetworkPolicy
	all         []metav1.Object
}

// TestOverlays looks at every overlay there is.
func TestOverlays(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "deploy/k8s/overlays/*/kustomization.yaml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("the overlays are %v (%v), want at least two", files, err)
	}
	for _, file := range files {
		overlay := filepath.Base(filepath.Dir(file))
		t.Run(overlay, func(t *testing.T) {
			m := kustomize(t, overlay)
			for _, test := range []struct {
				name  string
				check func(*testing.T, *manifests)
			}{
				{"objects", checkObjects},
				{"labels", checkLabels},
				{"restricted", checkRestricted},
				{"resources", checkResources},
				{"probes", checkProbes},
				{"rollouts", checkRollouts},
				{"grace", checkGrace},
				{"environment", checkEnvironment},
				{"resource attributes", checkResourceAttributes},
				{"profiles", checkProfiles},
				{"fault file", checkFaultFile},
				{"references", checkReferences},
				{"selectors", checkSelectors},
				{"services", checkServices},
				{"network policy", checkNetworkPolicy},
				{"jaeger", checkJaeger},
			} {
				t.Run(test.name, func(t *testing.T) { test.check(t, m) })
			}
		})
	}
}

// kustomize reads an overlay as strictly as the API server when it is told to: a field that does not exist is an error.
func kustomize(t *testing.T, overlay string) *manifests {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "kubectl", "kustomize", "deploy/k8s/overlays/"+overlay)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v: %s", cmd, err, &stderr)
	}
	if stderr.Len() > 0 { // a field of a kustomization that will be gone, say
		t.Errorf("%v warns: %s", cmd, &stderr)
	}
	m := &manifests{
		overlay:    overlay,
		namespaces: map[string]*corev1.Namespace{}, configMaps: map[string]*corev1.ConfigMap{},
		services: map[string]*corev1.Service{}, deployments: map[string]*appsv1.Deployment{},
		policies: map[string]*networkingv1.NetworkPolicy{},
	}
	for document := range bytes.SplitSeq(out, []byte("\n---\n")) {
		if err := m.add(document); err != nil {
			t.Fatalf("overlay %s: %v:\n%s", overlay, err, document)
		}
	}
	return m
}

func (m *manifests) add(document []byte) error {
	var meta metav1.TypeMeta
	if err := yaml.Unmarshal(document, &meta); err != nil {
		return err
	}
	switch meta.APIVersion + " " + meta.Kind {
	case "v1 Namespace":
		return add(m, m.namespaces, document, &corev1.Namespace{})
	case "v1 ConfigMap":
		return add(m, m.configMaps, document, &corev1.ConfigMap{})
	case "v1 Service":
		return add(m, m.services, document, &corev1.Service{})
	case "apps/v1 Deployment":
		return add(m, m.deployments, document, &appsv1.Deployment{})
	case "networking.k8s.io/v1 NetworkPolicy":
		return add(m, m.policies, document, &networkingv1.NetworkPolicy{})
	}
	return fmt.Errorf("nothing here knows what is to be true of an object of %s %s", meta.APIVersion, meta.Kind)
}

func add[T metav1.Object](m *manifests, to map[string]T, document []byte, into T) error {
	if err := strictly(document, into); err != nil {
		return err
	}
	to[into.GetName()] = into
	m.all = append(m.all, into)
	return nil
}

// strictly reads YAML: nothing twice, nothing unknown, names written as they should be.
func strictly(document []byte, into any) error {
	text, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return err
	}
	wrong, err := kjson.UnmarshalStrict(text, into)
	if err == nil && len(wrong) > 0 {
		err = fmt.Errorf("%v", wrong)
	}
	return err
}

// each runs check for every Deployment, in a subtest of its name.
func (m *manifests) each(t *testing.T, check func(*testing.T, *appsv1.Deployment)) {
	for _, name := range slices.Sorted(maps.Keys(m.deployments)) {
		t.Run(name, func(t *testing.T) { check(t, m.deployments[name]) })
	}
}

// container is the only one that a Deployment's pods have.
func container(t *testing.T, d *appsv1.Deployment) *corev1.Container {
	t.Helper()
	spec := &d.Spec.Template.Spec
	if len(spec.Containers) != 1 || len(spec.InitContainers) > 0 {
		t.Fatalf("%d containers and %d before them, want one", len(spec.Containers), len(spec.InitContainers))
	}
	return &spec.Containers[0]
}

// service is which binary a Deployment runs, and where its source is; none for Jaeger.
func service(d *appsv1.Deployment) (name string, ours bool) {
	name = d.Spec.Template.Labels[nameLabel]
	return name, name == "caller" || name == "flaky"
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func checkObjects(t *testing.T, m *manifests) {
	replicas := map[string]int32{}
	for name, d := range m.deployments {
		replicas[name] = -1
		if d.Spec.Replicas != nil {
			replicas[name] = *d.Spec.Replicas
		}
	}
	want := map[string]int32{
		"caller": 1, "jaeger": 1, "flaky": 3,
		"flaky-errors": 0, "flaky-slow": 0, "flaky-hang": 0, "flaky-reset": 0, "flaky-flap": 0,
	}
	if diff := cmp.Diff(want, replicas); diff != "" {
		t.Errorf("replicas of the Deployments, -want +got:\n%s", diff)
	}
	for what, n := range map[string]int{"Namespaces": len(m.namespaces), "NetworkPolicies": len(m.policies)} {
		if n != 1 {
			t.Errorf("%d %s, want one", n, what)
		}
	}
	if ns := m.namespaces[namespace]; ns == nil || ns.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("the Namespace %s does not enforce the Pod Security Standard restricted: %v", namespace, m.namespaces)
	}
	for _, o := range m.all {
		if _, is := o.(*corev1.Namespace); !is && o.GetNamespace() != namespace {
			t.Errorf("%s is in the namespace %q, want %s", o.GetName(), o.GetNamespace(), namespace)
		}
	}
}

// checkLabels holds labels against what Kubernetes recommends. Two objects are nobody's alone and have no name of an
// application: the namespace, and what all tell OpenTelemetry.
func checkLabels(t *testing.T, m *manifests) {
	for _, o := range m.all {
		labels := o.GetLabels()
		want := map[string]string{
			"app.kubernetes.io/part-of":    "reliability-patterns",
			"app.kubernetes.io/instance":   "reliability",
			"app.kubernetes.io/managed-by": "kustomize",
		}
		if _, is := o.(*corev1.Namespace); !is && !hashed("telemetry", o.GetName()) {
			want[nameLabel], _, _ = strings.Cut(o.GetName(), "-")
			want["app.kubernetes.io/component"] = map[string]string{
				"caller": "service", "flaky": "dependency", "jaeger": "tracing",
			}[want[nameLabel]]
		}
		d, workload := o.(*appsv1.Deployment)
		if workload && want[nameLabel] != "jaeger" {
			want["app.kubernetes.io/version"] = "dev"
		}
		for key, value := range want {
			if labels[key] != value {
				t.Errorf("%T %s has the label %s=%q, want %q", o, o.GetName(), key, labels[key], value)
			}
		}
		if workload {
			if diff := cmp.Diff(labels, d.Spec.Template.Labels); diff != "" {
				t.Errorf("%s's pods have other labels, -Deployment +pods:\n%s", d.Name, diff)
			}
		}
	}
}
