/* fs_made_test.c: files that are written once under a temporary name, and the functions that are
 * built on the calls of the file layer. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "fs/fs_output.h"
#include "fs/fs_pool.h"
#include "strata_engine.h"

#include <string.h>

static bool is_there(struct strata_fs *fs, const char *path)
{
    struct fs_file *file;
    int rc = fs_open(fs, path, FS_READ, &file, NULL);

    fs_close(file, NULL);
    return rc == 0;
}

static struct strata_fs *fs_with_dir(void)
{
    struct strata_fs *fs = fs_sim_new();

    assert_int_equal(fs_mkdir(fs, "d", NULL), 0);
    return fs;
}

static void output_has_its_name_when_it_is_whole(void **state)
{
    struct strata_fs *fs = fs_with_dir();
    struct strata_buffer got = {0};
    struct fs_output out;

    (void)state;
    assert_int_equal(fs_output_open(&out, fs, "d", 7, ".run", NULL), 0);
    strata_buffer_append(&out.bytes, "whole", 5);
    assert_int_equal(fs_output_end(&out), 5);
    assert_int_equal(fs_output_flush_due(&out, NULL), 0);
    assert_int_equal(out.bytes.size, 5); /* too few to be written */
    assert_int_equal(fs_output_flush(&out, NULL), 0);
    assert_int_equal(fs_output_end(&out), 5);
    assert_true(is_there(fs, "d/000007.run.tmp") && !is_there(fs, "d/000007.run"));
    assert_int_equal(fs_output_publish(&out, NULL), 0);
    assert_true(!is_there(fs, "d/000007.run.tmp") && is_there(fs, "d/000007.run"));
    fs_output_close(&out, true);
    assert_int_equal(fs_read_file(fs, "d/000007.run", 9, &got, NULL), 0);
    assert_bytes(strata_buffer_slice(&got), strata_string("whole"));
    strata_buffer_free(&got);
    fs_free(fs);
}

static void output_that_does_not_stay_leaves_no_file(void **state)
{
    (void)state;
    for (int published = 0; published < 2; published++) {
        struct strata_fs *fs = fs_with_dir();
        struct fs_output out;
        assert_int_equal(fs_output_open(&out, fs, "d", 7, ".run", NULL), 0);
        if (published)
            assert_int_equal(fs_output_publish(&out, NULL), 0);
        fs_output_close(&out, false);
        assert_false(is_there(fs, "d/000007.run.tmp") || is_there(fs, "d/000007.run"));
        assert_int_equal(fs_sim_open_files(fs), 0);
        fs_free(fs);
    }
}

/* Each piece ends at a multiple of the piece's size, and what follows it is kept. */
static void output_is_written_in_even_pieces(void **state)
{
    struct strata_fs *fs = fs_with_dir();
    struct fs_output out;

    (void)state;
    assert_int_equal(fs_output_open(&out, fs, "d", 7, ".run", NULL), 0);
    out.piece_bytes = 4;
    strata_buffer_append(&out.bytes, "abcdefghij", 10);
    assert_int_equal(fs_output_flush_due(&out, NULL), 0);
    assert_int_equal(out.file->end, 8);
    assert_bytes(strata_buffer_slice(&out.bytes), strata_string("ij"));
    fs_output_close(&out, false);
    fs_free(fs);
}

static void read_of_a_shorter_file_is_damage(void **state)
{
    struct strata_fs *fs = fs_with_dir();
    struct fs_pooled pooled = {.path = "d/f"};
    struct strata_error err;
    struct fs_file *file;
    char got[8];

    (void)state;
    assert_int_equal(fs_sim_put(fs, "d/f", strata_string("abcdef")), 0);
    assert_int_equal(fs_open(fs, "d/f", FS_READ, &file, NULL), 0);
    assert_ok(fs_read_exactly(file, 2, got, 4, &err), &err);
    assert_memory_equal(got, "cdef", 4);
    assert_code(fs_read_exactly(file, 2, got, 5, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_offset(&err, 6);
    fs_close(file, NULL);
    assert_int_equal(fs_pool_new(fs, &pooled.pool, NULL), 0);
    assert_ok(fs_pooled_read(&pooled, 2, got, 4, &err), &err);
    assert_code(fs_pooled_read(&pooled, 3, got, 4, &err), STRATA_ERR_CORRUPT, &err);
    fs_pooled_close(&pooled, NULL); /* which must have no users */
    fs_pool_del(pooled.pool);
    fs_free(fs);
}

static void rewrite_changes_nothing_and_writes_all(void **state)
{
    struct strata_fs *fs = fs_with_dir();
    struct strata_buffer got = {0};
    struct strata_error err;
    struct fs_file *file;
    uint64_t before;

    (void)state;
    assert_int_equal(fs_sim_put(fs, "d/f", strata_string("abcdef")), 0);
    assert_int_equal(fs_open(fs, "d/f", FS_WRITE, &file, NULL), 0);
    before = fs->bytes_written;
    assert_ok(fs_rewrite(file, 2, 5, &err), &err);
    assert_int_equal(fs->bytes_written - before, 3);
    assert_ok(fs_rewrite(file, 5, 5, &err), &err);
    assert_int_equal(fs->bytes_written - before, 3);
    assert_code(fs_rewrite(file, 2, 7, &err), STRATA_ERR_CORRUPT, &err);
    fs_close(file, NULL);
    assert_int_equal(fs_read_file(fs, "d/f", 9, &got, NULL), 0);
    assert_bytes(strata_buffer_slice(&got), strata_string("abcdef"));
    strata_buffer_free(&got);
    fs_free(fs);
}

static bool begins_with(const void *arg, const char *name)
{
    return name[0] == *(const char *)arg;
}

static void dead_names_alone_are_removed(void **state)
{
    struct strata_fs *fs = fs_with_dir();
    struct strata_error err;

    (void)state;
    assert_int_equal(fs_sim_put(fs, "d/x1", strata_string("")), 0);
    assert_int_equal(fs_sim_put(fs, "d/x2", strata_string("")), 0);
    assert_int_equal(fs_sim_put(fs, "d/y", strata_string("")), 0);
    assert_ok(fs_remove_dead(fs, "d", begins_with, "x", &err), &err);
    assert_false(is_there(fs, "d/x1") || is_there(fs, "d/x2"));
    assert_true(is_there(fs, "d/y"));
    fs_free(fs);
}

static void name_of_a_file_has_one_form(void **state)
{
    (void)state;
    assert_true(fs_is_name("000012.run", 12, ".run"));
    assert_true(fs_is_name("1000012.run", 1000012, ".run"));
    assert_false(fs_is_name("000012.run", 13, ".run"));
    assert_false(fs_is_name("12.run", 12, ".run"));
    assert_false(fs_is_name("0000012.run", 12, ".run"));
    assert_false(fs_is_name("000012.run.tmp", 12, ".run"));
    assert_false(fs_is_name("000012.log", 12, ".run"));
}

static void count_log(void *arg, enum strata_log_level level, const char *message)
{
    (void)level, (void)message;
    ++*(int *)arg;
}

static void optional_file_that_is_missing_is_not_logged_and_a_long_one_is(void **state)
{
    struct strata_fs *fs = fs_with_dir();
    int logged = 0;
    struct strata_options options = {.log = count_log, .log_arg = &logged};
    struct strata_env env = {.fs = fs, .dir = "d", .options = &options};
    struct strata_buffer got = {0};

    (void)state;
    assert_int_equal(fs_read_optional(&env, "f", 3, &got, NULL), STRATA_NOT_FOUND);
    assert_int_equal(logged, 0);
    assert_int_equal(fs_sim_put(fs, "d/f", strata_string("abc")), 0);
    assert_int_equal(fs_read_optional(&env, "f", 3, &got, NULL), 0);
    assert_bytes(strata_buffer_slice(&got), strata_string("abc"));
    assert_int_equal(fs_read_optional(&env, "f", 2, &got, NULL), STRATA_NOT_FOUND);
    assert_int_equal(logged, 1);
    strata_buffer_free(&got);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_of_a_file_has_one_form),
        cmocka_unit_test(output_has_its_name_when_it_is_whole),
        cmocka_unit_test(output_that_does_not_stay_leaves_no_file),
        cmocka_unit_test(output_is_written_in_even_pieces),
        cmocka_unit_test(read_of_a_shorter_file_is_damage),
        cmocka_unit_test(rewrite_changes_nothing_and_writes_all),
        cmocka_unit_test(dead_names_alone_are_removed),
        cmocka_unit_test(optional_file_that_is_missing_is_not_logged_and_a_long_one_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
