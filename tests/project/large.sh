#!/bin/bash
# bench/large.sh on little data: what it says, and that it notices what is wrong; and bench/peak,
# which measures for it.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"
built=$(dirname "$STRATA")
[ -x "$built/bench/peak" ] || { echo "not ok - there is no $built/bench/peak: make bench-build"; exit 1; }
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
large() { env B="$built" "$@" "$root/bench/large.sh"; }

# ---- peak ----
run "$built/bench/peak" told sh -c 'exit 5'
is peak_ends_as_the_command "$rc" 5
like peak_tells_mib_and_seconds "$(cat told)" '^[0-9]+\.[0-9] [0-9]+\.[0-9]{2}$'
run "$built/bench/peak" told awk 'BEGIN { s = "a"; while (length(s) < 50000000) s = s s }'
is peak_counts_what_a_command_holds "$(awk '{ print ($1 > 60 && $1 < 1000) }' told)" 1
run "$built/bench/peak" told "$work/nowhere"
is peak_of_no_command_is_127 "$rc" 127
run "$built/bench/peak" "$work/no/where" true
is peak_that_cannot_tell_is_127 "$rc" 127

# ---- large.sh ----
if grep -aq __asan_init "$STRATA" || grep -aq __tsan_init "$STRATA"; then
    skip large_is_met "a sanitizer needs memory of its own"
else
    run large KEYS=20000 STAGE=4
    is large_is_met "$rc $(grep -c ' MiB resident   <= 128 MiB   met$' <<<"$out")" '0 3'
    like large_says_what_there_is "$out" '^level 0: 1 table, [0-9]+ bytes'
fi
is large_leaves_nothing_behind "$(ls "$TMPDIR")" ""
fails large_of_a_stage_without_tables_is_2 2 'stage 3 keeps all its keys in memory' large KEYS=10 STAGE=3
fails large_of_no_number_is_2 2 'are numbers' large KEYS=many STAGE=4
# A program that loses the last record of a scan.
mkdir "$work/liar" "$work/liar/bench"
cp "$built/bench/peak" "$work/liar/bench/"
printf '#!/bin/bash\nif [ "$1" = scan ]; then "%s" "$@" | head -n -1; else exec "%s" "$@"; fi\n' "$STRATA" "$STRATA" >"$work/liar/strata"
chmod +x "$work/liar/strata"
run env B="$work/liar" KEYS=2000 STAGE=4 "$root/bench/large.sh"
like large_notices_a_record_less "$rc $(tr '\n' ' ' <<<"$out")" '^1 .*scan: entries, and wrong ones: 1999 0: not right'
done_testing
