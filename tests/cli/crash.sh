#!/bin/bash
# The crash explorer as a user sees it: what it prints, how it ends, and that its figures add up.
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
like crash_says_how_fast_it_was "$err" '^opened [0-9]+ distinct states in [0-9.]+ s, [0-9]+ states/s$'
before=$out
run strata crash --stage 3 --workload merge
is crash_is_the_same_twice "$out" "$before"
run strata crash --stage 3 --model posix --workload mixed
for operation in create put delete batch read sync compact close; do
    [ $operation = sync ] && continue # nothing is left to sync
    like "crash_table_has_$operation" "$out" "^$operation +[1-9][0-9]* +[1-9][0-9]* +[0-9]+  .*  fine$"
done
is crash_rows_add_up "$(awk '/^[a-z]+ +[0-9]/ && $1 != "all" { c += $2; s += $3; d += $4 }
    END { print c, s, d }' <<<"$out")" "$(awk '$1 == "all" { print $2, $3, $4 }' <<<"$out")"
before=$out
run strata crash --stage 3 --model posix --workload mixed --seed 2
is crash_other_seed_is_other_work "$([ "$out" != "$before" ] && echo yes)" yes

# ---- Stages that do not ----
for stage in 1 2; do
    run strata crash --stage $stage --model posix --workload merge
    is crash_stage_${stage}_loses_what_it_never_promised "$rc" 0
    like crash_stage_${stage}_counts_it "$(last)" "^crash: stage=$stage model=posix .* violations=[1-9]"
    like crash_stage_${stage}_says_so "$out" "^0${stage}_[a-z_]+ does not promise that writes survive a power cut\.$"
    like crash_stage_${stage}_shows_one "$out" '^lost, the first of them: the state after 3 writes, and 4 were safe$'
    run strata crash --stage $stage --model kill --workload merge
    like crash_stage_${stage}_keeps_what_it_promised "$rc $(last)" '^0 .* violations=0$'
done
like crash_merge_of_stage_2_puts_old_data_at_risk \
    "$(strata crash --stage 2 --model posix --workload merge 2>/dev/null)" \
    '^  workload  merge: writes issued 3, acknowledged 3$'
run strata crash --model kill --workload merge
like crash_default_stage_is_the_newest "$(last)" "stage=$(strata stages | sed -n 's/^stage \([0-9]*\) .*/\1/p' | tail -1) "

# ---- What is said of a wrong command line ----
fails crash_unknown_model 2 '"cut" is none of kill, ordered, posix' strata crash --model cut
fails crash_unknown_workload 2 '"x" is none of nothing, writes, reopens, large, merge, mixed' strata crash --workload x
fails crash_unknown_stage 2 '--stage: "99" is no whole number of 1 to [0-9]+' strata crash --stage 99
fails crash_seed_is_a_number 2 'no whole number' strata crash --seed x
fails crash_takes_no_operand 2 'one argument too many' strata crash db
is crash_leaves_no_file "$(ls -A | wc -l)" 0
done_testing
