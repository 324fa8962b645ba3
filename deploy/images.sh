#!/usr/bin/env bash
# images.sh: compiles, builds and loads both services' images; what runs already is restarted if its image changed.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib.sh
cluster_exists || die "there is no kind cluster named $cluster: \`make up\` creates it"

# shellcheck disable=SC2086 # a list of words
deploy/compile.sh $services
out=$(out_dir)
changed=() refs=()
for service in $services; do
  ref=reliability/$service:dev
  before=$(docker image inspect --format '{{.Id}}' "$ref" 2>/dev/null || true)
  docker build --quiet --build-arg SERVICE="$service" --file Dockerfile --tag "$ref" "$out" >/dev/null
  [ "$before" = "$(docker image inspect --format '{{.Id}}' "$ref")" ] || changed+=("$service")
  refs+=("$ref")
done

if ! kind load docker-image --name "$cluster" "${refs[@]}"; then
  docker rmi "${refs[@]}" >/dev/null # else the next run would take them for loaded
  exit 1
fi

# The tag stays `dev`, so nothing else tells a Deployment that its image is another one.
for service in ${changed[@]+"${changed[@]}"}; do
  ! kube get "deployment/$service" >/dev/null 2>&1 || kube rollout restart "deployment/$service"
done
