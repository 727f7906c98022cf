#!/bin/bash
# Runs every test program and script of the project (see tests/tests.mk for what is where), JOBS at
# a time (one more than there are cores, as some wait for the disk), and ends with "N passed, N failed". Exit
# code 1 when one failed.
#
#   B=build STAGE= QUICK= ALL= tests/tools/run.sh [REGEX]    only suites whose name matches REGEX
#   SKIP=REGEX                                          but for those that match this one
#   STRATA_ENGINE=mine.so STAGE=N                       only what is asked of an engine of one's own
#   LOGS=DIR TAIL=60                                    where output goes; how much a failure shows
#   COUNTS=DIR                                          where a MODE=cov build writes its counts
#
# A run that names no suites (no STAGE, no REGEX) takes some minutes: all have QUICK sizes, and what finds nothing
# that another one would not is left out: left_out below. ALL=1 runs every suite, the newest stage's at
# their usual size: the others, whose modules it goes on with, and what is run a second time on mapped
# files or by tiers, have QUICK sizes. QUICK=1: all have. QUICK=no: none, and what explores crashes goes deeper; so it is
# for the stage that STAGE names.
#
# A run that is ended before all suites were run has failed, whatever those said that were.
#
# A suite speaks TAP: "ok ..." and "not ok ..." lines are counted. One that dies, or ends with a
# failure it has not reported, or reports nothing, or of fewer tests or more than it planned ("1..N"; an
# engine of one's own may call exit), counts as one failure.
set -u
B=${B:-build}
only=${1:-}
case $B in /*) STRATA=$B/strata ;; *) STRATA=$PWD/$B/strata ;; esac
all=${ALL:-}${STAGE:-}${STRATA_ENGINE:-}$only
[ -n "$all" ] || QUICK=${QUICK:-1}
export B STRATA CMOCKA_MESSAGE_OUTPUT=TAP QUICK=${QUICK:-}
# (256 MiB of freed memory are kept back otherwise: thousands of small databases fault on new pages)
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1:quarantine_size_mb=16}
export TSAN_OPTIONS=${TSAN_OPTIONS:-allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
logs=${LOGS:-$B/test-logs}
export -n LOGS # a test that runs tests has its own
rm -rf "$logs" && mkdir -p "$logs" || exit 1

stages=$(ls -d stages/*/stage.mk 2>/dev/null | sed -E 's|stages/0*([0-9]+)_.*|\1|')
[ -n "${STAGE:-}" ] && stages=$STAGE
newest=$(tail -n 1 <<<"$stages")
[ -n "${STAGE:-}" ] && QUICK=${QUICK:-no}

# (Here and below no process is begun that need not be: of a thousand suites most are shorter than ten of those.)

# Does it read stage 9's tables, which may be mapped? (Of all that do the newest is asked.)
reads_tables() { # STAGE
    [ "$1" = "$newest" ] && [ "$1" -ge 9 ]
}

# Does it have stage 6's levels, which may be tiers? (Likewise.)
has_levels() { # STAGE
    local dir
    printf -v dir %02d "$1"
    [ "$1" = "$newest" ] && [ -f stages/06_leveled_compaction/stage.mk ] &&
        { [ "$1" = 6 ] || grep -qs 06_leveled_compaction stages/"$dir"_*/stage.mk; }
}

# Has it work in the background? It may be done by a thread, the default, or by steps that a seed
# draws, or by writes. (The crash laboratory cuts a single order of calls: it has writes or a seed do
# it; a process that is killed has the thread.)
has_background() { # STAGE
    [ "$1" -ge 10 ] && compgen -G 'stages/*/work/background.c' > /dev/null
}

# PREFIX STAGE BEFORE PROGRAM...: a line for each program that there is, named PREFIX and as it is; a stage's
# own without its number; with BEHIND= that behind the name.
list() {
    local prefix=$1 stage=$2 before=$3 t n
    for t in "${@:4}"; do
        n=${t##*/}
        case $n in *.sh) n=${n%.sh} ;; *) n=${n%_test} ;; esac
        [[ $t != */stages/* ]] || n=${n#*_}
        [ ! -e "$t" ] || echo "$prefix $n${BEHIND:-}|$stage|$before$t"
    done
}

# Has it a value log? (Of all that have the newest is asked. The values of the suites are small: with this
# threshold most of them are in value files.)
has_values() { # STAGE
    [ "$1" = "$newest" ] && [ "$1" -ge 12 ] && [ -f stages/12_value_log/stage.mk ]
}

# name|stage|command, one a line
suites() {
    local t s n by of
    if [ -z "${STAGE:-}${STRATA_ENGINE:-}" ]; then
        list unit '' '' "$B"/tests/unit/*_test
        list cli '' 'bash ' tests/cli/*.sh
        list project '' 'bash ' tests/project/*.sh
        list docs '' 'bash ' tests/docs/*.sh
    fi
    for s in $stages; do
        for t in "$B"/tests/contract/*_test "$B"/tests/crash/*_test; do
            by=
            [[ $t = */kill_real_test ]] && has_background "$s" && by="env STRATA_BACKGROUND_THREAD=1 "
            list "stage $s" "$s" "$by" "$t"
        done
        [ -z "${STRATA_ENGINE:-}" ] || continue
        reads_tables "$s" && list "stage $s mapped" "$s" "env STRATA_MAPPED_READS=1 " \
            "$B"/tests/contract/contract_{fault,iter,model}_test "$B"/tests/crash/{bits,faults,memory}_test
        has_values "$s" && list "stage $s values" "$s" "env STRATA_VALUE_BYTES=40 " \
            "$B"/tests/contract/contract_{copy,fault,iter,model,promise,range,snapshot,thread,txn}_test \
            "$B"/tests/crash/{bits,explorer,faults,kill_model,memory,power_cut}_test
        has_values "$s" && list "stage $s collecting" "$s" "env STRATA_VALUE_BYTES=40 STRATA_BACKGROUND_SEED=3 " \
            "$B"/tests/contract/contract_model_test "$B"/tests/crash/{explorer,power_cut}_test
        has_levels "$s" && list "stage $s tiered" "$s" "env STRATA_TIERED=1 " \
            "$B"/tests/contract/contract_model_test "$B"/tests/crash/{power_cut,explorer}_test
        printf -v of %02d "$s"
        if has_background "$s"; then
            for t in "$B"/tests/contract/*_test "$B"/tests/crash/{explorer,faults,kill_model,power_cut}_test; do
                for n in 1 2; do
                    [ "${t##*/} $n" = "faults_test 2" ] || # those are asked of a thread
                        BEHIND=" $n" list "stage $s seeded" "$s" "env STRATA_BACKGROUND_SEED=$n " "$t"
                done
            done
            list "stage $s background" "$s" "env STRATA_BACKGROUND_THREAD=1 " \
                "$B"/tests/contract/*_test "$B"/tests/crash/{faults,memory}_test
            list "stage $s background" "$s" "env STRATA_BACKGROUND_THREAD=1 " \
                "$B"/tests/stages/"$of"_{failing,killed,sessions,snapshot,tree}_test
        fi
        list "stage $s" "$s" '' "$B"/tests/stages/"$of"_*_test
    done
    [ -z "${STRATA_ENGINE:-}" ] || return 0
    for t in "$B"/fuzz/replay/*; do
        case $t in *.o | *.d | "$B/fuzz/replay/*") ;;
        */engine) for s in $stages; do echo "stage $s fuzz_engine|$s|$t --tap"; done ;;
        *) echo "fuzz ${t##*/}||$t --tap" ;;
        esac
    done
}

# What a run that names no suites leaves out, as a regex; what finds the same stands beside it.
left_out() {
    local newest middle again
    newest=$(tail -n 1 <<<"$stages")
    middle=$(sed '$d' <<<"$stages" | awk '$1 >= 7' | paste -sd'|')
    # The project's own tools, benchmarks and pages, and commands of which each call is refused: make everything.
    echo "^(project|docs) |^cli refused\\|"
    # A contract that an earlier stage promises, at the stages between 6 and the newest, whose modules these two have;
    # so for what crashes and damages. (4 and 5 are one store with two kinds of tables, and 6 is 5 with levels.)
    echo "^stage (${middle:-none}) (contract_(basic|copy|destroy|fault|files|inspect|iter|marker|marker_repair|model|process|promise|range|snapshot|thread|view)|bits|mark|removed|oracle|faults|memory|explorer|kill_real|kill_model|power_cut|fuzz_engine|schedule_crash)\\|"
    echo "^stage 4 (faults|memory|explorer|kill_real|fuzz_engine)\\||^stage 5 (kill_model|kill_real|power_cut)\\||^stage 6 (kill_model|power_cut)\\|"
    # Tests of a stage that a later one runs with its own parts, as its tests include them.
    again=$(sed -nE 's/^#include "0*([0-9]+)_(.*)_test\.c"/\1 \2/p' tests/stages/*_test.c 2>/dev/null | sort -u | paste -sd'|')
    echo "^stage (${again:-none})\\|"
    # The newest with background work by a seed's steps, by a thread, by tiers, or with mapped files: what crashes and damages
    # is asked without, and of values in value files; contracts, of the background thread.
    echo " (seeded|mapped|tiered|collecting) |^stage ($middle) background|background (faults|memory)|values (memory|explorer)"
}

# The long ones first, those of the newest stage before the others, so that all cores have work to
# the end.
in_order() {
    awk -F'|' '{ print ($1 ~ /kill_model/ ? 1 : $1 ~ long ? 2 : 3) "|" $0 }' \
        long='power_cut|explorer|faults|bits|memory|^docs|^cli (refused|tour|crash|scan|shell)' |
        sort -s -t'|' -k1,1n -k3,3nr | cut -d'|' -f2-
}

run_one() {
    IFS='|' read -r name stage command <<<"$1"
    log=$logs/${name// /_}.log
    begin=${EPOCHREALTIME//[!0-9]/}
    if [ -n "$stage" ]; then export STRATA_STAGE=$stage; fi
    if [ -n "$stage" ] && [ "$stage" != "$newest" ]; then QUICK=${QUICK:-1}; fi
    if [[ $name =~ " mapped "|" values "|" collecting "|" tiered "|" seeded "|" background " ]]; then QUICK=${QUICK:-1}; fi
    # Counts of a MODE=cov build: a set for each kind of suite. A process that is killed while it
    # writes them spoils those of its set.
    if [ -n "${COUNTS:-}" ]; then
        program=${command#bash } program=${program#env * }
        export GCOV_PREFIX=$COUNTS/$(basename "$(dirname "${program%% *}")")$stage
    fi
    timeout "${SUITE_SECONDS:-1800}" $command >"$log" 2>&1 </dev/null
    rc=$?
    spent=$(((${EPOCHREALTIME//[!0-9]/} - begin) / 1000))
    times >"$log.count" # in a subshell it would tell of that
    { read -r _; read -r user sys; } <"$log.count" # "0m1.234s" each
    user=${user//[.s]/} sys=${sys//[.s]/}
    cpu=$((60000 * (${user%m*} + ${sys%m*}) + 10#${user#*m} + 10#${sys#*m} + 50))
    # a library's output may stand before cmocka's on the same line
    read -r good bad skip planned < <(LC_ALL=C awk -v skipped="$skipped" '
        $0 ~ skipped { skip++; next }
        /^ok / { good++ }
        /^not ok / { bad++ }
        /^1\.\.[0-9]+$/ { planned += substr($0, 4) } # of each group
        END { print good + 0, bad + 0, skip + 0, planned + 0 }' "$log")
    [ $rc -ne 0 ] && [ "$bad" -eq 0 ] && { bad=1; echo "not ok - $name ended with status $rc" >>"$log"; }
    [ "$bad" -eq 0 ] && [ $((good + skip)) -gt 0 ] && [ $((good + skip)) -ne "$planned" ] && {
        bad=1
        echo "not ok - $name ended after $((good + skip)) of $planned tests" >>"$log"
    }
    [ $((good + bad + skip)) -eq 0 ] && { bad=1; echo "not ok - $name reported nothing" >>"$log"; }
    printf '%s %s %s\n' "$good" "$bad" "$skip" >"$log.count"
    word=ok more='' text=
    [ "$bad" -eq 0 ] || { word=FAILED text=$(show_failure); }
    [ "$skip" -eq 0 ] || { more=" $skip skipped" text=${text:-$(show_skipped)}; }
    # in one piece, as others print meanwhile
    printf '%-7s %-32s %5d passed %3d failed%s  %d.%03d s, %d.%d of CPU\n%s' "$word" "$name" "$good" "$bad" "$more" \
        $((spent / 1000)) $((spent % 1000)) $((cpu / 1000)) $((cpu % 1000 / 100)) "${text:+$text$'\n'}"
}

# The end of the output; if that is not all of it, the lines before it that say what failed, too.
show_failure() {
    sed 's/^/        | /' "$log" | grep -av '| ok ' | awk -v most="${TAIL:-60}" '
        { line[NR] = $0 }
        END {
            for (i = 1; i <= NR - most; i++)
                if (line[i] ~ /\| (# )?(ERROR|not ok [0-9])|: error: / && line[i] !~ /# *SKIP/ && shown++ < most) print line[i]
            for (i = NR > most ? NR - most + 1 : 1; i <= NR; i++) print line[i]
        }'
    echo "        whole output: $log"
}

# What cmocka says of a skipped test, "not ok 1 # SKIP NAME" behind the reason, in words.
show_skipped() {
    awk -v skipped="$skipped" '
        /^# skipped: / { why = ": " substr($0, 12); next }
        sub(/^not ok [0-9]+ # SKIP /, "skipped: ") { print "        | " $0 why; why = ""; next }
        $0 ~ skipped { print "        | " $0 }' "$log"
}
export -f run_one show_failure show_skipped
export logs newest skipped='^(not )?ok .*# *SKIP' # cmocka says "not ok" of a skipped test

every=$(suites)
twice=$(cut -d'|' -f1 <<<"$every" | tr ' ' _ | sort | uniq -d)
[ -z "$twice" ] || { echo "run.sh: two suites have the log: $twice" >&2; exit 1; }
cores=$(nproc 2>/dev/null || echo 2)
[ -n "$all" ] || SKIP=${SKIP:+$SKIP|}$(left_out | paste -sd'|')
mapfile -t chosen < <(grep -E -- "$only" <<<"$every" | { if [ -n "${SKIP:-}" ]; then grep -vE -- "$SKIP"; else cat; fi; } | in_order)
[ ${#chosen[@]} -eq 0 ] || printf '%s\0' "${chosen[@]}" | xargs -0 -r -P "${JOBS:-$((cores + 1))}" -I{} bash -c 'run_one "$1"' _ {}

[ -n "$all" ] || echo "left out: $(($(wc -l <<<"$every") - ${#chosen[@]})) suites; ALL=1 runs them, too"
cat "$logs"/*.count 2>/dev/null | awk -v chosen=${#chosen[@]} '
    NF == 3 { good += $1; bad += $2; skip += $3; run++ }
    END {
        if (good + bad == 0) { print "no test was run"; bad = 1 }
        else if (run < chosen) { print "FAILED  only " run " of " chosen " suites were run to their end"; bad++ }
        printf "%d passed, %d failed%s\n", good, bad, skip ? ", " skip " skipped" : ""
        exit bad > 0
    }'
