#!/bin/bash
# How the cost of an operation grows with the number of keys, in steps that do not depend on the
# machine: blocks looked at, filters asked, keys compared, as the newest stage of a result counts them
# (make bench SET=sizes, SET=growth). A table; the goal is that nothing grows faster than the number of
# levels (a twentieth is let pass: what a filter lets pass is chance). Where several have a million keys
# or more the smaller ones are left out: they have one level.
#
#   bench/growth.sh [--help]
#
#   FROM=build/bench   where sizes-N.json are, for some N
#   TO=                directory for growth.tsv (default: none)
#
# Example
#   make bench SET=growth SIZES="100000 200000"
#
# Exit status: 0 done, 1 something failed, 2 usage.
set -u -o pipefail
export LC_ALL=C

usage() { echo "growth: $1" >&2; exit 2; }
case ${1:-} in
--help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
'') ;;
*) usage "\"$1\" is no option; see --help" ;;
esac
FROM=${FROM:-build/bench} TO=${TO:-}
. "$(dirname "$0")/runs.bash"
. "$(dirname "$0")/scratch.bash"
scratch growth
mapfile -t files < <(sizes_in "$FROM")
large=()
for file in "${files[@]}"; do [ "$(size_of "$file")" -lt 1000000 ] || large+=("$file"); done
[ ${#large[@]} -lt 2 ] || files=("${large[@]}")
[ ${#files[@]} -gt 0 ] || { echo "growth: no sizes-N.json in $FROM: run make bench SET=growth" >&2; exit 1; }

# A line a size: what one operation cost.
per_operation() {
    local file
    for file in "${files[@]}"; do
        runs "$file" levels sorted_runs comparisons_per_op filter_probes_per_op blocks_per_op |
            grep '^Strata' | awk -F'\t' -v OFS='\t' -v size="$(size_of "$file")" -v head="$([ "$file" = "${files[0]}" ] && echo yes)" '
            $5 == "-" { next }
            { engine = $1 } # the last one is the newest
            { cost[$1, $2] = $5 "\t" $6 "\t" $7; if ($2 == "settle") tree[$1] = $3 "\t" $4 }
            END {
                names = "# keys\tlevels\truns"
                line = size "\t" tree[engine]
                count = split("filluniquerandom readrandom readmissing seekrandom readseq", work, " ")
                for (i = 1; i <= count; i++) {
                    if (!((engine, work[i]) in cost)) { print "growth: " work[i] " is not counted with " size " keys" >"/dev/stderr"; exit 1 }
                    names = names "\t" work[i] ".comparisons\t" work[i] ".filter_probes\t" work[i] ".blocks"
                    line = line "\t" cost[engine, work[i]]
                }
                if (head) print names
                print line
            }' || return 1
    done
}

# A row a figure, a column a size; figures that are nothing are left out.
table() {
    awk -F'\t' '
        function grouped(x) { return x % 1000000 == 0 ? x / 1000000 " M" : x % 1000 == 0 ? x / 1000 " k" : x }
        function cell(s, width) { printf " %" width "s |", s }
        function growth(c) { return v[1, c] > 0 ? v[n, c] / v[1, c] : 0 }
        function row(c, digits,    i, all) {
            for (i = 1; i <= n; i++) all += v[i, c]
            if (!all) return
            printf "| %-28s |", name[c]
            for (i = 1; i <= n; i++) cell(sprintf("%.*f", digits, v[i, c]), 8)
            cell(sprintf("%.2f", growth(c)), 6)
            cell(c <= 3 ? "" : growth(c) <= 1.05 * growth(2) ? "met" : "NOT MET", 7)
            print ""
        }
        NR == 1 { columns = NF; for (i = 1; i <= NF; i++) name[i] = $i; next }
        { n++; for (i = 1; i <= NF; i++) v[n, i] = $i }
        END {
            printf "| %-28s |", "an operation, keys"
            for (i = 1; i <= n; i++) cell(grouped(v[i, 1]), 8)
            cell("growth", 6); cell("goal", 7)
            printf "\n|------------------------------|"
            for (i = 1; i <= n + 1; i++) printf i <= n ? "---------:|" : "-------:|"
            print "---------|"
            for (c = 2; c <= columns; c++) row(c, c <= 3 ? 0 : 2)
        }' "$1"
}

per_operation >"$T/growth.tsv" || exit 1
table "$T/growth.tsv"
[ -z "$TO" ] || { mkdir -p "$TO" && cp "$T/growth.tsv" "$TO/growth.tsv"; } || exit 1
