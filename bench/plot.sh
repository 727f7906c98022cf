#!/bin/bash
# Pictures of what strata-bench has written: SVG by gnuplot.
#
#   bench/plot.sh [--help]
#
#   FROM=build/bench   where the results are: of results.json throughput.svg, latency.svg and
#                      amplification.svg are made; of stairs.json stairs.svg; of sizes-N.json, for
#                      several N, sizes.svg and growth.svg. What is not there is left out.
#   TO=FROM            where the pictures go
#
# Example
#   make bench SET=stairs bench-plot TO=/tmp
#
# Exit status: 0 drawn, 1 something failed, or there was nothing to draw, 2 usage.
set -u -o pipefail
export LC_ALL=C

usage() { echo "plot: $1" >&2; exit 2; }
case ${1:-} in
--help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
'') ;;
*) usage "\"$1\" is no option; see --help" ;;
esac
FROM=${FROM:-build/bench}
TO=${TO:-$FROM}
[ -d "$FROM" ] || usage "there is no directory $FROM"
command -v gnuplot >/dev/null || { echo "plot: there is no gnuplot" >&2; exit 1; }
mkdir -p "$TO" || exit 1
. "$(dirname "$0")/runs.bash"
. "$(dirname "$0")/scratch.bash"
. "$(dirname "$0")/svg.bash"
scratch plot

# ---- Results as lines ----------------------------------------------------------------------------

engines() { cut -f1 "$1" | awk '!seen[$0]++'; }
# Of these, in this order, what is in the file.
works() { # FILE WORKLOAD...
    local file=$1 work
    shift
    for work; do cut -f2 "$file" | grep -qx "$work" && echo "$work"; done
}

# An engine has its colour in every picture: Strata black and thick, older stages grey.
colour() { # NAME NUMBER
    case $1 in
    Strata*) [ "${2:-0}" = 0 ] && echo '#000000' || echo '#888888' ;;
    leveldb) echo '#009e73' ;;
    rocksdb) echo '#56b4e9' ;;
    lmdb) echo '#d55e00' ;;
    sqlite) echo '#cc79a7' ;;
    tkrzw) echo '#e69f00' ;;
    esac
}
# What is no engine by its number.
style() { # NAME NUMBER
    local point
    case $1 in
    Strata*) echo "lw 3 pt 7 ps 0.9 lc rgb '$(colour "$1" "$2")'" && return ;;
    leveldb) point=6 ;;
    rocksdb) point=5 ;;
    lmdb) point=9 ;;
    sqlite) point=11 ;;
    tkrzw) point=13 ;;
    *) svg_style "$2" && return ;;
    esac
    echo "lw 1.5 pt $point ps 0.8 lc rgb '$(colour "$1")'"
}
title() { # NAME
    case $1 in leveldb) echo LevelDB ;; rocksdb) echo RocksDB ;; lmdb) echo LMDB ;; sqlite) echo SQLite ;; tkrzw) echo Tkrzw ;; *) echo "$1" ;; esac
}
# One panel: a line, or points, an engine. FILE's columns are 1 engine, 2 x, 3 y, 4 least, 5 most.
curves() { # FILE WITH
    local file=$1 with=$2 number=0 stages=0 engine comma='plot '
    while read -r engine; do
        awk -F'\t' -v engine="$engine" '$1 == engine && $3 != "-"' "$file" >"$file.$number"
        if [ -s "$file.$number" ]; then
            printf "%s'%s' using %s with %s %s title '%s'" "$comma" "$file.$number" \
                "$([ "$with" = xerrorbars ] && echo '3:2:4:5' || echo '2:3')" "$with" \
                "$(style "$engine" "$([[ $engine == Strata* ]] && echo $stages || echo $number)")" "$(title "$engine")"
            comma=', '
            [[ $engine == Strata* ]] && stages=$((stages + 1))
        fi
        number=$((number + 1))
    done < <(engines "$file")
    echo
}
# ---- Throughput: times LevelDB's -----------------------------------------------------------------

# A row a workload, a point an engine in it; $top is where the panel begins, in pixels.
row=26 top=10
panel_of_ratios() { # ALL NAME TITLE WORKLOAD...
    local all=$1 name=$2 title=$3 list
    shift 3
    mapfile -t list < <(works "$all" "$@")
    [ ${#list[@]} -gt 0 ] || return 0
    awk -F'\t' -v OFS='\t' -v list="${list[*]}" -v engine_of="leveldb" '
        BEGIN { n = split(list, work, " "); for (i = 1; i <= n; i++) place[work[i]] = i - 1 }
        { ops[$1, $2] = $3; least[$1, $2] = $4; most[$1, $2] = $5; if (!seen[$1]++) engine[++count] = $1 }
        END {
            for (e = 1; e <= count; e++) for (i = 1; i <= n; i++) {
                base = ops[engine_of, work[i]]; x = ops[engine[e], work[i]]
                if (base + 0 > 0 && x + 0 > 0)
                    print engine[e], place[work[i]] + (e - (count + 1) / 2) * 0.16, x / base, least[engine[e], work[i]] / base, most[engine[e], work[i]] / base
            }
        }' "$all" >"$T/$name"
    [ -s "$T/$name" ] || return 0
    echo "set title '$title'; set yrange [${#list[@]}-0.5:-0.5]; set ytics ($(i=0; for work in "${list[@]}"; do printf "%s'%s' %d" "$([ $i = 0 ] || echo ', ')" "$work" $i; i=$((i + 1)); done))"
    echo "set tmargin at screen 1 - ($top + 30.0) / $height; set bmargin at screen 1 - ($top + 30.0 + $row * ${#list[@]}) / $height"
    curves "$T/$name" xerrorbars
    top=$((top + 75 + row * ${#list[@]}))
}
throughput() { # RESULTS SVG
    local height writes reads ycsb
    runs "$1" ops_per_s_median min max >"$T/all"
    grep -q '^leveldb' "$T/all" || { echo "plot: throughput.svg is left out: LevelDB was not measured" >&2; return 0; }
    writes='fillseq fillbatch fillsync fillsync8 fill100K fillrandom filluniquerandom overwrite deleterandom compact'
    reads='readrandom readmissing readhot readsmallcache readwhilewriting seekrandom readseq readreverse open reopen openafterkill putafterkill'
    ycsb='ycsba ycsbb ycsbc ycsbd ycsbe ycsbf'
    height=$((10 + 3 * 75 + row * $(works "$T/all" $writes $reads $ycsb | wc -l)))
    {
        echo "set multiplot; set logscale x; set format x '%g'; set key outside right top; set grid xtics; set lmargin at screen 0.14; set rmargin at screen 0.86"
        echo "set arrow 1 from first 1, graph 0 to first 1, graph 1 nohead dt 2 lc rgb '#888888'"
        panel_of_ratios "$T/all" writes 'Writing: operations a second, times LevelDB (bars: least and most)' $writes
        panel_of_ratios "$T/all" reads 'Reading and opening: times LevelDB' $reads
        panel_of_ratios "$T/all" ycsb 'YCSB: times LevelDB' $ycsb
    } | svg "$2" 'Operations a second of each workload, as multiples of those of LevelDB' 1000 $height
}

# ---- Latency -------------------------------------------------------------------------------------

latency() { # RESULTS SVG
    local work list
    runs "$1" p50_us p99_us p999_us max_us >"$T/latency"
    mapfile -t list < <(works "$T/latency" filluniquerandom overwrite fillsync readrandom seekrandom ycsba)
    [ ${#list[@]} -gt 0 ] || return 0
    {
        echo "set multiplot layout 2,3 title 'Latency of a call, in microseconds'; set logscale y; set format y '%g'; set key below horizontal samplen 2 font ',9'"
        echo "set xtics ('p50' 0, 'p99' 1, 'p99.9' 2, 'max' 3); set xrange [-0.2:3.2]"
        for work in "${list[@]}"; do
            awk -F'\t' -v OFS='\t' -v work="$work" '$2 == work { for (i = 3; i <= 6; i++) print $1, i - 3, $i }' \
                "$T/latency" >"$T/latency.$work"
            echo "set title '$work'"
            curves "$T/latency.$work" linespoints
        done
    } | svg "$2" 'Latency of a call in microseconds, from the usual to the slowest, a panel for each workload' 1000 640
}

# ---- Amplification and memory --------------------------------------------------------------------

bars() { # FILE TITLE: lines of engine and number
    local line name value number=0
    [ -s "$1" ] || return 0
    echo "set title '$2'; set yrange [0:*]; set style fill solid 0.8; set boxwidth 0.6; unset key"
    printf 'plot '
    while IFS=$'\t' read -r name value; do
        printf "'%s' every ::%d::%d using (%d):2:xtic('%s') with boxes lc rgb '%s', " "$1" $number $number $number "$(title "$name")" "$(colour "$name")"
        number=$((number + 1))
    done <"$1"
    echo "'$1' using 0:2:(sprintf(\$2 < 100 ? '%.2f' : '%.0f', \$2)) with labels offset 0,0.6"
}
amplification() { # RESULTS SVG
    local of
    runs "$1" write_amp disk_per_live_byte space_amp rss_mb >"$T/amp"
    for of in 'settle 3' 'settle 4' 'compact 5' 'readrandom 6'; do
        awk -F'\t' -v OFS='\t' -v work="${of% *}" -v column="${of#* }" '
            $2 == work && $column != "-" && !seen[$1]++ { print $1, $column }' "$T/amp" >"$T/amp.${of/ /.}"
    done
    [ -s "$T/amp.settle.3" ] || [ -s "$T/amp.settle.4" ] || return 0
    {
        echo "set multiplot layout 2,2 title 'Amplification and memory: less is better'; set offsets 0.3,0.3,graph 0.12,0"
        bars "$T/amp.settle.3" 'Write: bytes written per byte put, random load and its compaction debt'
        bars "$T/amp.settle.4" 'Disk: bytes per byte of keys and values'
        bars "$T/amp.compact.5" 'Space: bytes at rest per byte compacted'
        bars "$T/amp.readrandom.6" 'Memory: MB resident, random gets'
    } | svg "$2" 'Write amplification, bytes on disk, space amplification and memory of each engine' 1000 640
}

# ---- Growth, and the staircase -------------------------------------------------------------------

sizes() { # SVG RESULTS...
    local svg=$1 file work
    shift
    for file; do runs "$file" n ops_per_s_median | awk -F'\t' -v OFS='\t' -v keys="$(size_of "$file")" '{ $3 = keys; print }'; done >"$T/sizes"
    {
        echo "set multiplot layout 2,3 title 'Operations a second, against the number of keys'; set logscale xy; set format x '%.0s%c'; set format y '%.0s%c'; set key below horizontal samplen 2 font ',9'"
        for work in $(works "$T/sizes" filluniquerandom overwrite readrandom readmissing seekrandom readseq); do
            awk -F'\t' -v OFS='\t' -v work="$work" '$2 == work { print $1, $3, $4 }' "$T/sizes" >"$T/sizes.$work"
            echo "set title '$work'"
            curves "$T/sizes.$work" linespoints
        done
    } | svg "$svg" 'Operations a second against the number of keys, a panel for each workload' 1000 640
}

# A panel a kind of step: how many times as much an operation of Strata costs as with the fewest keys,
# beside how many times as many levels there are; what it costs, in the legend.
growth() { # SVG
    local panel column
    FROM="$FROM" TO="$T" "$(dirname "$0")/growth.sh" >/dev/null 2>&1 || return 0
    awk -F'\t' -v OFS='\t' '
        NR == 1 { print; next }
        NR == 2 { for (i = 2; i <= NF; i++) first[i] = $i }
        { for (i = 2; i <= NF; i++) $i = first[i] > 0 ? $i / first[i] : 1; print }' "$T/growth.tsv" >"$T/times.tsv"
    {
        echo "set multiplot layout 1,3 title 'What an operation of Strata costs, times as much as with the fewest keys'; set logscale x; set format x '%.0s%c'; set key top left reverse Left font ',10'"
        echo "set xlabel 'keys'; set yrange [0:*]; set offsets graph 0.05, graph 0.05, graph 0.5, 0"
        for panel in "keys compared:4 7 10 13" "filters asked:8 11" "blocks looked at:9 12 15"; do
            echo "set title '${panel%%:*}: times as many'"
            printf 'plot '
            for column in ${panel#*:} 2; do
                printf "'%s' using 1:%d with linespoints %s title '%s'" "$T/times.tsv" "$column" \
                    "$([ "$column" = 2 ] && echo "lw 2 dt 2 pt 4 lc rgb '#000000'" || style operation $(((column - 1) / 3)))" "$(cost_of "$column")"
                [ "$column" = 2 ] && echo || printf ', '
            done
        done
    } | svg "$1" 'What an operation of Strata costs in steps, against the number of keys' 1080 400
}
cost_of() { # COLUMN: "readrandom: 16.1 .. 24.5"
    awk -F'\t' -v c="$1" '
        function text(x) { return c == 2 ? x : sprintf(x < 1 ? "%.3f" : "%.1f", x) }
        NR == 1 { split($c, name, ".") } NR == 2 { first = $c } { last = $c }
        END { print name[1] ": " text(first) " .. " text(last) }' "$T/growth.tsv"
}
stairs() { # RESULTS SVG
    local panel
    runs "$1" ops_per_s_median | awk -F'\t' -v OFS='\t' 'sub(/^Strata /, "", $1) { print $2, $1, $3 }' >"$T/stairs"
    [ -s "$T/stairs" ] || return 0
    {
        echo "set multiplot layout 1,2 title 'The same work at every stage: operations a second'; set logscale y; set format y '%.0s%c'; set xlabel 'stage' offset 0,0.8; set bmargin 6; set key outside bottom center horizontal font ',9'; set xtics 1"
        for panel in "Writing: fillseq fillbatch fillrandom overwrite deleterandom fillsync compact" \
            "Reading and opening: readrandom readmissing seekrandom readseq readreverse open openafterkill"; do
            for work in ${panel#*: }; do awk -F'\t' -v work="$work" '$1 == work' "$T/stairs"; done >"$T/stairs.${panel%%:*}"
            [ -s "$T/stairs.${panel%%:*}" ] || continue
            echo "set title '${panel%%:*}'"
            curves "$T/stairs.${panel%%:*}" linespoints
        done
    } | svg "$2" 'Operations a second of the same work at every stage' 1000 420
}

# ---- All that can be drawn -----------------------------------------------------------------------

drawn=
draw() { # NAME FUNCTION ARGUMENT...
    local name=$1
    shift
    rm -f "$TO/$name"
    "$@" || { echo "plot: $name could not be drawn" >&2; exit 1; }
    [ -s "$TO/$name" ] && drawn="$drawn $TO/$name"
}
if [ -f "$FROM/results.json" ]; then
    draw throughput.svg throughput "$FROM/results.json" "$TO/throughput.svg"
    draw latency.svg latency "$FROM/results.json" "$TO/latency.svg"
    draw amplification.svg amplification "$FROM/results.json" "$TO/amplification.svg"
fi
[ -f "$FROM/stairs.json" ] && draw stairs.svg stairs "$FROM/stairs.json" "$TO/stairs.svg"
mapfile -t several < <(sizes_in "$FROM")
if [ ${#several[@]} -gt 1 ]; then
    draw sizes.svg sizes "$TO/sizes.svg" "${several[@]}"
    draw growth.svg growth "$TO/growth.svg"
fi
[ -n "$drawn" ] || { echo "plot: no results in $FROM: run make bench, with SET=stairs or SET=sizes too" >&2; exit 1; }
echo "written:$drawn"
