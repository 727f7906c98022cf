#!/bin/bash
# What the machine can do, and each workload's distance from it: that every limit is measured and
# told in two forms, and that the distances are what the limits and a result make them.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"
built=$(dirname "$STRATA")
[ -x "$built/bench/strata-limits" ] ||
    { echo "not ok - there is no $built/bench/strata-limits: make bench-build"; exit 1; }
ln -s "$built/bench/strata-limits" "$work/bin/strata-limits"
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
all='memcpy_4k memcpy_large load load_huge xxh3_4k lz4_pack_4k lz4_unpack_4k pread_4k write_132 store_132 write_seq write_seq_synced fdatasync_append fdatasync_room '
limits() { env B="$built" JSON="$work/limits.json" "$@" "$root/bench/limits.sh"; }

# ---- The program ----
run strata-limits --help
is help_ends_with_0 "$rc $err" "0 "
example=$(printf '%s\n' "$out" | sed -n '/^Example/{n;s/^ *//p}')
run $example
is help_example_measures_all "$rc $(awk -F' *[|] *' '/ns|MB/ { printf "%s ", $2 }' <<<"$out")" "0 $all"
is no_limit_is_nothing "$(awk -F' *[|] *' '/ns|MB/ && $3 < 1' <<<"$out")" ""
like best_is_least_time "$(awk -F' *[|] *' '$6 == "ns" { print ($3 <= $4 && $4 <= $5) }' <<<"$out" | sort -u)" '^1$'
like best_is_most_bytes "$(awk -F' *[|] *' '$6 == "MB/s" { print ($3 >= $4 && $4 >= $5) }' <<<"$out" | sort -u)" '^1$'
run strata-limits --json --size=2 --seconds=0.0001
is json_is_json "$rc $(python3 -c 'import json, sys; print(*[l["limit"] for l in json.load(sys.stdin)["limits"]], "")' <<<"$out")" "0 $all"
is nothing_is_left_behind "$(ls "$TMPDIR" && ls)" ""
for argument in --nothing --size= --size=1 --size=1e9 --seconds=0 --seconds=x ''; do
    fails "argument_${argument}_is_2" 2 'is no option, or no value for it' strata-limits "$argument"
done
fails directory_that_is_not_there_is_4 4 'pread_4k, in nowhere' strata-limits --size=2 --seconds=0.0001 nowhere

# ---- Distances ----
run "$root/bench/limits.sh" --help
like limits_help_tells_the_variables "$rc $out" '^0 What this machine can do at best.*'
fails limits_unknown_option_is_2 2 'is no option' "$root/bench/limits.sh" --fast
for pair in load_huge:100 memcpy_large:10000 xxh3_4k:200 lz4_pack_4k:4000 lz4_unpack_4k:800 pread_4k:1000 store_132:150 write_seq:2000 fdatasync_room:60000; do
    echo "    {\"limit\": \"${pair%:*}\", \"unit\": \"x\", \"best\": ${pair#*:}, \"median\": 999999, \"about\": \"\"},"
done >fixed
result() { echo "    {\"engine\": \"$1\", \"stage\": $2, \"workload\": \"$3\", \"threads\": ${5:-1}, \"ops_per_s\": $4},"; }
{
    echo '  "settings": {"num": 1000, "key_size": 16, "value_size": 184, "sync": "never"},'
    result strata 6 fillseq 1e6
    result strata 6 fillrandom 1000000
    result leveldb 0 fillsync 10000
    result strata 6 fill100K 10000
    result strata 5 readrandom 1000000
    result strata 6 readmissing 5000000
    result strata 6 readsmallcache 250000
    result strata 6 readseq 10000000
    result strata 6 seekrandom 100000
    result strata 6 compact 1000
    result strata 6 ycsba 100000
    result strata 6 readrandom 1000000 8
    echo '    {"engine": "lmdb", "workload": "readhot", "ops_per_s_median": 2000000, "ops_per_s": 1}'
} >results
run limits LIMITS="$PWD/fixed" RESULTS="$PWD/results"
is distances "$rc $(awk -F' *[|] *' '/^[|] (strata|leveldb|lmdb)/ { printf "%s %s %s/%s=%s, ", $2, $3, $4, $5, $6 }' <<<"$out")" \
    "0 strata 6 fillseq 1000/150=6.7, strata 6 fillrandom 1000/250=4.0, leveldb fillsync 100000/60000=1.7, strata 6 fill100K 100000/50000=2.0, strata 5 readrandom 1000/200=5.0, strata 6 readmissing 200/100=2.0, strata 6 readsmallcache 4000/2000=2.0, strata 6 readseq 100/20=5.0, strata 6 seekrandom 10000/420=23.8, strata 6 compact 1000000/253906=3.9, lmdb readhot 500/100=5.0, "
sed -i 's/"never"/"default"/' results
run limits LIMITS="$PWD/fixed" RESULTS="$PWD/results"
like distance_of_synced_writes "$out" '^\| strata 6 +\| fillseq +\| +1000 \| +60000 \| +0\.0 \|$'
cat fixed >>results
run limits RESULTS="$PWD/results"
is limits_of_the_results_are_taken "$rc $(grep -c '^| ' <<<"$out")" "0 22"
run limits LIMITS="$PWD/fixed" RESULTS="$PWD/nowhere"
like without_results_limits_alone "$rc $out" 'There is no .*/nowhere: run make bench'
fails results_without_workloads_are_1 1 'has no workload with a limit' limits LIMITS="$PWD/fixed" RESULTS="$PWD/fixed"
fails limits_without_limits_are_1 1 'has no limits' limits LIMITS=/dev/null RESULTS="$PWD/results"
done_testing
