#!/usr/bin/env bash
# first-call.sh: one call through the NodePort, then its trace in Jaeger; prints where to look and what to try.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib.sh

call() { answer=$(curl -fsS --max-time 10 "$page/call" 2>&1); }
traced() {
  spans=$(curl -sS --max-time 5 "$jaeger/api/traces/$trace" 2>&1)
  case $spans in *'"serviceName":"flaky"'*) case $spans in *'"serviceName":"caller"'*) return 0 ;; esac ;; esac
  return 1
}
# A Service may refuse for a moment after its rollout, and spans are exported once a second.
# Just after a rollout a call may still be served, or its trace taken, by a pod on its way out: then another one is made.
call_and_trace() {
  within 60 call || die "no call was answered at $page/call: $answer"
  # By its indent it is the call's own: a breaker that has ever opened names the trace of that, too.
  trace=$(sed -n 's/^  "trace_id": *"\([0-9a-f]\{32\}\)".*/\1/p' <<<"$answer")
  [ -n "$trace" ] || die "the answer has no trace_id: $answer"
  within 10 traced
}
within 60 call_and_trace || die "no trace of a call that answered is complete in Jaeger; the last one was $trace: $(head -c 300 <<<"$spans")"

cat <<TEXT

page    $page/
Jaeger  $jaeger/
trace   $jaeger/trace/$trace  (the first call, through both services)

next
  every replica fails, the breaker opens:
    curl -X PUT $page/api/faults -H 'Content-Type: application/json' -d '{"error_rate":1}'
  what one call went through, attempt by attempt:
    curl $page/call
  an outage, and back again with the faults gone (make reset):
    kubectl --context $context -n reliability scale deploy/flaky --replicas=0
TEXT
