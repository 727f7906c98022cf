#!/bin/bash
# What each technique of stage 9 gains: the same work by a tree that differs in one part, the plain
# form of an earlier stage (before) and stage 9's (after). bench/fast_paths/fast_paths.h tells more.
#
#   B=build KEYS=100000 RUNS=5 bench/fast_paths.sh
#
#   KEYS=N   puts, gets or entries of a work      RUNS=N   medians of so many runs, in turns
#   COUNTED=5000   as KEYS, where instructions are counted: by Callgrind, if valgrind is installed
#
# Times are CPU time of the thread; with * the time that passes. Instructions are exact, and the
# same every time; they do not show what a wait for memory costs, which times do.
set -u -o pipefail
export LC_ALL=C
[ "${1:-}" = --help ] && { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0; }
cd "$(dirname "$0")/.." || exit 7
B=${B:-build} KEYS=${KEYS:-100000} RUNS=${RUNS:-5} COUNTED=${COUNTED:-5000}
program=$PWD/$B/bench/strata-fast-paths
[ -x "$program" ] || { echo "fast-paths: there is no $program: run \"make fast-paths\"" >&2; exit 7; }
. bench/scratch.bash
device=$(mktemp -d "$PWD/$B/bench/fast-paths.XXXXXX") || exit 7 # where a sync costs something
[ -w /dev/shm ] && TMPDIR=${PLACE:-/dev/shm}
scratch fast-paths
trap 'rm -rf "$device"; clean_up' EXIT
mkdir "$T/times" "$T/counts"

"$program" "$T/times" "$device" "$KEYS" "$RUNS" >"$T/times.tsv" || exit 7
: >"$T/counts.tsv"
if command -v valgrind >/dev/null; then
    # A dump for each work between measure_begin and measure_end, in the order of the rows.
    valgrind --tool=callgrind --callgrind-out-file="$T/cg.%p" --zero-before=measure_begin \
        --dump-before=measure_end "$program" "$T/counts" "$device" "$COUNTED" 1 >"$T/counts.tsv" 2>"$T/said" ||
        { echo "fast-paths: valgrind failed, so instructions are not counted" >&2; : >"$T/counts.tsv"; }
    main=$(sed -nE 's/^==([0-9]+)== .*/\1/p' "$T/said" | head -1)
fi

awk -F'\t' -v cg="$T/cg.${main:-0}." -v counts="$T/counts.tsv" '
    function total(file,    line, sum) {
        while ((getline line < file) > 0) if (line ~ /^totals: /) sum = substr(line, 9)
        close(file)
        return sum
    }
    function text(x) { return sprintf(x >= 1000000 ? "%.0f" : x >= 100 ? "%.0f" : "%.1f", x) }
    BEGIN {
        while ((getline line < counts) > 0) {
            split(line, f, "\t")
            row++
            if (f[4] != "ns") continue
            before[row] = total(cg (++dump)) / f[7]
            after[row] = total(cg (++dump)) / f[7]
            if (f[8]) before[row] = 0
        }
        print "| technique | plain form, stage | measured | before | after | ratio | instructions before | after | ratio |"
        print "|---|---|---|---:|---:|---:|---:|---:|---:|"
    }
    {
        counted = before[NR] > 0
        printf "| %s | %s | %s, %s%s | %s | %s | %.2f | %s | %s | %s |\n", $1, $2, $3, $4, $8 ? "*" : "", text($5), text($6), $6 / $5,
            counted ? text(before[NR]) : "", counted ? text(after[NR]) : "", counted ? sprintf("%.2f", after[NR] / before[NR]) : ""
    }' "$T/times.tsv"
