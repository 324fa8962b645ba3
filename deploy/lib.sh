# shellcheck shell=bash
# What the scripts beside it share; sourced, with the repository's root as working directory.
cluster=reliability
context=kind-$cluster
overlay=deploy/k8s/overlays/${OVERLAY:-local}
page=http://127.0.0.1:8088 # deploy/kind.yaml maps these two
jaeger=http://127.0.0.1:16686
services='caller flaky'
export cluster context overlay page jaeger services

die() {
  echo "$*" >&2
  exit 1
}

# kube: kubectl, always at this cluster and namespace, whatever the current context is.
kube() { kubectl --context "$context" -n reliability "$@"; }

cluster_exists() { kind get clusters 2>/dev/null | grep -qx "$cluster"; }

# out_dir: where binaries for the node's platform are. kind's nodes are containers, so it is Docker's platform.
out_dir() {
  local arch
  arch=$(docker version --format '{{.Server.Arch}}') || die "Docker does not answer: try \`make doctor\`"
  echo ".build/linux-$arch"
}

# deployments: one line per Deployment of the overlay, name and replicas.
deployments() {
  kubectl kustomize "$overlay" | kube create --dry-run=client -f - \
    -o 'jsonpath={.kind} {.metadata.name} {.spec.replicas}{"\n"}' | sed -n 's/^Deployment //p'
}

# rolled_out: waits for every Deployment; when one does not come up, says what its pods say.
rolled_out() {
  local name all
  all=$(deployments) || die "the manifests of $overlay cannot be read"
  while read -r name _; do
    kube rollout status "deployment/$name" --timeout=180s && continue
    kube get pods -o wide
    kube get events --field-selector type=Warning --sort-by=.lastTimestamp | tail -n 15
    kube logs "deployment/$name" --tail=20 || true
    die "$name did not come up"
  done <<<"$all"
}
