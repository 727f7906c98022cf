#!/bin/bash
# Pictures of what strata-bench has written: SVG by gnuplot.
#
#   bench/plot.sh [--help]
#
#   FROM=build/bench   where the results are: of results.json throughput.svg, latency.svg and
#                      amplification.svg are made; of stairs.json stairs.svg; of sizes-N.json, for
#                      several N, sizes.svg. What is not there is left out.
#   TO=FROM            where the pictures go
#
# Example
#   make bench-stairs bench-plot TO=/tmp
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
. "$(dirname "$0")/scratch.bash"
scratch plot

# ---- Results as lines ----------------------------------------------------------------------------

# A line a run: engine TAB workload TAB the fields that were asked for; "-": not measured.
runs() { # FILE FIELD...
    local file=$1
    shift
    awk -v fields="$*" '
        function text(name) { return match($0, "\"" name "\": \"[^\"]*\"") ? substr($0, RSTART + length(name) + 5, RLENGTH - length(name) - 6) : "" }
        function number(name) { return match($0, "\"" name "\": [0-9.e+-]+") ? substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 4) : "-" }
        /"workload": / {
            line = (text("engine") == "strata" ? "Strata " number("stage") : text("engine")) "\t" text("workload")
            count = split(fields, field, " ")
            for (i = 1; i <= count; i++) line = line "\t" number(field[i])
            print line
        }' "$file"
}
engines() { cut -f1 "$1" | awk '!seen[$0]++'; }
# Of these, in this order, what is in the file.
works() { # FILE WORKLOAD...
    local file=$1 work
    shift
    for work; do cut -f2 "$file" | grep -qx "$work" && echo "$work"; done
}

head_of() { # SVG WIDTH HEIGHT
    echo "set terminal svg size $2,$3 noenhanced font 'sans,12' background rgb 'white'; set output '$1'"
    echo "set datafile separator tab; set datafile missing '-'; set grid ytics lc rgb '#dddddd'; set border 3; set tics nomirror"
}
# Strata thick and dark, the others in colours of their own; what is no engine by its number.
style() { # NAME NUMBER
    case $1 in
    Strata*) echo "lw 3 pt 7 ps 0.9 lc rgb '$([ "$2" = 0 ] && echo '#000000' || echo '#888888')'" ;;
    leveldb) echo "lw 1.5 pt 6 ps 0.8 lc rgb '#009e73'" ;;
    rocksdb) echo "lw 1.5 pt 5 ps 0.7 lc rgb '#56b4e9'" ;;
    lmdb) echo "lw 1.5 pt 9 ps 0.8 lc rgb '#d55e00'" ;;
    sqlite) echo "lw 1.5 pt 11 ps 0.8 lc rgb '#cc79a7'" ;;
    tkrzw) echo "lw 1.5 pt 13 ps 0.8 lc rgb '#0072b2'" ;;
    *) echo "lw 1.5 pt $((5 + $2)) ps 0.7 lc $(($2 + 1))" ;;
    esac
}
# One panel: a line, or points, an engine. FILE's columns are 1 engine, 2 x, 3 y, 4 least, 5 most.
curves() { # FILE WITH
    local file=$1 with=$2 number=0 stages=0 engine comma='plot '
    while read -r engine; do
        awk -F'\t' -v engine="$engine" '$1 == engine && $3 != "-"' "$file" >"$file.$number"
        if [ -s "$file.$number" ]; then
            printf "%s'%s' using %s with %s %s title '%s'" "$comma" "$file.$number" \
                "$([ "$with" = yerrorbars ] && echo '2:3:4:5' || echo '2:3')" "$with" \
                "$(style "$engine" "$([[ $engine == Strata* ]] && echo $stages || echo $number)")" "$engine"
            comma=', '
            [[ $engine == Strata* ]] && stages=$((stages + 1))
        fi
        number=$((number + 1))
    done < <(engines "$file")
    echo
}
names() { # WORKLOAD...: tics 0, 1, ...
    local i=0 work list=
    for work; do
        list="$list${list:+, }'$work' $i"
        i=$((i + 1))
    done
    echo "set xtics ($list) rotate by -35; set xrange [-0.5:$((i - 1)).5]"
}

# ---- Throughput: times LevelDB's -----------------------------------------------------------------

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
                    print engine[e], place[work[i]] + (e - count / 2) * 0.09, x / base, least[engine[e], work[i]] / base, most[engine[e], work[i]] / base
            }
        }' "$all" >"$T/$name"
    [ -s "$T/$name" ] || return 0
    names "${list[@]}"
    echo "set title '$title'"
    curves "$T/$name" yerrorbars
}
throughput() { # RESULTS SVG
    runs "$1" ops_per_s_median min max >"$T/all"
    grep -q '^leveldb' "$T/all" || { echo "plot: throughput.svg is left out: LevelDB was not measured" >&2; return 0; }
    {
        head_of "$2" 1000 1150
        echo "set multiplot layout 3,1; set logscale y; set ylabel 'times LevelDB'; set key outside right top"
        echo "set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead dt 2 lc rgb '#888888'"
        panel_of_ratios "$T/all" writes 'Writing: operations a second, times LevelDB (bars: least and most)' \
            fillseq fillbatch fillsync fill100K fillrandom filluniquerandom overwrite deleterandom compact
        panel_of_ratios "$T/all" reads 'Reading and opening' \
            readrandom readmissing readhot readsmallcache readwhilewriting seekrandom readseq readreverse open openafterkill
        panel_of_ratios "$T/all" ycsb 'YCSB' ycsba ycsbb ycsbc ycsbd ycsbe ycsbf
    } | gnuplot
}

# ---- Latency -------------------------------------------------------------------------------------

latency() { # RESULTS SVG
    local work list
    runs "$1" p50_us p99_us p999_us max_us >"$T/latency"
    mapfile -t list < <(works "$T/latency" filluniquerandom overwrite fillsync readrandom seekrandom ycsba)
    [ ${#list[@]} -gt 0 ] || return 0
    {
        head_of "$2" 1000 640
        echo "set multiplot layout 2,3; set logscale y; set format y '%.0s%c'; set ylabel 'us'; set key below horizontal font ',9'"
        echo "set xtics ('p50' 0, 'p99' 1, 'p99.9' 2, 'max' 3); set xrange [-0.2:3.2]"
        for work in "${list[@]}"; do
            awk -F'\t' -v OFS='\t' -v work="$work" '$2 == work { for (i = 3; i <= 6; i++) print $1, i - 3, $i }' \
                "$T/latency" >"$T/latency.$work"
            echo "set title '$work'"
            curves "$T/latency.$work" linespoints
        done
    } | gnuplot
}

# ---- Amplification and memory --------------------------------------------------------------------

bars() { # FILE TITLE: lines of name and number
    [ -s "$1" ] || return 0
    echo "set title '$2'; set yrange [0:*]; set xtics rotate by -35; set style fill solid 0.6; set boxwidth 0.6; unset key"
    echo "plot '$1' using 0:2:xtic(1) with boxes lc rgb '#4477aa', '' using 0:2:(sprintf('%.2f', \$2)) with labels offset 0,0.6"
}
amplification() { # RESULTS SVG
    runs "$1" write_amp space_amp rss_mb >"$T/amp"
    awk -F'\t' -v OFS='\t' '$2 == "settle" && $3 != "-" { print $1, $3 }' "$T/amp" >"$T/amp.write"
    awk -F'\t' -v OFS='\t' '$2 == "settle" && $4 != "-" { print $1, $4 }' "$T/amp" >"$T/amp.space"
    awk -F'\t' -v OFS='\t' '$2 == "readrandom" && $5 != "-" { print $1, $5 }' "$T/amp" >"$T/amp.memory"
    [ -s "$T/amp.write" ] || [ -s "$T/amp.space" ] || return 0
    {
        head_of "$2" 1000 380
        echo "set multiplot layout 1,3; set offsets 0,0,graph 0.12,0"
        bars "$T/amp.write" 'bytes written per byte put'
        bars "$T/amp.space" 'bytes on disk per byte of live data'
        bars "$T/amp.memory" 'MB of memory, reading'
    } | gnuplot
}

# ---- Growth, and the staircase -------------------------------------------------------------------

sizes() { # SVG RESULTS...
    local svg=$1 file work
    shift
    for file; do runs "$file" n ops_per_s_median | awk -F'\t' -v OFS='\t' -v keys="${file##*-}" '{ $3 = keys + 0; print }'; done >"$T/sizes"
    {
        head_of "$svg" 1000 640
        echo "set multiplot layout 2,3; set logscale xy; set format x '%.0s%c'; set format y '%.0s%c'; set xlabel 'keys'; set ylabel 'operations a second'; set key below horizontal font ',9'"
        for work in $(works "$T/sizes" filluniquerandom overwrite readrandom readmissing seekrandom readseq); do
            awk -F'\t' -v OFS='\t' -v work="$work" '$2 == work { print $1, $3, $4 }' "$T/sizes" >"$T/sizes.$work"
            echo "set title '$work'"
            curves "$T/sizes.$work" linespoints
        done
    } | gnuplot
}
stairs() { # RESULTS SVG
    local panel
    runs "$1" ops_per_s_median | awk -F'\t' -v OFS='\t' 'sub(/^Strata /, "", $1) { print $2, $1, $3 }' >"$T/stairs"
    [ -s "$T/stairs" ] || return 0
    {
        head_of "$2" 1000 420
        echo "set multiplot layout 1,2; set logscale y; set format y '%.0s%c'; set xlabel 'stage'; set ylabel 'operations a second'; set key outside bottom center horizontal font ',9'; set xtics 1"
        for panel in "Writing: fillseq fillbatch fillrandom overwrite deleterandom fillsync compact" \
            "Reading and opening: readrandom readmissing seekrandom readseq readreverse open openafterkill"; do
            for work in ${panel#*: }; do awk -F'\t' -v work="$work" '$1 == work' "$T/stairs"; done >"$T/stairs.${panel%%:*}"
            [ -s "$T/stairs.${panel%%:*}" ] || continue
            echo "set title '${panel%%:*}'"
            curves "$T/stairs.${panel%%:*}" linespoints
        done
    } | gnuplot
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
# shellcheck disable=SC2012 # names without oddities
mapfile -t several < <(ls "$FROM"/sizes-*.json 2>/dev/null | sort -t- -k2 -V)
[ ${#several[@]} -gt 1 ] && draw sizes.svg sizes "$TO/sizes.svg" "${several[@]}"
[ -n "$drawn" ] || { echo "plot: no results in $FROM: run make bench, bench-stairs or bench-sizes" >&2; exit 1; }
echo "written:$drawn"
