// Package cluster tests the cluster the way its user meets it: `make up`, HTTP on 127.0.0.1, kubectl, and
// Jaeger's query API. `make e2e` runs it. It uses a cluster named reliability if there is one, else it creates
// one and deletes it afterwards. From the environment:
//
//	OVERLAY               the kustomize overlay to apply; local if unset
//	E2E_CLUSTER_UP        a shell command that creates the cluster, run in the repository's root;
//	                      if unset, kind create cluster --config deploy/kind.yaml
//	E2E_BARE_CLUSTER_UP   likewise, without deploy/kind.yaml and named KIND_CLUSTER_NAME, to tell whose fault it is
//	                      when there is none; if unset, kind create cluster
//	E2E_KEEP_CLUSTER      1 keeps a cluster that the tests created
//	E2E_ALLOW_NO_CLUSTER  1 makes "no cluster can be created here" a success, with a loud line
//
// An interrupt ends it with 130, and a cluster that it created is gone then, too.
//
// There is nothing here to import.
package cluster
