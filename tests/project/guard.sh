#!/bin/bash
# The regression guard's command: what it prints and how it ends. (That the stages cost what is
# recorded is tests/unit/guard_test.c; with instructions it is make guard.)
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"
program=$(dirname "$STRATA")/bench/strata-guard
[ -x "$program" ] || { echo "not ok - there is no $program: make bench-build"; exit 1; }
ln -s "$program" "$work/bin/strata-guard"
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
guard() { env GUARD="$program" TABLE="$work/table" PLACE="$TMPDIR" "$@" "$root/bench/guard.sh" ${option:+"$option"}; }
option=
last() { tail -n 1 <<<"$out"; }

# ---- Counting ----
run strata-guard --help
is help_ends_with_0 "$rc $err" "0 "
example=$(printf '%s\n' "$out" | sed -n '/^Example/{n;s/^ *//p}')
mkdir example && cd example && run $example && cd ..
is help_example_counts_a_stage "$rc $(grep -c '^4	' <<<"$out") $(grep -c '^[0-9]' <<<"$out")" "0 14 14"
cp "$work/out" first
is works_of_a_stage "$(awk '/^4/ { printf "%s ", $2 }' first)" \
    "fillseq fillbatch fillsync fillrandom openkilled gethit getmiss scan reverse seek10 delete compact close open "
mkdir a_directory_with_another_name && run strata-guard --stage=4 a_directory_with_another_name
same again_is_the_same "$work/out" first
for argument in --nothing --stage= --stage=0 --stage=4x; do
    fails "argument_${argument}_is_2" 2 'see --help' strata-guard "$argument" .
done
fails no_directory_is_2 2 'see --help' strata-guard
fails directory_that_is_not_there_is_7 7 'nowhere' strata-guard nowhere
fails stage_that_is_not_there_is_7 7 'no stage 99' strata-guard --stage=99 .

# ---- Comparing ----
run "$root/bench/guard.sh" --help
like guard_help_tells_the_variables "$rc $out" '^0 The regression guard.*'
fails guard_unknown_option_is_2 2 'is no option' "$root/bench/guard.sh" --fast
fails guard_without_a_record_is_7 7 'I/O error: .*table' guard NOW="$PWD/first"
option=--record run guard NOW="$PWD/first"
is record_is_kept "$rc $out" "0 recorded: 14 works in $work/table
without instructions: there is no valgrind"
same record_is_what_was_measured first "$work/table"
run guard NOW="$PWD/first"
like nothing_has_grown "$rc $out" '^0 not compared: instructions, which were not counted.*'
is each_work_passes "$(last)" "14 passed, 0 failed"

change() { awk -v work="$1" -v column="$2" -v by="$3" 'BEGIN { FS = OFS = "\t" } $2 == work { $column = int($column * by) } { print }' first >second; }
change gethit 8 1.06
run guard NOW="$PWD/second"
is growth_is_failure "$rc $(last)" "1 13 passed, 1 failed"
like growth_says_which_and_by_how_much "$out" '^ *stage 4 gethit: allocations an operation: [0-9.]+, were [0-9.]+ \(\+[56]\.[0-9] %\)$'
like growth_that_is_wanted_is_recorded "$out" 'for a good reason is recorded: make guard-record'
change gethit 8 0.9
run guard NOW="$PWD/second"
is less_is_no_failure "$rc $(last)" "0 14 passed, 0 failed"
like less_is_to_be_recorded "$out" 'record it: make guard-record'
grep -v '	open	' first >second
run guard NOW="$PWD/second"
is work_that_is_not_done_is_failure "$rc $(last)" "1 13 passed, 1 failed"
like it_is_named "$out" '^FAILED  stage 4 open is recorded, and was not done$'
cp second "$work/table"
run guard NOW="$PWD/first"
is work_that_is_not_recorded_is_failure "$rc $(last)" "1 13 passed, 1 failed"
sed 's/^4	/3	/' first >"$work/table"
{ cat "$work/table" && grep "^4	" first; } >second
run guard NOW="$PWD/second"
is stage_that_is_not_recorded_is_no_failure "$rc $(last)" "0 14 passed, 0 failed"
like it_is_told "$out" '^not compared: stage 4, which is not recorded: make guard-record$'
sed 's/^# appends: .*/# appends: written/; s/^# sorts: .*/# sorts: 1/; s/^# built: .*/# built: cc 1/' first >"$work/table"
change fillsync 10 2
awk 'BEGIN { FS = OFS = "\t" } $2 == "gethit" { $4 *= 2 } { print }' second >third
run guard NOW="$PWD/third"
is calls_of_other_files_are_not_compared "$rc $(last)" "0 14 passed, 0 failed"
like it_says_so "$out" '^not compared: system calls'
like comparisons_of_another_sort_neither "$out" '^not compared: comparisons'
like instructions_of_other_compilers_are_not_compared "$out" '^  cc 1$'

# ---- Instructions ----
# A valgrind that writes totals of its own, for 14 works.
cat >"$work/bin/valgrind" <<'END'
#!/bin/bash
for argument; do case $argument in --callgrind-out-file=*) to=${argument#*=} ;; esac; done
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do printf 'events: Ir\ntotals: 10%02d\n' $i >"$to.$i"; done
while [ "${1:0:2}" = -- ]; do shift; done
exec "$1" --stage=4 "$2"
END
chmod +x "$work/bin/valgrind"
option=--record run guard
is instructions_are_recorded "$rc $(awk '/^4/ { printf "%s ", $NF }' "$work/table" | cut -c1-15)" "0 1001 1002 1003 "
run guard
is instructions_are_compared "$rc $out" "0 14 passed, 0 failed"
sed -i 's/	1003$/	900/' "$work/table"
run guard
like instructions_that_grew_are_told "$out" '^ *stage 4 fillsync: instructions an operation: '
is instructions_that_grew_are_failure "$rc $(last)" "1 13 passed, 1 failed"
printf '#!/bin/sh\necho no such tool >&2\nexit 1\n' >"$work/bin/valgrind"
run guard
like valgrind_that_fails_is_told "$err" 'valgrind failed, so instructions are not counted'
is guard_leaves_nothing_behind "$(ls "$TMPDIR")" ""
done_testing
