#!/bin/bash
# What the mutator is worth: each target of a binary format, from the seeds alone, TIME seconds
# without it and TIME seconds with it, and what each reaches. One line a target,
#   mutator: target=wal edges=610/1125 corpus=40/158 branch=60.1%/81.5% per_s=5200/5100      without/with
# kept in docs/fuzz/mutator.tsv when all were run.
#
#   TIME=60 fuzz/tools/mutator.sh [TARGET]      (make fuzz-mutator)
set -u
list=$(mktemp) || exit 1
trap 'rm -f "$list"' EXIT

value() { sed -nE "s/.* $1=([^ ]+).*/\\1/p" <<<"$2"; }

run() { # TARGET NO_MUTATOR
    STAGE='' JOBS=1 CORE=1 SEEDS_ONLY=1 NO_MUTATOR=$2 fuzz/tools/fuzz.sh "$1" | grep -a '^fuzz: target='
}

while read -r name _ as _; do
    case $name:$as in :* | \#*) continue ;; *:-) continue ;; esac
    [ -z "${1:-}" ] || [ "$1" = "$name" ] || continue
    without=$(run "$name" 1) with=$(run "$name" '')
    line="mutator: target=$name"
    for field in edges corpus branch per_s; do
        line+=" $field=$(value $field "$without")/$(value $field "$with")"
    done
    echo "$line" | tee -a "$list"
done <fuzz/targets.txt
[ -n "${1:-}" ] || { mkdir -p docs/fuzz && cp "$list" docs/fuzz/mutator.tsv; }
