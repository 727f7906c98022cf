# sittings.bash: what sittings.sh and workshop.sh share: running tests on an engine of a learner's. From the
# repository's root; B is where the build is.
B=${B:-build} pl=tests/tools/workshop.pl
case $B in /*) ;; *) B=$PWD/$B ;; esac
unset MAKEFLAGS MAKELEVEL MFLAGS STRATA_ENGINE STRATA_TEST
export CMOCKA_MESSAGE_OUTPUT=TAP QUICK=1 STRATA_SEED=1

name_of() { basename "$(ls -d "stages/$(printf %02d "$((10#$1))")_"* 2>/dev/null | head -1)"; }
tests_file() { echo "docs/workshop/$(name_of "$1").tests"; }

# The programs that may tell whether a sitting is done, the plainest first. Of what is asked of every
# stage those are left out that are about common/db (marker, copies, processes, ...). As make check is to
# answer soon, those that take long are left out from stage 7 on, and tests of an earlier stage that are
# run again with this one's parts: make judge, and make test, run them. What stages 11 and 13 are about has
# contract tests of its own.
programs_of() { # STAGE
    local p
    for p in tests/contract/contract_basic_test.c "tests/stages/$(printf %02d "$1")"_*_test.c \
        tests/contract/contract_{open,iter,fault,model,promise,files,thread,inspect,txn,txn_lock,merge,expiry,range}_test.c \
        tests/crash/{kill_model,power_cut,bits}_test.c; do
        [ -e "$p" ] || continue
        [ "$1" -lt 7 ] || ! grep -qE '^#include "[0-9]+_.*_test\.c"' "$p" || continue
        p=${p#tests/}
        echo "${p%.c}"
    done | grep -vE "contract_($([ "$1" = 11 ] || echo 'txn|txn_lock|')$([ "$1" = 13 ] || echo 'merge|expiry|range|')no)_test" |
        if [ "$1" -ge 7 ]; then grep -E '^stages/|contract_(basic|iter|fault|txn|txn_lock|merge|expiry|range)' | grep -vE '_(crash|sessions|killed|many_tables)_test'; else cat; fi
}

# Runs a program, or one test of it, on ENGINE; what it prints goes to LOG. It is ended when it waits for
# LIMIT seconds, or computes for twice as long: other work on the machine is neither.
run_program() { # STAGE ENGINE PROGRAM LOG [TEST]
    local limit rc
    limit=$([ -n "${5:-}" ] && echo 10 || echo 20)
    ulimit -S -t $((2 * limit))
    { case $3 in
    stages/*)
        LD_LIBRARY_PATH=$(dirname "$2") STRATA_STAGE=$1 STRATA_TEST=${5:-} STRATA=$B/strata \
            perl tests/tools/limit.pl "$limit" ${RUNNER:-} "$B/workshop/$(name_of "$1")/${3#stages/}" >"$4" 2>&1 </dev/null ;;
    *)
        STRATA_ENGINE=$2 STRATA_STAGE=$1 STRATA_TEST=${5:-} STRATA=$B/strata \
            perl tests/tools/limit.pl "$limit" ${RUNNER:-} "$B/tests/$3" >"$4" 2>&1 </dev/null ;;
    esac; } 2>/dev/null # the shell's own word on a signal
    rc=$?
    case $rc in
    124) echo "it did not end: it waited for $limit s" >>"$4" ;;
    152) echo "it did not end: it computed for $((2 * limit)) s" >>"$4" ;;
    *) [ $rc -le 128 ] || [ $rc -gt 192 ] || echo "it was ended by signal $((rc - 128)), $(kill -l $((rc - 128)))" >>"$4" ;;
    esac
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
    local test hung=0
    run_program "$1" "$2" "$3" "$4.log"
    results "$4.log" >"$4"
    # what ends before its first test does so for each
    if [ -s "$4" ]; then
        while read -r test; do
            grep -qE "^(ok|bad|skip) $test\$" "$4" && continue
            # threads that wait for each other do so in many tests
            if [ $hung -lt 3 ]; then run_program "$1" "$2" "$3" "$4.one" "$test"; else : >"$4.one"; fi
            ! grep -q '^it did not end: ' "$4.one" || hung=$((hung + 1))
            if grep -qx "ok $test" <(results "$4.one"); then echo "ok $test"; else echo "bad $test"; fi >>"$4"
        done <"$5"
    fi
}
export -f run_program results all_results name_of
export B
