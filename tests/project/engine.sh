#!/bin/bash
# An engine of one's own (tests/engines holds one that is right and others wrong in a known way): what
# is refused, what a wrong one is found by, and what its author is told. (Where to begin: workshop.sh.)
root=$PWD
. "$(dirname "$0")/../cli/tap.bash"
build=$(dirname "$STRATA") engines=$(dirname "$STRATA")/tests/engines
if [ ! -f "$engines/plain.so" ]; then
    skip engine "the engines are not built"
    done_testing
fi
unset STRATA_STAGE STRATA_ENGINE MAKEFLAGS MAKELEVEL
check() { # ENGINE STAGE REGEX: with what it keeps in ./told
    run env B="$build" STAGE="$2" QUICK=1 OUT="$PWD/told" "$root/tests/tools/check.sh" "$1" "$3"
}
promise() { grep -A5 "^  $1" <<<"$out"; }

# ---- What cannot be judged ----
echo 'no object' >text.so
fails engine_that_is_not_there_is_told 4 '^strata: crash: --engine: \./nowhere\.so: .*No such file' strata crash --engine ./nowhere.so
fails engine_of_a_bare_name_is_looked_for_here 4 'text.so: (file too short|invalid ELF)' strata crash --engine text.so
fails engine_that_bypasses_the_file_layer_is_told 5 '^strata: crash: --engine: your engine bypasses fs\.h: it made a file by itself$' \
    strata crash --stage 1 --engine "$engines/bypass.so"
is engine_that_bypasses_leaves_nothing_behind "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'strata-engine-*' 2>/dev/null)" ""
check "$engines/bypass.so" 1 ''
is check_of_a_bypass_ends_at_once "$rc $out" '5 '
like check_of_a_bypass_says_so "$err" 'bypasses fs\.h'
check text.so 1 ''
is check_of_no_object_is_4 "$rc" 4
check "$engines/plain.so" '' ''
is check_without_a_stage_is_bad_usage "$rc" 2
like check_without_a_stage_says_so "$err" 'STAGE=N'
check "$engines/plain.so" 99 ''
like check_of_no_such_stage_says_so "$rc $err" '^2 .*no stage 99'

# ---- One that is right ----
run strata crash --stage 1 --engine "$engines/plain.so" --depth quick --workload merge
is engine_plain_survives_every_kill "$rc $(grep -c 'model=kill .*violations=0' <<<"$out")" '0 1'
like engine_plain_loses_what_stage_1_never_promised "$out" "plain\.so does not promise that writes survive a power cut\."
is engine_plain_is_told_of_no_broken_promise "$(grep -c 'broken promise' <<<"$out")" 0
check "$engines/plain.so" 1 'contract|memory|kill_model'
is check_of_plain_is_fine "$rc" 0
like check_of_plain_says_so "$out" 'plain\.so keeps every promise of stage 1 that was asked for: [0-9]+ passed, 0 failed'
like check_names_what_it_skips "$out" '^Skipped, .*: golden '
is check_runs_no_suite_of_our_files "$(grep -cE 'stage 1 (golden|explorer|oracle|append)' <<<"$out")" 0
like memory_of_an_engine_fails_in_the_engine_too "$(cat told/logs/*memory.log)" 'each of (1[5-9]|[2-9][0-9])[0-9] allocations failed once: .* 0 bad'
mkdir "it's mine" && cp "$engines/plain.so" "it's mine"
told=$(make -sn -C "$root" B="$build" NO_INSTALL=1 kill TIMES=1 STAGE=1 ENGINE="$PWD/it's mine/plain.so" | tail -1)
run bash -c "$told"
like engine_of_any_path_is_found_by_make "$rc $out" '^kill: stage=1 times=1 .*violations=0'
check "it's mine/plain.so" 1 'contract_fault'
like engine_of_any_path_is_checked "$rc $out" "it's mine/plain\.so keeps every promise"

# ---- One that forgets deletes ----
cp "$engines/undead.so" "it's undead.so"
run strata crash --stage 1 --engine "./it's undead.so" --depth quick --model kill --workload writes
is engine_undead_breaks_a_promise "$rc" 8
like engine_undead_is_told_which "$out" '^==== A broken promise: an acknowledged write survives kill -9 ====$'
like engine_undead_is_told_the_steps "$out" "^     2  del '.*'   # acknowledged, and must come back$"
like engine_undead_is_told_the_call "$out" '^  during call [0-9]+ of the file layer: [a-z]+ '
like engine_undead_is_told_the_files "$out" '^  db/000001\.log +[0-9]+ bytes$'
sed -n '/^To see it again/,$p' <<<"$out" | sed 1,2d | grep -v '^crash:' >again.sh
run bash again.sh
is engine_undead_is_shown_again "$rc $(head -1 <<<"$out" | cut -d, -f2)" '8  lost: the state after write 1'
is engine_undead_left_its_files "$(ls state/db)" "$(printf '000001.log\nLOCK\nSTRATA')"
printf 'put %0120d 1\ndel %0120d\n' 0 0 >words
run strata crash --stage 1 --engine "$engines/undead.so" --depth quick --model kill --workload words
like engine_undead_is_told_long_steps_in_short "$rc $out" "^     2  del '0{95}\.\.\.   # acknowledged, and must come back$"
like engine_undead_is_shown_long_steps_whole "$out" "^del '0{120}'$"
run strata crash --stage 1 --engine "$engines/undead.so" --model kill --workload mixed --seed 3
like engine_undead_is_told_of_random_work "$rc $err" \
    '^8 .*mixed, which no crash disturbed: .*a wrong answer: get "[^"]*": found, and it should not be there'
check "$engines/undead.so" 1 'basic|kill_model'
is check_of_undead_fails "$rc" 1
like check_of_undead_names_promise_and_test "$(promise 'an acknowledged write survives a clean exit')" 'contract_basic contract_writes_survive_close_and_open'
like check_of_undead_names_the_kill "$(promise 'an acknowledged write survives kill -9')" 'kill_model kill_model_across_reopening_loses_nothing_acknowledged'
command=$(sed -n '/^The first of these tests/,$p' <<<"$out" | grep '^STRATA_STAGE')
run bash -c "$command"
is check_of_undead_shows_one_test_again "$((rc > 0)) $(grep -c 'not in the model' <<<"$out$err")" '1 1'

# ---- One that ends the program where there is damage ----
if command -v cc >/dev/null; then
    sed 's/return strata_fail(err, STRATA_ERR_CORRUPT, path, 0, .*/_Exit(0);/' "$root/tests/engines/plain.c" >quits.c
    cc -std=c11 -D_POSIX_C_SOURCE=200809L -I"$root/include" -I"$root/common" -shared -fPIC -o quits.so quits.c
    check "$PWD/quits.so" 1 'bits|contract_marker'
    like check_of_an_engine_that_ends_the_program_fails "$rc $(promise 'a flipped bit' | tr '\n' ' ')" '^1 .*bits ended after 1 of 1[0-9] tests'
    like check_of_one_that_ends_the_program_shows_it_again "$(sed -n '/^The first of these/,$p' <<<"$out")" "quits\.so [^ ]*/bits_test$"
else
    skip check_of_an_engine_that_ends_the_program_fails "no compiler"
fi

# ---- One that says "ok" too early ----
run strata crash --stage 3 --engine "$engines/early_ok.so" --depth quick --workload writes
is engine_early_ok_breaks_a_promise "$rc" 8
is engine_early_ok_survives_kills_alone "$(grep -cE 'model=kill .*violations=0$' <<<"$out") $(grep -cE 'model=(ordered|posix) .*violations=[1-9]' <<<"$out")" '1 2'
is engine_early_ok_is_told_once "$(grep '^==== ' <<<"$out")" '==== A broken promise: a synced write survives a power cut ===='
printf "put '' %0120d\nbatch begin\nput a 1\ndel ''\nbatch commit\n" 0 >words
run env TMPDIR= strata crash --stage 3 --engine "$engines/early_ok.so" --model posix --workload words
like engine_early_ok_is_shown_by_one_batch "$rc $out" '^        batch commit   # acknowledged, and must come back$'
printf 'unsynced\nput a 1\nsync\nput b 2\nreopen\n' >words
run strata crash --stage 3 --engine "$engines/early_ok.so" --model posix --workload words
like engine_early_ok_is_told_of_a_second_crash "$rc $out" '^  first one at call [0-9]+; while it recovered, the second:$'
is engine_early_ok_is_told_what_was_done_by_then "$(grep -A3 '^The steps' <<<"$out" | tr -s ' \n' ' ')" \
    "The steps 1 put 'a' '1' # acknowledged, and must come back 2 sync "
is engine_early_ok_is_shown_work_that_is_not_synced "$(grep -A1 -- '--workload - ' <<<"$out" | tail -1)" unsynced
check "$engines/early_ok.so" 3 'power_cut|kill_model|contract_(basic|iter|model)'
is check_of_early_ok_finds_one_promise_broken "$rc $(grep -B1 -c '^    is broken by' <<<"$out")" '1 1'
like check_of_early_ok_names_the_test "$(promise 'a synced write survives a power cut')" 'power_cut_posix_loses_nothing_synced'

# ---- One that dies ----
if command -v cc >/dev/null; then
    dying() { # SED: plain.c, changed so
        mkdir -p mine1 && sed "$1" "$root/tests/engines/plain.c" >mine1/mine.c &&
            cc -std=c11 -D_POSIX_C_SOURCE=200809L -I"$root/include" -I"$root/common" -shared -fPIC -o mine1/mine.so mine1/mine.c
    }
    dies='signal 6 \(Aborted\), '
    dying 's/int rc = fs_read_file/if (bytes.size == 0 \&\& !p->env->is_new) abort();\n    &/'
    run strata crash --stage 1 --engine mine1/mine.so --model kill --workload nothing
    like engine_that_aborts_is_told_the_state "$rc $err" "^134 .*${dies}in what was left by state [0-9]+\.[0-9]+"
    grep ' crash --stage 1 ' <<<"$err" >again.sh
    run bash again.sh
    like engine_that_aborts_is_shown_again "$rc $err" "^134 .*${dies}in what was left by state [0-9]+\.[0-9]+"
    dying 's/int rc = reserve/if (p->count > 1) abort();\n    &/'
    run bash -c "printf 'put a 1\nput b 2\nput c 3\n' | strata crash --stage 1 --engine mine1/mine.so --model kill --workload -"
    like engine_that_aborts_is_told_the_work "$rc $err" "^134 .*${dies}before anything had crashed"
    is engine_that_aborts_is_told_all_steps "$(grep -c "^put '" <<<"$err")" 3
    dying 's/int rc = reserve/abort();\n    &/'
    run env TMPDIR="$PWD" strata crash --stage 1 --engine mine1/mine.so
    like engine_that_aborts_when_it_is_tried_is_told "$rc $err" "^134 .*${dies}before anything had crashed"
else
    skip engine_that_aborts "no compiler"
fi
done_testing
