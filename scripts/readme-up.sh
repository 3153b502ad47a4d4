#!/usr/bin/env bash
# Runs the README's first command exactly as it stands there, looks at the page and the applications as a stranger would,
# clicks, and ends it with Ctrl-C. Nothing may be left running.
set -euo pipefail
cd "$(dirname "$0")/.."

command=$(grep -oE '^    go run \./cmd/truecount up' README.md | head -1 | sed 's/^ *//')
[ -n "$command" ] || { echo "the README has no line '    go run ./cmd/truecount up'" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo "\$ $command"
began=$(date +%s)
# A session of its own, so that the interrupt reaches the command and what it started, as Ctrl-C does in a terminal.
setsid bash -c "exec $command" >"$scratch/out" 2>"$scratch/err" &
group=$!
end() { kill -INT -- "-$group" 2>/dev/null || true; }
trap 'end; rm -rf "$scratch"' EXIT

fail() { echo "$1" >&2; cat "$scratch/out" "$scratch/err" >&2; exit 1; }
# One line says that it is ready, and one each where the demos are.
announced() {
	grep -q '^ready: ' "$scratch/out" || return 1
	for file in demo/*/truecount.yaml; do grep -q "^$(basename "$(dirname "$file")"): " "$scratch/out" || return 1; done
}
for _ in $(seq 1200); do
	announced && break
	kill -0 "$group" 2>/dev/null || fail "it ended before it was ready"
	sleep 0.5
done
announced || fail "it is not ready after ten minutes"
cat "$scratch/out"
echo "ready $(($(date +%s) - began)) s after the command, build included"

page=$(sed -n 's/^ready: //p' "$scratch/out")
clicks=$(sed -n 's/^clicks: //p' "$scratch/out")
get() { curl -fsS -m 20 "$@"; }

get "$page/" | grep -qi '<title>truecount' || fail "the page has no title"
get "$clicks/" | grep -q 'Hit me!' || fail "the button is missing"
for file in demo/*/truecount.yaml; do
	name=$(basename "$(dirname "$file")")
	get "$(sed -n "s/^$name: //p" "$scratch/out")/health/" >/dev/null || fail "$name is not healthy"
done
get -X POST "$clicks/click-button" | grep -q '^{}' || fail "a click is not answered with {}"
for _ in $(seq 120); do
	answer=$(get "$page/api/v1/query?query=merged:demo_app_button_clicks_total")
	case "$answer" in *'"1"]'*) counted=yes; break ;; esac
	sleep 0.5
done
[ "${counted:-}" = yes ] || fail "the click did not reach the database: $answer"
echo "the click is in the database"

# The command is go run, its child the program, and the program's children the workers and their guards.
program=$(pgrep -P "$group" | head -1)
workers=$(pgrep -P "$program")
[ "$(echo "$workers" | wc -l)" -ge 9 ] || fail "only these workers run: $workers"
workers="$program $workers"
end
wait "$group" || true
for _ in $(seq 60); do
	left=""
	for pid in $workers; do kill -0 "$pid" 2>/dev/null && left="$left $pid"; done
	[ -z "$left" ] && break
	sleep 0.5
done
[ -z "$left" ] || fail "still running:$left"
echo "everything ended"
