#!/usr/bin/env bash
# up.sh: from nothing to one call that has answered and whose trace is in Jaeger.
# KIND_IMAGE is another node image than kind.yaml's; TILT is the tilt to run, empty to do without;
# OVERLAY is the directory under deploy/k8s/overlays to apply.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib.sh
for tool in docker kind kubectl go curl; do
  command -v "$tool" >/dev/null || die "$tool is missing: \`make doctor\` says how to get it"
done

if ! cluster_exists; then
  kind create cluster --config deploy/kind.yaml --wait 120s ${KIND_IMAGE:+--image "$KIND_IMAGE"}
elif ! kubectl config get-contexts "$context" >/dev/null 2>&1; then
  kind export kubeconfig --name "$cluster"
fi

# Images that the manifests pull and this machine holds are loaded, so that the node need not pull them.
kubectl kustomize "$overlay" | sed -n 's/^ *image: //p' | sort -u | grep -v '^reliability/' | while read -r ref; do
  docker image inspect "$ref" >/dev/null 2>&1 || continue
  kind load docker-image --name "$cluster" "$ref" || echo "$ref not loaded; the node will pull it" >&2
done

# With Tilt this stays in the foreground: its resource first-call is the end of this script.
[ -z "${TILT:-}" ] || exec "$TILT" up --context "$context" -- --overlay "${OVERLAY:-local}"

deploy/images.sh
kubectl --context "$context" apply -k "$overlay"
rolled_out
deploy/first-call.sh
