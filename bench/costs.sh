#!/bin/bash
# What stages 2 and 3 cost, each figure beside its goal and under the command that measured it:
# counts of the file layer and ratios between runs of the same minute first, times after them.
#
#   B=build STAGE= RUNS= bench/costs.sh [quick|full|opens]
#
#   quick    about half a minute, the opens on a tenth of the data (this is what `make bench` shows)
#   full     every goal at its own size, some minutes
#   opens    of full, what opening costs
#   RUNS=N   everything N times, in turns: medians, and least and most (quick 1, else 3)
#
# Needs bash, awk and coreutils. The databases are made in $TMPDIR, and removed.
set -u -o pipefail
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1

B=${B:-build}
BENCH=$B/bench/strata-bench
size=${1:-quick}
case $size in
quick) RUNS=${RUNS:-1} keys=1000000 reads=200000 synced=500000 opened=100000 ;;
full | opens) RUNS=${RUNS:-3} keys=1000000 reads=1000000 synced=2000000 opened=1000000 ;;
*) echo "costs: \"$size\" is none of quick, full, opens" >&2; exit 2 ;;
esac
part=${COSTS_PART:-1} # for a try in seconds: every size divided by it
keys=$((keys / part)) reads=$((reads / part)) synced=$((synced / part)) opened=$((opened / part))
# Opening less data has segments that are smaller by as much: 64 MiB for a million keys.
segment=$((opened * 64 * 1024 * 1024 / 1000000))

[ -x "$BENCH" ] || { echo "costs: there is no $BENCH: run \"make bench-build\"" >&2; exit 1; }
. bench/scratch.bash
scratch costs
export TMPDIR=$T

wants() { [ -z "${STAGE:-}" ] || [ "$STAGE" = "$1" ]; }
wants 2 || wants 3 || { [ "$size" = quick ] || echo "costs: stages 2 and 3 alone have such goals"; exit 0; }

# ---- Measuring ---------------------------------------------------------------------------------

# NAME ARGUMENTS, again and again: all of them in turns, RUNS times.
measure() {
    local run names=() calls=() i
    while [ $# -gt 0 ]; do
        names+=("$1") calls+=("$2")
        printf '\n  $ strata-bench %s' "$2"
        shift 2
    done
    printf '\n'
    for ((run = 1; run <= RUNS; run++)); do
        for i in "${!names[@]}"; do
            # shellcheck disable=SC2086
            "$BENCH" ${calls[i]} --json="$T/${names[i]}.$run" >"$T/out" 2>"$T/err" &
            running=$!
            wait $running || { running=; cat "$T/err" >&2; exit 1; }
            running=
        done
    done
}

# NAME WORKLOAD FIELD: one figure a run, sorted.
figures() {
    cat "$T/$1".[0-9]* | awk -v work="\"workload\": \"$2\"" -v name="\"$3\": " '
        index($0, work) && match($0, name "[^,}]*") {
            print substr($0, RSTART + length(name), RLENGTH - length(name)) }' | sort -g
}

median() { figures "$@" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# A / B, to two digits after the point.
ratio() { awk "BEGIN { printf \"%.2f\", $1 / $2 }"; }

# "1,234,567"
grouped() { printf '%.0f\n' "$1" | sed -E ':a; s/([0-9])([0-9]{3})($|,)/\1,\2\3/; ta'; }

# NAME WORKLOAD FIELD [SCALE]: the median; of several runs with least and most.
figure() {
    figures "$1" "$2" "$3" | awk -v scale="${4:-1}" '
        function text(x) { return sprintf(x >= 100 ? "%.0f" : x >= 10 ? "%.1f" : "%.2f", x) }
        { v[NR] = $1 * scale }
        END { printf "%s", text(v[int((NR + 1) / 2)]); if (NR > 1) printf " (%s-%s)", text(v[1]), text(v[NR]) }'
}

# NAME WORKLOAD WORKLOAD: the usual times of both.
times() { printf '%s / %s ms' "$(figure "$1" "$2" p50_us 0.001)" "$(figure "$1" "$3" p50_us 0.001)"; }

note() { printf '    %s\n' "$1"; }

# LABEL GOAL FIGURE [CONDITION]: a line; with the last, whether the goal is met.
row() {
    local verdict=
    [ -n "${4:-}" ] && verdict=$(awk "BEGIN { print ($4) ? \"met\" : \"NOT MET\" }")
    printf '    %-35s %-10s %-8s %s\n' "$1" "$2" "$verdict" "$3"
}

# ---- What it is measured on --------------------------------------------------------------------

machine() {
    local file=$T/machine.1
    "$BENCH" --stage=1 --num=1 --benchmarks=fillseq --json="$file" >/dev/null || exit 1
    sed -nE 's/.*"cpu": "([^"]*)", "cores": ([0-9]*), "kernel": "([^"]*)", "compiler": "([^"]*)".*/  \1, \2 cores; kernel \3; \4/p' "$file"
    printf '  files on %s; keys of 16 bytes, values of 100; %s\n' "$(stat -f -c %T "$T")" \
        "$([ "$RUNS" -gt 1 ] && echo "medians of $RUNS runs (least-most)" || echo "one run")"
}

# ---- Stage 2: the hash index -------------------------------------------------------------------

stage_2() {
    local one_record=$((17 + 16 + 100)) bytes memory
    measure s2 "--stage=2 --num=$keys --reads=$reads --seconds=60 --benchmarks=filluniquerandom,readrandom,readmissing"
    bytes=$(median s2 readrandom bytes_read_per_op)
    memory=$(median s2 filluniquerandom index_bytes_per_key)
    row "read per get: one record" "$one_record B" \
        "$bytes B in $(median s2 readrandom read_calls_per_op) calls" "$bytes == $one_record"
    bytes=$(median s2 readmissing bytes_read_per_op)
    row "read per get of a missing key" "0 B" "$bytes B" "$bytes == 0"
    row "memory of the index per key" "<= 64 B" "$memory B at $(grouped "$keys") keys" "$memory <= 64"
}

# NAME WITH: opening with hints beside opening without, of one run.
hint_rows() {
    local with without
    with=$(median "$1" openclean bytes_read_per_op)
    without=$(median "$1" openreplay bytes_read_per_op)
    row "read at open, with hints / without" "< 0.33" \
        "$(ratio "$with" "$without") ($(grouped "$with") / $(grouped "$without") B)" \
        "$with < $without / 3"
    row "  time" - "$(times "$1" openclean openreplay)"
}

stage_2_opens() {
    local how="--seconds=$seconds --benchmarks=filluniquerandom,openclean,openreplay"
    measure two "--stage=2 --num=$opened --segment_size=$segment $how"
    note "two segments"
    hint_rows two
    measure eight "--stage=2 --num=$opened --segment_size=$((segment / 4)) $how"
    note "eight segments"
    hint_rows eight
}

# ---- Stage 3: the write-ahead log --------------------------------------------------------------

latency() { # NAME WORKLOAD
    printf '%s  %s  %s  %s us' "$(figure "$1" "$2" p50_us)" "$(figure "$1" "$2" p99_us)" \
        "$(figure "$1" "$2" p999_us)" "$(figure "$1" "$2" max_us)"
}

stage_3_synced() {
    local how="--stage=3 --num=$synced --seconds=60 --benchmarks=fillsync" together
    measure one "$how" many "$how --threads=8"
    together=$(median many fillsync fsyncs_per_op)
    row "fsyncs a write, 8 threads" "<= 0.3" \
        "$together; 1 thread: $(median one fillsync fsyncs_per_op)" "$together <= 0.3"
    row "writes a second, 8 threads / 1" - \
        "$(ratio "$(median many fillsync ops_per_s)" "$(median one fillsync ops_per_s)") ($(figure many fillsync ops_per_s) / $(figure one fillsync ops_per_s))"
    row "p50 p99 p99.9 max, 1 thread" - "$(latency one fillsync)"
    row "p50 p99 p99.9 max, 8 threads" - "$(latency many fillsync)"
}

stage_3_unsynced() {
    local how="--num=$keys --seconds=60 --benchmarks=fillseq,fillrandom" work cpu
    measure first "--stage=1 $how" never "--stage=3 --sync=never $how,fillbatch"
    for work in fillseq fillrandom; do
        cpu=$(median never $work cpu_us_per_op)
        row "$work, puts a second of CPU" ">= 500,000" \
            "$(grouped "$(awk "BEGIN { print 1e6 / $cpu }")") ($(figure never $work cpu_us_per_op) us each)" \
            "1e6 / $cpu >= 500000"
        row "  beside stage 1's, CPU time" - \
            "$(ratio "$cpu" "$(median first $work cpu_us_per_op)") ($(figure first $work cpu_us_per_op) us)"
        row "  puts a second of the clock" - "$(figure never $work ops_per_s)"
        row "  p50 p99 p99.9 max" - "$(latency never $work)"
    done
    row "fillbatch 1000, records a second" - "$(figure never fillbatch ops_per_s)"
}

open_rows() { # NAME GOAL
    local clean replay
    clean=$(median "$1" openclean p50_us)
    replay=$(median "$1" openreplay p50_us)
    row "replay / checkpoint, time" "$2" "$(ratio "$replay" "$clean") ($(times "$1" openreplay openclean))" \
        "$([ "$2" = - ] || echo "$replay >= 5 * $clean")"
    clean=$(median "$1" openclean bytes_read_per_op)
    replay=$(median "$1" openreplay bytes_read_per_op)
    row "  bytes read" - "$(ratio "$replay" "$clean") ($(grouped "$replay") / $(grouped "$clean") B)"
}

stage_3_opens() {
    local how="--stage=3 --sync=never --num=$opened --segment_size=$segment"
    how+=" --seconds=$seconds --benchmarks=filluniquerandom,openclean,openreplay"
    measure ten "$how --passes=10"
    note "opening, each key written 10 times"
    open_rows ten ">= 5"
    measure distinct "$how"
    note "opening, distinct keys"
    open_rows distinct -
}

# ---- All of it ---------------------------------------------------------------------------------

seconds=$([ "$size" = quick ] && echo 3 || echo 120)
printf '\nWhat stages 2 and 3 cost, beside their goals\n'
machine
[ "$size" = opens ] || ! wants 2 || stage_2
! wants 2 || stage_2_opens
[ "$size" = opens ] || ! wants 3 || { stage_3_synced && stage_3_unsynced; }
! wants 3 || stage_3_opens
