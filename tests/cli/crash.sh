#!/bin/bash
# The crash explorer as a user sees it: what it prints, how it ends, and that its figures add up.
root=$PWD
. "$(dirname "$0")/tap.bash"

last() { tail -1 <<<"$out"; }
totals() { grep '^crash: ' <<<"$out"; }

# ---- A stage that promises the power cut ----
run strata crash --stage 3 --workload merge
is crash_without_violation_ends_with_0 "$rc" 0
is crash_every_model_has_a_line "$(totals | sed -E 's/(states|distinct)=[1-9][0-9]*/\1=N/g')" \
    'crash: stage=3 model=kill states=N distinct=N violations=0
crash: stage=3 model=ordered states=N distinct=N violations=0
crash: stage=3 model=posix states=N distinct=N violations=0'
like crash_says_how_fast_it_was "$err" '^opened [0-9]+ states in [0-9.]+ s, [0-9]+ states/s$'
before=$out
run strata crash --stage 3 --workload merge
is crash_is_the_same_twice "$out" "$before"
run strata crash --stage 3 --model posix --workload mixed
for operation in create put delete batch read sync compact close; do
    [ $operation = sync ] && continue # nothing is left to sync
    like "crash_table_has_$operation" "$out" "^$operation +[1-9][0-9]* +[1-9][0-9]* +[0-9]+ +[0-9]+  .*  fine$"
done
is crash_rows_add_up "$(awk '/^[a-z ]+ +[0-9]+ +[0-9]/ && $1 != "all" { sub(/^[a-z ]+/, "")
    c += $1; s += $2; o += $3; d += $4 } END { print c, s, o, d }' <<<"$out")" "$(awk '$1 == "all" { print $2, $3, $4, $5 }' <<<"$out")"
is crash_total_is_the_last_line "$(last)" \
    "$(awk '$1 == "all" { print "crash: stage=3 model=posix states=" $3 " distinct=" $5 " violations=0" }' <<<"$out")"
for row in recovery 'after a kill'; do
    like "crash_table_has_$row" "$out" "^$row +[1-9]"
done
before=$out
run strata crash --stage 3 --model posix --workload writes # an error at calls that nothing else makes
like 'crash_table_has_after an error' "$out" '^after an error +[1-9]'
run strata crash --stage 3 --model posix --workload mixed --seed 2
is crash_other_seed_is_other_work "$([ "$out" != "$before" ] && echo yes)" yes

run strata crash --stage 3 --model posix --workload mixed --seeds 2
like crash_two_seeds_are_more "$(last)" ' violations=0$'
is crash_seeds_share_few_states "$(( $(sed -n 's/.*distinct=\([0-9]*\).*/\1/p' <<<"$out") > 15 *
    $(sed -n 's/.*distinct=\([0-9]*\).*/\1/p' <<<"$before") / 10 ))" 1

run strata crash --stage 3 --depth quick --workload merge
is crash_quick_is_the_first_crash_alone "$rc $(grep -cE '^(recovery|after) ' <<<"$out")" '0 0'

# ---- How far it is ----
if command -v script >/dev/null; then
    script -qec "stty cols 100; strata crash --stage 3 --model posix --workload mixed" /dev/null </dev/null >tty 2>&1
    like crash_terminal_shows_bar_and_time_left "$(tr -d '\0' <tty)" \
        $'\rcrash \\[=*>? *\\] +[0-9]+%  [0-9]+ states/s  [0-9]+:[0-9][0-9] left\033\\[K'
    is crash_bar_only_grows "$(grep -o '[0-9]*%' tty | tr -d % | sort -nc 2>&1)" ""
    rm tty
else
    skip crash_terminal_shows_bar_and_time_left "no script(1)"
fi

# ---- Stages that do not ----
for stage in 1 2; do
    run strata crash --stage $stage --model posix --workload merge
    is crash_stage_${stage}_loses_what_it_never_promised "$rc" 0
    like crash_stage_${stage}_counts_it "$(last)" "^crash: stage=$stage model=posix .* violations=[1-9]"
    like crash_stage_${stage}_says_so "$out" "^0${stage}_[a-z_]+ does not promise that writes survive a power cut\.$"
    like crash_stage_${stage}_shows_one "$out" '^lost, for example: the state after write [0-9]+, and write [0-9]+ was safe$'
    run strata crash --stage $stage --model kill --workload merge
    like crash_stage_${stage}_keeps_what_it_promised "$rc $(last)" '^0 .* violations=0$'
done

# ---- A violation is shown by few steps, and the command makes it again ----
run strata crash --stage 2 --model posix --workload mixed
sed -n '/^lost, /,/^END$/p' <<<"$out" >case
like crash_lost_case_has_its_files "$(grep '^  files' case)" '^  files     ([^ ]+ [0-9]+(, |$))+|no directory$'
like crash_lost_case_is_short "$(grep -c '^put\|^del\|^compact\|^reopen' case)" '^[1-3]$'
sed -n '/^strata crash/,$p' case >again.sh
run sh ./again.sh
is crash_command_makes_the_state_again "$rc $(head -1 <<<"$out" | sed 's/^state [0-9.]*, //')" \
    "0 $(head -1 case | sed 's/, for example//')"
is crash_command_cuts_the_same_call "$(grep '^  cut' <<<"$out")" "$(grep '^  cut' case)"
rm case again.sh
printf 'put a %0900d\n' 0 >work
run strata crash --stage 1 --model posix --workload work
like crash_long_values_are_cut "$(sed -n '/^lost, /,/^END$/p' <<<"$out")" "^put 'a' '0{8}'$"
like crash_screen_is_readable "$(awk 'length > 300' <<<"$out" | wc -l)" '^0$'
rm work
run strata crash --stage 2 --model posix --workload merge --keep kept
sed -n '/^error, /,/^END$/p' <<<"$out" >case
like crash_keeps_the_first_case "$(sed -n 's/.*corrupt: disk//p' case)" '^/db/'
fails crash_kept_state_is_what_was_there 3 "$(sed -n 's/.*corrupt: disk\([^:]*: [a-z ]*\).*/\1/p' case)" \
    strata scan kept/db
like crash_keeps_the_workload "$(cat kept/workload)" '^settle$'
at=$(sed -n 's/^strata crash .*--at \([0-9.+]*\) .*/\1/p' case)
run strata crash --stage 2 --model posix --workload kept/workload --at "$at"
like crash_kept_workload_shows_it_again "$rc $out" '^0 state [0-9.]+, error: '
fails crash_keep_never_overwrites 4 'kept: the directory is not empty' strata crash --stage 3 --workload merge --keep kept
is crash_keep_says_so_before_the_work "$out" ""
rm -r kept case
mkdir kept
code crash_keep_takes_an_empty_directory 0 strata crash --stage 2 --model posix --workload merge --keep kept
is crash_keep_has_the_state "$(ls kept)" "db
workload"
rm -r kept
mkdir kept
code crash_keep_leaves_an_empty_directory 0 strata crash --stage 3 --depth quick --workload merge --keep kept
is crash_keep_had_nothing_to_write "$(ls -A kept; rmdir kept && echo empty)" empty
echo >kept
fails crash_keep_wants_a_directory 4 'kept: .*Not a directory' strata crash --stage 3 --workload merge --keep kept
rm kept
fails crash_keep_wants_its_parent 4 'no/kept: No such file' strata crash --stage 3 --workload merge --keep no/kept
strata crash --stage 3 --depth quick --workload merge --keep nothing >/dev/null 2>&1
is crash_keeps_no_directory_without_a_violation "$(ls -d nothing 2>/dev/null)" ""

# ---- States by name ----
strata crash --stage 3 --model ordered --workload merge >/dev/null 2>&1
run strata crash --stage 3 --model posix --workload merge --at 1.0
like crash_at_tells_what_came_back "$rc $out" '^0 state 1\.0, fine: the state after write 3'
for at in 20.0+3.0 kill12/40.0 eio12/20.0; do
    run strata crash --stage 3 --model posix --workload merge --at $at
    like "crash_at_$at" "$rc $out" "^0 state ${at/+/\\+}, fine: the state after write [3-5]$"
done
fails crash_at_unknown_state 2 'there is no state 1\.99' strata crash --stage 3 --model posix --workload merge --at 1.99
for at in x 1 1. .1 1.1+ kill/1.1 kill5 1.1+2 1.1x 99999999999999999999.1; do
    fails "crash_at_no_state_$at" 2 'names no state' strata crash --model posix --workload merge --at $at
done
fails crash_at_wants_a_model 2 'wants --model' strata crash --at 1.0 --workload merge

# ---- A workload from a file ----
cat >work <<'.'
# as in the shell
put a 'one two'
settle
put "b\tc" \x27\x00
batch begin
put d ''
del a
batch commit
reopen
compact
read
sync
.
code crash_workload_of_a_file 0 strata crash --stage 3 --workload work
like crash_workload_has_what_it_says "$out" '^batch +[1-9]'
is crash_workload_is_settled "$(grep -c '^create' <<<"$out")" 0
run strata crash --stage 3 --model posix --workload - <work
like crash_workload_from_stdin "$rc $(last)" '^0 crash: .* violations=0$'
wrong() { # NAME LINE WHY
    printf 'put a 1\n%s\n' "$2" >bad
    fails "crash_workload_$1" 2 "bad:2: $3" strata crash --stage 3 --workload bad
}
wrong no_step 'get a' 'no step of a workload'
wrong word_missing 'put a' 'no step of a workload'
wrong word_too_many 'del a b' 'no step of a workload'
wrong bad_escape 'put a \q' 'no such escape'
wrong open_quote "put a 'b" 'this quote is never closed'
wrong batch_empty 'batch commit' 'batch begin'
wrong unsynced_late unsynced 'no step of a workload'
printf 'batch begin\nput a 1\n' >bad
fails crash_workload_batch_open 2 'the batch is not committed' strata crash --stage 3 --workload bad
echo 'batch commit' >>bad
code crash_workload_batch_of_one 0 strata crash --stage 3 --model posix --workload bad
fails crash_workload_batch_wants_a_promise 2 'promises no batch' strata crash --stage 2 --workload bad
rm work bad
run strata crash --model kill --workload merge
like crash_default_stage_is_the_newest "$(last)" "stage=$(strata stages | sed -n 's/^stage \([0-9]*\) .*/\1/p' | tail -1) "

# ---- A workload call by call ----
printf 'put apple red\nsettle\nput "a\\tb" %0500d\ndel apple\n' 0 >work
run strata crash --walk calls --stage 3 --model posix --workload work
rows() { grep "^$1" <<<"$out" | awk '{ $1 = $1 } 1'; } # blanks made one
operations=$(grep -cE '^(put|delete|close) ' <<<"$out")
is crash_walk_has_a_row_an_operation "$rc $operations $(rows 'put a' | cut -d' ' -f1-2) $(rows 'delete ' | cut -d' ' -f1-2)" \
    '0 3 put a\tb delete apple'
like crash_walk_says_how_many_came_back "$(rows 'put a')" ' 1-2 of 2 fine$'
like crash_walk_ends_with_what_is_safe "$(rows 'close ')" ' 3 of 3 fine$'
like crash_walk_has_what_came_back "$out" \
    '^  sync .* 1  2 of 2 +fine: a\\tb=<500 bytes> apple=red  <- .*: all$'
like crash_walk_has_torn_tails "$out" '^  sync .* 1 of 2 +torn tail: apple=red  <- '
is crash_walk_adds_up "$(awk '/^[a-z]/ && $NF == "fine" { sub(/^(put|delete) [^ ]*|^close/, ""); s += $2; o += $3 }
    /^  [a-z]/ { for (i = 1; i < NF; i++) if ($(i + 1) == "of" && $i ~ /^[0-9]+$/) { c += $(i - 1); break } }
    END { print s, o, c }' <<<"$out")" \
    "$(run strata crash --depth quick --stage 3 --model posix --workload work; awk '$1 == "all" { print $3, $4, $4 }' <<<"$out")"
run strata crash --walk calls --stage 3 --model kill --workload work
like crash_walk_of_a_kill_has_every_byte "$out" '^  append .* 1 of 2 +torn tail: apple=red  <- 1 to ([0-9]+) of [0-9]+ bytes$'
run strata crash --walk calls --stage 2 --model posix --workload merge
like crash_walk_shows_what_is_lost "$out" '^  [a-z]+ .*  no state: what is found, .* is the state after no write up to 3'
like crash_walk_shows_how "$out" '^      <- names: .*: half'
like crash_walk_of_a_loss_that_was_not_promised "$rc $(last)" '^0 crash: .* violations=[1-9]'
like crash_walk_of_a_loss_has_no_example "$(grep -c 'for example' <<<"$out")" '^0$'
calls=$(grep -c '^  [a-z]' <<<"$out")
run strata crash --walk results --stage 2 --model posix --workload merge
is crash_walk_of_results_is_shorter "$(($(grep -c '^  [a-z]' <<<"$out") * 2 < calls))" 1
is crash_walk_of_results_has_each_once "$(sed '/^put/,$d' <<<"$out" | sed -n 's/.*\(fine\|torn tail\|lost\|no state\): \(.*\)/\1 \2/p' | sort | uniq -d)" ""
# empty keys and values, a batch, a long value, and the same state twice
printf "put '' ''\nput '' %0120d\nbatch begin\nput a ''\ndel ''\nbatch commit\ndel ''\nput a 1\n" 0 >words
run strata crash --walk calls --stage 3 --model kill --workload words
is crash_walk_names_the_empty_key "$rc $(grep -cE "^put '' " <<<"$out")" '0 2'
like crash_walk_has_the_batch "$out" '^batch of 2 .* fine$'
run strata crash --walk results --stage 3 --model kill --workload words
like crash_walk_of_results_shows_empty_values "$out" "fine: a=''$"
run strata crash --walk calls --stage 3 --model posix --workload words
like crash_walk_of_all_words "$rc $(last)" '^0 crash: .* violations=0$'
run strata crash --walk results --stage 1 --model posix --workload nothing
like crash_walk_of_no_database "$rc $out" 'no database'
rm words
run strata crash --walk calls --stage 3 --model posix --workload unsynced
like crash_walk_of_unsynced_work "$rc $(last)" '^0 crash: .* violations=0$'
fails crash_walk_wants_a_workload 2 'wants one --workload' strata crash --walk calls
fails crash_walk_of_calls_or_results 2 '"x" is none of calls, results' strata crash --walk x --workload merge
fails crash_walk_wants_one_seed 2 'wants one --workload' strata crash --walk calls --workload mixed --seeds 2
rm work

# ---- Call sites ----
run strata crash --stage 3 --model posix --workload merge --sites
is crash_sites_add_up "$(awk '/stages\/|common\// { s += $1 } END { print s }' <<<"$out")" \
    "$(awk '/^ *[0-9]+  all$/ { print $1 }' <<<"$out")"
like crash_sites_of_one_workload_may_be_missing "$rc $(last)" '^0 sites: [0-9]+ that call the file layer, [0-9]+ of them never crashed at$'
run strata crash --stage 1 --model kill --sites
like crash_sites_are_all_crashed_at "$rc $(last)" '^0 sites: [0-9]+ that call the file layer, 0 of them never crashed at$'
run strata crash --stage 1 --model kill
is crash_sites_are_told_of_when_one_is_missing "$rc $(grep -c sites <<<"$out")" '0 0'
run strata crash --stage 3 --model posix --workload merge
is crash_sites_only_when_asked "$(grep -c 'sites' <<<"$out")" 0
run strata crash --stage 8 --model kill --depth quick --sites
named=$(sed -nE 's/^ +0 .*: by ([0-9a-z_]+) ([a-z_]+)$/\1 \2/p' <<<"$out" | sort -u)
is crash_sites_of_tests_name_some "$(grep -c . <<<"$named")" 1
is crash_sites_of_tests_name_those_that_are_there "$(while read -r file test; do grep -q "$test" "$root/tests/stages/$file.c" || echo "$file $test"; done <<<"$named")" ''
run strata crash --stage 4 --model kill --workload merge --sites
is crash_sites_of_another_stage_count_where_they_are_used "$(grep -c 'stages/01_.* in record_start_kind' <<<"$out") $(grep -c 'in record_append_typed' <<<"$out")" '1 0'

# ---- Long runs, which go on where they stopped ----
mkdir -p full/crash && ln -s "$STRATA" full/strata
{
    echo "# $(cksum <full/strata)"
    printf 'mixed\t1\tposix\t30\t20\t0\t7\nmixed\t1\tkill\t12\nmixed\t2\tposix\t3\t\t1\t1\nmixed\t3\tposix\t1'
} >full/crash/full_1.tsv
run env B=full "$root/tests/tools/crash.sh" full 1 0
is crash_full_sums_up_whole_rows_only "$rc $out" '0 crash: stage=1 model=posix states=30 distinct=20 violations=0'
like crash_full_tells_of_damaged_rows "$err" 'rows that are damaged are made again$'
is crash_full_writes_the_sums_down "$(cut -f 1-6 docs/crash/results.tsv)" "$(printf '1\tposix\t1\t30\t20\t0')"
# a bug in the program: nothing is summed up
printf '#!/bin/sh\n[ "$1" = stages ] && exec "%s" stages\necho "crash: stage=1 model=posix states=9 distinct=9 violations=3"\nexit 8\n' "$STRATA" >broken
rm full/strata && mv broken full/strata && chmod +x full/strata
run env B=full "$root/tests/tools/crash.sh" full 1 9
is crash_full_that_found_something_fails "$rc $(grep -c 'model=posix states=9' <<<"$out")" '1 1'
is crash_full_that_found_something_sums_nothing_up "$(grep -c states=30 <<<"$out") $(cut -f 4 docs/crash/results.tsv)" '0 30'
fails crash_full_of_no_stage_is_told 2 'no such stage' env B=full "$root/tests/tools/crash.sh" full 99 0
rm -r full docs

# ---- What is said of a wrong command line ----
fails crash_unknown_model 2 '"cut" is none of kill, ordered, posix' strata crash --model cut
fails crash_unknown_workload 2 '"x" is no file, and none of nothing, .*, merge, held, batches, mixed, unsynced' strata crash --workload x
fails crash_unknown_stage 2 '--stage: "99" is no whole number of 1 to [0-9]+' strata crash --stage 99
fails crash_unknown_depth 2 '"deep" is none of quick, usual, full' strata crash --depth deep
fails crash_no_seeds 2 'no whole number of 1' strata crash --seeds 0
fails crash_seed_is_a_number 2 'no whole number' strata crash --seed x
fails crash_takes_no_operand 2 'one argument too many' strata crash db
is crash_leaves_no_file "$(ls -A | wc -l)" 0
done_testing
