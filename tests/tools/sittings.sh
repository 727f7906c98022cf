#!/bin/bash
# The sittings of a stage that a learner writes: docs/workshop/NN_name.tsv, and which tests turn green
# with each: docs/workshop/NN_name.tests. `make start`, `check`, `progress`, `workshop-*` use it.
#
#   B=build STAGE=N tests/tools/sittings.sh check ENGINE      the sittings in order, up to the first that fails:
#                                                         what is wrong, in words. 0: none fails; 1
#   B=build STAGE=N tests/tools/sittings.sh progress DIR      every sitting of DIR, which `make start` wrote
#   B=build [STAGE=N] tests/tools/sittings.sh record          writes NN_name.tests
#   B=build [STAGE=N] tests/tools/sittings.sh prove           see make workshop-check; MUTANTS=no: without these
#
# What is built before: make workshop-build [STAGE=N].
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build} command=${1:-} pl=tests/tools/workshop.pl
unset MAKEFLAGS MAKELEVEL MFLAGS STRATA_ENGINE STRATA_TEST
export CMOCKA_MESSAGE_OUTPUT=TAP QUICK=1 STRATA_SEED=1

name_of() { basename "$(ls -d "stages/$(printf %02d "$((10#$1))")_"* 2>/dev/null | head -1)"; }
tests_file() { echo "docs/workshop/$(name_of "$1").tests"; }

# The programs that may tell whether a sitting is done.
programs_of() { # STAGE
    local p
    for p in "tests/stages/$(printf %02d "$1")"_*_test.c tests/contract/*_test.c tests/crash/{kill_model,power_cut,bits,removed}_test.c; do
        [ ! -e "$p" ] || { p=${p#tests/}; echo "${p%.c}"; }
    done
}

# Runs a program, or one test of it, on ENGINE; what it prints goes to LOG.
run_program() { # STAGE ENGINE PROGRAM LOG [TEST]
    local limit=${SECONDS_A_PROGRAM:-60} rc
    [ -z "${5:-}" ] || limit=20
    case $3 in
    stages/*)
        LD_LIBRARY_PATH=$(dirname "$2") STRATA_STAGE=$1 STRATA_TEST=${5:-} STRATA=$PWD/$B/strata \
            timeout "$limit" "$B/workshop/$(name_of "$1")/${3#stages/}" >"$4" 2>&1 </dev/null ;;
    *)
        STRATA_ENGINE=$2 STRATA_STAGE=$1 STRATA_TEST=${5:-} STRATA=$PWD/$B/strata \
            timeout "$limit" "$B/tests/$3" >"$4" 2>&1 </dev/null ;;
    esac
    rc=$?
    [ $rc -ne 124 ] || echo "it did not end within $limit s" >>"$4"
    [ $rc -lt 126 ] || [ $rc -gt 192 ] || echo "it was ended by signal $((rc - 128)), $(kill -l $((rc - 128)))" >>"$4"
    return $rc
}

# "ok NAME", "bad NAME" or "skip NAME" of each test in a log.
results() { # LOG
    sed -nE 's/^.*\bnot ok [0-9]+ # SKIP (\w+).*/skip \1/p; t
        s/^(.*[^t ] |)ok [0-9]+ # SKIP (\w+).*/skip \2/p; t
        s/^.*\bnot ok [0-9]+ - (\w+).*/bad \1/p; t
        s/^(.*[^t] |)ok [0-9]+ - (\w+).*/ok \2/p' "$1"
}

# The results of a program go to OUT; a test that the program ended before is run by itself. NAMES has
# those that are asked for, a line each.
all_results() { # STAGE ENGINE PROGRAM OUT NAMES
    local test
    run_program "$1" "$2" "$3" "$4.log"
    results "$4.log" >"$4"
    # what ends before its first test does so for each
    if [ -s "$4" ]; then
        while read -r test; do
            grep -qE "^(ok|bad|skip) $test\$" "$4" && continue
            run_program "$1" "$2" "$3" "$4.one" "$test"
            if grep -qx "ok $test" <(results "$4.one"); then echo "ok $test"; else echo "bad $test"; fi >>"$4"
        done <"$5"
    fi
}
export -f run_program results all_results name_of
export B

# ---- Recording and proving ---------------------------------------------------------------------------

# Runs every program for each state of a start: no sitting done, one, ... all. Results in $work/K/.
run_states() { # STAGE
    local stage=$1 last k program
    last=$($pl sittings "$stage" | wc -l)
    rm -rf "$work" && mkdir -p "$work"
    $pl start "$stage" "$work/dir" 0 >"$work/start.txt" || return 1
    for k in $(seq "$last" -1 0); do # the whole one first: its tests' names are asked for in all others
        mkdir -p "$work/$k/stages" "$work/$k/contract" "$work/$k/crash" "$work/names/"{stages,contract,crash}
        $pl fill "$stage" "$work/dir" "$k" || return 1
        if ! make -s -C "$work/dir" -j"${JOBS:-2}" CC="${CC:-cc}" CFLAGS='-O1 -Werror' >"$work/$k/build.log" 2>&1 || [ -s "$work/$k/build.log" ]; then
            cat "$work/$k/build.log"
            echo "sittings.sh: stage $stage with $k sittings done does not compile, or with warnings"
            return 1
        fi
        cp "$work/dir/mine.so" "$work/$k/mine.so"
        programs_of "$stage" | xargs -P "${JOBS:-2}" -I{} bash -c 'touch "$4/names/$3"; all_results "$1" "$2" "$3" "$5/$3" "$4/names/$3"' \
            _ "$stage" "$PWD/$work/$k/mine.so" {} "$work" "$work/$k"
        [ "$k" != "$last" ] || for program in $(programs_of "$stage"); do
            sed -n 's/^ok //p' "$work/$k/$program" >"$work/names/$program"
        done
    done
}

# The list, from these results: a test belongs to the first sitting from which on it is green.
list() { # STAGE
    local last
    last=$($pl sittings "$1" | wc -l)
    echo "# Which tests turn green with which sitting of stage $1. Written by make workshop-record STAGE=$1."
    for program in $(programs_of "$1"); do
        for k in $(seq 0 "$last"); do sed "s|^|$k $program |" "$work/$k/$program"; done
    done | awk -v last="$last" '
        { id = $2 "\t" $4; if (!(id in at)) { at[id] = ++n; name[n] = id }; if ($3 == "ok") green[id, $1] = 1 }
        END {
            for (s = 1; s <= last; s++)
                for (i = 1; i <= n; i++) {
                    for (k = last; k >= 0 && green[name[i], k]; k--) ;
                    if (k + 1 == s && s <= last) print s "\t" name[i]
                }
        }'
}

each_stage() { # FUNCTION
    local bad=0 stage stages
    stages=${STAGE:-$(ls docs/workshop/*.tsv | sed -E 's|.*/0*([0-9]+)_.*|\1|')}
    for stage in $stages; do "$1" "$stage" || bad=1; done
    return $bad
}

record() { # STAGE
    work=$B/workshop/$(name_of "$1")/states
    $pl names "$1" | grep -vE 'make workshop-record' && return 1
    run_states "$1" || return 1
    list "$1" >"$work/new" && cp "$work/new" "$(tests_file "$1")"
    grep -v '^#' "$(tests_file "$1")" | cut -f1 | sort -n | uniq -c | awk -v stage="$1" '
        { printf "%s%d with sitting %d", (NR > 1) ? ", " : "stage " stage ": tests that turn green: ", $1, $2 } END { print "" }'
}

prove() { # STAGE
    local bad=0
    work=$B/workshop/$(name_of "$1")/states
    $pl names "$1" || return 1
    run_states "$1" || return 1
    list "$1" >"$work/new"
    if diff -u --label recorded --label now "$(tests_file "$1")" "$work/new"; then
        echo "stage $1: the start compiles, its tests fail as listed, and $(grep -vc '^#' "$work/new") tests turn green sitting by sitting"
    else
        echo "stage $1: other tests turn green than are listed; if they should: make workshop-record STAGE=$1" && bad=1
    fi
    [ "${MUTANTS:-}" = no ] || tests/tools/workshop_mutants.sh "$1" || bad=1
    return $bad
}

case $command in
record | prove) each_stage "$command"; exit ;;
esac
