#!/bin/bash
# Keeps account of make fuzz-long, in docs/fuzz:
#
#   long.sh add TARGET EXECS SECONDS EDGES CORPUS FOUND PLOT_DATA FROM
#                    adds what a run did to long.tsv (SECONDS of one core), and to edges.tsv how its
#                    edges grew, from second FROM of AFL++'s plot_data on
#   long.sh table    prints the sums as Markdown
#   long.sh plot     draws edges.svg from edges.tsv (make fuzz-plot)
set -u -o pipefail
dir=docs/fuzz long=docs/fuzz/long.tsv edges=docs/fuzz/edges.tsv

add() { # TARGET EXECS SECONDS EDGES CORPUS FOUND PLOT_DATA FROM
    local before
    mkdir -p "$dir"
    [ -e "$long" ] || printf '# day\ttarget\texecutions\tseconds of one core\tedges\tcorpus\tfound\n' >"$long"
    [ -e "$edges" ] || printf '# target\tminutes since the first run began\tedges\n' >"$edges"
    before=$(awk -F'\t' -v t="$1" '$2 == t { s += $4 } END { print s + 0 }' "$long")
    printf '%s\t%s\t%s\t%.0f\t%s\t%s\t%s\n' "$(date +%F)" "$1" "$2" "$3" "$4" "$5" "$6" >>"$long"
    # Half a dozen points for each doubling of the time.
    awk -F', *' -v t="$1" -v from="$8" -v before="$before" \
        -v share="$(tail -n 1 "$7" | awk -F', *' -v from="$8" -v used="$3" '{ print ($1 > from ? used / ($1 - from) : 0) }')" '
        /^[0-9]/ && $1 >= from {
            at = $1 - from + 1
            if (at >= next_at || $13 != last && at > 1.5 * shown) {
                printf "%s\t%.2f\t%d\n", t, (before + at * share) / 60, $13; next_at = at * 1.12; shown = at; last = $13
            }
        }' "$7" >>"$edges"
}

table() {
    echo '| target | core-minutes | executions | a second | edges | corpus | found |'
    echo '|---|--:|--:|--:|--:|--:|--:|'
    awk -F'\t' '
        function thousands(n,    s) { s = sprintf("%d", n); while (s ~ /[0-9][0-9][0-9][0-9]/) s = gensub_(s); return s }
        function gensub_(s,    i) { match(s, /^[0-9]+/); i = RLENGTH; return substr(s, 1, i - 3) "," substr(s, i - 2) }
        /^#/ { next }
        !($2 in execs) { order[++n] = $2 }
        { execs[$2] += $3; seconds[$2] += $4; edges[$2] = $5; corpus[$2] = $6; found[$2] += $7 }
        END {
            for (i = 1; i <= n; i++) {
                t = order[i]; all += seconds[t]; sum += execs[t]
                printf "| %s | %.0f | %s | %s | %s | %s | %d |\n", t, seconds[t] / 60, thousands(execs[t]),
                    thousands(seconds[t] ? execs[t] / seconds[t] : 0), thousands(edges[t]), thousands(corpus[t]), found[t]
            }
            printf "| all | %.0f | %s | | | | |\n", all / 60, thousands(sum)
        }' "$long"
}

plot() {
    local rows height name most
    . bench/svg.bash
    command -v gnuplot >/dev/null || { echo "long.sh: there is no gnuplot" >&2; return 1; }
    most=$(awk -F'\t' '!/^#/ && $2 > 0 && $3 > most[$1] { most[$1] = $3 } END { for (name in most) print name, most[name] }' "$edges" | sort -V)
    rows=$((($(wc -l <<<"$most") + 4) / 5)) height=$((rows * 120 + 40))
    {
        echo "set multiplot layout $rows,5 margins 0.05,0.98,25.0/$height,1-60.0/$height spacing 0.06,55.0/$height title 'Edges that the corpus of each target reaches, against minutes of one core'"
        echo "unset key; set logscale x; set xrange [0.1:30]; set xtics (0.1, 1, 10); set format x '%g'"
        while read -r name most; do
            echo "set title '$name' offset 0,-0.5; set yrange [0:$most * 1.1]; set ytics (0, $most)"
            echo "plot \"< grep -P '^$name\\t' $edges\" using 2:3 with points pt 7 ps 0.3 lc rgb '#${okabe_ito[0]}'"
        done <<<"$most"
    } | svg "$dir/edges.svg" 'Edges that the corpus of each fuzz target reaches, against minutes of fuzzing' 1000 $height
}

case ${1:-} in
add) shift && add "$@" ;;
table) table ;;
plot) plot ;;
*) echo "usage: long.sh add|table|plot" >&2; exit 2 ;;
esac
