#!/bin/bash
# The two programs of bench/ that print one table each: what they say of themselves, that the example
# on it runs, and what they do not take.
. "$(dirname "$0")/../cli/tap.bash"
bench=$(dirname "$STRATA")/bench
for name in difficult_keys block_layouts; do
    if [ ! -x "$bench/$name" ]; then
        skip "$name" "it is not built"
        continue
    fi
    run "$bench/$name" --help
    is "${name}_help_ends_with_0" "$rc $err" "0 "
    like "${name}_help_shows_usage" "$out" "^usage: $name "
    like "${name}_help_shows_exit_status" "$out" '^  0  ok$'
    is "${name}_help_is_narrow" "$(printf '%s\n' "$out" | awk 'length > 90' | wc -l)" 0
    for word in --what none 0 -1 999x ''; do
        fails "${name}_refuses_${word:-nothing}" 2 "^$name: .*, not \"$word\"; --help\$" "$bench/$name" "$word"
        is "${name}_that_refuses_${word:-nothing}_prints_no_table" "$out" ""
    done
done
if [ -x "$bench/difficult_keys" ]; then
    fails difficult_keys_refuses_a_row_behind_another 2 'not "bits"' "$bench/difficult_keys" 1 bits
    run env TMPDIR="$work/none" "$bench/difficult_keys" 8
    like difficult_keys_without_room_is_1 "$rc $err" "^1 $work/none/.*: No such file"
    TMPDIR=$work run "$bench/difficult_keys" 8
    is difficult_keys_example_runs "$rc $(grep -c '^| ' <<<"$out")" '0 2'
    is difficult_keys_leaves_nothing_behind "$(ls -d "$work"/strata-keys.* 2>/dev/null)" ""
fi
if [ -x "$bench/block_layouts" ]; then
    fails block_layouts_refuses_two_numbers 2 'not "2000"' "$bench/block_layouts" 1000 2000
    run "$bench/block_layouts" 1000
    like block_layouts_example_runs "$rc $out" '^0 1000 entries'
fi
done_testing
