/* fs_pool_test.c: more files than may be open, read at will. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "fs/fs_pool.h"

#include <stdio.h>

enum { FILES = 20, OPEN = 8 }; /* a quarter of what fs_sim lets be open, and at least 8 */

struct pool {
    struct strata_fs *fs;
    struct fs_pool *pool;
    struct fs_pooled files[FILES];
    char paths[FILES][16];
};

static int set_up(void **state)
{
    static struct pool p;

    p = (struct pool){.fs = fs_sim_new()};
    assert_int_equal(fs_pool_new(p.fs, &p.pool, NULL), 0);
    for (int i = 0; i < FILES; i++) {
        snprintf(p.paths[i], sizeof p.paths[i], "file%d", i);
        assert_int_equal(fs_sim_put(p.fs, p.paths[i], strata_string(p.paths[i])), 0);
        p.files[i] = (struct fs_pooled){.pool = p.pool, .path = p.paths[i]};
    }
    *state = &p;
    return 0;
}

static int tear_down(void **state)
{
    struct pool *p = *state;

    for (int i = 0; i < FILES; i++)
        assert_int_equal(fs_pooled_close(&p->files[i], NULL), 0);
    assert_int_equal(fs_sim_open_files(p->fs), 0);
    fs_pool_del(p->pool);
    fs_free(p->fs);
    return 0;
}

/* Reads file `i`, which begins with its first name. */
static void look(struct pool *p, int i)
{
    char got[5] = "";
    size_t size;

    assert_int_equal(fs_pooled_use(&p->files[i], NULL), 0);
    assert_int_equal(fs_read_at(p->files[i].file, 0, got, 4, &size, NULL), 0);
    assert_string_equal(got, "file");
    fs_pooled_done(&p->files[i]);
}

static void pool_keeps_few_files_open(void **state)
{
    struct pool *p = *state;

    for (int round = 0; round < 3; round++)
        for (int i = 0; i < FILES; i++) {
            look(p, i);
            assert_true(fs_sim_open_files(p->fs) <= OPEN);
        }
    assert_int_equal(fs_sim_open_files(p->fs), OPEN);
}

/* What is in use is not closed, however many others are read. */
static void pool_never_closes_a_file_in_use(void **state)
{
    struct pool *p = *state;
    struct fs_file *file;

    assert_int_equal(fs_pooled_use(&p->files[0], NULL), 0);
    file = p->files[0].file;
    for (int i = 1; i < FILES; i++)
        look(p, i);
    assert_ptr_equal(p->files[0].file, file);
    fs_pooled_done(&p->files[0]);
}

/* The file that is read between all others stays: its second chance. */
static void pool_keeps_what_is_read_often(void **state)
{
    struct pool *p = *state;
    uint64_t opened;

    for (int i = 0; i < FILES; i++)
        look(p, i);
    look(p, 0);
    opened = atomic_load(&p->fs->calls[FS_CALL_OPEN]);
    for (int i = 1; i < FILES; i++) {
        look(p, i);
        look(p, 0);
    }
    assert_true(atomic_load(&p->fs->calls[FS_CALL_OPEN]) - opened <= FILES + 2);
}

static void pool_opens_a_renamed_file_by_its_new_name(void **state)
{
    struct pool *p = *state;

    for (int i = 0; i < FILES; i++)
        look(p, i);
    assert_null(p->files[0].file);
    assert_int_equal(fs_rename(p->fs, "file0", "other", NULL), 0);
    assert_int_equal(fs_pooled_use(&p->files[0], NULL), STRATA_ERR_IO);
    fs_pooled_rename(&p->files[0], "other");
    look(p, 0);
}

/* One that loses its name is held, and not counted among those that may be closed. */
static void pool_holds_a_file_that_loses_its_name(void **state)
{
    struct pool *p = *state;

    assert_int_equal(fs_pooled_hold(&p->files[0], NULL), 0);
    assert_int_equal(fs_remove(p->fs, "file0", NULL), 0);
    for (int i = 1; i < FILES; i++)
        look(p, i);
    look(p, 0);
}

int main(void)
{
#define POOL_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        POOL_TEST(pool_keeps_few_files_open),
        POOL_TEST(pool_never_closes_a_file_in_use),
        POOL_TEST(pool_keeps_what_is_read_often),
        POOL_TEST(pool_opens_a_renamed_file_by_its_new_name),
        POOL_TEST(pool_holds_a_file_that_loses_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
