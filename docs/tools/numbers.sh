#!/bin/bash
# Runs the benchmark driver and prints what it measured as Markdown, machine and date first.
#
#   docs/tools/numbers.sh OPTION...     options of strata-bench, --stage=all among them
set -u
json=$(mktemp)
trap 'rm -f "$json"' EXIT
build/bench/strata-bench "$@" --json="$json" >/dev/null || exit 1
awk '
    function text(name) { return match($0, "\"" name "\": \"[^\"]*\"") ? substr($0, RSTART + length(name) + 5, RLENGTH - length(name) - 6) : "" }
    function number(name) { return match($0, "\"" name "\": [0-9.e+-]+") ? substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 4) : "" }
    function grouped(x,    n, tail) {
        n = sprintf("%.0f", x)
        for (; length(n) > 3; n = substr(n, 1, length(n) - 3)) tail = "," substr(n, length(n) - 2) tail
        return n tail
    }
    function us(x) { return x == "" ? "" : x + 0 < 100 ? sprintf("%.1f", x) : grouped(x) }
    function memory(    line, kib) {
        while ((getline line < "/proc/meminfo") > 0) if (line ~ /^MemTotal/) { split(line, f, " "); kib = f[2] }
        return sprintf("%.0f GiB", kib / 1048576)
    }
    /"machine"/ { machine = text("cpu") ", " number("cores") " cores, " memory() "; Linux " text("kernel") "; " text("compiler") }
    /"when"/ { print "Measured " substr(text("when"), 1, 10) " on " machine ".\n" }
    /"workload"/ {
        if (text("stage_name") != stage) {
            if (stage != "") print ""
            stage = text("stage_name")
            print "| " stage " | operations | operations/s | p50 µs | p99 µs | max µs |"
            print "|---|--:|--:|--:|--:|--:|"
        }
        printf "| %s | %s | %s | %s | %s | %s |\n", text("workload"), grouped(number("n")),
            grouped(number("ops_per_s")), us(number("p50_us")), us(number("p99_us")), us(number("max_us"))
    }' "$json"
