#!/bin/bash
# The seeds of the fuzz targets are those that the engine's own writer makes now: `make fuzz-seeds`
# writes them anew where a format, or what the engine does with so little, has changed.
seeds=$PWD/fuzz/seeds
. "$(dirname "$0")/../cli/tap.bash"
make_seeds=$(dirname "$STRATA")/fuzz/make_seeds
if [ ! -x "$make_seeds" ]; then
    skip seeds_are_as_they_are_written_now "it is not built"
    done_testing
fi
mkdir seeds
run "$make_seeds" seeds
is seeds_are_written "$rc $err" "0 "
is seeds_are_as_they_are_written_now "$(diff -rq "$seeds" seeds)" ""
run "$make_seeds"
like seeds_need_a_directory "$rc $err" '^2 usage: .*make_seeds DIRECTORY$'
done_testing
