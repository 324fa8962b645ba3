#!/usr/bin/env bash
# compile.sh SERVICE...: static binaries for the node's platform, where the Dockerfile's context expects them, and
# SERVICE.sources beside each: the directories of the packages it is made of, one on each line.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib.sh
out=$(out_dir)
mkdir -p "$out"
fresh=$(mktemp -d .build/XXXXXX)
trap 'rm -rf "$fresh"' EXIT

# keep NAME: at once, and only where it is another. Tilt watches: it would deploy what is half written, or merely touched.
keep() { cmp -s "$fresh/$1" "$out/$1" || mv "$fresh/$1" "$out/$1"; }

# No -buildvcs: with it, every commit would be a new image and a rollout, also when no code changed.
# GOGC: the compiler may have more memory, and somebody who has saved waits less.
GOGC=400 CGO_ENABLED=0 GOOS=linux GOARCH=${out##*-} go build -trimpath -buildvcs=false -tags nomsgpack -ldflags='-s -w' \
  -o "$fresh/" "${@/#/./cmd/}"
for service in "$@"; do
  keep "$service"
  go list -deps -f '{{if and (not .Standard) .Module.Main}}{{.Dir}}{{end}}' "./cmd/$service" >"$fresh/$service.sources"
  keep "$service.sources"
done
