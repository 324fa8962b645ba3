#!/usr/bin/env bash
# images.sh: compiles, builds and loads both services' images; what runs already is restarted if its image changed.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib.sh
cluster_exists || die "there is no kind cluster named $cluster: \`make up\` creates it"

# shellcheck disable=SC2086 # a list of words
deploy/compile.sh $services
out=$(out_dir)
refs=()
for service in $services; do
  docker build --quiet --build-arg SERVICE="$service" --file Dockerfile --tag "reliability/$service:dev" "$out" >/dev/null
  refs+=("reliability/$service:dev")
done
kind load docker-image --name "$cluster" "${refs[@]}"

# The tag stays `dev`, so nothing else tells a Deployment that its image is another one. What runs is written down
# only at the end: whatever fails before, the next run does again.
for service in $services; do
  id=$(docker image inspect --format '{{.Id}}' "reliability/$service:dev")
  [ "$id" != "$(cat "$out/$service.running" 2>/dev/null)" ] || continue
  ! kube get "deployment/$service" >/dev/null 2>&1 || kube rollout restart "deployment/$service"
  echo "$id" >"$out/$service.running"
done
