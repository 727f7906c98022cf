#!/bin/bash
# Pictures of what strata-bench has written: SVG, by bench/svg.pl.
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
mkdir -p "$TO" || exit 1
. "$(dirname "$0")/runs.bash"
. "$(dirname "$0")/scratch.bash"
scratch plot
svg() { "$(dirname "$0")/svg.pl" "$1"; } # FILE

# ---- Results as lines ----------------------------------------------------------------------------

engines() { cut -f1 "$1" | awk '!seen[$0]++'; }
# Of these, in this order, what is in the file.
works() { # FILE WORKLOAD...
    local file=$1 work
    shift
    for work; do cut -f2 "$file" | grep -qx "$work" && echo "$work"; done
}

# An engine has its colour and its point in every picture; older stages of Strata are grey.
look() { # NAME NUMBER
    case $1 in
    Strata*) [ "${2:-0}" = 0 ] && echo $'ink\tdot' || echo $'grey\tdot' ;;
    leveldb) echo $'green\tring' ;;
    rocksdb) echo $'blue\tsquare' ;;
    lmdb) echo $'orange\tup' ;;
    sqlite) echo $'pink\tdown' ;;
    tkrzw) echo $'amber\tdiamond' ;;
    esac
}
# What is no engine by its number.
looks=($'blue\tdot' $'orange\tring' $'green\tsquare' $'pink\tup' $'amber\tdown' $'sky\tdiamond' $'grey\tdot' $'ink\tring')
title() { # NAME
    case $1 in leveldb) echo LevelDB ;; rocksdb) echo RocksDB ;; lmdb) echo LMDB ;; sqlite) echo SQLite ;; tkrzw) echo Tkrzw ;; *) echo "$1" ;; esac
}
# The series of a panel, one for each engine (or workload) of FILE: its columns are 1 engine, 2 x, 3 y, 4 least, 5 most.
series() { # FILE
    local number=0 stages=0 engine
    while read -r engine; do
        case $engine in
        Strata*) printf 'line\t%s\t%s\n' "$engine" "$(look "$engine" $stages)" && stages=$((stages + 1)) ;;
        leveldb | rocksdb | lmdb | sqlite | tkrzw) printf 'line\t%s\t%s\n' "$(title "$engine")" "$(look "$engine")" ;;
        *) printf 'line\t%s\t%s\n' "$engine" "${looks[number % 8]}" ;;
        esac
        awk -F'\t' -v OFS='\t' -v engine="$engine" '$1 == engine && $3 != "-" { $1 = "p"; print }' "$1"
        number=$((number + 1))
    done < <(engines "$1")
}
# Panels side by side: panel NUMBER COLUMNS LEFT-OVER TITLE UNIT. LEFT-OVER is what its labels need at the right.
wide=1000 high=190
panel() {
    local number=$1 columns=$2 labels=$3 each=$((wide / $2))
    printf 'panel\t%d\t%d\t%d\t%d\t%s\t%s\n' $((number % columns * each + 62)) $((number / columns * (high + 85) + 95)) $((each - 72 - labels)) $high "$4" "${5:-}"
}
rows_of() { echo $((($1 + $2 - 1) / $2 * (high + 85) + 55)); } # PANELS COLUMNS: a picture's height

# ---- Throughput: times LevelDB's -----------------------------------------------------------------

# A row a workload, a point an engine in it; $top is where the panel begins, in pixels.
row=26 top=45
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
                    print engine[e], x / base, place[work[i]] + (e - (count + 1) / 2) * 0.16, least[engine[e], work[i]] / base, most[engine[e], work[i]] / base
            }
        }' "$all" >"$T/$name"
    [ -s "$T/$name" ] || return 0
    printf 'panel\t%d\t%d\t%d\t%d\t%s\t%s\n' 150 $((top + 56)) 820 $((row * ${#list[@]})) "$title" 'operations a second as multiples of LevelDB'"'"'s, logarithmic; bars: the least and the most of several runs'
    printf 'rows'; printf '\t%s' "${list[@]}"; printf '\nat\t1\nx\tlog\t-\t-\t-\n'
    series "$T/$name"
    top=$((top + 102 + row * ${#list[@]}))
}
throughput() { # RESULTS SVG
    local height writes reads ycsb
    runs "$1" ops_per_s_median min max >"$T/all"
    grep -q '^leveldb' "$T/all" || { echo "plot: throughput.svg is left out: LevelDB was not measured" >&2; return 0; }
    writes='fillseq fillbatch fillsync fillsync8 fill100K fillrandom filluniquerandom overwrite deleterandom compact'
    reads='readrandom readmissing readhot readsmallcache readwhilewriting seekrandom readseq readreverse open reopen openafterkill putafterkill'
    ycsb='ycsba ycsbb ycsbc ycsbd ycsbe ycsbf'
    height=$((45 + 3 * 102 + row * $(works "$T/all" $writes $reads $ycsb | wc -l)))
    {
        printf 'figure\t1000\t%d\tOperations a second of each workload, as multiples of those of LevelDB\n' $height
        panel_of_ratios "$T/all" writes 'Writing' $writes
        panel_of_ratios "$T/all" reads 'Reading and opening' $reads
        panel_of_ratios "$T/all" ycsb 'YCSB' $ycsb
    } | svg "$2"
}

# ---- Latency -------------------------------------------------------------------------------------

latency() { # RESULTS SVG
    local work list number=0
    runs "$1" p50_us p99_us p999_us max_us >"$T/latency"
    mapfile -t list < <(works "$T/latency" filluniquerandom overwrite fillsync readrandom seekrandom ycsba)
    [ ${#list[@]} -gt 0 ] || return 0
    {
        printf 'figure\t%d\t%d\tLatency of a call, from the usual to the slowest\n' $wide "$(rows_of ${#list[@]} 3)"
        for work in "${list[@]}"; do
            awk -F'\t' -v OFS='\t' -v work="$work" '$2 == work { for (i = 3; i <= 6; i++) print $1, i - 3, $i }' \
                "$T/latency" >"$T/latency.$work"
            panel $number 3 66 "$work" 'microseconds, logarithmic'
            printf 'x\tlin\t-0.1\t3.1\t0=p50 1=p99 2=p99.9 3=max\ny\tlog\t-\t-\t-\n'
            series "$T/latency.$work"
            number=$((number + 1))
        done
    } | svg "$2"
}

# ---- Amplification and memory --------------------------------------------------------------------

bars() { # FILE NUMBER TITLE UNIT: lines of engine and number
    local name value
    [ -s "$1" ] || return 0
    panel "$2" 2 10 "$3" "$4"
    while IFS=$'\t' read -r name value; do
        printf 'bar\t%s\t%s\t%s\t%s\n' "$(title "$name")" "$(look "$name" | cut -f1)" "$value" "$(awk -v v="$value" 'BEGIN { printf v < 100 ? "%.2f" : "%.0f", v }')"
    done <"$1"
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
        printf 'figure\t%d\t%d\tAmplification and memory: less is better\n' $wide "$(rows_of 4 2)"
        bars "$T/amp.settle.3" 0 'Write amplification' 'bytes written per byte put: a random load, and the compactions that it made due'
        bars "$T/amp.settle.4" 1 'Disk' 'bytes per byte of keys and values'
        bars "$T/amp.compact.5" 2 'Space amplification' 'bytes at rest per byte when all is compacted'
        bars "$T/amp.readrandom.6" 3 'Memory' 'resident MB, after random gets'
    } | svg "$2"
}

# ---- Growth, and the staircase -------------------------------------------------------------------

sizes() { # SVG RESULTS...
    local svg=$1 file work number=0 list
    shift
    for file; do runs "$file" n ops_per_s_median | awk -F'\t' -v OFS='\t' -v keys="$(size_of "$file")" '{ $3 = keys; print }'; done >"$T/sizes"
    mapfile -t list < <(works "$T/sizes" filluniquerandom overwrite readrandom readmissing seekrandom readseq)
    {
        printf 'figure\t%d\t%d\tOperations a second, against the number of keys, both logarithmic\n' $wide "$(rows_of ${#list[@]} 3)"
        for work in "${list[@]}"; do
            awk -F'\t' -v OFS='\t' -v work="$work" '$2 == work { print $1, $3, $4 }' "$T/sizes" >"$T/sizes.$work"
            panel $number 3 66 "$work" 'operations a second, against keys'
            printf 'x\tlog\t-\t-\t-\ny\tlog\t-\t-\t-\n'
            series "$T/sizes.$work"
            number=$((number + 1))
        done
    } | svg "$svg"
}

# A panel a kind of step: how many times as much an operation of Strata costs as with the fewest keys,
# beside how many times as many levels there are; what it costs, in the label.
growth() { # SVG
    local column number=0 what
    FROM="$FROM" TO="$T" "$(dirname "$0")/growth.sh" >/dev/null 2>&1 || return 0
    awk -F'\t' -v OFS='\t' '
        NR == 1 { print; next }
        NR == 2 { for (i = 2; i <= NF; i++) first[i] = $i }
        { for (i = 2; i <= NF; i++) $i = first[i] > 0 ? $i / first[i] : 1; print }' "$T/growth.tsv" >"$T/times.tsv"
    {
        printf 'figure\t%d\t%d\tWhat an operation of Strata costs, times as much as with the fewest keys\n' $wide "$(rows_of 3 1)"
        for what in "keys compared:4 7 10 13" "filters asked:8 11" "blocks looked at:9 12 15"; do
            panel $number 1 240 "${what%%:*}: times as many" 'against keys, logarithmic; in the label: how many with the fewest keys, and with the most'
            printf 'x\tlog\t-\t-\t-\ny\tlin\t-\t-\t-\n'
            for column in ${what#*:} 2; do
                printf 'line\t%s\t%s\n' "$(cost_of "$column")" "$([ "$column" = 2 ] && echo $'grey\tring' || echo "${looks[(column - 1) / 3 - 1]}")"
                awk -F'\t' -v OFS='\t' -v c="$column" 'NR > 1 { print "p", $1, $c }' "$T/times.tsv"
            done
            number=$((number + 1))
        done
    } | svg "$1"
}
cost_of() { # COLUMN: "readrandom: 16.1 .. 24.5"
    awk -F'\t' -v c="$1" '
        function text(x) { return c == 2 ? x : sprintf(x < 1 ? "%.3f" : "%.1f", x) }
        NR == 1 { split($c, name, ".") } NR == 2 { first = $c } { last = $c }
        END { print name[1] ": " text(first) " .. " text(last) }' "$T/growth.tsv"
}
stairs() { # RESULTS SVG
    local high=260 what number=0
    runs "$1" ops_per_s_median | awk -F'\t' -v OFS='\t' 'sub(/^Strata /, "", $1) { print $2, $1, $3 }' >"$T/stairs"
    [ -s "$T/stairs" ] || return 0
    {
        printf 'figure\t%d\t%d\tThe same work at every stage\n' $wide "$(rows_of 2 2)"
        for what in "Writing: fillseq fillbatch fillrandom overwrite deleterandom fillsync compact" \
            "Reading and opening: readrandom readmissing seekrandom readseq readreverse open openafterkill"; do
            for work in ${what#*: }; do awk -F'\t' -v work="$work" '$1 == work' "$T/stairs"; done >"$T/stairs.${what%%:*}"
            [ -s "$T/stairs.${what%%:*}" ] || continue
            panel $number 2 95 "${what%%:*}" 'operations a second, logarithmic, against the stage'
            printf 'x\tlin\t%s\n' "$(cut -f2 "$T/stairs.${what%%:*}" | sort -nu | awk 'NR == 1 { first = $1 } { last = $1; list = list (NR > 1 ? " " : "") $1 "=" $1 } END { print first - 0.1 "\t" last + 0.1 "\t" list }')"
            printf 'y\tlog\t-\t-\t-\n'
            series "$T/stairs.${what%%:*}"
            number=$((number + 1))
        done
    } | svg "$2"
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
