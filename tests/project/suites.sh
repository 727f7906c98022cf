#!/bin/bash
# The runner of the suites (tests/tools/run.sh): what counts as a failure, and the last line.
runner=$PWD/tests/tools/run.sh
. tests/cli/tap.bash
unset B STAGE QUICK ALL SKIP STRATA_ENGINE COUNTS LOGS TAIL
export JOBS=1
mkdir -p tests/cli tests/project stages/01_only && touch stages/01_only/stage.mk

suite() { cat >"tests/cli/$1.sh"; }
only() { rm -f tests/cli/* tests/project/*; }
last() { tail -1 <<<"$out"; }

suite good <<<'echo "ok 1 - it"; echo 1..1'
code success_is_0 0 "$runner"
is success_is_counted "$(last)" "1 passed, 0 failed"
like suite_shows_its_time "$out" '^ok +cli good +1 passed +0 failed +[0-9.]+ s, [0-9.]+ of CPU$'

suite bad <<<'echo "not ok 1 - it"; echo 1..1; exit 1'
code failure_is_1 1 "$runner"
is failure_is_counted "$(last)" "1 passed, 1 failed"
only

suite silent <<<'true'
code suite_without_tests_fails 1 "$runner"
like suite_without_tests_says_so "$out" 'cli silent reported nothing'
suite silent <<<'echo 1..2; echo "ok 1 - it"'
code suite_that_ends_early_fails 1 "$runner"
like suite_that_ends_early_says_so "$out" 'cli silent ended after 1 of 2 tests'
suite silent <<<'echo 1..1; echo "ok 1 - it"; exit 3'
code suite_with_a_bad_status_fails 1 "$runner"
suite silent <<<'sleep 60'
export SUITE_SECONDS=1
code suite_that_hangs_fails 1 "$runner"
unset SUITE_SECONDS
only

suite noisy <<<'echo "not ok 1 - it"; seq 100; echo 1..1; exit 1'
TAIL=3 run "$runner"
is failure_is_shown_when_much_follows "$(grep -o '| .*' <<<"$out" | paste -sd' ')" "| not ok 1 - it | 99 | 100 | 1..1"
suite noisy <<<'echo "# skipped: no time"; echo "not ok 1 # SKIP it"; echo "ok 2 - that # SKIP no room"; echo 1..2'
run "$runner"
is skipped_tests_have_their_reasons "$(grep -o '| .*' <<<"$out" | paste -sd' ')" "| skipped: it: no time | ok 2 - that # SKIP no room"
only

suite good <<<'echo "ok 1 - it is $QUICK"; echo 1..1'
cp tests/cli/good.sh tests/project/tool.sh
run "$runner"
is run_of_no_names_leaves_out_and_says_so "$rc $(tail -2 <<<"$out")" $'0 left out: 1 suites; ALL=1 runs them, too\n1 passed, 0 failed'
like run_of_no_names_is_quick "$(cat build/test-logs/cli_good.log)" 'it is 1$'
ALL=1 run "$runner"
is all_leaves_out_nothing "$rc $(grep -c 'left out' <<<"$out") $(last)" "0 0 2 passed, 0 failed"
like all_is_not_quick "$(cat build/test-logs/cli_good.log)" 'it is $'
run "$runner" tool
is what_is_named_is_run "$rc $out" "0 $(grep -o 'ok  *project tool .*' <<<"$out")"$'\n1 passed, 0 failed'
only

code no_suite_at_all_fails 1 "$runner"
suite a_good <<<'echo "ok 1 - it"; echo 1..1'
suite b_ends_the_runner <<<'kill -9 $(cut -d" " -f4 /proc/$PPID/stat)' # its parent is timeout
suite c_good <<<'echo "ok 1 - it"; echo 1..1'
code run_that_is_cut_short_fails 1 "$runner"
like run_that_is_cut_short_says_so "$out" '^FAILED  only 1 of 3 suites were run to their end$'
done_testing
