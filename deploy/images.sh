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

# The tag stays `dev`, so nothing else tells a Deployment that its image is another one. Which one runs is noted at the
# node, for several clones may take turns, and only at the end: whatever fails before, the next run does again.
for service in $services; do
  id=$(docker image inspect --format '{{.Id}}' "reliability/$service:dev")
  note=reliability.dev/$service-image
  [ "$id" != "$(kube get nodes -o "jsonpath={.items[0].metadata.annotations.${note//./\\.}}")" ] || continue
  kube rollout restart deployment --selector "app.kubernetes.io/name=$service" # the first time there is none
  kube annotate nodes --all --overwrite "$note=$id" >/dev/null
done
