#!/bin/bash
# What the crash tests are told to test: a stage of this build, or an engine of the learner's own.
plain=$PWD/tests/engines/plain.c stage1=$PWD/stages/01_append_log includes="-I$PWD/include -I$PWD/common -I$PWD/stages"
. "$(dirname "$0")/../cli/tap.bash"
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
object slotless 'const struct strata_engine strata_engine = {.size = sizeof strata_engine,' \
    '    .abi = STRATA_ENGINE_ABI, .name = "slotless", .survives = "nothing"};'
object unknown 'void nobody_has_this(void);' 'void f(void) { nobody_has_this(); }'
# It keeps what it is told in memory alone; and one that leaks a byte at each close.
for name in forgetful leaky; do
    object $name '#define PLAIN_IS_PART' "#include \"$plain\"" \
        'static int remember_it(void *self, const struct strata_op *ops, size_t count, bool sync, struct strata_error *err)' \
        '{ (void)count; (void)sync; return remember(self, ops->type, ops->key, ops->value, err); }' \
        'static void *volatile lost;' \
        'static int leak(void *self, struct strata_error *err) { lost = malloc(1); return plain_close(self, err); }' \
        'const struct strata_engine strata_engine = {.size = sizeof strata_engine, .abi = STRATA_ENGINE_ABI,' \
        '    .stage = 1, .format = 1, .name = "x", .survives = "x", .formats = formats, .open = plain_open,' \
        "    .close = $([ $name = leaky ] && echo leak || echo plain_close), .get = plain_get, .iter = plain_iter," \
        "    .write = $([ $name = leaky ] && echo plain_write || echo remember_it), .verify = plain_verify};"
done
# A function of its own has the name of one of ours; and one that ends the program when it is opened
# again.
object namesake '#define PLAIN_IS_PART' "#include \"$plain\"" \
    'int index_find(int n) { return n + 1; }' \
    'static int own(const struct strata_env *env, void **self, struct strata_error *err)' \
    '{ return index_find(1) == 2 ? plain_open(env, self, err) : strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET, "not mine"); }' \
    'const struct strata_engine strata_engine = {.size = sizeof strata_engine, .abi = STRATA_ENGINE_ABI,' \
    '    .stage = 1, .format = 1, .name = "x", .survives = "x", .formats = formats, .open = own,' \
    '    .close = plain_close, .get = plain_get, .iter = plain_iter, .write = plain_write, .verify = plain_verify};'
object quits '#define PLAIN_IS_PART' "#include \"$plain\"" \
    'static int quit(const struct strata_env *env, void **self, struct strata_error *err)' \
    '{ if (!env->is_new) exit(0); return plain_open(env, self, err); }' \
    'const struct strata_engine strata_engine = {.size = sizeof strata_engine, .abi = STRATA_ENGINE_ABI,' \
    '    .stage = 1, .format = 1, .name = "x", .survives = "x", .formats = formats, .open = quit,' \
    '    .close = plain_close, .get = plain_get, .iter = plain_iter, .write = plain_write, .verify = plain_verify};'
# It answers wrongly when it has been written to often, which no state of a crash tells of.
object tires '#define PLAIN_IS_PART' "#include \"$plain\"" \
    'static int writes;' \
    'static int tire(const struct strata_env *env, void **self, struct strata_error *err)' \
    '{ writes = 0; return plain_open(env, self, err); }' \
    'static int note(void *self, const struct strata_op *ops, size_t count, bool sync, struct strata_error *err)' \
    '{ writes++; return plain_write(self, ops, count, sync, err); }' \
    'static int get(void *self, struct strata_slice key, struct strata_buffer *value, struct strata_error *err)' \
    '{ return writes > 2 ? STRATA_NOT_FOUND : plain_get(self, key, value, err); }' \
    'const struct strata_engine strata_engine = {.size = sizeof strata_engine, .abi = STRATA_ENGINE_ABI,' \
    '    .stage = 1, .format = 1, .name = "x", .survives = "x", .formats = formats, .open = tire,' \
    '    .close = plain_close, .get = get, .iter = plain_iter, .write = note, .verify = plain_verify};'
# Opened read-only it cuts off a torn tail all the same.
sed '/if (!p->env->options->read_only)/s/.*/        struct fs_file *file;\n        if (fs_open(p->env->fs, p->file->path, FS_WRITE, \&file, NULL) == 0) {\n            fs_truncate(file, end, NULL);\n            fs_close(file, NULL);\n        }\n        if (!p->env->options->read_only)/' "$plain" >mends.c
# shellcheck disable=SC2086 # several words
cc -std=c11 -D_POSIX_C_SOURCE=200809L $includes -shared -fPIC -o mends.so mends.c
unset STRATA_STAGE STRATA_ENGINE
fails subject_stage_that_is_not_there 99 'STRATA_STAGE: this build has no such stage' env STRATA_STAGE=99 "$test"
fails subject_stage_that_is_no_number 99 'no such stage' env STRATA_STAGE=1x "$test"
for stride in -5 1x 0 ''; do
    fails "faults_stride_of_${stride:-nothing}_is_refused" 2 'needs a number' "$(dirname "$test")/faults" --stride "$stride"
done
[ -c /dev/full ] && fails kill_real_that_cannot_tell_is_no_success 4 'could be written to standard output' \
    bash -c "STRATA_STAGE=1 '$(dirname "$test")/kill_real' --times 1 >/dev/full"
fails subject_engine_that_is_not_there 99 'STRATA_ENGINE: .*nowhere' env STRATA_ENGINE=./nowhere.so "$test"
fails subject_engine_without_a_table 99 '\./none\.so exports no strata_engine' env STRATA_ENGINE=./none.so "$test"
for bad in short old; do
    run env STRATA_STAGE=1 STRATA_ENGINE=./$bad.so "$test"
    is "subject_engine_that_is_${bad}_is_refused" "$((rc > 0 && rc < 128)) $(grep -cE '^(ok|.*OK)' <<<"$out")" "1 0"
done
refused() { fails "engine_$1_is_refused" "$2" "$3" strata crash --engine "$1.so"; }
refused none 2 '^strata: crash: --engine: none\.so exports no strata_engine$'
refused short 2 'ABI ([0-9]+) and 8 bytes; this library needs \1 and [0-9]+: build it against this strata_engine\.h$'
refused old 2 'ABI 99 and [0-9]+ bytes; this library needs [0-9]{1,2} '
refused slotless 2 'lacks the required slot open$'
refused unknown 4 'undefined symbol: nobody_has_this$'
refused forgetful 5 'your engine bypasses fs\.h: a put was acknowledged and the database closed, and no call'
run env STRATA_STAGE=1 STRATA_ENGINE=./leaky.so "$(dirname "$test")/memory_test"
like engine_that_leaks_is_found "$err" 'allocation 1 failed once: [0-9]+ allocations were not freed'
run env STRATA_STAGE=1 STRATA_ENGINE=./leaky.so STRATA_TEST='*disk_full*' "$(dirname "$test")/faults_test"
like engine_that_leaks_is_found_by_a_failed_call_too "$err" 'a disk of 0 bytes, .*: [0-9]+ allocations were not freed'
if nm -D "$STRATA" 2>/dev/null | grep -qE '__(asan|tsan)_'; then
    skip engine_function_of_our_name_is_its_own "the sanitizers look for it here first"
else
    code engine_function_of_our_name_is_its_own 0 strata crash --stage 1 --engine namesake.so --model kill --depth quick --workload nothing
fi
fails engine_that_calls_exit_is_told 7 '^your engine ended the program: it must not call exit$' \
    strata crash --stage 1 --engine quits.so --model kill --depth quick --workload nothing
for program in bits faults kill_real; do
    fails "engine_that_calls_exit_does_not_pass_$program" "$([ $program = kill_real ] && echo 3 || echo 7)" 'your engine ended the program' \
        env STRATA_STAGE=1 STRATA_ENGINE=./quits.so "$(dirname "$test")/$program"
done
# What is dropped is told.
sed '/strata_env_log/,/;$/d' "$plain" >silent.c
# shellcheck disable=SC2086 # several words
cc -std=c11 -D_POSIX_C_SOURCE=200809L $includes -shared -fPIC -o silent.so silent.c
run env STRATA_STAGE=1 STRATA_ENGINE=./silent.so STRATA_TEST='bits_cut_at*' "$(dirname "$test")/bits_test"
like engine_that_drops_a_torn_tail_silently_is_found "$rc $err" '^1 .*what was dropped is told nowhere'
# It asks for as much memory as a number in the file says; and one keeps a byte where there is damage.
sed 's/if (!read_head(/static void *volatile asked;\n        asked = malloc(bytes.data[at + 12] * (size_t)1000000);\n        free(asked);\n        &/' "$plain" >greedy.c
sed "s/return strata_fail(err, STRATA_ERR_CORRUPT, path, at, .the head.*/{ static void *volatile lost; lost = malloc(1); & }/" "$plain" >keeps.c
for name in greedy keeps; do
    # shellcheck disable=SC2086 # several words
    cc -std=c11 -D_POSIX_C_SOURCE=200809L $includes -shared -fPIC -o $name.so $name.c
    run env STRATA_STAGE=1 STRATA_ENGINE=./$name.so STRATA_TEST='bits_flipped_one*' "$(dirname "$test")/bits_test"
    like engine_that_is_${name}_at_damage_is_found "$rc $err" "^1 .*[0-9] $([ $name = greedy ] && echo 'bytes were allocated' || echo 'allocations were not freed')"
done
printf 'put a 1\nput b 2\nput c 3\nread\n' >thrice
fails engine_that_answers_wrongly_with_no_crash_is_told 8 '^strata: crash: thrice, which no crash disturbed: .*a wrong answer: get "a": not found' \
    strata crash --stage 1 --engine tires.so --model kill --depth quick --workload thrice
run strata crash --stage 1 --engine mends.so --model kill --depth quick --workload writes
like engine_that_mends_when_read_only_is_found "$rc $(grep '^disagrees' <<<"$out")" '^8 .*opened read-only it has changed files'
code subject_newest_stage 0 env STRATA_STAGE= "$test"
code subject_engine_of_ones_own 0 env STRATA_STAGE=1 STRATA_ENGINE=./own.so STRATA_SIZES=1 "$test"
code subject_empty_engine_is_none 0 env STRATA_STAGE=1 STRATA_ENGINE= "$test"
done_testing
