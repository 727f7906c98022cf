#!/bin/bash
# A learner's engine, sitting by sitting: docs/workshop/NN_name.tsv has the sittings of a stage, and
# NN_name.tests which tests turn green with each. See docs/bring_your_own_engine.md.
#
#   B=build STAGE=N tests/tools/sittings.sh check ENGINE      the sittings in order, up to the first that fails:
#                                                         what is wrong, in words. 0: none fails; 1
#   B=build STAGE=N tests/tools/sittings.sh progress DIR      every sitting of DIR, which `make start` wrote
#
# What is built before: make workshop-build STAGE=N. Copies of what a test left are in build/check/sittings.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/tools/sittings.bash
command=${1:-}

# ---- Checking a learner's engine -----------------------------------------------------------------------

# What is asked of an engine: "SITTING PROGRAM TEST" lines. One that was not begun by `make start` has
# none of the stage's own functions: it is asked only what is asked of every stage.
asked_of() { # STAGE ENGINE
    local own
    own=$($pl functions "$1" | awk -F'\t' '$6 == "extern" { print $3 }' |
        grep -cxFf - <(nm -D --defined-only "$2" 2>/dev/null | awk '{ print $3 }'))
    grep -v '^#' "$(tests_file "$1")" | { if [ "$own" -gt 0 ]; then cat; else grep -v $'\tstages/'; fi; }
}

# The results of PROGRAM, run once in a check: $out/PROGRAM.
results_once() { # STAGE PROGRAM
    [ -e "$out/$2" ] && return
    mkdir -p "$out/$(dirname "$2")"
    grep -P "\t$2\t" "$out/asked" | cut -f3 >"$out/$2.names"
    all_results "$1" "$out/engine/mine.so" "$2" "$out/$2" "$out/$2.names"
}

# The results of a sitting's tests of PROGRAM. While bodies are missing each of them runs by itself: others of
# that program may wait for ever for what is not written yet.
results_of() { # SITTING PROGRAM
    local test
    [ -s "$out/left" ] || { results_once "$STAGE" "$2"; return; }
    mkdir -p "$out/$(dirname "$2")"
    touch "$out/hung" "$out/$2"
    awk -v s="$1" -v p="$2" '$1 == s && $2 == p { print $3 }' "$out/asked" | while read -r test; do
        grep -qE "^(ok|bad) $test\$" "$out/$2" && continue
        if [ "$(wc -l <"$out/hung")" -lt 3 ]; then
            run_program "$STAGE" "$out/engine/mine.so" "$2" "$out/$2.log" "$test"
            ! grep -q '^it did not end: ' "$out/$2.log" || echo "$test" >>"$out/hung"
        else
            : >"$out/$2.log"
        fi
        if grep -qx "ok $test" <(results "$out/$2.log"); then echo "ok $test"; else echo "bad $test"; fi >>"$out/$2"
    done
}

# Begins a check of ENGINE: $out, $out/asked. 1: there is nothing that the sittings could say of it.
begin_check() { # STAGE ENGINE
    out=$B/check/sittings
    [ -e "$(tests_file "$1")" ] && [ -e "$2" ] || return 1
    rm -rf "$out" && mkdir -p "$out/engine" || return 1
    ln -s "$(realpath "$2")" "$out/engine/mine.so"
    asked_of "$1" "$2" >"$out/asked"
    $pl left "$(dirname "$(realpath "$2")")" >"$out/left"
    [ -s "$out/asked" ]
}

first_bad() { # SITTING: "PROGRAM TEST" of its first test that is red
    local program test
    awk -v s="$1" '$1 == s { print $2, $3 }' "$out/asked" | while read -r program test; do
        results_of "$1" "$program"
        grep -qx "ok $test" "$out/$program" || { echo "$program $test"; break; }
    done
}

indent() { sed 's/^/    /'; }
comment_of() { # PROGRAM TEST: what stands above the test in its source
    perl -0777 -ne 'print "$1\n" if m{/\*((?:(?!\*/).)*)\*/\nstatic void \Q'"$2"'\E\(}s' "tests/$1.c" |
        sed -E 's/^ *\* ?//; s/^ +//; s/ +$//'
}

# The file that the message or the last operations speak of; or else the newest with data.
file_of_interest() { # LOG
    local name key
    key=$(key_of_interest "$1")
    for name in $([ -z "$key" ] || ls -t "$out/trace.disk" 2>/dev/null); do
        grep -qaF "$key" "$out/trace.disk/$name" && echo "$name" && return
    done
    if grep -qa 'is missing' "$1"; then # then what names it
        for name in $(cd "$out/trace.disk" 2>/dev/null && ls TABLES ./*.manifest 2>/dev/null); do echo "${name#./}" && return; done
    fi
    for name in $(cat "$1" "$out/trace" 2>/dev/null | grep -oE '[A-Za-z0-9_.-]+\.(log|sst|run|hint|ckpt)|MANIFEST-[0-9]+|CURRENT|TAIL|TABLES' | tac); do
        [ -f "$out/trace.disk/$name" ] && echo "$name" && return
    done
    for name in $(ls -t "$out/trace.disk" 2>/dev/null); do
        case $name in STRATA | LOCK | TAIL) ;; *) [ -s "$out/trace.disk/$name" ] && echo "$name" && return ;; esac
    done
}

show_disk() { # LOG
    local file at
    [ -d "$out/trace.disk" ] || return
    echo
    echo "The files that the test left (copies: ${out#"$PWD/"}/trace.disk):"
    (cd "$out/trace.disk" && for file in *; do [ ! -f "$file" ] || printf '    %-24s %8d bytes\n' "$file" "$(stat -c %s "$file")"; done)
    file=$(file_of_interest "$1")
    [ -n "$file" ] || return
    "$B/strata" inspect "$out/trace.disk/$file" >"$out/inspect" 2>&1 || true
    echo
    at=$(key_of_interest "$1")
    at=$([ -z "$at" ] || grep -nE ' key +"' "$out/inspect" | grep -F "\"$at\"" | tail -1 | cut -d: -f1)
    if [ "$(wc -l <"$out/inspect")" -le 40 ]; then
        echo "strata inspect $file:" && cat "$out/inspect"
    elif [ -n "$at" ]; then
        echo "strata inspect $file, around that key:" && sed -n "$((at > 15 ? at - 15 : 1)),$((at + 12))p" "$out/inspect"
    else
        echo "strata inspect $file, its last 40 lines:" && tail -n 40 "$out/inspect"
    fi | sed "s|^$out/trace.disk/||; 2,\$s/^/    /"
}

# Of a program's whole output what belongs to one test: what it printed before its result, and the
# "# ..." lines behind that.
messages_of() { # TEST
    awk -v test="$1" '
        /^(not )?ok [0-9]+ / { if ($NF == test) { printf "%s", before; on = 1 } else on = 0; before = ""; next }
        /^#/ && !/^# case / { if (on) print; next }
        { on = 0; before = before $0 "\n" }'
}

# Codes by name.
in_words() {
    sed -E 's/^0x1 != 0(x0)?$/0x1 != 0 (1 is "not found", if it is a code)/
        s/^the database is not the model: (scan.*): not in the model: (key ".*")$/a \1 shows \2, which was deleted, or never put/
        s/^the database is not the model: (scan.*): ends before: (key ".*")$/a \1 ends before \2, which was put/
        s/^the database is not the model: (scan.*): another value: (key ".*")$/a \1 shows another value of \2 than was put last/
        s/^the database is not the model: (scan.*): one was skipped: (key ".*")$/a \1 comes to \2, and has skipped one that was put/
        s/^the database is not the model: (scan.*): continues after the end: (key ".*")$/a \1 shows \2 behind the last key that was put/
        s/^Test failed with exception: (.*)$/the program was ended by a signal: \1/'
}

# Where a signal came, as far as gdb can tell.
where_it_crashed() { # PROGRAM TEST
    grep -qa 'exception: \|ended by signal' "$out/explain.log" || return
    echo
    if ! command -v gdb >/dev/null; then
        echo "With gdb installed its place would be shown here."
        return
    fi
    echo "There, the innermost call first:"
    RUNNER="gdb -q -batch -ex run -ex bt --args" run_program "$STAGE" "$out/engine/mine.so" "$1" "$out/gdb.log" "$2"
    grep -aE '^#[0-9]+ ' "$out/gdb.log" | grep -avE 'cmocka|_start|libc_start' | head -8 | cut -c1-200 | indent
}

# The key that the test's message names.
key_of_interest() { # LOG
    sed -nE 's/.*\bkey "([^"]+)".*/\1/p; s/.*\bkey '"'([^']+)'"'.*/\1/p' "$1" | tail -1
}

# What was asked about it, and where it stands in the files.
show_key() { # LOG
    local key file found
    key=$(key_of_interest "$1")
    [ -n "$key" ] && [ -s "$out/trace" ] || return
    found=$(grep -aF "'$key'" "$out/trace" | tail -n 6)
    [ -z "$found" ] || { echo; echo "Of '$key' the engine was asked, at last:"; cut -c1-200 <<<"$found" | indent; }
    [ -d "$out/trace.disk" ] || return
    found=$(for file in "$out"/trace.disk/*; do
        [ -s "$file" ] && "$B/strata" inspect "$file" 2>/dev/null | awk -v key="\"$key\"" -v name="${file##*/}" '
            / @[0-9]+$/ { head = $0 }
            $3 == "type" || $4 == "type" { type = $NF }
            / key +"/ && index($0, key) { sub(/^ +/, "", head); print name ": " head ", " type }'
    done 2>/dev/null | tail -n 8)
    echo
    if [ -n "$found" ]; then echo "On the disk it stands here:"; indent <<<"$found"; else echo "On the disk '$key' stands in no record."; fi
}

# What is wrong with a test that is red, in words.
explain() { # SITTING PROGRAM TEST
    local log=$out/explain.log chapter source name serves line at undefined rows title heading anchor left unwritten begin=
    chapter=docs/$(name_of "$STAGE").md source=tests/$2.c
    line=$(grep -nE "^static void $3\(" "$source" | head -1 | cut -d: -f1)
    rm -rf "$out"/trace*
    STRATA_TRACE=$out/trace run_program "$STAGE" "$out/engine/mine.so" "$2" "$log" "$3"
    echo "The first that fails: $3 ($source:${line:-?})"
    comment_of "$2" "$3" | indent
    echo
    if grep -qx "ok $3" <(results "$log"); then
        echo "Alone it passes: a test before it in $source leaves something behind, or its result is not always"
        echo "the same, as when memory is read that was never set."
        messages_of "$3" <"$out/$2.log" >"$log"
    fi
    echo "What it found:"
    undefined=$(grep -oE 'undefined symbol: \w+' "$log" | head -1)
    if [ -n "$undefined" ]; then
        echo "your engine has no function ${undefined#*: }, which this test calls: was it renamed, or made static?" | indent
    fi
    sed -nE 's/^# case ([0-9]+)$/in its table the case with the index \1:/p' "$log" | tail -1 | indent
    # what is left of a line of cmocka's, its numbers, may stand behind the test's name; -2 is easier to know than 0xff...fe
    sed -E "s/^not ok [0-9]+ - $3 *(Could not run test: )?//" "$log" |
        grep -avE '^(1\.\.|ok |not ok |# (not )?ok - |TAP version|\[|# case )|^[0-9]+ files were left open|error: Failure!' | sed -E 's/^# //' |
        perl -pe 'my @e = qw(- INVALID CORRUPT IO NOT_SUPPORTED NO_MEMORY LOCKED READ_ONLY ABSENT EXISTS WRONG_STAGE BUSY);
            s/\b0xf{14}([0-9a-f]{2})\b/my $n = 256 - hex $1; "-$n" . ($e[$n] ? " (as a result: $e[$n])" : "")/ge' |
        grep -av '^ *$' | tail -n 12 | cut -c1-400 | in_words | indent
    at=$(grep -aoE '[a-zA-Z0-9_/]+\.c:[0-9]+: error: Failure' "$log" | head -1)
    if [ -n "$at" ] && [ -e "${at%%:*}" ]; then
        line=${at#*:} line=${line%%:*}
        echo "    ${at%: error*}: $(sed -n "$line,\$p" "${at%%:*}" | sed '/;/q' | sed 's/^ *//' | paste -sd' ' | cut -c1-300)"
    fi
    where_it_crashed "$2" "$3"
    # (those of later sittings are no cause)
    left=$(grep -ahoE 'not written yet: sitting [0-9]+, [a-z_0-9]+\.[ch] \w+' "$log" "$out/trace" 2>/dev/null |
        sort -u | awk -v s="$1" '$5 + 0 <= s')
    if [ -z "$left" ] && [ -s "$out/trace" ]; then
        echo
        begin=$(wc -l <"$out/trace")
        if [ "$begin" -gt 1000 ] && ! tail -c1 "$out/trace" | grep -q .; then
            echo "It asked $begin operations of many databases, each damaged or cut in another way: what it found says which."
        else
            echo "What was asked of the engine$([ "$begin" -le 12 ] || echo ", the last 12 of $begin operations"):"
            [[ $2 != crash/bits* || $begin -le 12 ]] || echo "    (this test goes on after what it found: it tries every file first)"
            tail -n 12 "$out/trace" | cut -c1-200 | indent
            tail -c1 "$out/trace" | grep -q . && printf '\n    (it never returned)\n'
        fi
    fi
    [ -n "$left" ] || show_key "$log"
    [ -n "$left" ] || show_disk "$log"
    case $left$2 in
    crash/bits*) ;;
    crash/*)
        "$B/strata" crash --stage "$STAGE" --engine "$out/engine/mine.so" --depth quick --workload writes \
            $([[ $2 == *kill* ]] && echo --model kill) >"$out/crash.txt" 2>&1
        # a body that is not written yet breaks every promise
        grep -q 'not written yet' "$out/crash.txt" || sed -n '/^==== /,$p' "$out/crash.txt" | head -50 ;;
    esac
    echo
    [ -z "$left" ] || printf 'It came to a body that is %s.\n' "$(paste -sd, <<<"$left" | sed 's/,n/, and one n/g')"
    unwritten=$left
    left=$(awk -F'\t' -v s="$1" '$1 == s { print $3 }' "$out/left" | paste -sd' ')
    [ -z "$left" ] || echo "Not written yet in this sitting: $left."
    IFS=$'\t' read -r _ title heading anchor < <($pl sittings "$STAGE" | awk -F'\t' -v s="$1" '$1 == s')
    echo "Explained in $chapter, \"$heading\" (#$anchor)."
    rows=$(sed -n '/^## 6\./,/^## 7\./p' "$chapter" | grep -F "\`$3\`" | sed -E 's/^\| *//; s/ *\|[^|]*\| *$//; s/ *\| */: /')
    [ -z "$rows" ] || { echo "The test is for:"; indent <<<"$rows"; }
    rows=$(sed -n '/^## 12\./,/^## 13\./p' "$chapter" | grep -F "\`$3\`" | sed -E 's/^\| *//; s/ *\| *$//; s/ *\| */: /')
    [ -z "$rows" ] || [ -n "$unwritten" ] || { echo "The chapter's section 12 says of this test:"; indent <<<"$rows"; }
    echo "The bodies of this sitting, the invariants that they keep, and where the chapter has them first:"
    $pl functions "$STAGE" | awk -F'\t' -v s="$1" '$1 == s { print $2, $3, $5 }' | while read -r source name serves; do
        line=$(grep -nEm1 "\`$name\`|\b$name\(|^<!-- extract: .*\b$name\b" "$chapter" | cut -d: -f1)
        printf '    %-18s %-24s %-12s %s\n' "$source" "$name" "${serves#-}" "${line:+line $line}" | sed 's/ *$//'
    done
    [ -n "$left" ] || echo "It may also be a body of another sitting, in a case that the tests of that sitting do not have."
    echo
    echo "This test alone, in $PWD:"
    case $2 in
    stages/*) echo "LD_LIBRARY_PATH=$(printf %q "$out/engine") STRATA_STAGE=$STAGE STRATA_TEST=$3 ${B#"$PWD/"}/workshop/$(name_of "$STAGE")/${2#stages/}" ;;
    *) echo "STRATA_ENGINE=$(printf %q "$out/engine/mine.so") STRATA_STAGE=$STAGE STRATA_TEST=$3 ${B#"$PWD/"}/tests/$2" ;;
    esac
}

check() { # ENGINE
    local sitting title bad sittings asked red
    begin_check "$STAGE" "$1" || return 0
    # what cannot be loaded, or bypasses the file layer, is explained by check.sh; but a body that is not
    # written yet may say "ok" and write nothing
    "$B/strata" crash --stage "$STAGE" --engine "$out/engine/mine.so" --model kill --depth quick --workload nothing >/dev/null 2>&1
    case $? in
    2 | 4) return 0 ;;
    5) [ -s "$out/left" ] || return 0 ;; # a body that is missing may say "ok", and do nothing
    esac
    sittings=$($pl sittings "$STAGE" | wc -l)
    while IFS=$'\t' read -r sitting title _; do
        if ! grep -q "^$sitting	" "$out/asked"; then
            echo "sitting $sitting of $sittings, $title: this engine has none of its functions, so nothing is asked"
            continue
        fi
        bad=$(first_bad "$sitting")
        if [ -z "$bad" ]; then
            echo "sitting $sitting of $sittings, $title: its $(grep -c "^$sitting	" "$out/asked") tests are green"
            continue
        fi
        for program in $(awk -v s="$sitting" '$1 == s { print $2 }' "$out/asked" | uniq); do
            case $program in crash/*) ;; *) results_of "$sitting" "$program" ;; esac
        done
        red=$(awk -v s="$sitting" '$1 == s { print $2, $3 }' "$out/asked" | while read -r program test; do
            [ ! -e "$out/$program" ] || grep -qx "ok $test" "$out/$program" || echo; done | wc -l)
        asked=$(grep -c "^$sitting	" "$out/asked")
        echo "sitting $sitting of $sittings, $title: $([ "$red" -eq "$asked" ] && echo "all its $asked tests" || echo "of its $asked tests at least $red") fail"
        echo
        # shellcheck disable=SC2086 # two words
        explain "$sitting" $bad
        return 1
    done < <($pl sittings "$STAGE")
    echo "All sittings of stage $STAGE are done. Now all of what it promises:"
    echo
}

# ---- Progress --------------------------------------------------------------------------------------------

progress() { # DIR
    local sitting title tests green all left done=0 total=0
    begin_check "$STAGE" "$1/mine.so" || { echo "make progress: nothing is known of stage $STAGE's sittings" >&2; return 2; }
    printf '%-8s %-52s %-16s %s\n' sitting '' 'bodies written' 'tests green'
    while IFS=$'\t' read -r sitting title _; do
        all=$($pl functions "$STAGE" | grep -c "^$sitting	")
        left=$(grep -c "^$sitting	" "$out/left")
        tests=$(grep -c "^$sitting	" "$out/asked") green=0
        [ "$left" -eq "$all" ] || while read -r program test; do
            results_of "$sitting" "$program"
            ! grep -qx "ok $test" "$out/$program" || green=$((green + 1))
        done < <(awk -v s="$sitting" '$1 == s { print $2, $3 }' "$out/asked")
        printf '%-8s %-52s %-16s %s\n' "$sitting" "$title" "$((all - left)) of $all" "$green of $tests$([ "$green" -lt "$tests" ] || echo ': done')"
        total=$((total + 1))
        [ "$green" -lt "$tests" ] || done=$((done + 1))
    done < <($pl sittings "$STAGE")
    echo "$done of $total sittings are done$([ $done -lt $total ] && echo "; make check explains what the next one lacks")"
}

case $command in
check)
    engine=${2:-}
    case $engine in '' | /*) ;; *) engine=$PWD/$engine ;; esac
    [ -n "${3:-}" ] && exit 0 # only some suites are asked for
    case ${STAGE:-} in '' | *[!0-9]*) exit 0 ;; esac # check.sh says so
    STAGE=$((10#$STAGE))
    check "$engine" ;;
progress) progress "$2" ;;
*) echo "sittings.sh: no command \"$command\"; see its head" >&2; exit 2 ;;
esac
