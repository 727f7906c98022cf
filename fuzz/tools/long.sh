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
    local name most number=0 targets
    mapfile -t targets < <(awk -F'\t' '!/^#/ && $2 > 0 && $3 > most[$1] { most[$1] = $3 } END { for (name in most) print name, most[name] }' "$edges" | sort -V)
    {
        printf 'figure\t1000\t%d\tEdges that the corpus of each fuzz target reaches, against minutes of one core, logarithmic\n' $(((${#targets[@]} + 4) / 5 * 125 + 50))
        for number in "${!targets[@]}"; do
            read -r name most <<<"${targets[number]}"
            printf 'panel\t%d\t%d\t140\t70\t%s\n' $((number % 5 * 195 + 55)) $((number / 5 * 125 + 70)) "$name"
            printf 'x\tlog\t0.1\t30\t0.1=0.1 1=1 10=10\ny\tlin\t0\t%s\t0=0 %s=%s\nline\t-\tblue\tdots\n' "$(awk -v m="$most" 'BEGIN { print m * 1.1 }')" "$most" "$most"
            awk -F'\t' -v OFS='\t' -v name="$name" '$1 == name && $2 > 0 { print "p", $2, $3 }' "$edges"
        done
    } | bench/svg.pl "$dir/edges.svg"
}

case ${1:-} in
add) shift && add "$@" ;;
table) table ;;
plot) plot ;;
*) echo "usage: long.sh add|table|plot" >&2; exit 2 ;;
esac
