#!/bin/bash
# The benchmark driver: its arguments, its counts (which do not depend on the machine), its JSON,
# and that it never removes what it did not make.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"
built=$(dirname "$STRATA")
[ -x "$built/bench/strata-bench" ] ||
    { echo "not ok - there is no $built/bench/strata-bench: make bench-build"; exit 1; }
ln -s "$built/bench/strata-bench" "$work/bin/strata-bench"
mkdir "$work/tmp"
export TMPDIR=$work/tmp
bench() { strata-bench --stage 1 --num 1000 --seconds 1 "$@"; }
field() { # FILE WORKLOAD NAME
    awk -v work="\"workload\": \"$2\"" -v name="\"$3\": " '
        index($0, work) && match($0, name "[^,}]*") {
            print substr($0, RSTART + length(name), RLENGTH - length(name)) }' "$1"
}

# ---- Help ----
run strata-bench --help
is help_ends_with_0 "$rc $err" "0 "
for name in fillseq fillrandom filluniquerandom overwrite deleterandom readrandom readmissing readseq readreverse open; do
    like "help_lists_$name" "$out" "^  $name "
done
example=$(printf '%s\n' "$out" | sed -n '/^Example/{n;s/^ *//p}')
run $example
like help_example_runs "$rc $out" '^readrandom +: +[0-9.]+ micros/op; +[0-9,]+ ops/s; +[0-9.]+ MB/s  \('

# ---- Arguments ----
fails unknown_option_is_2 2 'no option "--nothing"' strata-bench --nothing=1
fails operand_is_2 2 '"fillseq" is no option' strata-bench fillseq
fails option_without_its_value_is_2 2 '--num wants a value' strata-bench --num
fails flag_with_a_value_is_2 2 '--histogram takes no value' strata-bench --histogram=1
fails number_that_is_none_is_2 2 '"1e3" is not a whole number' strata-bench --num=1e3
fails number_zero_is_2 2 '"0" is not a whole number from 1' strata-bench --num=0
fails number_negative_is_2 2 '"-5" is not' strata-bench --num=-5
fails number_empty_is_2 2 '"" is not' strata-bench --num=
fails number_too_large_is_2 2 'not a whole number' strata-bench --num=99999999999999999999
fails seconds_not_a_number_is_2 2 '"nan" is not a number' strata-bench --seconds=nan
fails ratio_above_one_is_2 2 '"1.5" is not a number from 0.01 to 1' strata-bench --compression_ratio=1.5
fails value_size_too_large_is_2 2 'value_size' strata-bench --value_size=1073741825
fails key_size_too_small_is_2 2 '2 digits do not hold key number 999' bench --key_size=2
fails unknown_benchmark_is_2 2 'there is no "fillsec"' bench --benchmarks=fillseq,fillsec
fails no_benchmark_is_2 2 'none are named' bench --benchmarks=
fails too_many_benchmarks_is_2 2 'more than' bench --benchmarks="$(printf 'open,%.0s' {1..60})"
fails unknown_stage_is_2 2 '"99" is not a stage' strata-bench --stage=99
fails stage_zero_is_2 2 '"0" is not a stage' strata-bench --stage=0
fails unknown_sync_is_2 2 'default, never, interval or always' bench --sync=sometimes
fails sync_beyond_the_stage_is_7 7 'not supported' bench --sync=always --benchmarks=fillseq
fails read_without_a_fill_is_2 2 'put a fill before it' bench --benchmarks=readrandom
fails warm_memory_in_words_is_2 2 '"much" is not a whole number' bench --warm_memory=much
fails missing_tsv_is_4 4 'none.tsv: No such file' bench --tsv=none.tsv
fails json_nowhere_is_4 4 'No such file' bench --json=nowhere/r.json
fails db_nowhere_is_4 4 'No such file' bench --db=nowhere/db
printf 'a\t1\nb\n' >bad.tsv
fails malformed_tsv_is_2 2 'bad.tsv:2:2: the line ends without a tab' strata-bench --tsv=bad.tsv
: >empty.tsv
fails empty_tsv_is_2 2 'has no records' strata-bench --tsv=empty.tsv
printf 'a\t1\n' >one.tsv
fails num_beyond_the_tsv_is_2 2 'has only 1 records' bench --tsv=one.tsv
code dashes_and_underscores_are_one 0 bench --key-size=20 --value-size=0 --benchmarks=fillseq
fails full_disk_for_the_answer_is_4 4 'standard output' bash -c 'strata-bench --help >/dev/full'
is failures_leave_nothing_behind "$(ls "$TMPDIR")" ""

# ---- A machine that others use ----
run strata-bench --stage=1 --num=100 --benchmarks=fillseq --figures=ops_per_s --quiet=0.1 --json=quiet.json
said=$(grep -c '^LOADED: .* 1 of 1 turns' <<<"$out")
counted=$(sed -nE 's/.*"turns_loaded": ([0-9]+).*/\1/p' quiet.json)
least=$(sed -nE 's/.*"least_idle": ([0-9.e+-]+).*/\1/p' quiet.json)
is load_is_told "$said $counted" "$(awk -v least="${least:-2}" 'BEGIN { n = least < 0.85; print n, n }')"
run strata-bench --stage=1 --num=100 --benchmarks=fillseq --figures=ops_per_s --json=quiet.json
is load_is_not_looked_at_unasked "$(grep -c LOADED <<<"$out") $(grep -c '"least_idle": null' quiet.json)" "0 1"

# ---- JSON ----
run bench --json=r.json
is all_benchmarks_run "$rc $err" "0 "
if command -v jq >/dev/null; then
    is json_has_a_run_a_benchmark "$(jq '.runs | length' r.json)" 10
    is json_figures_are_numbers \
        "$(jq '[.runs[] | select((.n | type) == "number" and (.ops_per_s | type) == "number")] | length' r.json)" 10
    is json_names_the_machine "$(jq '[.machine.cpu, .machine.kernel, .machine.compiler] | map(length > 0) | all' r.json)" true
    is json_stage "$(jq -c '[.runs[] | [.engine, .stage, .stage_name]] | unique' r.json)" '[["strata",1,"01_append_log"]]'
    is json_percentiles_are_in_order \
        "$(jq '[.runs[] | select(.p50_us) | .p50_us <= .p99_us and .p99_us <= .p999_us and .p999_us <= .max_us] | all' r.json)" true
    is json_unmeasured_is_null "$(jq '.runs[] | select(.workload == "readseq") | .p50_us' r.json)" null
elif command -v python3 >/dev/null; then
    code json_parses 0 python3 -m json.tool r.json
else
    skip json_parses "neither jq nor python3"
fi

# ---- Counts: the same on every machine ----
for name in fillseq fillrandom filluniquerandom overwrite deleterandom; do
    is "counts_${name}_one_write_call_a_put" "$(field r.json $name write_calls_per_op)" 1
    is "counts_${name}_no_fsync" "$(field r.json $name fsyncs_per_op)" 0
    is "counts_${name}_does_them_all" "$(field r.json $name n)" 1000
done
# a record of stage 1 is 17 bytes, key and value: (17 + 16 + 100) / 116
like counts_fillseq_bytes_written "$(field r.json fillseq bytes_written_per_byte_put)" '^1\.1465'
is counts_readrandom_finds_all "$(field r.json readrandom found)" "$(field r.json readrandom n)"
is counts_readmissing_finds_none "$(field r.json readmissing found)" 0
log_bytes=$((24 + 1000 * 133))
is counts_weak_missing_get_reads_the_whole_file \
    "$(awk -v a="$(field r.json readmissing bytes_read_per_op)" -v b=$log_bytes 'BEGIN { print (a >= b - 24) }')" 1
is counts_readseq_sees_every_key "$(field r.json readseq n)" 1000
is counts_readreverse_sees_every_key "$(field r.json readreverse n)" 1000
bench --json=again.json >/dev/null
counts() { grep -o '"workload": "[a-z]*"\|"\(write_calls_per_op\|bytes_written_per_byte_put\|fsyncs_per_op\)": [^,}]*' "$1"; }
is counts_are_the_same_again "$(counts again.json)" "$(counts r.json)"

# ---- What it makes ----
code db_is_kept 0 bench --db=kept --benchmarks=filluniquerandom
is db_filluniquerandom_has_every_key "$(strata dump kept/01_append_log | cut -f 1)" "$(seq -f %016.0f 0 999)"
is db_values_have_their_size "$(strata --hex dump kept/01_append_log | cut -f 2 | awk '{ print length($0) / 2 }' | sort -u)" 100
before=$(cat kept/01_append_log/* | cksum)
fails db_of_others_is_never_removed 2 'remove it first' bench --db=kept --benchmarks=fillseq
is db_of_others_is_untouched "$(cat kept/01_append_log/* | cksum)" "$before"
run bench --db=kept --benchmarks=readrandom,deleterandom --json=kept.json
is db_of_an_earlier_run_is_read "$rc $(field kept.json readrandom found)" "0 $(field kept.json readrandom n)"
is db_deleterandom_deletes "$(($(strata dump kept/01_append_log | wc -l) < 1000))" 1
printf 'b\tzwei\na\t\nc\t3\n' >three.tsv
code tsv_fills 0 strata-bench --stage=1 --db=tsv --tsv=three.tsv --benchmarks=filluniquerandom,readrandom,readmissing
is tsv_records_are_there "$(strata dump tsv/01_append_log)" $'a\t\nb\tzwei\nc\t3'
strata put tsv/01_append_log b drei
fails tsv_wrong_value_is_no_result 7 'read back differently' \
    strata-bench --stage=1 --db=tsv --tsv=three.tsv --reads=100 --benchmarks=readrandom
echo before >old.json
strata-bench --stage=1 --db=tsv --tsv=three.tsv --reads=100 --json=old.json --benchmarks=readrandom >/dev/null 2>&1
is json_of_a_failed_run_replaces_nothing "$(cat old.json*)" before
cp three.tsv $'odd "\\ \xe2\x88\x85 \xff.tsv'
code json_odd_names_are_escaped 0 strata-bench --stage=1 --tsv=$'odd "\\ \xe2\x88\x85 \xff.tsv' --benchmarks=fillseq --json=odd.json
if command -v jq >/dev/null; then
    is json_odd_name_is_read "$(jq -r .settings.tsv odd.json)" $'odd "\\ \xe2\x88\x85 \xef\xbf\xbd.tsv'
else
    skip json_odd_name_is_read "no jq"
fi
if [ "$(id -u)" -ne 0 ]; then
    mkdir closed && chmod 555 closed
    fails db_in_a_directory_that_is_read_only_is_4 4 'Permission denied' bench --db=closed --benchmarks=fillseq
fi

# ---- The cap ----
run strata-bench --stage=1 --num=50000 --seconds=0.05 --benchmarks=filluniquerandom,readrandom --json=cap.json
is cap_does_what_fits "$rc $(($(field cap.json readrandom n) < 50000))" "0 1"
like cap_says_how_many "$out" '^readrandom .* \([0-9]+ of 50000 ops, [0-9]+ found\)'
is cap_of_a_fill_spoils_no_reads "$(field cap.json readrandom found)" "$(field cap.json readrandom n)"

# ---- Cut short from outside ----
strata-bench --stage=1 --num=100000 --benchmarks=filluniquerandom,readrandom --json=cut.json >/dev/null &
cut=$!
wait_until eval 'ls "$TMPDIR"/strata-bench.*/*/STRATA'
kill -TERM $cut
{ wait $cut; } 2>/dev/null
is interrupted_it_ends_by_the_signal $? 143
is interrupted_it_leaves_nothing "$(ls "$TMPDIR" cut.json* 2>/dev/null | grep -v :$)" ""
strata-bench --stage=1 --num=100 --seconds=0.1 2>"$work/err" | true
is reader_that_went_away_ends_it "${PIPESTATUS[0]} $(grep -c 'standard output' "$work/err")" "4 1"

# ---- make ----
make_bench() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make --no-print-directory -C "$root" "$@"; }
fails make_set_that_is_none 2 'there is no SET=all; there are: full stairs sizes peers levels growth limits' make_bench bench SET=all
fails make_goal_that_is_none 2 'there is no SET=full; there are: costs open large' make_bench bench-goals SET=full
fails make_part_that_is_none 2 'there is no SET=open; there are: layouts keys memtables' make_bench bench-parts SET=open

# ---- All stages, and what is printed ----
run strata-bench --stage=all --num=100 --seconds=0.2 --benchmarks=fillseq,readseq --histogram
is all_stages_run "$rc $(printf '%s\n' "$out" | grep -c '^fillseq *:')" \
    "0 $(strata stages | grep -c '^stage ')"
like histogram_adds_up "$out" ' 100\.000 %  '
is output_without_terminal_is_plain "$(cat "$work/out" "$work/err" | tr -d -c '\033\r' | wc -c)" 0
is nothing_is_left_behind "$(ls "$TMPDIR")" ""
done_testing
