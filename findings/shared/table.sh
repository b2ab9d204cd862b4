#!/usr/bin/env bash
# Runs every finding, or those named, and prints a table of them; what changed is shown below it.
set -uo pipefail
cd "$(dirname "$0")/.."

outputs=$(mktemp -d)
trap 'rm -rf "$outputs"' EXIT
if [ $# = 0 ]; then set -- *.sh; fi
status=0
printf '%-40s %-8s %s\n' finding result seconds
for script; do
    name=$(basename "$script" .sh)
    began=$SECONDS
    if timeout -k 10 180 "./$name.sh" > "$outputs/$name" 2>&1; then
        result=held
        rm "$outputs/$name"
    else
        result=changed
        status=1
    fi
    printf '%-40s %-8s %7d\n' "$name" "$result" $((SECONDS - began))
done
for output in "$outputs"/*; do
    if [ -f "$output" ]; then printf '\n%s\n' "$(basename "$output")"; cat "$output"; fi
done
exit $status
