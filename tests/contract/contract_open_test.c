/* contract_open_test.c: what may stand in the way of opening or making a database, and what is
 * said of it. Whatever fails changes nothing and leaves nothing open (place_teardown counts). */
#include "test.h"

#include "db/marker.h"
#include "place.h"
#include "crash/subject.h"
#include "tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct marker get_marker(struct place *place)
{
    struct marker marker = {0, 0, 0};
    struct strata_error err;
    assert_ok(marker_read(place->fs, place->dir, &marker, &err), &err);
    return marker;
}

/* ---- There is none, there is one -------------------------------------------------------- */

static void open_missing_directory_is_absent(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;

    place_refused_as(place, false, STRATA_ERR_ABSENT, &err);
    assert_err_file(&err, place->dir);
    subject_options(&options, place->fs, false);
    options.read_only = true;
    place_refused(place->dir, &options, STRATA_ERR_ABSENT, &err);
    assert_err_file(&err, place->dir);
    assert_string_equal(place_names(place, place->root), "");
}

static void open_empty_directory_is_absent_until_created(void **state)
{
    struct place *place = *state;
    struct strata_error err;

    assert_int_equal(mkdir(place->dir, 0777), 0);
    place_refused_as(place, false, STRATA_ERR_ABSENT, &err);
    assert_err_file(&err, place->dir);
    assert_string_equal(place_names(place, place->dir), "");
    place_fill(place);
    place_expect_intact(place);
}

static void open_create_writes_a_marker_that_says_ready(void **state)
{
    struct place *place = *state;
    struct marker marker;

    place_close(place_open(place, true));
    marker = get_marker(place);
    assert_int_equal(marker.stage, subject_info()->stage);
    assert_int_equal(marker.state, MARKER_READY);
}

static void open_create_of_a_database_keeps_it(void **state)
{
    struct place *place = *state;
    struct strata *db;

    place_fill(place);
    db = place_open(place, true);
    assert_get(db, "key", "value");
    place_close(db);
    place_expect_intact(place);
}

static void open_exclusive_makes_one_and_refuses_an_old_one(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, place->fs, true);
    options.exclusive = true;
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    place_close(db);
    place_fill(place);
    place_refused(place->dir, &options, STRATA_ERR_EXISTS, &err);
    assert_err_file(&err, place->dir);
    place_expect_intact(place);
}

static void open_missing_parent_is_an_error_with_the_systems_reason(void **state)
{
    struct place *place = *state;
    char *deep = tmpdir_path(place->root, "no/db");
    struct strata_options options;
    struct strata_error err;

    subject_options(&options, place->fs, true);
    place_refused(deep, &options, STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, ENOENT);
    assert_err_file(&err, deep);
    options.create = false;
    place_refused(deep, &options, STRATA_ERR_ABSENT, &err);
    assert_string_equal(place_names(place, place->root), "");
    free(deep);
}

static void open_file_in_the_place_of_the_directory_is_left_alone(void **state)
{
    struct place *place = *state;
    struct strata_buffer bytes;
    struct strata_error err;

    place_write(place, "db", strata_string("a file"));
    for (int create = 0; create < 2; create++) {
        place_refused_as(place, create, STRATA_ERR_IO, &err);
        assert_int_equal(err.sys, ENOTDIR);
        assert_err_says(&err, place->dir);
    }
    bytes = place_read(place, "db");
    assert_bytes(strata_buffer_slice(&bytes), strata_string("a file"));
    strata_buffer_free(&bytes);
    assert_string_equal(place_names(place, place->root), "db ");
}

/* ---- Options ---------------------------------------------------------------------------- */

static void open_without_place_or_directory_is_invalid(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;

    subject_options(&options, place->fs, true);
    place_refused(NULL, &options, STRATA_ERR_INVALID, &err);
    place_refused("", &options, STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "directory");
    assert_code(strata_open(place->dir, &options, NULL, &err), STRATA_ERR_INVALID, &err);
    assert_string_equal(place_names(place, place->root), "");
}

static void open_contradicting_options_are_invalid(void **state)
{
    struct place *place = *state;
    struct strata_error err;

    for (int which = 0; which < 4; which++) {
        struct strata_options options;
        subject_options(&options, place->fs, which == 0 || which == 3);
        options.read_only = which != 1;
        options.exclusive = which >= 1;
        place_refused(place->dir, &options, STRATA_ERR_INVALID, &err);
        assert_err_says(&err, which == 1 ? "exclusive without create" : "read_only");
    }
    assert_string_equal(place_names(place, place->root), "");
}

#define NUMBER(field)                                                                              \
    offsetof(struct strata_options, field), sizeof(((struct strata_options *)0)->field)

/* Whatever the stage makes of them. */
static void open_sizes_out_of_range_are_invalid(void **state)
{
    static const struct {
        size_t offset, size;
        uint64_t value;
        const char *says;
    } wrong[] = {
        {NUMBER(block_bytes), 0, "options.block_bytes is 0; it must be from 256 to 1048576"},
        {NUMBER(block_bytes), 255, "from 256 to 1048576"},
        {NUMBER(block_bytes), (1 << 20) + 1, "from 256 to 1048576"},
        {NUMBER(block_bytes), SIZE_MAX, "from 256 to 1048576"},
        {NUMBER(bloom_bits_per_key), 65,
         "options.bloom_bits_per_key is 65; it must be from 0 to 64"},
        {NUMBER(bloom_bits_per_key), UINT_MAX, "from 0 to 64"},
        {NUMBER(segment_bytes), 63,
         "options.segment_bytes is 63; it must be from 64 to 4294967296"},
        {NUMBER(segment_bytes), ((uint64_t)1 << 32) + 1, "from 64 to 4294967296"},
        {NUMBER(table_bytes), 255, "options.table_bytes is 255; it must be from 256 to 4294967296"},
        {NUMBER(table_bytes), UINT64_MAX, "from 256 to 4294967296"},
        {NUMBER(level_bytes), 1023, "options.level_bytes is 1023; it must be at least 1024"},
        {NUMBER(level_bytes), 0, "at least 1024"},
        {NUMBER(event_log_bytes), 1, "options.event_log_bytes is 1; it must be 0 or at least 8192"},
        {NUMBER(event_log_bytes), 8191, "0 or at least 8192"},
    };
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_case(i);
        unsigned narrow = (unsigned)wrong[i].value;
        subject_options(&options, place->fs, true);
        if (wrong[i].size == sizeof narrow)
            memcpy((char *)&options + wrong[i].offset, &narrow, sizeof narrow);
        else
            memcpy((char *)&options + wrong[i].offset, &wrong[i].value, sizeof wrong[i].value);
        place_refused(place->dir, &options, STRATA_ERR_INVALID, &err);
        assert_err_says(&err, wrong[i].says);
    }
    assert_string_equal(place_names(place, place->root), "");
}

/* The ends of the ranges, and sizes that have no range. */
static void open_sizes_at_their_ends_are_taken(void **state)
{
    static const struct {
        size_t block, cache, memtable;
        unsigned bits;
        bool plain;
        const char *key;
    } ends[] = {{256, 0, 0, 0, true, "a"},
                {1 << 20, 1, SIZE_MAX, 64, false, "b"},
                {4096, 1 << 20, 1, 1, true, "c"}};
    struct place *place = *state;

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        check_case(i);
        struct strata_options options;
        struct strata_error err;
        struct strata *db;
        subject_options(&options, place->fs, true);
        options.block_bytes = ends[i].block;
        options.cache_bytes = ends[i].cache;
        options.memtable_bytes = ends[i].memtable;
        options.bloom_bits_per_key = ends[i].bits;
        options.plain_blocks = ends[i].plain;
        assert_ok(strata_open(place->dir, &options, &db, &err), &err);
        for (size_t n = 0; n < i; n++) /* what was written with the others */
            assert_get(db, ends[n].key, "value");
        assert_put(db, ends[i].key, "value");
        place_close(db);
    }
}

static void open_options_not_initialised_are_invalid(void **state)
{
    static const size_t sizes[] = {0, 1, sizeof(size_t), sizeof(struct strata_options) + 1,
                                   SIZE_MAX};
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        subject_options(&options, place->fs, true);
        options.size = sizes[i];
        place_refused(place->dir, &options, STRATA_ERR_INVALID, &err);
        assert_err_says(&err, "strata_options_init");
    }
    for (int i = 0; i < 2; i++) {
        subject_options(&options, place->fs, true);
        options.sync = (enum strata_sync)(i ? STRATA_SYNC_ALWAYS + 1 : 0x7fffffff);
        place_refused(place->dir, &options, STRATA_ERR_INVALID, &err);
        assert_err_says(&err, "options.sync");
        options.sync = STRATA_SYNC_DEFAULT;
        options.compaction =
            (enum strata_compaction)(i ? STRATA_COMPACTION_TIERED + 1 : 0x7fffffff);
        place_refused(place->dir, &options, STRATA_ERR_INVALID, &err);
        assert_err_says(&err, "options.compaction");
    }
    assert_string_equal(place_names(place, place->root), "");
}

/* A program built against an older header has a smaller struct: what it lacks has its default. */
static void open_options_of_an_older_header_are_taken(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, NULL, true);
    options.engine = NULL;
    options.size = offsetof(struct strata_options, fs);
    options.fs = (struct strata_fs *)1; /* not looked at */
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    assert_put(db, "k", "v");
    place_close(db);
}

static void open_unknown_stage_is_named(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;

    strata_options_init(&options);
    options.fs = place->fs;
    options.create = true;
    options.stage = 4321;
    place_refused(place->dir, &options, STRATA_ERR_WRONG_STAGE, &err);
    assert_err_says(&err, "4321");
    assert_string_equal(place_names(place, place->root), "");
}

static void open_without_options_finds_the_stage(void **state)
{
    struct place *place = *state;
    struct strata_stage_info info;
    struct strata_error err;
    struct strata *db;

    place_refused(place->dir, NULL, STRATA_ERR_ABSENT, &err);
    if (subject_engine())
        return; /* which is the learner's engine is not to be found in a directory */
    place_fill(place);
    assert_ok(strata_open(place->dir, NULL, &db, &err), &err);
    strata_stage(db, &info);
    assert_int_equal(info.stage, subject_info()->stage);
    assert_get(db, "key", "value");
    place_close(db);
}

/* ---- Names ------------------------------------------------------------------------------ */

static void use_at(struct strata_fs *fs, const char *dir)
{
    struct strata_error err;
    struct strata *db;

    for (int create = 1; create >= 0; create--) {
        assert_ok(subject_open(fs, dir, create, &db, &err), &err);
        if (create)
            assert_put(db, "key", dir);
        assert_get(db, "key", dir);
        place_close(db);
    }
}

static void open_odd_names_are_names(void **state)
{
    static const char *const names[] = {
        "with space",
        " ",
        "new\nline",
        "-dash",
        "--help",
        "ümläut",
        "\xe6\x97\xa5\xe6\x9c\xac",
        "not\xffutf8",
        "%s%n",
        "*",
        "~",
        "$HOME",
        "a'\"b",
        "...",
        "slash/",
        "slashes///",
        "./dot",
    };
    struct place *place = *state;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        check_case(i);
        char *dir = tmpdir_path(place->root, "%s", names[i]);
        use_at(place->fs, dir);
        free(dir);
    }
}

static void open_relative_names_are_names(void **state)
{
    static const char *const names[] = {"db1", "./db2", "-db3", "db4/", "db1/../db5", "."};
    struct place *place = *state;
    char *inside = tmpdir_path(place->root, "inside");
    int here = open(".", O_RDONLY | O_DIRECTORY);

    assert_true(here >= 0);
    assert_int_equal(mkdir(inside, 0777), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        check_case(i);
        assert_int_equal(chdir(strcmp(names[i], ".") == 0 ? inside : place->root), 0);
        use_at(NULL, names[i]); /* each begins where the process is then */
    }
    assert_int_equal(fchdir(here), 0);
    assert_string_equal(place_names(place, place->root), "-db3 db1 db2 db4 db5 inside ");
    close(here);
    free(inside);
}

static void open_through_a_symbolic_link_is_the_same_database(void **state)
{
    struct place *place = *state;
    char *link = tmpdir_path(place->root, "link");
    struct strata_error err;
    struct strata *db;

    place_fill(place);
    assert_int_equal(symlink("db", link), 0);
    assert_ok(subject_open(place->fs, link, false, &db, &err), &err);
    assert_get(db, "key", "value");
    place_close(db);
    free(link);
}

static void open_longest_name_works_and_one_byte_more_is_an_error(void **state)
{
    struct place *place = *state;
    char name[257];
    char *dir;
    struct strata_options options;
    struct strata_error err;

    memset(name, 'n', 256);
    name[255] = '\0';
    dir = tmpdir_path(place->root, "%s", name);
    use_at(place->fs, dir);
    free(dir);
    name[255] = 'n';
    name[256] = '\0';
    dir = tmpdir_path(place->root, "%s", name);
    subject_options(&options, place->fs, true);
    place_refused(dir, &options, STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, ENAMETOOLONG);
    assert_true(strncmp(err.file, "...", 3) == 0); /* of a long path the end is kept */
    assert_err_says(&err, "nnnnnn");
    free(dir);
}

/* ---- Reading only ----------------------------------------------------------------------- */

static void open_read_only_reads_and_refuses_every_write(void **state)
{
    struct place *place = *state;
    struct strata_slice key = strata_string("key");
    struct strata_batch *batch = strata_batch_new();
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    place_fill(place);
    subject_options(&options, place->fs, false);
    options.read_only = true;
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    assert_code(strata_put(db, key, key, &err), STRATA_ERR_READ_ONLY, &err);
    assert_err_file(&err, place->dir);
    assert_code(strata_delete(db, key, &err), STRATA_ERR_READ_ONLY, &err);
    assert_ok(strata_batch_delete(batch, key, &err), &err);
    assert_code(strata_write(db, batch, 0, &err), STRATA_ERR_READ_ONLY, &err);
    assert_code(strata_sync(db, &err), STRATA_ERR_READ_ONLY, &err);
    assert_code(strata_flush(db, &err), STRATA_ERR_READ_ONLY, &err);
    assert_code(strata_compact(db, NULL, &err), STRATA_ERR_READ_ONLY, &err);
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_get(db, "key", "value");
    place_close(db);
    strata_batch_free(batch);
    place_expect_intact(place);
}

static struct strata_buffer before_bytes; /* of each file, name after name */

static void add_file(struct place *place, const char *path)
{
    struct strata_error err;
    struct strata_buffer bytes = {0};
    assert_ok(fs_read_file(place->fs, path, SIZE_MAX, &bytes, &err), &err);
    strata_buffer_append(&before_bytes, path, strlen(path) + 1);
    strata_buffer_append(&before_bytes, bytes.data, bytes.size);
    strata_buffer_free(&bytes);
}

static void open_read_only_changes_no_byte(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;
    struct strata_buffer first;
    uint64_t written;
    struct strata *db;

    place_fill(place);
    place_each_data_file(place, add_file);
    first = before_bytes;
    before_bytes = (struct strata_buffer){0};
    written = place->fs->bytes_written;
    subject_options(&options, place->fs, false);
    options.read_only = true;
    for (int i = 0; i < 2; i++) {
        assert_ok(strata_open(place->dir, &options, &db, &err), &err);
        assert_get(db, "key", "value");
        place_close(db);
    }
    assert_true(place->fs->bytes_written == written);
    place_each_data_file(place, add_file);
    assert_bytes(strata_buffer_slice(&before_bytes), strata_buffer_slice(&first));
    strata_buffer_free(&before_bytes);
    strata_buffer_free(&first);
}

#define open_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        open_test(open_missing_directory_is_absent),
        open_test(open_empty_directory_is_absent_until_created),
        open_test(open_create_writes_a_marker_that_says_ready),
        open_test(open_create_of_a_database_keeps_it),
        open_test(open_exclusive_makes_one_and_refuses_an_old_one),
        open_test(open_missing_parent_is_an_error_with_the_systems_reason),
        open_test(open_file_in_the_place_of_the_directory_is_left_alone),
        open_test(open_without_place_or_directory_is_invalid),
        open_test(open_contradicting_options_are_invalid),
        open_test(open_sizes_out_of_range_are_invalid),
        open_test(open_sizes_at_their_ends_are_taken),
        open_test(open_options_not_initialised_are_invalid),
        open_test(open_options_of_an_older_header_are_taken),
        open_test(open_unknown_stage_is_named),
        open_test(open_without_options_finds_the_stage),
        open_test(open_odd_names_are_names),
        open_test(open_relative_names_are_names),
        open_test(open_through_a_symbolic_link_is_the_same_database),
        open_test(open_longest_name_works_and_one_byte_more_is_an_error),
        open_test(open_read_only_reads_and_refuses_every_write),
        open_test(open_read_only_changes_no_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
