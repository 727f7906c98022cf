#!/bin/bash
# make flat: a stage as a directory of its own builds, and keeps the contract, without the rest.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"
unset MAKEFLAGS MAKELEVEL MFLAGS STRATA_STAGE STRATA_ENGINE
built=$(dirname "$STRATA")
B=${built#"$root"/}
flat() { (cd "$root" && B=$B stages/flat.sh "$@"); }

fails without_arguments_is_2 2 '^usage: make flat STAGE=N DIR=' flat
fails without_a_directory_is_2 2 '^usage: make flat STAGE=N DIR=' flat 1 ''
fails stage_that_is_no_number_is_2 2 '^flat: STAGE=1x is no number' flat 1x "$work/one"
fails stage_that_is_not_there_is_2 2 '^flat: there is no stage 99; there are: 01_append_log ' flat 99 "$work/one"
touch "$work/file"
fails directory_that_is_a_file_is_2 2 "^flat: $work/file is a file" flat 1 "$work/file"
mkdir "$work/full" && touch "$work/full/mine"
fails directory_that_is_not_empty_is_2 2 "^flat: $work/full is not empty" flat 1 "$work/full"
is what_was_in_it_stays "$(ls "$work/full")" mine

run flat 1 "$work/one"
like tells_what_it_wrote "$rc $out" "^0 flat: $work/one: [0-9]+ files of 01_append_log and below it, [0-9]+ lines"
is includes_have_lost_their_directories "$(grep -rhE '^#include "[^"]*/' "$work/one" | wc -l)" 0
is nothing_of_later_stages_is_there "$(grep -rlE 'strata_stage_0[2-9]' "$work/one" | wc -l)" 0
code is_built_alone 0 make -s -j2 -C "$work/one" CFLAGS=-O0 libstrata.a strata tests/contract_model_test
run "$work/one/strata" stages
like program_has_that_stage_alone "$(grep -c ^stage <<<"$out") $out" '^1 stage 1 +01_append_log'
run make -s -C "$work/one" CFLAGS=-O0 TESTS=tests/contract_model_test test
like contract_is_kept "$rc $out" '^0 [0-9]+ passed, 0 failed'
done_testing
