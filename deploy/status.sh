#!/usr/bin/env bash
# status.sh: what runs, and what caller thinks of it.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib.sh
cluster_exists || die "there is no kind cluster named $cluster: \`make up\` creates it"
kube get deployments,pods -o wide
echo
curl -sS --max-time 5 "$page/api/state" && echo || echo "caller does not answer at $page"
