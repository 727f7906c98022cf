#!/bin/bash
# The crash explorer over all workloads and many seeds; see `strata help crash`.
#
#   B=build tests/tools/crash.sh run [STAGE] [SEEDS]   every stage; the last lines sum it up
#   B=build tests/tools/crash.sh full STAGE TIME       at full depth, for TIME (90, 90s, 5m, 2h)
#   STRATA_ENGINE=mine.so B=... crash.sh run STAGE     an engine of one's own, by its promises
#   tests/tools/crash.sh show                          what docs/crash/results.tsv holds, as a table
#
# `full` does one workload, drawn by one seed, under one model after another, and keeps each result
# in build/crash/: started again, with the same program, it goes on with the first one that is not
# there. The one under way when the time is over is done to its end. The sums replace the rows of
# the stage in docs/crash/results.tsv, unless a promise was broken.
set -u
B=${B:-build}
out=$B/crash results=docs/crash/results.tsv

# ---- run ----------------------------------------------------------------------------------------

stages() { "$B/strata" stages | sed -n 's/^stage \([0-9]*\) .*/\1/p'; }
promises_power_cut() { "$B/strata" stages | sed -n "/^stage $1 /,/^stage /p" | grep -q '^  power-cut '; }

# A stage that loses nearly every state needs no seeds to show it.
run() { # STAGES SEEDS
    local stage seeds rc=0 lines
    mkdir -p "$out"
    lines=$(mktemp)
    for stage in ${1:-$(stages)}; do
        seeds=$2
        [ -n "$seeds" ] || if promises_power_cut "$stage"; then seeds=24; else seeds=1; fi
        "$B/strata" crash --stage "$stage" ${STRATA_ENGINE:+--engine "$STRATA_ENGINE"} --seeds "$seeds" \
            >"$out/stage_$stage.txt" || rc=$?
        cat "$out/stage_$stage.txt"
        grep '^crash: ' "$out/stage_$stage.txt" >>"$lines"
    done
    echo
    cat "$lines"
    rm -f "$lines"
    return $rc
}

# ---- full ---------------------------------------------------------------------------------------

seconds_of() {
    case $1 in
    *[!0-9smh]* | '' | [smh]* | *[smh]?*) return 1 ;;
    *h) echo $((${1%h} * 3600)) ;;
    *m) echo $((${1%m} * 60)) ;;
    *) echo "${1%s}" ;;
    esac
}

# Without end: "WORKLOAD SEED".
units() {
    local seed
    for ((seed = 1; ; seed++)); do
        [ $seed -eq 2 ] && printf '%s 1\n' nothing merge held batches reopens writes large
        echo "mixed $seed"
        echo "unsynced $seed"
    done
}

# Those of another program tell nothing about this one. A row that is not whole (the disk was full,
# say) is dropped, and made again.
begin() { # FILE
    local program
    program="# $(cksum <"$B/strata")"
    mkdir -p "$out" || return
    if [ ! -f "$1" ] || [ "$(head -1 "$1")" != "$program" ]; then
        echo "$program" >"$1"
        return
    fi
    grep -E $'^# |^[a-z]+\t[0-9]+\t(posix|ordered|kill)(\t[0-9]+){4}$' "$1" >"$1.new" || return
    cmp -s "$1" "$1.new" || echo "crash.sh: $1: rows that are damaged are made again" >&2
    mv "$1.new" "$1"
}

one() { # FILE STAGE WORKLOAD SEED MODEL: adds its row
    local began line rc
    began=$(date +%s)
    "$B/strata" crash --stage "$2" --depth full --workload "$3" --seed "$4" --model "$5" \
        --keep "$out/violation" >"$out/last.txt" 2>"$out/last.err"
    rc=$?
    line=$(grep '^crash: ' "$out/last.txt" | sed -E 's/.*states=([0-9]+) distinct=([0-9]+) violations=([0-9]+)/\1\t\2\t\3/')
    if [ $rc -ne 0 ] || [ -z "$line" ]; then
        cat "$out/last.txt" "$out/last.err"
        echo "crash.sh: ended with $rc; the state is in $out/violation" >&2
        return 1
    fi
    rm -rf "$out/violation"
    printf '%s\t%s\t%s\t%s\t%s\n' "$3" "$4" "$5" "$line" $(($(date +%s) - began)) >>"$1"
}

machine() {
    printf '%s, %s cores' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -1)" "$(nproc)"
}

# One row a model: stage, model, runs, states, distinct, violations, minutes, day, machine.
sum() { # FILE STAGE
    awk -F'\t' -v stage="$2" -v day="$(date +%F)" -v machine="$(machine)" '
        /^#/ { next }
        { runs[$3]++; states[$3] += $4; distinct[$3] += $5; bad[$3] += $6; seconds[$3] += $7 }
        END {
            split("kill ordered posix", models, " ")
            for (i = 1; i <= 3; i++) {
                m = models[i]
                if (m in runs)
                    printf "%s\t%s\t%d\t%d\t%d\t%d\t%.1f\t%s\t%s\n", stage, m, runs[m], states[m], distinct[m],
                        bad[m], seconds[m] / 60, day, machine
            }
        }' "$1"
}

full() { # STAGE TIME
    local file=$out/full_$1.tsv limit end workload seed model rc=0
    limit=$(seconds_of "$2") || { echo "crash.sh: TIME=$2 is no time: 90, 90s, 5m, 2h" >&2; return 2; }
    stages | grep -qx "$1" || { echo "crash.sh: STAGE=$1: this build has no such stage" >&2; return 2; }
    end=$((SECONDS + limit))
    begin "$file" || return 4
    rm -rf "$out/violation"
    while read -r workload seed; do
        for model in posix ordered kill; do
            [ $SECONDS -lt $end ] || break 2
            grep -q "^$workload	$seed	$model	" "$file" && continue
            printf '%s\n' "$workload, seed $seed, $model" >&2
            one "$file" "$1" "$workload" "$seed" "$model" || { rc=1; break 2; }
        done
    done < <(units)
    [ $rc -eq 0 ] || return $rc # no sums: what was found is not among them
    mkdir -p docs/crash
    { grep -v "^$1	" "$results" 2>/dev/null; sum "$file" "$1"; } | sort >"$results.new" && mv "$results.new" "$results"
    sum "$file" "$1" | awk -F'\t' '{ print "crash: stage=" $1 " model=" $2 " states=" $4 " distinct=" $5 " violations=" $6 }'
}

# ---- show ---------------------------------------------------------------------------------------

show() {
    echo '| stage | model | runs | states | distinct | violations | minutes | day | machine |'
    echo '|--:|---|--:|--:|--:|--:|--:|---|---|'
    awk -F'\t' '
        function grouped(n,  s) {
            for (s = ""; length(n) > 3; n = substr(n, 1, length(n) - 3)) s = "," substr(n, length(n) - 2) s
            return n s
        }
        { printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", $1, $2, $3, grouped($4), grouped($5), $6, $7, $8, $9 }' "$results"
}

case ${1:-} in
run) run "${2:-}" "${3:-}" ;;
full) full "${2:-}" "${3:-}" ;;
show) show ;;
*) sed -n '4,7s/^# *//p' "$0" >&2; exit 2 ;;
esac
