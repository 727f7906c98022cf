#!/bin/bash
# The workshop: what make start writes, what make check says of it, and that the tables of sittings name
# what there is. (make workshop-check proves the same of every stage, with all tests and the mutants.)
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"
unset MAKEFLAGS MAKELEVEL MFLAGS STRATA_STAGE STRATA_ENGINE
B=$(dirname "$STRATA")
export B NO_INSTALL=1
here=$PWD
pl() { (cd "$root" && tests/tools/workshop.pl "$@"); }
if ! command -v cc >/dev/null; then
    skip workshop "no compiler"
    done_testing
fi

# ---- The tables ----
run pl names
is tables_name_what_there_is "$rc $out" '0 '
printf '%s\n' "$err" | sed 's/^/# /' # tables without a list of tests
make -s -C "$root" workshop-build >/dev/null
# (make workshop-check QUICK=1 tries a sitting and some mutants of every third stage, and is a part of make everything.)
run bash -c "cd '$root' && tests/tools/workshop.sh starts"
is starts_are_made "$rc" 0
[ "$rc" -eq 0 ] || printf '%s\n' "$out" "$err" | sed 's/^/# /'
stages=$(cd "$root" && ls docs/workshop/*.tsv | wc -l)
is every_start_compiles "$(grep -c 'compile without the bodies' <<<"$out")" "$stages"

# in a tree where a function was renamed, a file is gone, a heading is another
mkdir tree && cp -r "$root/tests" "$root/stages" tree && mkdir tree/docs && cp -r "$root"/docs/*.md "$root/docs/workshop" tree/docs
names() { (cd tree && tests/tools/workshop.pl names "$1"); }
sed -i 's/\bfind_end(/look_for_end(/' tree/stages/01_append_log/engine.c
run names 1
is renamed_function_is_told "$rc $out" "1 docs/workshop/01_append_log.tsv: sitting 4 has engine.c find_end, and stages/01_append_log/engine.c has no function of that name: was it renamed?"
sed -i 's/\blook_for_end(/find_end(/' tree/stages/01_append_log/engine.c
sed -i 's/\tengine\.c\tfind_end/\tsorted.c\tfind_end/' tree/docs/workshop/01_append_log.tsv
run names 1
is function_in_another_file_is_told "$rc $out" "1 docs/workshop/01_append_log.tsv: sitting 4 has sorted.c find_end, which is now in engine.c"
cp "$root/docs/workshop/01_append_log.tsv" tree/docs/workshop
sed -i 's/^## 4\. Bytes on disk/## 4. Bytes/' tree/docs/01_append_log.md
run names 1
like heading_that_is_gone_is_told "$rc $out" '^1 docs/workshop/01_append_log.tsv: sitting 1 is explained in "4. Bytes on disk", and docs/01_append_log.md has no such heading$'
cp "$root/docs/01_append_log.md" tree/docs
sed -i '2s/\t[a-z_]*$/\tno_such_test/' tree/docs/workshop/01_append_log.tests
run names 1
like test_that_is_gone_is_told "$rc $out" '^1 docs/workshop/01_append_log.tests: tests/stages/01_append_log_record_test.c has no test no_such_test: make workshop-record STAGE=1$'
rm -r tree

# ---- make start ----
fails start_without_a_stage_is_refused 2 'STAGE=N' pl start '' "$here/none"
fails start_of_no_stage_is_refused 2 'no stage 98; there are 1 to [0-9]+; ' pl start 98 "$here/none"
fails start_without_a_directory_is_refused 2 'DIR=' pl start 1 ''
fails start_into_a_full_directory_is_refused 2 'is not empty' pl start 1 "$root/tests"
fails start_of_no_such_sitting_is_refused 2 'SITTING=7: stage 1 has sittings 1 to 5' pl start 1 "$here/none" 6
run make -s -C "$root" start STAGE=1 DIR="$here/mine"
like start_is_written "$rc $(echo mine/*)" '^0 mine/Makefile mine/README.md mine/below mine/engine mine/ground mine/include$'
is start_lists_what_it_left_out "$(pl left "$here/mine" | sort)" "$(pl functions 1 | awk -F'\t' '{ print $1 "\t" $2 "\t" $3 }' | sort)"
is start_readme_lists_the_sittings "$(grep -c '^## Sitting ' mine/README.md)" 5
is start_readme_lists_the_tests "$(grep -cE '^[0-9]+\. `[a-z0-9_]+`$' mine/README.md)" "$(grep -vc '^#' "$root/docs/workshop/01_append_log.tests")"
like start_says_the_messages "$(tr -d '\n*' <mine/engine/engine.c | tr -s ' ')" 'Message: CORRUPT "the data file is missing"'
code start_compiles_without_a_warning 0 make -s -C mine CFLAGS='-O1 -Werror'
is start_marks_no_source_of_the_stage "$(grep -rlE 'sitting [0-9]' "$root/stages" | wc -l)" 0

# ---- The limit of a test's time ----
limited() { (cd "$root" && perl tests/tools/limit.pl 1 "$@"); }
compute='my $n = 0; $n++ while (times)[0] < 1.3; exit 3'
code what_waits_for_ever_is_ended 124 limited sleep 100
code what_waits_for_a_process_that_waits_is_ended 124 limited sh -c 'sleep 100; true'
code what_computes_goes_on 3 limited perl -e "$compute"
code what_waits_for_a_process_that_computes_goes_on 3 limited perl -e "if (fork) { wait; exit \$? >> 8 } $compute"
code ended_by_a_signal_is_told 137 limited sh -c 'kill -9 $$'
code of_what_is_not_there_is_told 127 limited "$here/none"

# ---- make check, make progress ----
check() { run bash -c "cd '$root' && STAGE=1 tests/tools/sittings.sh check '$here/mine/mine.so'"; }
says() { like "$1" "$(tr '\n' '~' <<<"$out")" "$2"; }
fill() { pl fill 1 "$here/mine" "$1" && make -s -C mine CFLAGS=-O0; }
check
says check_stops_at_the_first_sitting '^sitting 1 of 5, The bytes of .*: all its 7 tests fail~'
says check_names_the_body 'It came to a body that is not written yet: sitting 1, record\.c record_start_kind\.'
says check_names_the_chapter 'Explained in docs/01_append_log\.md, "4\. Bytes on disk"'
fill 3
check
says check_goes_on_to_the_next_sitting 'sitting 3 of 5, .*: its 10 tests are green~sitting 4 of 5, .* fail~'
is check_of_a_missing_body_is_short "$(grep -cE '^(What was asked|The files|It may also be)' <<<"$out")" 0
fill 4
sed -i '/^static int log_write/,/^}/s/^    rc = record_append_typed(.*/    return 0;/' mine/engine/engine.c
make -s -C mine CFLAGS='-O0 -w'
check
says check_of_a_start_whose_put_writes_nothing_begins_with_the_sittings 'sitting 4 of 5, .* fail~.*contract_put_then_get_finds_the_value'
fill 4
sed -i 's/^    log->end = log->file->end; .*/    log->end += 17;/' mine/engine/engine.c
make -s -C mine CFLAGS=-O0
check
is check_of_a_bug_fails "$rc" 1
says check_of_a_bug_names_other_sittings 'It may also be a body of another sitting'
says check_shows_the_operations "What was asked of the engine.*   1  open a new database -> ok~ +2  put 'key' 'value'"
sed -i 's/found = record.type == STRATA_OP_PUT ? record.offset : 0;/found = record.offset;/; s/log->end += 17;/log->end = log->file->end;/' mine/engine/engine.c
make -s -C mine CFLAGS=-O0
check
says check_shows_what_was_answered 'The first that fails: contract_delete_makes_the_key_absent .*What it found:~.*returned.*delete .a. -> ok~ +[0-9]+  get .a. -> '
says check_shows_the_files 'The files that the test left .*: *~ +000001\.log +[0-9]+ bytes'
says check_shows_the_annotated_file 'strata inspect 000001\.log.*type +delete'
says check_says_where_the_chapter_has_a_body '~ +engine\.c +find_end +1\.I4 +line [0-9]+~'
says check_shows_how_to_run_it_again 'This test alone, .*~STRATA_ENGINE=.* STRATA_STAGE=1 STRATA_TEST=contract_delete_makes_the_key_absent .*contract_basic_test'
fails progress_of_nothing_is_refused 2 'it wants DIR=DIRECTORY, one that make start wrote' make -s -C "$root" progress DIR="$here/none"
run make -s -C "$root" progress DIR="$here/mine"
like progress_shows_bodies_and_tests "$rc $(tr '\n' '~' <<<"$out")" '^0 .*3 +One record by its offset +6 of 6 +10 of 10: done~4 .*7 of 7 +[0-9]+ of [0-9]+~5 .* 0 of 9 +0 of [0-9]+~3 of 5 sittings are done'
pl start 1 "$here/other" 2 >/dev/null
exec 8>"$B/check.lock" && flock 8
make -s -C "$root" progress DIR="$here/other" >turn.txt 2>turn.err 8>&- &
code second_check_says_that_it_waits 0 wait_until grep -q '^another make check is under way in this tree: waiting for its end$' turn.err
is second_check_has_done_nothing "$(cat turn.txt)" ""
exec 8>&-
wait $!
is second_check_goes_on "$? $(tail -1 turn.txt)" '0 2 of 5 sittings are done; make check explains what the next one lacks'
done_testing
