#!/usr/bin/env bash
# reset.sh: every Deployment back to its manifest's replicas and environment, every injected fault gone, policy, load
# and breakers as at the start. It sets one thing after the other rather than applies: under Tilt the images are not
# those of the manifests, and what `kubectl set env` has added, apply would leave.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib.sh

all=$(deployments) || die "the manifests of $overlay cannot be read"
while read -r name replicas env; do
  have=$(kube get "deployment/$name" -o 'jsonpath={.spec.template.spec.containers[0].env}')
  # As a whole, for $(NAME) stands for variables that come before it. The API server adds the apiVersion of a fieldRef.
  [ "$env" = "${have//\"apiVersion\":\"v1\",/}" ] || kube patch "deployment/$name" --type json \
    --patch "[{\"op\": \"add\", \"path\": \"/spec/template/spec/containers/0/env\", \"value\": $env}]"
  kube scale "deployment/$name" --replicas="$replicas"
done <<<"$all"
kubectl kustomize "$overlay" | kube apply --selector reliability.dev/dial=faults -f -
# Before the rollouts, for replicas whose fault is that they are not ready would never come up. caller may not be there yet.
curl -fs --max-time 10 --output /dev/null -X DELETE "$page/api/faults" || true
rolled_out

# ask METHOD PATH [FILE]: at caller's API. A replica on its way out may not answer once.
ask() { curl -fsS --max-time 10 --retry 10 --retry-delay 1 --retry-all-errors --output "${3:-/dev/null}" -X "$1" "$page/api/$2"; }
no_file_in_force() {
  local faults
  faults=$(ask GET faults -) && ! grep -q '"source": "file"' <<<"$faults"
}
for what in policy load faults; do
  ask DELETE "$what"
done
for engine in handrolled gobreaker; do
  ask POST "breakers/$engine/close" # auto alone leaves one open that has opened by itself
  ask POST "breakers/$engine/auto"
done
# A changed ConfigMap is in the pods some seconds later.
within 30 no_file_in_force || die 'the ConfigMap flaky-faults is empty, but its faults are still in force'
kube get deployments
