/* 08_backup_test.c: the backup of a tree: its tables are linked where that can be, and copied where
 * it cannot; its logs are copied as far as they are written. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "harm.h"
#include "place.h"
#include "crash/subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int link_rc; /* what every link answers */

static int refuse_link(struct strata_fs *fs, const char *from, const char *to)
{
    (void)fs;
    (void)from;
    (void)to;
    return link_rc;
}

/* Four tables and some operations in the log. */
static struct strata *filled(struct place *place)
{
    struct strata *db = place_open(place, true);
    struct strata_error err;

    for (int i = 0; i < 4; i++) {
        char key[20];
        snprintf(key, sizeof key, "key %d", i);
        assert_put(db, key, "in a table");
        assert_ok(strata_flush(db, &err), &err);
    }
    assert_put(db, "key 4", "in the log");
    return db;
}

static void expect_copy(struct place *place, const char *to)
{
    struct strata_error err;
    struct strata *copy;

    assert_ok(subject_open(place->fs, to, false, &copy, &err), &err);
    assert_ok(strata_verify_deep(copy, NULL, &err), &err);
    assert_get(copy, "key 0", "in a table");
    assert_get(copy, "key 3", "in a table");
    assert_get(copy, "key 4", "in the log");
    place_close(copy);
}

static size_t count_tables(struct strata_fs *fs, const char *dir)
{
    struct fs_names names;
    struct strata_error err;
    size_t count = 0;

    assert_ok(fs_list(fs, dir, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++)
        count += strstr(names.names[i], ".sst") != NULL;
    fs_names_free(&names);
    return count;
}

static void backup_links_its_tables(void **state)
{
    struct place *place = *state;
    struct strata *db = filled(place);
    char *to = fs_join(place->root, "copy");
    uint64_t links = place->fs->calls[FS_CALL_LINK];
    struct strata_error err;

    assert_ok(strata_backup(db, to, NULL, &err), &err);
    links = place->fs->calls[FS_CALL_LINK] - links;
    assert_true(links > 0);
    assert_int_equal(links, count_tables(place->fs, to));
    expect_copy(place, to);
    place_close(db);
    free(to);
}

/* Of all that a link can be refused for, what only says that there can be none. */
static void backup_copies_what_cannot_be_linked(void **state)
{
    static const int refusals[] = {EXDEV, EPERM, EMLINK, ENOSYS, EOPNOTSUPP};
    struct place *place = *state;
    const struct fs_ops *ops = place->fs->ops;
    struct fs_ops own = *ops;
    struct strata *db = filled(place);
    struct strata_error err;

    own.link = refuse_link;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        char name[20];
        char *to;
        snprintf(name, sizeof name, "copy%zu", i);
        to = fs_join(place->root, name);
        link_rc = -refusals[i];
        place->fs->ops = &own;
        assert_ok(strata_backup(db, to, NULL, &err), &err);
        place->fs->ops = ops;
        expect_copy(place, to);
        free(to);
    }
    place_close(db);
}

/* What is behind a table in its file, room that was made ahead or bytes of a stranger, is no part
 * of it. */
static void backup_copies_a_table_and_nothing_behind_it(void **state)
{
    struct place *place = *state;
    const struct fs_ops *ops = place->fs->ops;
    struct fs_ops own = *ops;
    struct strata *db = filled(place);
    char *to = fs_join(place->root, "copy");
    const char *path = harm_file(place->fs, place->dir, ".sst", 0);
    struct strata_buffer bytes = {0};
    struct strata_error err;
    size_t size;

    assert_int_equal(fs_sim_get(place->fs, path, &bytes), 0);
    size = bytes.size;
    assert_int_equal(strata_buffer_append(&bytes, "behind it", 9), 0);
    assert_int_equal(fs_sim_put(place->fs, path, strata_buffer_slice(&bytes)), 0);
    own.link = refuse_link;
    link_rc = -EXDEV;
    place->fs->ops = &own;
    assert_ok(strata_backup(db, to, NULL, &err), &err);
    place->fs->ops = ops;
    assert_int_equal(fs_sim_get(place->fs, harm_file(place->fs, to, ".sst", 0), &bytes), 0);
    assert_int_equal(bytes.size, size);
    expect_copy(place, to);
    place_close(db);
    strata_buffer_free(&bytes);
    free(to);
}

static void backup_whose_link_fails_is_none(void **state)
{
    struct place *place = *state;
    const struct fs_ops *ops = place->fs->ops;
    struct fs_ops own = *ops;
    struct strata *db = filled(place), *copy;
    char *to = fs_join(place->root, "copy");
    struct strata_error err;

    own.link = refuse_link;
    link_rc = -EIO;
    place->fs->ops = &own;
    assert_code(strata_backup(db, to, NULL, &err), STRATA_ERR_IO, &err);
    place->fs->ops = ops;
    assert_int_equal(err.sys, EIO);
    assert_code(subject_open(place->fs, to, false, &copy, &err), STRATA_ERR_ABSENT, &err);
    assert_put(db, "key 5", "goes on");
    place_close(db);
    free(to);
}

/* Its tables are the copy's too: what the one removes the other still has. */
static void backup_outlives_what_it_was_made_of(void **state)
{
    struct place *place = *state;
    struct strata *db = filled(place);
    char *to = fs_join(place->root, "copy");
    struct strata_error err;

    assert_ok(strata_backup(db, to, NULL, &err), &err);
    for (int i = 0; i < 5; i++) {
        char key[20];
        snprintf(key, sizeof key, "key %d", i);
        assert_delete(db, key);
    }
    assert_ok(strata_flush(db, &err), &err);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_get(db, "key 0", NULL);
    place_close(db);
    expect_copy(place, to);
    free(to);
}

static void backup_of_one_opened_for_reading_has_its_logs(void **state)
{
    struct place *place = *state;
    struct strata *db = filled(place);
    struct strata_options options;
    struct strata_fs *fs = fs_sim_copy(place->fs);
    struct place other = *place;
    char *to = fs_join(place->root, "copy");
    struct strata_error err;

    assert_non_null(fs); /* as a kill leaves it: the log is not empty */
    place_close(db);
    other.fs = fs;
    subject_options(&options, fs, false);
    options.read_only = true;
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    assert_ok(strata_backup(db, to, NULL, &err), &err);
    place_close(db);
    expect_copy(&other, to);
    fs_free(fs);
    free(to);
}

struct writer {
    struct strata *db;
    bool wrote;
};

static void put_large(struct strata *db, int from, int to)
{
    static char value[64 << 10];

    memset(value, 'v', sizeof value - 1);
    for (int i = from; i < to; i++) {
        char key[20];
        snprintf(key, sizeof key, "large %d", i);
        assert_put(db, key, value);
    }
}

/* When the capture is done, and nothing is copied yet: the memtable becomes a table, and writing
 * goes on until its log has been removed. */
static void write_on(void *arg, uint64_t done, uint64_t total)
{
    struct writer *writer = arg;

    (void)done;
    (void)total;
    if (writer->wrote)
        return;
    writer->wrote = true;
    put_large(writer->db, 100, 400);
    assert_true(check_stat(writer->db, "flushes") >= 3);
}

/* A log that is named no more is not cut while a backup reads it. */
static void backup_has_its_log_whole_while_writing_goes_on(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;
    struct writer writer = {0};
    struct strata_progress progress = {write_on, &writer};
    char *to = fs_join(place->root, "copy");
    struct strata *copy;

    subject_options(&options, place->fs, true);
    options.memtable_bytes = 4 << 20;
    assert_ok(strata_open(place->dir, &options, &writer.db, &err), &err);
    put_large(writer.db, 0, 50);
    assert_int_equal(check_stat(writer.db, "flushes"), 0);
    assert_ok(strata_backup(writer.db, to, &progress, &err), &err);
    assert_true(writer.wrote);
    assert_null(strstr(place_names(place, place->dir), "000001.log"));
    place_close(writer.db);
    assert_ok(subject_open(place->fs, to, false, &copy, &err), &err);
    assert_ok(strata_verify(copy, NULL, &err), &err);
    assert_get(copy, "large 100", NULL);
    assert_int_equal(check_stat(copy, "table_records"), 50);
    place_close(copy);
    free(to);
}

#define on_sim(f) cmocka_unit_test_setup_teardown(f, place_setup_sim, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_sim(backup_links_its_tables),
        on_sim(backup_copies_what_cannot_be_linked),
        on_sim(backup_copies_a_table_and_nothing_behind_it),
        on_sim(backup_whose_link_fails_is_none),
        on_sim(backup_outlives_what_it_was_made_of),
        on_sim(backup_of_one_opened_for_reading_has_its_logs),
        on_sim(backup_has_its_log_whole_while_writing_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
