#!/bin/bash
# How long a put takes, stage beside stage: a Markdown table of its histogram, machine and date first.
#
#   docs/tools/wait_table.sh NUM STAGE...     each of NUM keys once, in random order, nothing synced
set -u
num=$1
shift
said=$(mktemp)
trap 'rm -f "$said"' EXIT
printf 'Run on %s on %s, %s cores; Linux %s.\n\n' "$(date +%F)" \
    "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" "$(nproc)" "$(uname -r)"
for stage; do
    build/bench/strata-bench --stage="$stage" --sync=never --num="$num" --seconds=600 \
        --benchmarks=filluniquerandom --histogram >>"$said" 2>/dev/null || exit 1
done
awk -v stages="$*" '
    function grouped(n,    tail) {
        for (; length(n) > 3; n = substr(n, 1, length(n) - 3)) tail = "," substr(n, length(n) - 2) tail
        return n tail
    }
    function time(us) { return us < 1000 ? sprintf("%.3g µs", us) : us < 1e6 ? sprintf("%.3g ms", us / 1e3) : sprintf("%.3g s", us / 1e6) }
    /^stage / { at = $2 + 0 }
    $1 == "<=" {
        if (!($2 in seen)) { seen[$2] = 1; bound[++n] = $2 + 0 }
        count[$2 + 0, at] = $4
    }
    match($0, /max [0-9.]+ us/) { most[at] = substr($0, RSTART + 4, RLENGTH - 7) + 0 }
    END {
        k = split(stages, stage, " ")
        for (i = 1; i <= n; i++) # by size
            for (j = i + 1; j <= n; j++) if (bound[j] < bound[i]) { t = bound[i]; bound[i] = bound[j]; bound[j] = t }
        head = "| puts that took up to |"; rule = "|---|"; last = "| the longest |"
        for (s = 1; s <= k; s++) { head = head " stage " stage[s] " |"; rule = rule "--:|"; last = last " " time(most[stage[s] + 0]) " |" }
        print head; print rule
        for (i = 1; i <= n; i++) {
            line = "| " time(bound[i]) " |"
            for (s = 1; s <= k; s++) line = line " " grouped(count[bound[i], stage[s] + 0] "") " |"
            print line
        }
        print last
    }' "$said"
