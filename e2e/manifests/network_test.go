package manifests

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// checkSelectors: Deployments that select each other's pods would fight over them.
func checkSelectors(t *testing.T, m *manifests) {
	m.each(t, func(t *testing.T, d *appsv1.Deployment) {
		name, profile, _ := strings.Cut(d.Name, "-")
		want := map[string]string{nameLabel: name}
		if name == "flaky" {
			want[profileLabel] = profile
			if profile == "" {
				want[profileLabel] = "healthy"
			}
		}
		if diff := cmp.Diff(&metav1.LabelSelector{MatchLabels: want}, d.Spec.Selector); diff != "" {
			t.Errorf("its selector, -want +got:\n%s", diff)
		}
	})
}

// checkServices: flaky is every profile at once. Of each flaky pod there is an address too, ready or not, for its
// admin listener; of each caller, for its breakers. Two are for this machine.
func checkServices(t *testing.T, m *manifests) {
	port := func(name string, number, node int32) corev1.ServicePort {
		return corev1.ServicePort{Name: name, Port: number, TargetPort: intstr.FromString(name), NodePort: node}
	}
	named := func(name string) map[string]string { return map[string]string{nameLabel: name} }
	want := map[string]corev1.ServiceSpec{
		"flaky": {Selector: named("flaky"), Ports: []corev1.ServicePort{port("http", 8081, 0)}},
		"flaky-pods": {
			Selector: named("flaky"), Ports: []corev1.ServicePort{port("admin", 8091, 0)},
			ClusterIP: corev1.ClusterIPNone, PublishNotReadyAddresses: true,
		},
		"caller": {
			Selector: named("caller"), Ports: []corev1.ServicePort{port("http", 8080, 30088)},
			Type: corev1.ServiceTypeNodePort, SessionAffinity: corev1.ServiceAffinityClientIP,
		},
		"caller-pods": {
			Selector: named("caller"), Ports: []corev1.ServicePort{port("http", 8080, 0), port("admin", 8090, 0)},
			ClusterIP: corev1.ClusterIPNone,
		},
		"jaeger": {Selector: named("jaeger"), Ports: []corev1.ServicePort{port("otlp-http", 4318, 0)}},
		"jaeger-query": {
			Selector: named("jaeger"), Ports: []corev1.ServicePort{port("query", 16686, 30686)},
			Type: corev1.ServiceTypeNodePort,
		},
	}
	got := map[string]corev1.ServiceSpec{}
	for name, s := range m.services {
		got[name] = s.Spec
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the Services, -want +got:\n%s", diff)
	}
	// Who they are for has such ports, and listens there.
	m.each(t, func(t *testing.T, d *appsv1.Deployment) {
		c := container(t, d)
		for _, s := range m.services {
			if !matches(s.Spec.Selector, d.Spec.Template.Labels) {
				continue
			}
			for _, p := range s.Spec.Ports {
				if !hasPort(c, p.TargetPort.StrVal) {
					t.Errorf("the Service %s sends to port %s, which it does not have", s.Name, p.TargetPort.StrVal)
				}
			}
		}
	})
}

func matches(selector, labels map[string]string) bool {
	all := maps.Clone(labels)
	maps.Copy(all, selector)
	return maps.Equal(all, labels)
}

// checkNetworkPolicy: work is for everybody, faults are for caller only. The protocol is said although it is the
// default: without it, each apply would find a difference.
func checkNetworkPolicy(t *testing.T, m *manifests) {
	tcp := corev1.ProtocolTCP
	ports := func(name string) []networkingv1.NetworkPolicyPort {
		port := intstr.FromString(name)
		return []networkingv1.NetworkPolicyPort{{Protocol: &tcp, Port: &port}}
	}
	want := networkingv1.NetworkPolicySpec{
		PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{nameLabel: "flaky"}},
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
		Ingress: []networkingv1.NetworkPolicyIngressRule{
			{Ports: ports("http")},
			{Ports: ports("admin"), From: []networkingv1.NetworkPolicyPeer{
				{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{nameLabel: "caller"}}},
			}},
		},
	}
	policy := m.policies["flaky-admin"]
	if policy == nil {
		t.Fatal("there is no NetworkPolicy flaky-admin")
	}
	if diff := cmp.Diff(want, policy.Spec); diff != "" {
		t.Errorf("the NetworkPolicy flaky-admin, -want +got:\n%s", diff)
	}
}
