package manifests

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// literal returns the value that a variable has by itself.
func literal(c *corev1.Container, name string) (value string, set bool) {
	i := slices.IndexFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == name && v.ValueFrom == nil })
	if i < 0 {
		return "", false
	}
	return c.Env[i].Value, true
}

// expanded is a container's environment as Kubernetes makes it: what stands above may be referred to as $(NAME). A
// field of the pod's is its path in angle brackets.
func expanded(t *testing.T, m *manifests, c *corev1.Container) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef == nil || m.configMaps[from.ConfigMapRef.Name] == nil {
			t.Errorf("its environment is from something that is not there: %+v", from)
			continue
		}
		for name, value := range m.configMaps[from.ConfigMapRef.Name].Data {
			env[from.Prefix+name] = value
		}
	}
	for _, v := range c.Env {
		if _, twice := env[v.Name]; twice {
			t.Errorf("%s is set twice", v.Name)
		}
		env[v.Name] = regexp.MustCompile(`\$\([A-Za-z_][A-Za-z0-9_]*\)`).ReplaceAllStringFunc(v.Value, func(reference string) string {
			value, above := env[reference[2:len(reference)-1]]
			if !above {
				t.Errorf("%s refers to %s, which no variable above it is", v.Name, reference)
			}
			return value
		})
		if from := v.ValueFrom; from != nil {
			if from.FieldRef == nil {
				t.Errorf("%s is from something else than a field of the pod", v.Name)
				continue
			}
			env[v.Name] = "<" + from.FieldRef.FieldPath + ">"
		}
	}
	return env
}

// checkEnvironment: a service refuses variables with its prefix that it does not know, so none must be here.
func checkEnvironment(t *testing.T, m *manifests) {
	m.each(t, func(t *testing.T, d *appsv1.Deployment) {
		name, ours := service(d)
		env := expanded(t, m, container(t, d))
		if !ours {
			return
		}
		prefix := strings.ToUpper(name) + "_"
		config := read(t, "services/"+name+"/config.go")
		for variable := range env {
			if field, is := strings.CutPrefix(variable, prefix); is && !strings.Contains(config, `env:"`+field+`"`) {
				t.Errorf("%s does not know %s", name, variable)
			}
		}
		if got, want := env["OTEL_EXPORTER_OTLP_ENDPOINT"], "http://jaeger:4318"; got != want {
			t.Errorf("spans go to %q, want %s", got, want)
		}
	})
}

// checkResourceAttributes: in Jaeger each span says which pod it is of.
func checkResourceAttributes(t *testing.T, m *manifests) {
	m.each(t, func(t *testing.T, d *appsv1.Deployment) {
		name, ours := service(d)
		if !ours {
			return
		}
		got := map[string]string{}
		for attribute := range strings.SplitSeq(expanded(t, m, container(t, d))["OTEL_RESOURCE_ATTRIBUTES"], ",") {
			key, value, _ := strings.Cut(attribute, "=")
			got[key] = value
		}
		want := map[string]string{
			"service.namespace":   "<metadata.namespace>",
			"service.version":     "<metadata.labels['app.kubernetes.io/version']>",
			"service.instance.id": "<metadata.namespace>.<metadata.name>." + name,
			"k8s.namespace.name":  "<metadata.namespace>",
			"k8s.deployment.name": d.Name,
			"k8s.pod.name":        "<metadata.name>",
			"k8s.pod.uid":         "<metadata.uid>",
			"k8s.container.name":  container(t, d).Name,
			"k8s.node.name":       "<spec.nodeName>",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("OTEL_RESOURCE_ATTRIBUTES, -want +got:\n%s", diff)
		}
	})
}

// checkProfiles: a profile's name is its label's, and only those that are to fail were born with faults.
func checkProfiles(t *testing.T, m *manifests) {
	m.each(t, func(t *testing.T, d *appsv1.Deployment) {
		if name, _ := service(d); name != "flaky" {
			return
		}
		env := expanded(t, m, container(t, d))
		if got, want := env["FLAKY_PROFILE"], "<metadata.labels['"+profileLabel+"']>"; got != want {
			t.Errorf("FLAKY_PROFILE is %q, want %s", got, want)
		}
		born, faulty := env["FLAKY_FAULTS"]
		if faulty == (d.Name == "flaky") {
			t.Errorf("it was born with the faults %q", born)
		}
		var document map[string]any
		if err := json.Unmarshal([]byte(born), &document); faulty && (err != nil || len(document) == 0) {
			t.Errorf("FLAKY_FAULTS is %q, want a JSON document that injects something: %v", born, err)
		}
	})
}

// checkFaultFile: the kubelet changes a mounted ConfigMap while the pod runs, if it is mounted as a directory, and if
// its name is not another one for each content.
func checkFaultFile(t *testing.T, m *manifests) {
	const name, key = "flaky-faults", "faults.json"
	if cm := m.configMaps[name]; cm == nil || cmp.Diff(map[string]string{key: ""}, cm.Data) != "" {
		t.Fatalf("there is no ConfigMap %s with an empty %s: %v", name, key, cm)
	}
	for _, o := range m.all { // make reset applies what has this label
		if _, dial := o.GetLabels()["reliability.dev/dial"]; dial != (o == metav1.Object(m.configMaps[name])) {
			t.Errorf("%T %s has the labels %v: reliability.dev/dial is %s's alone", o, o.GetName(), o.GetLabels(), name)
		}
	}
	m.each(t, func(t *testing.T, d *appsv1.Deployment) {
		c := container(t, d)
		file, has := literal(c, "FLAKY_FAULTS_FILE")
		if has != (d.Name == "flaky") {
			t.Errorf("FLAKY_FAULTS_FILE is %q", file)
		}
		if !has {
			return
		}
		volume := slices.IndexFunc(d.Spec.Template.Spec.Volumes, func(v corev1.Volume) bool {
			return v.ConfigMap != nil && v.ConfigMap.Name == name && len(v.ConfigMap.Items) == 0
		})
		if volume < 0 {
			t.Fatalf("it has no volume that is all of the ConfigMap %s", name)
		}
		want := corev1.VolumeMount{Name: d.Spec.Template.Spec.Volumes[volume].Name, MountPath: path.Dir(file), ReadOnly: true}
		if diff := cmp.Diff([]corev1.VolumeMount{want}, c.VolumeMounts); diff != "" || path.Base(file) != key {
			t.Errorf("%s is to be in the directory where the ConfigMap is mounted, -want +got:\n%s", file, diff)
		}
	})
}

// hashed reports whether a ConfigMap's name is this one with the hash of its content.
func hashed(name, got string) bool {
	return regexp.MustCompile("^" + regexp.QuoteMeta(name) + "-[a-z0-9]{10}$").MatchString(got)
}

// checkReferences: what a pod mounts or reads is there; and unless it is read while the pod runs, it has a hash, so
// that a change is a rollout.
func checkReferences(t *testing.T, m *manifests) {
	used := map[string]bool{}
	m.each(t, func(t *testing.T, d *appsv1.Deployment) {
		for _, from := range container(t, d).EnvFrom {
			used[from.ConfigMapRef.Name] = true
		}
		mounted := map[string]bool{}
		for _, mount := range container(t, d).VolumeMounts {
			mounted[mount.Name] = true
		}
		for _, v := range d.Spec.Template.Spec.Volumes {
			if !mounted[v.Name] {
				t.Errorf("the volume %s is not mounted", v.Name)
			}
			if v.ConfigMap != nil {
				used[v.ConfigMap.Name] = true
			}
		}
	})
	for name := range used {
		if m.configMaps[name] == nil {
			t.Errorf("a pod refers to a ConfigMap %s, which is not there", name)
		}
		if name != "flaky-faults" && !hashed("telemetry", name) && !hashed("jaeger", name) {
			t.Errorf("the ConfigMap %s has no hash in its name", name)
		}
	}
	for name := range m.configMaps {
		if !used[name] {
			t.Errorf("no pod refers to the ConfigMap %s", name)
		}
	}
}

// checkJaeger: a store in memory without a bound ends at the limit of memory, and zero is none.
func checkJaeger(t *testing.T, m *manifests) {
	d := m.deployments["jaeger"]
	if d == nil {
		t.Fatal("there is no Deployment jaeger")
	}
	c := container(t, d)
	if len(c.Args) != 1 || len(c.VolumeMounts) == 0 || c.Args[0] != "--config="+c.VolumeMounts[0].MountPath+"/config.yaml" {
		t.Errorf("its arguments are %v, want --config= and where its ConfigMap is mounted: %+v", c.Args, c.VolumeMounts)
	}
	var config struct {
		Extensions struct {
			Storage struct {
				Backends map[string]struct {
					Memory *struct {
						MaxTraces int `json:"max_traces"`
					}
				}
			} `json:"jaeger_storage"`
		}
	}
	for _, v := range d.Spec.Template.Spec.Volumes {
		if v.ConfigMap == nil {
			continue
		}
		if err := yaml.Unmarshal([]byte(m.configMaps[v.ConfigMap.Name].Data["config.yaml"]), &config); err != nil {
			t.Fatal(err)
		}
	}
	backends := config.Extensions.Storage.Backends
	if len(backends) == 0 {
		t.Error("it has no store")
	}
	for name, b := range backends {
		if b.Memory == nil || b.Memory.MaxTraces <= 0 {
			t.Errorf("the store %s has no bound in memory: %+v", name, b.Memory)
		}
	}
}
