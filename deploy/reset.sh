#!/usr/bin/env bash
# reset.sh: every Deployment back to its manifest's replicas, every injected fault gone, policy and load as configured.
# It scales rather than applies: under Tilt the images are not those of the manifests.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib.sh
all=$(deployments) || die "the manifests of $overlay cannot be read"
while read -r name replicas; do
  kube scale "deployment/$name" --replicas="$replicas"
done <<<"$all"
rolled_out
for what in policy load faults; do
  curl -fsS --max-time 10 -X DELETE "$page/api/$what"
done
echo
