# shellcheck shell=bash
# What the scripts beside it share; sourced, with the repository's root as working directory.
cluster=reliability
context=kind-$cluster
overlay=deploy/k8s/overlays/${OVERLAY:-local}
page=http://127.0.0.1:8088 # deploy/kind.yaml maps these two
jaeger=http://127.0.0.1:16686
services='caller flaky'
export cluster context overlay page jaeger services
# BuildKit would add where and when it built, and so make another image of the same binary, and a rollout, every time.
export BUILDX_NO_DEFAULT_ATTESTATIONS=1

die() {
  echo "$*" >&2
  exit 1
}

# kube: kubectl, always at this cluster and namespace, whatever the current context is.
kube() { kubectl --context "$context" -n reliability "$@"; }

# Not grep -q: it would not read on, and kind, which has another cluster to name, would fail for it.
cluster_exists() { kind get clusters 2>/dev/null | grep -x "$cluster" >/dev/null; }

# out_dir: where binaries for the node's platform are. kind's nodes are containers, so it is Docker's platform.
out_dir() {
  local arch
  arch=$(docker version --format '{{.Server.Arch}}') || die "Docker does not answer: try \`make doctor\`"
  echo ".build/linux-$arch"
}

# within SECONDS COMMAND...: runs it until it succeeds.
within() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.5
  done
}

# deployments: one line per Deployment of the overlay: name, replicas, environment as JSON.
deployments() {
  kubectl kustomize "$overlay" | kube create --dry-run=client -f - \
    -o 'jsonpath={.kind} {.metadata.name} {.spec.replicas} {.spec.template.spec.containers[0].env}{"\n"}' | sed -n 's/^Deployment //p'
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
