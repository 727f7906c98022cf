#!/bin/bash
# What a policy of compaction costs: docs/examples/one_put.c with each of its policies.
#
#   docs/tools/policies.sh table PUTS       as Markdown
#   docs/tools/policies.sh plot TSV SVG     25,000 to 200,000 puts, the figures into TSV, drawn into SVG
#   docs/tools/policies.sh draw TSV SVG     draws what TSV has
#
# Per policy: bytes written for each byte put (log, flushes, compactions); tables that a get may ask;
# blocks that a scan of ten keys reads from an empty cache; bytes of the tables for each byte that they
# have when all is merged; and bytes that were read and written until the slowest put returned.
set -u -o pipefail
policies='full tiered fixed leveled'

# Sums up `strata levels`: tables that a get may ask, bytes of all.
levels() { build/strata levels "$work/db" | awk '/^level/ { bytes += $5; n += $(NF - 2) } END { print n, bytes }'; }

# POLICY PUTS, and the five figures.
measure() { # POLICY PUTS
    local said tables bytes merged blocks
    said=$("$work/one_put" 6 "$work/db" "$2" "$1") || exit 1
    read -r tables bytes <<<"$(levels)"
    blocks=$(printf 'scan --from 0000000000012345 --limit 10\nstats --all\n' | build/strata shell "$work/db" 2>/dev/null |
        awk '/^cache_misses/ { print $2 }')
    build/strata compact "$work/db" >/dev/null || exit 1
    read -r _ merged <<<"$(levels)"
    rm -rf "$work/db"
    sed -n 's/^the worst put: \([0-9]*\).*: \(.*\)/\1 \2/p' <<<"$said" | awk -v OFS='\t' -v policy="$1" -v puts="$2" \
        -v tables="$tables" -v blocks="$blocks" -v bytes="$bytes" -v merged="$merged" \
        '{ print policy, puts, $2, tables, blocks, sprintf("%.2f", bytes / merged), $1 }'
}

table() { # PUTS
    echo '| | bytes written for each byte put | tables that a get may ask | blocks read by a scan of ten keys | bytes for each when all is merged | bytes that the worst put moved |'
    echo '|---|--:|--:|--:|--:|--:|'
    for policy in $policies; do measure "$policy" "$1"; done | awk -F'\t' '
        function grouped(n,    tail) {
            for (; length(n) > 3; n = substr(n, 1, length(n) - 3)) tail = "," substr(n, length(n) - 2) tail
            return n tail
        }
        { printf "| %s | %s | %d | %d | %s | %s |\n", $1, $3, $4, $5, $6, grouped($7) }'
}

plot() { # TSV SVG
    printf 'policy\tputs\twritten\ttables\tblocks\tspace\tworst\n' >"$1"
    for policy in $policies; do
        for puts in 25000 50000 100000 200000; do measure "$policy" "$puts"; done
    done >>"$1"
    draw "$1" "$2"
}

draw() { # TSV SVG
    local panel policy i at=62 looks=($'blue\tdot' $'orange\tring' $'green\tsquare' $'ink\tdot')
    {
        printf 'figure\t1080\t345\tEach compaction policy, from 25,000 to 200,000 puts\n'
        for panel in '3 Written@bytes written for each byte put, against puts' '5 Blocks@blocks read by a scan of ten keys' '6 Room@bytes for each when all is merged'; do
            printf 'panel\t%d\t95\t215\t205\t%s\t%s\n' $at "$(cut -d@ -f1 <<<"${panel#* }")" "${panel#*@}"
            printf 'x\tlog\t22000\t220000\t25000=25k 50000=50k 100000=100k 200000=200k\ny\tlin\t-\t-\t-\n'
            i=0
            for policy in $policies; do
                printf 'line\t%s\t%s\n' "$policy" "${looks[i]}"
                awk -F'\t' -v OFS='\t' -v policy="$policy" -v c="${panel%% *}" '$1 == policy { print "p", $2, $c }' "$1"
                i=$((i + 1))
            done
            at=$((at + 350))
        done
    } | bench/svg.pl "$2"
}

case ${1:-} in
table | plot)
    work=$(TMPDIR=${TMPDIR:-/dev/shm} mktemp -d) || exit 1
    trap 'rm -rf "$work"' EXIT
    cc -O2 -Iinclude -o "$work/one_put" docs/examples/one_put.c build/libstrata.a -lxxhash -llz4 -lpthread || exit 1 ;;
esac
case ${1:-} in
table) table "$2" ;;
plot) plot "$2" "$3" ;;
draw) draw "$2" "$3" ;;
*) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 2 ;;
esac
