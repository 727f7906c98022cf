#!/bin/bash
# Two builds of Strata side by side, workload by workload: is the second one as fast as the first?
# Runs are interleaved (first, second, first, ...), and of each workload the least CPU time an
# operation is compared: the machine may be shared, and what others take of it only adds.
#
#   OLD=DIR/build OLD_STAGE=6 bench/against.sh
#
#   OLD=DIR/build   the first build, with its bench/strata-bench (make bench-build there)
#   B=build         the second
#   OLD_STAGE= STAGE=   of each: the newest
#   N=200000 TURNS=5 WORKS=...   keys; how often; workloads
#   LIMIT=1.05      a ratio above it fails
#
# Example
#   git worktree add ../old v0.1 && make -C ../old bench-build && OLD=../old/build bench/against.sh
#
# Exit status: 0 none is slower than LIMIT, 1 some are, 2 usage, 7 other failure.
set -u -o pipefail
export LC_ALL=C
[ "${1:-}" = --help ] && { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0; }
[ $# -eq 0 ] || { echo "against: \"$1\" is no option; see --help" >&2; exit 2; }
[ -n "${OLD:-}" ] || { echo "against: OLD= names no build; see --help" >&2; exit 2; }
OLD=$(realpath "$OLD") || exit 7
cd "$(dirname "$0")/.." || exit 7
B=${B:-build} N=${N:-200000} TURNS=${TURNS:-5} LIMIT=${LIMIT:-1.05}
WORKS=${WORKS:-fillseq fillsync fillbatch fillrandom overwrite readrandom readmissing readseq readreverse seekrandom readsmallcache readsmallmapped compact open openafterkill ycsbload ycsba ycsbb ycsbc ycsbd ycsbe ycsbf}
[ -w /dev/shm ] && TMPDIR=${PLACE:-/dev/shm}
. bench/scratch.bash
scratch against
export TMPDIR=$T

measure() { # BUILD STAGE NAME
    "$1/bench/strata-bench" ${2:+--stage=$2} --num="$N" --sync=never --seconds=20 --warm_memory=0 \
        --benchmarks="${WORKS// /,}" --json="$T/$3" >"$T/said" 2>&1 ||
        { echo "against: $1:" >&2; tail -3 "$T/said" >&2; exit 7; }
    # workload, CPU microseconds an operation (one that has none: wall time)
    sed -nE 's/.*"workload": "([^"]*)".*"micros_per_op": ([^,]*),.*"cpu_us_per_op": ([^,}]*).*/\1 \3 \2/p' "$T/$3" |
        awk -v side="$4" '{ print side, $1, ($2 > 0) ? $2 : $3 }' >>"$T/times"
}

for turn in $(seq "$TURNS"); do
    measure "$OLD" "${OLD_STAGE:-}" "old.$turn" old
    measure "$B" "${STAGE:-}" "new.$turn" new
done
printf '%-16s %12s %12s %7s\n' workload "before, us" "after, us" ratio
awk -v limit="$LIMIT" '
    { if (!(($1, $2) in least)) { least[$1, $2] = $3; if ($1 == "old") order[++n] = $2 }
      if ($3 < least[$1, $2]) least[$1, $2] = $3 }
    END {
        for (i = 1; i <= n; i++) {
            w = order[i]; ratio = least["new", w] / least["old", w]
            slow += (ratio > limit)
            printf "%-16s %12.3f %12.3f %7.2f%s\n", w, least["old", w], least["new", w], ratio, (ratio > limit) ? "  slower" : ""
        }
        exit slow > 0
    }' "$T/times"
