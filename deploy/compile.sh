#!/usr/bin/env bash
# compile.sh SERVICE...: static binaries for the node's platform, where the Dockerfile's context expects them.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib.sh
out=$(out_dir)
mkdir -p "$out"
# No -buildvcs: with it, every commit would be a new image and a rollout, also when no code changed.
CGO_ENABLED=0 GOOS=linux GOARCH=${out##*-} go build -trimpath -buildvcs=false -tags nomsgpack -ldflags='-s -w' \
  -o "$out/" "${@/#/./cmd/}"
