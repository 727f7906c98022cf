#!/bin/bash
# What the crash tests are told to test: a stage of this build, or an engine of the learner's own.
stage1=$PWD/stages/01_append_log includes="-I$PWD/include -I$PWD/common -I$PWD/stages"
. "$(dirname "$0")/tap.bash"
test=$(dirname "$STRATA")/tests/crash/oracle_test
if [ ! -x "$test" ] || ! command -v cc >/dev/null; then
    skip subject "no tests, or no compiler"
    done_testing
fi
object() { # NAME C...
    printf '%s\n' '#include "strata_engine.h"' "${@:2}" >"$1.c"
    # shellcheck disable=SC2086 # several words
    cc -std=c11 -D_POSIX_C_SOURCE=200809L $includes -shared -fPIC -o "$1.so" "$1.c"
}
object none 'int nothing;'
object short 'const struct strata_engine strata_engine = {.size = 8, .abi = STRATA_ENGINE_ABI};'
object old 'const struct strata_engine strata_engine = {.size = sizeof strata_engine, .abi = 99};'
object own "#define strata_stage_01_append_log strata_engine" "#include \"$stage1/engine.c\""
unset STRATA_STAGE STRATA_ENGINE
fails subject_stage_that_is_not_there 99 'STRATA_STAGE: this build has no such stage' env STRATA_STAGE=99 "$test"
fails subject_engine_that_is_not_there 99 'STRATA_ENGINE: .*nowhere' env STRATA_ENGINE=./nowhere.so "$test"
fails subject_engine_without_a_table 99 'it exports no strata_engine' env STRATA_ENGINE=./none.so "$test"
for bad in short old; do
    run env STRATA_STAGE=1 STRATA_ENGINE=./$bad.so "$test"
    is "subject_engine_that_is_${bad}_is_refused" "$((rc > 0 && rc < 128)) $(grep -cE '^(ok|.*OK)' <<<"$out")" "1 0"
done
code subject_newest_stage 0 env STRATA_STAGE= "$test"
code subject_engine_of_ones_own 0 env STRATA_STAGE=1 STRATA_ENGINE=./own.so STRATA_SIZES=1 "$test"
code subject_empty_engine_is_none 0 env STRATA_STAGE=1 STRATA_ENGINE= "$test"
done_testing
