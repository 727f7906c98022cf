#!/bin/bash
# Records, and proves, what make start, make check and make progress rely on.
#
#   B=build [STAGE=N] tests/tools/workshop.sh record    finds out which tests turn green with which sitting, and
#                                                   writes docs/workshop/NN_name.tests
#   B=build [STAGE=N] tests/tools/workshop.sh prove     the start compiles without a warning; with the real bodies
#                                                   put back, sitting by sitting, exactly these tests turn green; and
#                                                   the stage's mutants are caught by what `make check` runs
#   B=build STAGE=N tests/tools/workshop.sh mutants     the last of these
#   B=build tests/tools/workshop.sh starts              every start compiles without a warning
#   B=build [STAGE=N] tests/tools/workshop.sh quick     a sample of it: the tables name what there is; of every third
#                                                   stage, the first by the commit, the start compiles
#                                                   and fails the tests of its first sitting; another sitting turns
#                                                   its tests green; some mutants are caught. SEED=N: which
#
# What is built before: make all workshop-build [STAGE=N]. JOBS: programs at a time. Other work on the machine
# changes no result: see limit.pl.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tools/sittings.bash
command=${1:-} jobs=${JOBS:-$(nproc)}

# ---- Recording and proving ---------------------------------------------------------------------------

asked_programs() { programs_of "$1" | grep -E "${PROGRAMS:-.}"; } # STAGE; PROGRAMS=REGEX: only these
count_sittings() { $pl sittings "$1" | wc -l; }

# A source that is as in the tree need not be compiled: the tree's object is taken.
take_objects() { # DIR
    local file base source
    for file in "$1"/*.c; do
        [ -e "$file" ] || continue
        base=${file##*/}
        for source in stages/*/"$base" stages/*/*/"$base"; do
            [ -e "$B/${source%.c}.o" ] && cmp -s "$file" <(sed -E 's|^#include "([a-z0-9_]+/)+([a-z0-9_]+\.h)"|#include "\2"|' "$source") &&
                cp "$B/${source%.c}.o" "${file%.c}.o" && touch "${file%.c}.o" && break
        done
    done
}

# Builds what a learner has after K sittings, for each K: $work/K/mine.so.
build_states() { # STAGE K...
    local stage=$1 k
    shift
    rm -rf "$work" && mkdir -p "$work"
    $pl start "$stage" "$work/dir" "$1" >"$work/start.txt" || return 1
    take_objects "$work/dir/below"
    [ -z "${SAMPLE:-}" ] || take_objects "$work/dir/engine"
    for k in "$@"; do
        mkdir -p "$work/$k"
        $pl fill "$stage" "$work/dir" "$k" || return 1
        if ! make -s -C "$work/dir" -j"$jobs" CC="${CC:-cc}" CFLAGS="${SAMPLE:--O1} -Werror" >"$work/$k/build.log" 2>&1 || [ -s "$work/$k/build.log" ]; then
            cat "$work/$k/build.log"
            echo "workshop.sh: stage $stage with $k sittings done does not compile, or with warnings"
            return 1
        fi
        cp "$work/dir/mine.so" "$work/$k/mine.so"
    done
}

# The results of PROGRAM, from the whole stage down to its start: $work/K/PROGRAM. Of a test only those
# states count in which it is green, down to the first in which it is red: so where none is left that
# was green so far, the program is not run any more.
run_down() { # STAGE PROGRAM LAST
    local k green=$work/green/$2
    mkdir -p "${green%/*}"
    : >"$green"
    for k in $(seq "$3" -1 0); do
        mkdir -p "$work/$k/${2%/*}"
        all_results "$1" "$work/$k/mine.so" "$2" "$work/$k/$2" "$green"
        if [ "$k" -eq "$3" ]; then
            sed -n 's/^ok //p' "$work/$k/$2" >"$green"
        else
            grep -xFf <(sed -n 's/^ok //p' "$work/$k/$2") "$green" >"$green.new"
            mv "$green.new" "$green"
        fi
        [ -s "$green" ] || break
    done
}
export -f run_down

run_states() { # STAGE
    local last
    last=$(count_sittings "$1")
    build_states "$1" $(seq "$last" -1 0) || return 1
    export work
    asked_programs "$1" | tac | xargs -P "$jobs" -I{} bash -c 'run_down "$@"' _ "$1" {} "$last" 2>>"$work/shell.log"
}

# Where threads race, a body that is missing may be missed in one run and not in the next: such a test may be
# green before its sitting.
export raced='thread|readers_need_no_lock'

# The list, from these results: a test belongs to the first sitting from which on it is green; one with threads
# to a later one if it is recorded for that.
list() { # STAGE
    local last program k
    last=$(count_sittings "$1")
    echo "# Which tests turn green with which sitting of stage $1. Written by make workshop-record STAGE=$1."
    for program in $(asked_programs "$1"); do
        for k in $(seq "$last" -1 0); do [ ! -e "$work/$k/$program" ] || sed "s|^|$k $program |" "$work/$k/$program"; done
    done | awk -v last="$last" -v raced="$raced" -v recorded="$(tests_file "$1")" '
        BEGIN { while ((getline line < recorded) > 0) if (split(line, f, "\t") == 3 && f[3] ~ raced) late[f[2] "\t" f[3]] = f[1] }
        { id = $2 "\t" $4; if (!(id in at)) { at[id] = ++n; name[n] = id }; if ($3 == "ok") green[id, $1] = 1 }
        END {
            for (i = 1; i <= n; i++) {
                for (k = last; k >= 0 && green[name[i], k]; k--) ;
                sitting[i] = k + 1 > 0 && late[name[i]] > k + 1 ? late[name[i]] : k + 1
            }
            for (s = 1; s <= last; s++)
                for (i = 1; i <= n; i++)
                    if (sitting[i] == s) print s "\t" name[i]
        }'
}

all_stages() { ls docs/workshop/*.tsv | sed -E 's|.*/0*([0-9]+)_.*|\1|'; }
seed_of_commit() { local seed; seed=${SEED:-$(git rev-parse HEAD 2>/dev/null | cksum | cut -c1-6)}; echo "${seed:-1}"; }
each_stage() { # FUNCTION [STAGE...]: those, or STAGE, or all
    local bad=0 stage stages=${*:2}
    stages=${STAGE:-${stages:-$(all_stages)}}
    for stage in $stages; do "$1" "$stage" || bad=1; done
    return $bad
}

record() { # STAGE
    work=$B/workshop-runs/$(name_of "$1")/states
    $pl names "$1" | grep -vE 'make workshop-record' && return 1
    run_states "$1" || return 1
    list "$1" >"$work/new" && cp "$work/new" "$(tests_file "$1")" && $pl names "$1" || return 1
    grep -v '^#' "$(tests_file "$1")" | cut -f1 | sort -n | uniq -c | awk -v stage="$1" '
        { printf "%s%d with sitting %d", (NR > 1) ? ", " : "stage " stage ": tests that turn green: ", $1, $2 } END { print "" }'
}

# Are the results in $work/K/PROGRAM those that are recorded? A line for each test that is not so. (What is
# for a later sitting than the next may be green by chance, as where nothing can be written yet.)
compare() { # STAGE PROGRAM K
    awk -F'\t' -v OFS=' ' -v program="$2" -v k="$3" -v results="$work/$3/$2" -v raced="$raced" '
        BEGIN { while ((getline line < results) > 0) if (split(line, f, " ") && f[1] == "ok") green[f[2]] = 1 }
        $2 == program && $1 <= k + 1 && ($3 in green) != ($1 <= k) && !($3 in green && $3 ~ raced) {
            print "with " k " sittings done " ($3 in green ? "a test of sitting " $1 " is green: " : "a test of sitting " $1 " is red: "), $2, $3 }' "$(tests_file "$1")"
}
run_listed() { # STAGE PROGRAM K: what is recorded as green by then decides which tests are run by themselves
    mkdir -p "$work/$3/${2%/*}"
    awk -F'\t' -v program="$2" -v k="$3" '$2 == program && $1 <= k { print $3 }' "$(tests_file "$1")" >"$work/$3/$2.names"
    all_results "$1" "$work/$3/mine.so" "$2" "$work/$3/$2" "$work/$3/$2.names"
}
export -f run_listed tests_file

# The start, and one sitting, which the commit chooses: by the stage's own tests, and one program of those
# that every stage has.
sample() { # STAGE
    local seed k programs first wrong
    work=$B/workshop-runs/$(name_of "$1")/sample
    export work
    seed=$(seed_of_commit)
    k=$(((seed + $1) % $(count_sittings "$1") + 1))
    programs=$(programs_of_sitting "$1" "$k")
    programs="$(grep '^stages/' <<<"$programs"; grep -v '^stages/' <<<"$programs" | awk -v n="$seed" '{ p[NR] = $1 } END { if (NR) print p[n % NR + 1] }')"
    first=$(programs_of_sitting "$1" 1)
    SAMPLE=-O0 build_states "$1" $(printf '%d\n' 0 $((k - 1)) "$k" | sort -nu) || return 1
    { for program in $first; do echo "$program 0"; done; for program in $programs; do printf '%s %d\n' "$program" $((k - 1)) "$program" "$k"; done; } | sort -u |
        xargs -r -P "$jobs" -L1 bash -c 'run_listed "$@"' _ "$1" 2>>"$work/shell.log"
    wrong=$(for program in $first; do compare "$1" "$program" 0; done
        for program in $programs; do compare "$1" "$program" $((k - 1)); compare "$1" "$program" "$k"; done)
    if [ -n "$wrong" ]; then
        sort -u <<<"$wrong" | head -20
        echo "stage $1: other tests turn green with sitting $k than are listed; if they should: make workshop-record STAGE=$1"
        return 1
    fi
    echo "stage $1: the start compiles and fails; sitting $k turns its tests green in $(paste -sd' ' <<<"$programs")"
    MUTANTS=3 SEED=$seed mutants "$1"
}
programs_of_sitting() { awk -F'\t' -v k="$2" '$1 == k && !seen[$2]++ { print $2 }' "$(tests_file "$1")"; } # STAGE SITTING

prove() { # STAGE
    local bad=0
    work=$B/workshop-runs/$(name_of "$1")/states
    $pl names "$1" || return 1
    run_states "$1" || return 1
    list "$1" >"$work/new"
    awk -F'\t' -v only="${PROGRAMS:-.}" '/^#/ || $2 ~ only' "$(tests_file "$1")" >"$work/recorded"
    if diff -u --label recorded --label now "$work/recorded" "$work/new"; then
        echo "stage $1: the start compiles, its tests fail as listed, and $(grep -vc '^#' "$work/new") tests turn green sitting by sitting"
    else
        echo "stage $1: other tests turn green than are listed; if they should: make workshop-record STAGE=$1" && bad=1
    fi
    [ -n "${PROGRAMS:-}" ] || mutants "$1" || bad=1
    return $bad
}

# ---- Mutants -------------------------------------------------------------------------------------------

# field PATCH NAME: the header's field, on one line (as in mutants.sh).
field() {
    awk -v name="$2:" '
        /^--- / { exit }
        $1 == name { on = 1; sub(/^[^:]*: */, ""); text = $0; next }
        on && /^  +[^ ]/ { sub(/^ +/, ""); text = text " " $0; next }
        { on = 0 }
        END { print text }' "$1"
}

# Is a test part of what `make check` runs? Of the stage's own tests those that the sittings name, and
# of what is asked of every stage all but tests of our files and of the tests themselves.
is_asked() { # STAGE PROGRAM TEST
    case $2 in
    crash/golden_test | crash/explorer_test | crash/oracle_test | crash/mark_test) return 1 ;;
    contract/* | crash/*) return 0 ;;
    stages/*) grep -qP "\t$2\t$3$" "$(tests_file "$1")" ;;
    *) return 1 ;;
    esac
}

# Why `make check` cannot find a mutant, in some words; nothing if it is to find it. Some bugs of a stage's
# list are in common/, which is no part of an engine.
why_unseen() { # STAGE PATCH
    local stage program test word
    read -r word stage program test <<<"$(field "$2" Test)"
    if grep -q '^+++ b/common/' "$2"; then
        echo "in common/"
    elif [ "$word" != stage ]; then
        echo "found by a unit test"
    elif [ "$stage" != "$1" ]; then
        echo "found by a test of another stage"
    elif ! is_asked "$1" "$program" "$test"; then
        case $program in
        stages/*) echo "found by a module test of no sitting" ;;
        *) echo "found by ${program##*/}, about our files" ;;
        esac
    fi
}

# The stage with a bug in it, as a learner's engine: $dir/mine.so, from the objects of the tree and the
# patched sources.
build_mutant() { # PATCH DIR NAME
    local object objects=() file dirs=() patched=()
    mkdir -p "$2" && cp -r stages include common "$2" || return 1
    (cd "$2" && patch -s -p1 -F0 -f) <"$1" || return 1
    mapfile -t dirs < <(sed -n "s/^$3\.USES *:= *//p" "stages/$3/stage.mk" | tr ' ' '\n' | grep .)
    mapfile -t patched < <(sed -n 's|^+++ b/||p' "$1" | cut -f1)
    for file in "${patched[@]}"; do
        case $file in
        *.h) mapfile -t -O ${#patched[@]} patched < <(find stages/"$3" -name '*.c') ;;
        esac
    done
    for object in "$B/stages/$3"/*.o "$B/stages/$3"/*/*.o $(for d in "${dirs[@]}"; do ls "$B/stages/$d"/*.o "$B/stages/$d"/*/*.o 2>/dev/null | grep -v '/engine\.o$'; done); do
        file=${object#"$B"/} file=${file%.o}.c
        [ -e "$object" ] && [ -e "$file" ] || continue # of a source that was renamed
        if printf '%s\n' "${patched[@]}" | grep -qxF "$file"; then
            object=$2/${file//\//+}.o
            (cd "$2" && "${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -Iinclude -Icommon -Istages -w -O0 -fPIC \
                -c "$file" -o "${object#"$2"/}") || return 1
        fi
        case $file in */"$3"/engine.c) objcopy --redefine-sym "strata_stage_$3=strata_engine" "$object" "$2/engine.o" && object=$2/engine.o ;; esac
        objects+=("$object")
    done
    "${CC:-cc}" -shared -Wl,-Bsymbolic -Wl,-soname,mine.so -o "$2/mine.so" "${objects[@]}"
}

try_mutant() { # STAGE PATCH WORK
    local stage program test name=${2##*/} dir=$3/${2##*/} why
    name=${name%.patch} why=$(why_unseen "$1" "$2")
    [ -z "$why" ] || { echo "unseen $name: $why"; return; }
    read -r _ stage program test <<<"$(field "$2" Test)"
    if ! build_mutant "$2" "$dir" "$(name_of "$1")" >"$3/$name.log" 2>&1; then
        echo "broken $name: $3/$name.log"
    elif ! run_program "$1" "$dir/mine.so" "$program" "$3/$name.log" "$test"; then
        echo "caught $name"
    elif grep -qx "skip $test" <(results "$3/$name.log"); then
        echo "unseen $name: found by a test that is skipped for an engine"
    else
        echo "MISSED $name: $program $test"
    fi
    rm -rf "$dir"
}
export -f try_mutant build_mutant is_asked why_unseen field tests_file

# All of the stage; with MUTANTS=N so many of those that make check asks for, which SEED chooses.
patches_of() { # STAGE
    local patch
    for patch in tests/mutants/"$(name_of "$1")"/*.patch; do
        [ -n "${MUTANTS:-}" ] && [ -n "$(why_unseen "$1" "$patch")" ] || echo "$patch"
    done | awk -v some="${MUTANTS:-0}" -v seed="${SEED:-0}" '
        { all[NR] = $0 }
        END { if (!some || some > NR) some = NR; for (i = 0; i < some; i++) print all[(seed + int(i * NR / some)) % NR + 1] }'
}

mutants() { # STAGE
    local why work=$B/workshop-runs/$(name_of "$1")/mutants
    rm -rf "$work" && mkdir -p "$work"
    patches_of "$1" | xargs -P "$jobs" -I{} bash -c 'try_mutant "$1" "$2" "$3"' _ "$1" {} "$work" >"$work/list" 2>"$work/shell.log"
    why=$(sed -n 's/^unseen [^:]*: //p' "$work/list" | sort | uniq -c | sort -rn | sed 's/^ *//' | paste -sd';' | sed 's/;/; /g')
    echo "stage $1: make check catches $(grep -c '^caught' "$work/list") of $(grep -vc '^unseen' "$work/list") mutants${why:+; it runs no test that finds these: $why}"
    ! grep -E '^(MISSED|broken)' "$work/list"
}

# ---- Starts --------------------------------------------------------------------------------------------

# Of each table's sources what a learner gets first compiles, too, without a warning; nothing is linked.
compiles() { # STAGE
    local file bad=0 out
    for file in $($pl files "$1"); do
        out=$($pl stub "$1" "$file" 0 2>&1 | "${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -Iinclude -Icommon -Istages \
            -I"$(dirname "$file")" -Wall -Wextra -Wpedantic -Wno-missing-field-initializers -Wno-unused-function -Wno-unused-variable \
            -Wno-unused-const-variable -fsyntax-only -x c - 2>&1)
        [ -z "$out" ] || { bad=1; echo "$file without its bodies:"; head -20 <<<"$out"; }
    done
    [ $bad -eq 0 ] && echo "stage $1: its sources compile without the bodies of $($pl functions "$1" | wc -l) functions"
}

case $command in
record | prove | mutants) each_stage "$command" ;;
compiles) each_stage compiles ;;
starts) $pl names && each_stage compiles ;;
quick) $pl names && each_stage sample $(all_stages | awk -v seed="$(seed_of_commit)" '(seed + $1) % 3 == 0') ;;
*) echo "workshop.sh: no command \"$command\"; see its head" >&2; exit 2 ;;
esac
