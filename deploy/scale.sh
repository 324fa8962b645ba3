#!/usr/bin/env bash
# scale.sh DEPLOYMENT REPLICAS: `kubectl scale`, for numbers that one machine can run; waits until the replicas are there.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib.sh
[ $# -eq 2 ] || die 'usage: deploy/scale.sh DEPLOYMENT REPLICAS'
[[ $2 =~ ^(1?[0-9]|20)$ ]] || die "replicas is \"$2\": must be a number from 0 to 20; $1 stays as it is"
kube scale "deployment/$1" --replicas="$2"
kube rollout status "deployment/$1" --timeout=60s
