#!/bin/bash
# Each allocation that a command makes fails, one at a time, and each call of the system that it
# can meet: tests/refuse/refuse.c. What must come of it: the command says what it lacked and ends
# with a status of its own, or it has done all it was asked to; the database is as good as before.
here=$(cd "$(dirname "$0")" && pwd)
program=${STRATA:-$PWD/build/strata}
STRATA=$(dirname "$program")/refuse/strata
. "$here/tap.bash"
shopt -s nullglob dotglob
mkdir "$work/run" "$work/refused"

awk 'BEGIN { for (i = 0; i < 300; i++) printf "key %03d\tvalue %d\n", i, i }' >in.tsv
head -30 in.tsv >few.tsv
printf '%s\n' '{"key_b64":"/wAA","value_b64":"AAECAwQFBgcICQoLDA0ODw=="}' >in.jsonl
printf '%s\n' '{"key":"a","value":"\u00e9"}' >more.jsonl
printf '\\x00ff,"a ""b"""\nlong,%0200d\n' 1 >more.csv
printf '\\x00\\t\tb\\nc\n' >more.tsv
strata datagen --count 40 --format csv >in.csv 2>/dev/null
for stage in 1 2 3 6; do
    strata --stage $stage load "db$stage" in.tsv 2>/dev/null || exit 1
done

# The whole file, without zero bytes, which bash has none of.
whole() { # FILE
    local pieces IFS=
    mapfile -d '' -t pieces <"$1"
    REPLY="${pieces[*]}"
}

# One run of a command in ./run, which is empty but for a copy of the databases it may change: $rc,
# $out, $err. (Nearly two thousand runs: nothing is started that need not be.)
once() {
    local left=("$work"/run/*)
    [ ${#left[@]} -eq 0 ] || rm -rf "${left[@]}"
    [ -z "$changes" ] || cp -r $changes "$work/run"
    cd "$work/run" || exit 1
    eval "$command" >"$work/out" 2>"$work/err" <"$work/input"
    rc=$?
    cd "$d" || exit 1
    whole "$work/out" && out=$REPLY
    whole "$work/err" && err=$REPLY
}

# What must hold of a run in which something was refused; $says is what it tells.
judge() {
    if [ $rc -ge 128 ]; then
        why="it was killed"
    elif [ $rc -ne 0 ] && [[ ! $err =~ $says ]]; then
        why="it does not say what it lacked"
    elif [ $rc -eq 0 ] && [ "$out" != "$wanted" ]; then
        why="it ends well, and its answer is another"
    else
        return 0
    fi
    return 1
}

# What may have been changed can still be opened.
sound() {
    local db
    for db in $changes; do
        "$program" verify "$work/run/$db" >"$work/verify" 2>&1 && continue
        why="$db is damaged: $(<"$work/verify")"
        return 1
    done
}

# refused NAME CALL SAYS COMMAND [INPUT]: the first CALL fails, then the second one, and so on; of
# allocations, unless QUICK=no, each second one.
stride=2
[ "${QUICK:-}" = no ] && stride=1
refused() {
    local n=0 call=$2 says=$3 wanted why step=1
    command=$4
    [[ $call == malloc* ]] && step=$stride n=$((1 - stride))
    printf '%s' "${5:-}" >"$work/input"
    REFUSE='' once
    wanted=$out
    while n=$((n + step)); do
        REFUSED=$work/refused/$tests.$n REFUSE=${call%%:*}:$n:${call#*:} once # CALL:ERRNO, or CALL:
        [ -e "$work/refused/$tests.$n" ] || break
        judge && sound || {
            fail "$1" "$command" "call $n of $call: $why" "it ended with $rc" "$out" "$err"
            return
        }
    done
    if [ $n -gt 1 ]; then pass "$1 ($((n - 1)))"; else fail "$1" "$command" "no $call to refuse"; fi
}
memory() { refused "memory_$1" malloc: 'out of memory|[Cc]annot allocate memory' "${@:2}"; }

changes=
db1=$work/d/db1 db2=$work/d/db2 db3=$work/d/db3 db9=$work/d/db9 d=$work/d
memory get 'strata get $db3 "key 007"'
memory get_several 'strata get $db3 "key 007" "key 008"'
memory info 'strata info $db9'
memory scan 'strata scan $db2 --from "key 29" --to "key 2\\xff"'
memory scan_prefix 'strata scan $db1 --prefix "key 29" --reverse --keys-only'
memory count 'strata count $db3 --prefix "key 1"'
memory dump 'strata dump $db3 out.csv && cat out.csv'
memory dump_json 'strata dump $db1 --format jsonl'
memory load 'strata load new $d/in.csv'
memory load_jsonl 'strata load new $d/more.jsonl'
memory load_base64 'strata load new $d/in.jsonl'
memory load_csv_escapes 'strata load new $d/more.csv'
memory load_header 'printf "v,k,w\na,b,c\nd\ne,f,g\n" | strata load new - --format csv --key k --value v --skip-bad'
memory load_escapes 'strata load new $d/more.tsv'
memory stats 'strata stats $db3 --json >file && sed "s/[0-9]//g" file'
memory verify 'strata verify $db2'
memory inspect_marker 'strata inspect $db3/STRATA'
memory inspect_file 'strata inspect $db2/000001.log'
memory inspect_hint 'strata inspect $db2/000001.hint'
printf "put a 1\nhold\nbatch begin\nput b 2\ndel a\nbatch commit\nrelease\n" >crashed
# Never a violation, as it is not the engine's doing.
memory crash 'strata crash --stage 3 --model kill --workload $d/crashed --at 20.0+5.0'
memory crash_after_a_kill 'strata crash --stage 1 --model ordered --workload nothing --at kill2/8.0'
memory datagen 'strata datagen --count 3'
memory levels 'strata levels $db9'
memory timeline 'strata timeline $db9'
memory inspect_checkpoint 'strata inspect $db3/INDEX'
memory migrate 'strata migrate $db1 new --to 3 && strata get new "key 123"'
changes=db3
memory put 'strata put db3 k v'
memory put_file 'strata put db3 k @$d/in.csv'
memory del 'strata del db3 "key 007"'
memory del_several 'strata del db3 "key 007" "key 008"'
memory load_batch 'strata load db3 --batch 10 $d/few.tsv'
memory shell 'strata shell db3' $'put a 1\nbatch begin\nput b 2\ndel a\nbatch commit\nget b\nscan --limit 2\ncount\nhelp\n'
changes=db2
memory compact 'strata compact db2 >file'

# Errno 5 is EIO, 4 is EINTR, 12 ENOMEM.
system() { refused "$1" "$2" 'Input/output error|I/O error' "${@:3}"; }
changes=
for call in fsync: fflush: fclose: fdopen:; do
    system "${call%:}_of_a_file_that_is_written" $call 'strata dump $db1 out.csv && cat out.csv'
    is "${call%:}_refused_leaves_no_file" "$(REFUSE=${call}1 strata dump $db1 out.csv 2>&1; ls out.csv 2>&1)" \
        "$(printf 'strata: dump: out.csv: Input/output error\n%s' "$(ls out.csv 2>&1)")"
done
system read_of_what_is_loaded read: 'strata load new $d/few.tsv'
# Of the first three, which look for closed streams, nobody may be there to be told.
refused fstat_is_an_error fstat: 'Input/output error|I/O error|^$' 'strata get $db3 "key 007"'
refused fstat_of_what_is_loaded fstat: 'Input/output error|I/O error|^$' 'strata load new $d/few.tsv'
system new_database_without_random_numbers getrandom: 'strata put new k v && strata get new k'
refused lock_without_memory mutex: '[Cc]annot allocate|out of memory' 'strata --stage 3 put new k v'
refused queue_without_memory cond: '[Cc]annot allocate|out of memory' 'strata --stage 3 put new k v'
refused interrupted_read_goes_on read:4 'nothing, as it goes on' 'strata load new $d/few.tsv && strata scan new'
refused interrupted_poll_goes_on poll:4 'nothing, as it goes on' 'cat $d/few.tsv | strata load new - && strata scan new'
cp -r db1 damaged && flip damaged/000001.log 100
refused partial_file_that_stays_is_told unlink: 'out.csv.[0-9]*.tmp: Input/output error' 'strata dump $d/damaged out.csv'
system unlink_of_the_temporary_name unlink: 'strata dump $db1 out.csv && cat out.csv'
done_testing
