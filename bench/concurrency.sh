#!/bin/bash
# What a thread in the background changes: the same work by stage 9, by stage 10 without a thread, and by stage 10
# with one: a table for the book. In turns; medians of them.
#
#   B=build N=1000000 TURNS=3 SECONDS_EACH=20 QUIET=60 bench/concurrency.sh
#
# Memtables have 4 MiB, so that a million entries are flushed and merged many times. QUIET: so many seconds each
# run waits at most for a quiet machine; if that does not come, the table's last line says LOADED.
set -u -o pipefail
export LC_ALL=C
[ "${1:-}" = --help ] && { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0; }
cd "$(dirname "$0")/.." || exit 7
B=${B:-build} N=${N:-1000000} TURNS=${TURNS:-3}
works=fillrandom,overwrite,settle,readrandom,readwhilewriting,ycsbload,settle,ycsba
[ -x "$B/bench/strata-bench" ] || { echo "concurrency: there is no $B/bench/strata-bench: run \"make concurrency\"" >&2; exit 7; }
work=$(mktemp -d "$B/bench/concurrency.XXXXXX") || exit 7
trap 'rm -rf "$work"' EXIT

one() { # COLUMN TURN OPTION...
    local to=$work/$1.$2
    shift 2
    TMPDIR=$work "$B/bench/strata-bench" "$@" --num="$N" --seconds="${SECONDS_EACH:-20}" --write_buffer_size=4194304 \
        --benchmarks=$works --quiet="${QUIET:-60}" --json="$to" >/dev/null || exit 7
}
for ((turn = 1; turn <= TURNS; turn++)); do
    one 1 $turn --engines=9
    one 2 $turn --engines=10 --no_background
    one 3 $turn --engines=10
done

# A run is a line of the results.
awk '
    function figure(name) { return match($0, "\"" name "\": [0-9.e+]+") ? substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 4) + 0 : -1 }
    function median(key,    list, n, i, j, x) {
        n = split(values[key], list, " ")
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && list[j - 1] + 0 > list[j] + 0; j--) { x = list[j]; list[j] = list[j - 1]; list[j - 1] = x }
        return n ? list[int((n + 1) / 2)] : -1
    }
    function grouped(x,    s) { s = sprintf("%.0f", x); while (s ~ /[0-9][0-9][0-9][0-9](,|$)/) sub(/[0-9][0-9][0-9](,|$)/, ",&", s); return s }
    function shown(x) { return x < 0 ? "-" : x >= 1000 ? grouped(x) : x >= 100 ? sprintf("%.0f", x) : sprintf("%.2f", x) }
    function row(work, what, name, by,    c, line, x) {
        for (c = 1; c <= 3; c++) { x = median(work " " name " " c); line = line " | " shown(x < 0 ? x : x / by) }
        print "| " work " | " what line " |"
    }
    FNR == 1 { column = FILENAME; sub(/.*\//, "", column); sub(/\..*/, "", column) }
    /"turns_loaded"/ { loaded += figure("turns_loaded") }
    match($0, /"workload": "[a-z]+"/) {
        workload = substr($0, RSTART + 13, RLENGTH - 14)
        n = split("ops_per_s p999_us max_us cpu_us_per_op beside_ops_per_s", names, " ")
        for (i = 1; i <= n; i++) values[workload " " names[i] " " column] = values[workload " " names[i] " " column] " " figure(names[i])
    }
    END {
        print "| work | | stage 9 | stage 10, no thread | stage 10, a thread |"
        print "|---|---|--:|--:|--:|"
        split("fillrandom overwrite ycsba", writes, " ")
        for (i = 1; i <= 3; i++) {
            row(writes[i], "ops/s", "ops_per_s", 1)
            row(writes[i], "p99.9, us", "p999_us", 1)
            row(writes[i], "longest, ms", "max_us", 1000)
            row(writes[i], "CPU of all threads, us/op", "cpu_us_per_op", 1)
        }
        row("readrandom", "ops/s", "ops_per_s", 1)
        row("readwhilewriting", "gets/s", "ops_per_s", 1)
        row("readwhilewriting", "puts/s beside them", "beside_ops_per_s", 1)
        if (loaded) print "| LOADED | others worked on the machine in " loaded " runs | | | |"
    }' "$work"/[123].*
