#!/bin/bash
# How the cost of an operation grows with the number of keys, in steps that do not depend on the
# machine: blocks looked at, filters asked, keys compared, as a stage counts them (bench/peers/levels.c
# loads, and reads what the load has left). A table, and with gnuplot a plot; the goal is that nothing
# grows faster than the number of levels (a twentieth is let pass: what a filter lets pass is chance).
#
#   bench/growth.sh [--help]
#
#   SIZES=        numbers of keys, ascending (default "1000000 3000000 10000000 30000000")
#   GETS=100000   gets of each kind; seeks are a quarter
#   STAGE=6       which one
#   TO=           directory for growth.tsv, and growth.svg where there is gnuplot (default: none)
#   B=build       where strata-levels was built (or LEVELS=, another program that tells the same)
#
# Example
#   make bench-growth SIZES="100000 200000"
#
# The databases are made in $TMPDIR, about 70 MB for a million keys and as much again while they are
# compacted, and removed. Exit status: 0 measured, 1 something failed, 2 usage.
set -u -o pipefail
export LC_ALL=C

usage() { echo "growth: $1" >&2; exit 2; }
case ${1:-} in
--help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
'') ;;
*) usage "\"$1\" is no option; see --help" ;;
esac
cd "$(dirname "$0")/.." || exit 1

B=${B:-build}
LEVELS=${LEVELS:-$B/bench/strata-levels}
SIZES=${SIZES:-1000000 3000000 10000000 30000000} GETS=${GETS:-100000} STAGE=${STAGE:-6} TO=${TO:-}
last=99
for number in $SIZES "$GETS"; do
    case $number in '' | 0* | *[!0-9]* | ??????????*) usage "\"$number\" is not a whole number from 1 to 999999999" ;; esac
done
for number in $SIZES; do
    [ "$number" -gt "$last" ] || usage "SIZES ascend, from 100 on"
    last=$number
done
[ "$GETS" -ge 100 ] || usage "GETS is at least 100"
[ -x "$LEVELS" ] || { echo "growth: there is no $LEVELS: run \"make bench-build\"" >&2; exit 1; }

. bench/scratch.bash
scratch growth

measure() {
    local size
    for size in $SIZES; do
        mkdir "$T/db"
        "$LEVELS" --num="$size" --gets="$GETS" --label="$size keys" "$STAGE" "$T/db" >"$T/$size" &
        running=$!
        wait $running || { running=; echo "growth: it failed with $size keys" >&2; exit 1; }
        running=
        rm -rf "$T/db"
    done
}

# A line a size: what one operation cost. (WORK.blocks of so many operations as WORK tells.)
per_operation() {
    local size
    for size in $SIZES; do
        awk -v size="$size" -v works="put get missing seek10 forward" '
            { number[$1] = $2 }
            END {
                count = split(works, work, " ")
                split("comparisons filter_probes blocks", figure, " ")
                head = "# keys\tlevels\truns"
                line = size "\t" number["levels"] "\t" number["runs"]
                for (i = 1; i <= count; i++)
                    for (j = 1; j <= 3; j++) {
                        name = work[i] "." figure[j]
                        if (!(name in number)) { print "growth: " name " is not counted by this stage" >"/dev/stderr"; exit 1 }
                        head = head "\t" name
                        line = line "\t" sprintf("%.3f", number[name] / number[work[i]])
                    }
                if (size == first) print head
                print line
            }' first="${SIZES%% *}" "$T/$size" || return 1
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
            printf "| %-21s |", name[c]
            for (i = 1; i <= n; i++) cell(sprintf("%.*f", digits, v[i, c]), 8)
            cell(sprintf("%.2f", growth(c)), 6)
            cell(c <= 3 ? "" : growth(c) <= 1.05 * growth(2) ? "met" : "NOT MET", 7)
            print ""
        }
        NR == 1 { columns = NF; for (i = 1; i <= NF; i++) name[i] = $i; next }
        { n++; for (i = 1; i <= NF; i++) v[n, i] = $i }
        END {
            printf "| %-21s |", "an operation, keys"
            for (i = 1; i <= n; i++) cell(grouped(v[i, 1]), 8)
            cell("growth", 6); cell("goal", 7)
            printf "\n|-----------------------|"
            for (i = 1; i <= n + 1; i++) printf i <= n ? "---------:|" : "-------:|"
            print "---------|"
            for (c = 2; c <= columns; c++) row(c, c <= 3 ? 0 : 2)
        }' "$1"
}

# A panel a kind of step: how many times as much an operation costs as with the fewest keys, beside how
# many times as many levels there are; what it costs, in the legend.
plot() { # TSV SVG
    local panel column
    awk -F'\t' -v OFS='\t' '
        NR == 1 { print; next }
        NR == 2 { for (i = 2; i <= NF; i++) first[i] = $i }
        { for (i = 2; i <= NF; i++) $i = first[i] > 0 ? $i / first[i] : 1; print }' "$1" >"$T/times.tsv"
    {
        echo "set terminal ${TERMINAL:-svg} size 1080,400 noenhanced font 'sans,12'; set output '$2'"
        echo "set multiplot layout 1,3; set logscale x; set format x '%.0s%c'; set grid; set key top left reverse Left"
        echo "set datafile separator tab; set xlabel 'keys'; set yrange [0:*]; set offsets graph 0.05, graph 0.05, graph 0.4, 0"
        for panel in "keys compared:4 7 10 13" "filters asked:8 11" "blocks looked at:9 12 15"; do
            echo "set title '${panel%%:*}: times as many'"
            printf 'plot '
            for column in ${panel#*:} 2; do
                printf "'%s' using 1:%d with linespoints lw 2 %s title '%s'" "$T/times.tsv" "$column" \
                    "$([ "$column" = 2 ] && echo "dt 2 lc 'black'")" "$(legend "$1" "$column")"
                [ "$column" = 2 ] && echo || printf ', '
            done
        done
    } | gnuplot
}

legend() { # TSV COLUMN: "get: 16.1 .. 24.5"
    awk -F'\t' -v c="$2" '
        function text(x) { return c == 2 ? x : sprintf(x < 1 ? "%.3f" : "%.1f", x) }
        NR == 1 { split($c, name, ".") } NR == 2 { first = $c } { last = $c }
        END { print name[1] ": " text(first) " .. " text(last) }' "$1"
}

measure
per_operation >"$T/growth.tsv" || exit 1
table "$T/growth.tsv"
[ -n "$TO" ] || exit 0
mkdir -p "$TO" && cp "$T/growth.tsv" "$TO/growth.tsv" || exit 1
if command -v gnuplot >/dev/null; then
    plot "$T/growth.tsv" "$TO/growth.svg" || exit 1
    printf '\nwritten: %s %s\n' "$TO/growth.tsv" "$TO/growth.svg"
else
    printf '\nwritten: %s (there is no gnuplot)\n' "$TO/growth.tsv"
fi
