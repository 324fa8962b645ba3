#!/usr/bin/env bash
# down.sh: the cluster, its images and the binaries in them are gone.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib.sh
kind delete cluster --name "$cluster"
for service in $services; do
  docker images --quiet "reliability/$service" | sort -u | xargs docker rmi --force >/dev/null 2>&1 || true
done
docker image prune --all --force --filter label=reliability.dev/image >/dev/null
rm -rf .build
