#!/bin/bash
# Shows a drawn schedule of threads (tests/support/schedule.h), step by step: with a known bug in the code the
# simplest of those that find it; or the one of that number, again.
#
#   B=build STAGE=N tests/tools/schedule.sh MUTANT [NUMBER]     a patch in tests/mutants, which changes one .c file
#   B=build STAGE=N tests/tools/schedule.sh '' NUMBER           the code as it is
#
# COMPILE: the compiler with its options; OBJECTS: all that the program is linked from. Of the first SCHEDULES
# (20000) one that is told in 16 lines is taken, or else the shortest.
set -u
B=${B:-build}
mutant=${1:-} number=${2:-}
[ -n "$mutant$number" ] || { echo 'schedule.sh: which? [MUTANT=name] [SCHEDULE=number]' >&2; exit 2; }
program=$B/tests/contract/contract_schedule_test
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# The program with that bug.
with_bug() { # PATCH
    local file object objects
    file=$(sed -n 's|^+++ b/||p' "$1")
    [[ $file == *.c ]] || { echo "schedule.sh: $1 does not change one .c file" >&2; exit 2; }
    mkdir -p "$work/$(dirname "$file")" && cp "$file" "$work/$file" || exit 1
    patch -s -p1 -F0 -d "$work" <"$1" || exit 1
    object=$B/${file%.c}.o
    # shellcheck disable=SC2086 # options
    $COMPILE -iquote "$(dirname "$file")" -c "$work/$file" -o "$work/bug.o" || exit 1
    objects=$(tr ' ' '\n' <<<"$OBJECTS" | grep -vxF "$object")
    # shellcheck disable=SC2086
    $COMPILE -rdynamic -o "$work/program" "$work/bug.o" $objects ${LINK:-} || exit 1
    program=$work/program
}

# run FROM TO: the first of these that is wrong, its trace and what was said; false: none.
run() {
    export STRATA_SCHEDULES_FROM=$1 STRATA_SCHEDULES=$2 STRATA_SCHEDULE_TRACE=$work/trace
    ! { STRATA_TEST=contract_schedules_are_linearizable "$program" >"$work/said" 2>&1; } 2>/dev/null
}

# The simplest, with its number, as shown, shown.
search() {
    local from=1 found lines least=1000000
    while run $from "${SCHEDULES:-20000}"; do
        found=$(sed -n 's/.*STRATA_SCHEDULE=\([0-9]*\).*/\1/p' "$work/said" | head -1)
        [ -n "$found" ] || { cat "$work/said" >&2; exit 1; }
        from=$((found + 1))
        perl tests/tools/schedule.pl "$program" "$work/trace" "$work/said" >"$work/lines"
        lines=$(wc -l <"$work/lines")
        # a read of several keys, as of a snapshot, goes on when the operation has ended: what is wrong is not shown
        awk '/^no place was found/ { getline; exit gsub(/=/, "=") > 1 }' "$work/said" || lines=$((lines + 1000))
        [ "$lines" -ge "$least" ] && continue
        least=$lines number=$found
        cp "$work/lines" "$work/shown" && cp "$work/said" "$work/verdict"
        [ "$least" -le 16 ] && break
    done
    [ -n "$number" ] || { echo "schedule.sh: none of ${SCHEDULES:-20000} schedules finds it"; exit 1; }
}

if [ -n "$mutant" ]; then
    patch=$(ls tests/mutants/*/"$mutant.patch" 2>/dev/null) || { echo "schedule.sh: no patch $mutant in tests/mutants" >&2; exit 2; }
    directory=$(basename "$(dirname "$patch")")
    [[ -z ${STAGE:-} && $directory == [0-9]* ]] && STAGE=$((10#${directory%%_*}))
    with_bug "$patch"
fi
export STRATA_STAGE=${STAGE:-$("$B/strata" stages | awk '/^stage/ { n = $2 } END { print n + 0 }')}
unset STAGE
if [ -n "$number" ]; then
    run "$number" "$number"
    perl tests/tools/schedule.pl "$program" "$work/trace" "$work/said" >"$work/shown"
    cp "$work/said" "$work/verdict"
else
    search
fi
echo "schedule $number of stage $STRATA_STAGE${mutant:+, with the bug $mutant}:"
cat "$work/shown"
# What is said of it, without the framework's words.
said=$(sed -E 's/ ([0-9]+)=/ key\1=/g; s/=0( |$)/=none\1/g' "$work/verdict" | awk '/^no place was found for/ { getline; sub(/^ *[0-9.]+ /, ""); print "no order of the operations explains: " $0; exit }
    /Assertion|^[a-z ]+: .*|deadlock|waits for/ && !/STRATA_SCHEDULE|SKIP/ { print; exit }')
echo "${said:-every answer is right}"
