#!/usr/bin/env bash
# doctor.sh: is everything here that the cluster needs? One line each, and how to get what is missing.
set -uo pipefail # not -e: every check runs
cd "$(dirname "$0")/.." || exit
. deploy/lib.sh
failed=0
ok() { printf '  ok       %-8s %s\n' "$1" "$2"; }
missing() { printf '  MISSING  %-8s %s\n' "$1" "$2"; failed=1; }
optional() { printf '  none     %-8s %s\n' "$1" "$2"; }

# tool NAME HOW-TO-INSTALL VERSION-COMMAND...
tool() {
  local name=$1 install=$2 version
  shift 2
  command -v "$name" >/dev/null || { missing "$name" "install: $install"; return; }
  version=$("$@" 2>/dev/null | head -n 1)
  version=${version:-$(command -v "$name")}
  ok "$name" "${version:0:60}"
}

tool go 'https://go.dev/doc/install (1.26 or later)' go version
tool curl 'your package manager, e.g. apt-get install curl' curl --version
tool docker 'https://docs.docker.com/get-started/get-docker/' docker --version
tool kind 'go install sigs.k8s.io/kind@v0.33.0, or: brew install kind' kind version
tool kubectl 'https://kubernetes.io/docs/tasks/tools/, or: brew install kubectl' kubectl version --client
if command -v tilt >/dev/null; then
  ok tilt "$(tilt version)"
else
  optional tilt 'optional, for live rebuilds: https://docs.tilt.dev/install.html, or: brew install tilt'
fi

if command -v docker >/dev/null; then
  if server=$(docker version --format '{{.Server.Version}} on {{.Server.Arch}}' 2>/dev/null); then
    ok daemon "Docker $server"
  else
    missing daemon 'Docker does not answer: start Docker Desktop, or: sudo systemctl start docker'
  fi
fi

# A listener that our own cluster's node container holds is as it should be.
ours=$(docker ps --quiet --filter "label=io.x-k8s.kind.cluster=$cluster" 2>/dev/null)
for port in 8088 16686; do
  if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    ok "$port" 'port is free'
  elif [ -n "$ours" ] && docker port "$ours" 2>/dev/null | grep ":$port\$" >/dev/null; then
    ok "$port" "port is the cluster's"
  else
    missing "$port" "port is taken: find who has it with: lsof -nP -iTCP:$port -sTCP:LISTEN"
  fi
done

# The node image, unpacked, and what runs in it. Docker's disk may be in a virtual machine: then this one's is a guess.
root=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null)
[ -d "$root" ] || root=.
free=$(($(df -Pk "$root" | awk 'NR == 2 {print $4}') / 1024 / 1024))
if [ "$free" -ge 5 ]; then
  ok disk "$free GB free"
else
  missing disk "$free GB free, 5 are needed: docker system prune"
fi
exit "$failed"
