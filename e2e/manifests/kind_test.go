package manifests

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// kindConfig is what deploy/kind.yaml says, as far as it is looked at here.
type kindConfig struct {
	Kind, Name           string
	KubeadmConfigPatches []string
	Networking           struct{ APIServerAddress string }
	Nodes                []struct {
		Image                string
		KubeadmConfigPatches []string
		ExtraPortMappings    []struct {
			ContainerPort, HostPort int32
			ListenAddress           string
		}
	}
}

// TestKindConfig: the node is the same everywhere, nobody else on the network reaches it, and a ConfigMap is in
// the pods within seconds.
func TestKindConfig(t *testing.T) {
	var config kindConfig
	if err := yaml.Unmarshal([]byte(read(t, "deploy/kind.yaml")), &config); err != nil {
		t.Fatal(err)
	}
	if config.Kind != "Cluster" || config.Name != "reliability" {
		t.Errorf("it is a %s named %q, want a Cluster named reliability", config.Kind, config.Name)
	}
	if len(config.Nodes) != 1 {
		t.Fatalf("%d nodes, want one", len(config.Nodes))
	}
	node := config.Nodes[0]
	if !regexp.MustCompile(`^kindest/node:v\d+\.\d+\.\d+@sha256:[0-9a-f]{64}$`).MatchString(node.Image) {
		t.Errorf("the node's image is %q, want a version with its digest", node.Image)
	}
	if a := config.Networking.APIServerAddress; a != "" && a != "127.0.0.1" {
		t.Errorf("the API server listens on %s, want 127.0.0.1", a)
	}
	mapped := map[int32]int32{}
	for _, p := range node.ExtraPortMappings {
		if p.ListenAddress != "127.0.0.1" {
			t.Errorf("port %d listens on %q, want 127.0.0.1", p.HostPort, p.ListenAddress)
		}
		mapped[p.ContainerPort] = p.HostPort
	}
	checkMapped(t, mapped)
	var syncs []string
	for _, patch := range append(config.KubeadmConfigPatches, node.KubeadmConfigPatches...) {
		var kubelet struct{ Kind, SyncFrequency string }
		if err := yaml.Unmarshal([]byte(patch), &kubelet); err != nil {
			t.Fatal(err)
		}
		if kubelet.Kind == "KubeletConfiguration" {
			syncs = append(syncs, kubelet.SyncFrequency)
		}
	}
	if diff := cmp.Diff([]string{"5s"}, syncs); diff != "" {
		t.Errorf("the kubelet's syncFrequency, -want +got:\n%s", diff)
	}
}

// checkMapped: the scripts and the links to traces go where the NodePorts are.
func checkMapped(t *testing.T, mapped map[int32]int32) {
	t.Helper()
	m := kustomize(t, "local")
	nodePorts := map[string]int32{}
	for name, s := range m.services {
		for _, p := range s.Spec.Ports {
			if p.NodePort != 0 {
				nodePorts[name] = p.NodePort
			}
		}
	}
	rest := maps.Clone(mapped)
	scripts := read(t, "deploy/lib.sh")
	for name, variable := range map[string]string{"caller": "page", "jaeger-query": "jaeger"} {
		host, is := mapped[nodePorts[name]]
		delete(rest, nodePorts[name])
		if line := fmt.Sprintf("\n%s=http://127.0.0.1:%d", variable, host); !is || !strings.Contains(scripts, line) {
			t.Errorf("the Service %s is at NodePort %d and this machine's port %d, which deploy/lib.sh does not call %s", name, nodePorts[name], host, variable)
		}
	}
	if len(rest) > 0 {
		t.Errorf("ports are mapped to no Service: %v", rest)
	}
	env := expanded(t, m, container(t, m.deployments["caller"]))
	if want := fmt.Sprintf("http://127.0.0.1:%d", mapped[nodePorts["jaeger-query"]]); env["CALLER_TRACE_URL"] != want {
		t.Errorf("CALLER_TRACE_URL is %s, want %s", env["CALLER_TRACE_URL"], want)
	}
}
