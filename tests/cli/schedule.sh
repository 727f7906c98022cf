#!/bin/bash
# schedule: steps of several sessions; and the anomalies of tests/schedules, each at both levels.
schedules=$PWD/tests/schedules
. "$(dirname "$0")/tap.bash"

# ---- Operations without transactions: every stage has them ----
printf '%s\n' '# Two sessions' 'a: put x 1' 'b: get x = 1' 'a: put "two words" \x00' 'b: scan = "two words"=\x00 x=1' \
    'b: scan x' 'b: delete x' 'a: get x = none' 'a: scan a b = empty' >plain
for stage in 1 6 10; do
    prints schedule_stage_$stage 'Two sessions (serializable)
line  a                      b
   2  put x 1
   3                         get x: 1
   4  put "two words" \x00
   5                         scan: "two words"=\x00 x=1
   6                         scan x: x=1
   7                         delete x
   8  get x: none
   9  scan a b: empty
at the end: "two words"=\x00' strata schedule plain --stage $stage
done
prints schedule_of_nothing $'none (snapshot)\nline \nat the end: empty' bash -c 'echo "# none" | strata schedule - --isolation snapshot'
run strata schedule plain plain
is schedule_of_several_files "$rc $(grep -c '^Two sessions' <<<"$out")" '0 2'
printf 'a: get x = 1\nb: get x = none\n' >wrong
fails schedule_unexpected_result_is_8 8 '^strata: schedule: wrong:1: a: none, but 1 was expected$' strata schedule wrong
like schedule_marks_what_is_unexpected "$out" '^   1  get x: none <- expected: 1$'
is schedule_goes_on_after_it "$(grep -c '^   2  .*get x: none$' <<<"$out")" 1
printf 'a: get x snapshot= 1 serializable= none\n' >levels
code schedule_expectation_of_its_level 0 strata schedule levels
code schedule_expectation_of_the_other_level 8 strata schedule levels --isolation snapshot
printf 'a: get x\na: = none\n' >waited
fails schedule_result_without_a_wait_is_8 8 'waited:2: a: nothing has waited, but none was expected' strata schedule waited

# ---- What is refused ----
printf 'a: get x\n\na: geet x\n' >bad
fails schedule_bad_step_names_file_and_line 2 '^strata: schedule: bad:3: "geet" is no step; see' strata schedule bad
fails schedule_bad_standard_input_is_named 2 '^strata: schedule: standard input:3: ' bash -c 'strata schedule - <bad'
is schedule_bad_step_runs_nothing "$out" ""
fails schedule_no_such_file 4 'none: No such file' strata schedule none
fails schedule_a_directory 4 '^strata: schedule: \.: Is a directory' strata schedule .
fails schedule_unknown_level 2 '--isolation: "read" is none of snapshot, serializable' strata schedule plain --isolation read
fails schedule_table_at_one_level 2 'both levels' strata schedule plain --table --isolation snapshot
fails schedule_db_of_two_runs 2 '--db is the new database of one run' strata schedule plain plain --db new
printf 'a: begin\n' >begin
fails schedule_transaction_beyond_the_stage_is_5 5 'begin:1: .*10_concurrency has no transactions' strata schedule begin --stage 10
head -c 2000000 /dev/zero | tr '\0' '#' >large
fails schedule_too_large 2 'large:1: more than 1048576 bytes' strata schedule large
if [ -w /dev/full ]; then
    fails schedule_full_disk_is_4 4 'No space left' bash -c 'strata schedule plain >/dev/full'
else
    skip schedule_full_disk_is_4 "no /dev/full"
fi

# ---- In a directory ----
code schedule_db_is_made 0 strata schedule plain --db made
prints schedule_db_stays 'two words	\x00' strata scan made
fails schedule_db_must_be_new 7 'made' strata schedule plain --db made
code schedule_db_of_a_stage 0 strata schedule plain --db third --stage 3
like schedule_db_of_a_stage_is_one "$(strata info third)" 'stage 3'

# ---- Transactions ----
if ! strata stages | grep -q '^  transaction '; then
    skip schedule_transactions "no stage of this build promises transactions"
    done_testing
fi

# Each file holds at both levels, twice the same, and does what the table says: prevented, or shown.
table() {
    cat <<'END'
deadlock - -
deadlock_elder_asks_last - -
deadlock_of_three - -
delete_is_written prevented prevented
deletes weak prevented
delrange - -
empty_keys weak prevented
for_update prevented prevented
for_update_plain_write prevented prevented
for_update_saves_work prevented prevented
g0 prevented prevented
g1a prevented prevented
g1b prevented prevented
g1c prevented prevented
g2 weak prevented
g2_item weak prevented
g2_two_edges weak prevented
g_single prevented prevented
g_single_predicate prevented prevented
g_single_write prevented prevented
locks_fall_on_abort - -
locks_in_order - -
merge - -
otv prevented prevented
own_writes - -
p4 prevented prevented
plain_write prevented prevented
pmp prevented prevented
pmp_write prevented prevented
read_only weak prevented
reader - -
savepoint_keeps_reads weak prevented
savepoints - -
timeout - -
END
}
anomaly() { # NAME LEVEL prevented|weak|-
    local name=schedule_$1_$2 words=$3
    [ "$3" = weak ] && name=weak_$name words=happened
    run strata schedule "$schedules/$1.txt" --isolation "$2"
    is "$name" "$rc $(sed -n 's/^the anomaly: //p' <<<"$out")" "0 ${words#-}"
    strata schedule "$schedules/$1.txt" --isolation "$2" >"$work/again" 2>&1
    same "${name}_is_the_same_again" "$work/out" "$work/again"
}
while read -r name snapshot serializable; do
    anomaly "$name" snapshot "$snapshot"
    anomaly "$name" serializable "$serializable"
done < <(table)
is schedule_every_file_is_in_the_table "$(cd "$schedules" && ls *.txt)" "$(table | sed 's/ .*/.txt/')"
run strata schedule --table "$schedules"/*.txt
is schedule_table_ends_with_0 "$rc$err" 0
is schedule_table_says_the_same "$(sed 1d <<<"$out" | awk '{ print $(NF - 1), $NF }')" "$(table | sed 's/^[^ ]* //; s/weak/possible/g')"
like schedule_table_has_a_head "$(head -1 <<<"$out")" '^ +SNAPSHOT   SERIALIZABLE$'
printf 'a: begin\na: commit = conflict\n' >ok
fails schedule_table_unexpected_result_is_8 8 'ok:2: a: ok, but conflict was expected' strata schedule --table ok
like schedule_table_without_an_anomaly "$out" '^ok  *-  *-$'

# A level on the line is that level, whatever the run has.
sed 's/: begin/: begin snapshot/; s/ serializable= conflict//' "$schedules/g2_item.txt" | grep -v '^c:' >fixed
like schedule_level_of_a_begin "$(strata schedule fixed)" '^the anomaly: happened$'
done_testing
