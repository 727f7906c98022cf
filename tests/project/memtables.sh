#!/bin/bash
# The comparison of memtables: its arguments, and that each of the structures holds what the others
# hold, which the program checks itself. Its times are nobody's promise.
. "$(dirname "$0")/../cli/tap.bash"
built=$(dirname "$STRATA")
[ -x "$built/bench/strata-memtables" ] ||
    { echo "not ok - there is no $built/bench/strata-memtables: make bench-build"; exit 1; }
ln -s "$built/bench/strata-memtables" "$work/bin/strata-memtables"

run strata-memtables --help
is help_ends_with_0 "$rc $err" "0 "
example=$(printf '%s\n' "$out" | sed -n '/^Example/{n;s/^ *//p}')
run $example
is help_example_runs "$rc" 0
like help_example_says_whether_misses_are_counted "$out" '^Cache misses(: not counted here \(.+\)| are counted.*)\.$'
run strata-memtables --sizes=1,2 --runs=2 --gets=500
is sizes_have_a_table_each "$rc $(grep -c '^[12] MiB: [0-9]* entries' <<<"$out")" '0 2'
rows=$(awk -F' *[|] *' '/entries/ { n++; times = 1 } /^Cache misses each/ { times = 0 } times && /[0-9] [|]$/ { print n, $2 }' <<<"$out")
is each_structure_has_a_row_a_table "$rows" "$(printf '%d skip list\n%d B+tree\n%d append leaves\n%d unsorted log\n' 1 1 1 1 2 2 2 2)"
entries=$(sed -nE 's/^1 MiB: ([0-9]+) entries.*/\1/p' <<<"$out")
is entries_fill_the_size "$((entries > 4000 && entries < 1048576 / 116))" 1
for argument in --sizes= --sizes=0 --sizes=4, --sizes=1025 --sizes=1,1,1,1,1,1,1,1,1 --runs=0 --runs=100 \
    --gets=1e3 --gets=-1 --nothing sizes; do
    fails "argument_${argument}_is_2" 2 'no option, or no value for it' strata-memtables "$argument"
done
if [ -w /dev/full ]; then
    fails full_disk_is_7 7 'standard output: No space left' bash -c 'strata-memtables --sizes=1 --runs=1 --gets=1 >/dev/full'
else
    skip full_disk "no /dev/full"
fi
done_testing
