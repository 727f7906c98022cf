/* keydir_bench.c: see keydir_bench.h. */
#include "keydir_bench.h"
#include "crash/subject.h"
#include "test.h"

void keydir_bench_load(struct keydir_bench *b, bool is_new)
{
    struct strata_error err;

    b->keydir = (struct keydir){.segments = {.magic = SEGMENT_MAGIC, .max_type = 5}};
    b->env = (struct strata_env){b->fs, KEYDIR_BENCH_DIR, &b->options, is_new};
    assert_ok(load_keydir(&b->keydir, &b->env, &err), &err);
}

void keydir_bench_unload(struct keydir_bench *b)
{
    assert_int_equal(segments_close(&b->keydir.segments, NULL), 0);
    index_free(&b->keydir.index);
}

void keydir_bench_begin(struct keydir_bench *b)
{
    b->fs = fs_sim_new();
    assert_int_equal(fs_sim_put_directory(b->fs, KEYDIR_BENCH_DIR), 0);
    subject_options(&b->options, b->fs, true);
    keydir_bench_load(b, true);
}

void keydir_bench_end(struct keydir_bench *b)
{
    keydir_bench_unload(b);
    assert_int_equal(fs_sim_open_files(b->fs), 0);
    fs_free(b->fs);
}
