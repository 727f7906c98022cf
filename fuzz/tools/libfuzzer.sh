#!/bin/bash
# Runs fuzz targets under libFuzzer, one after another, each for TIME seconds; what they find to be
# new stays in build/libfuzzer/corpus/NAME. One line a target; exit code 1 when one found a fault,
# with the input kept and the command that shows it again.
#
#   TARGET= TIME=60 fuzz/tools/libfuzzer.sh NAME...
set -u
B=build/libfuzzer
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1:quarantine_size_mb=16}
bad=0

[ -n "${TARGET:-}" ] && set -- "$TARGET"
for name; do
    [ -x "$B/fuzz/libfuzzer/$name" ] || { echo "libfuzzer.sh: there is no target $name" >&2; exit 2; }
    corpus=$B/corpus/$name found=$B/found/$name log=$B/$name.log inputs=()
    mkdir -p "$corpus" "$found"
    for dir in fuzz/seeds/$name fuzz/regress/$name; do [ -d "$dir" ] && inputs+=("$dir"); done
    "$B/fuzz/libfuzzer/$name" -max_total_time="${TIME:-60}" -max_len=4096 -timeout=10 \
        -print_final_stats=1 -artifact_prefix="$found/" "$corpus" "${inputs[@]}" >"$log" 2>&1
    rc=$?
    execs=$(awk '/stat::number_of_executed_units/ { print $2 }' "$log")
    rate=$(awk '/stat::average_exec_per_sec/ { print $2 }' "$log")
    edges=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -d' ' -f2)
    echo "fuzz: target=$name execs=${execs:-0} per_s=${rate:-0} edges=${edges:-0}" \
        "corpus=$(find "$corpus" -type f | wc -l) found=$([ $rc -eq 0 ] && echo 0 || echo 1)"
    if [ $rc -ne 0 ]; then
        bad=1
        grep -aE 'violated:|ERROR:|SUMMARY:|runtime error|Test unit written' "$log" | sed 's/^/    /'
        echo "    the whole output: $log; again: $B/fuzz/libfuzzer/$name INPUT, or build/fuzz/replay/$name INPUT"
    fi
done
exit $bad
