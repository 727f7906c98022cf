/* 09_forged_test.c: a manifest whose checks hold and which tells of other tables than there are: it
 * is refused, and a repair goes by the tables. And files in the way of a repair. */
#include "test.h"

#include "06_leveled_compaction/manifest/manifest.h"
#include "06_leveled_compaction/version/version.h"
#include "06_leveled_compaction/version/version.h"
#include "harm.h"
#include "crash/subject.h"
#include "apply_edit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"

static void set_options(struct strata_options *options, struct strata_fs *fs)
{
    subject_options(options, fs, true);
    options->block_bytes = 256;
    options->table_bytes = 1 << 20;
    options->memtable_bytes = 1 << 20;
}

static int open_it(struct strata_fs *fs, struct strata **db, struct strata_error *err)
{
    struct strata_options options;

    set_options(&options, fs);
    return strata_open(DIR, &options, db, err);
}

/* One table of some blocks, keys 000 to 099. */
static struct strata_fs *made(void)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_error err;
    struct strata *db;
    char key[20];

    assert_ok(open_it(fs, &db, &err), &err);
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "key %03d", i);
        assert_put(db, key, "a value of some bytes, so that there are several blocks");
    }
    assert_ok(strata_flush(db, &err), &err);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_ok(strata_close(db, &err), &err);
    return fs;
}

static const char *file(struct strata_fs *fs, const char *suffix)
{
    return harm_file(fs, DIR, suffix, 0);
}

/* ---- Another manifest ------------------------------------------------------------------------ */

static int apply(void *arg, const struct edit *edit, struct strata_error *err)
{
    return apply_edit(arg, edit, err);
}

/* `whole` borrows from the version. */
static struct version *read_manifest(struct strata_fs *fs, struct edit *whole)
{
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = DIR, .options = &options};
    struct version *version = NULL;
    struct manifest manifest;
    struct strata_error err;

    set_options(&options, fs);
    options.read_only = true;
    assert_ok(manifest_open(&manifest, &env, apply, &version, &err), &err);
    manifest_close(&manifest);
    assert_ok(version_tell(version, whole, &err), &err);
    assert_true(whole->added_count > 0);
    return version;
}

static void write_manifest(struct strata_fs *fs, struct edit *whole)
{
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = DIR, .options = &options};
    struct strata_error err;
    struct manifest manifest;

    set_options(&options, fs);
    whole->next += 10;
    assert_ok(manifest_create(&manifest, &env, whole->next - 1, whole, &err), &err);
    manifest_close(&manifest);
}

/* What a manifest can tell otherwise of a table. */
static void change(struct edit_table *t, int what)
{
    switch (what) {
    case 0:
        t->bytes++;
        break;
    case 1:
        t->sum.digest++;
        break;
    case 2:
        t->sum.records++;
        break;
    case 3:
        t->sum.tombstones++;
        break;
    case 4:
        t->sum.first++;
        break;
    case 5:
        t->sum.last--;
        break;
    case 6:
        t->smallest = S("key 0");
        break;
    default:
        t->largest = S("key 1");
        break;
    }
}
#define CHANGES 8

static void forge(struct strata_fs *fs, int what)
{
    struct edit whole;
    struct version *version = read_manifest(fs, &whole);

    change(&whole.added[0], what);
    write_manifest(fs, &whole);
    edit_free(&whole);
    version_unref(version);
}

static void forged_table_is_refused_whatever_differs(void **state)
{
    struct strata_fs *fs = made();

    (void)state;
    for (int what = 0; what < CHANGES; what++) {
        struct strata_fs *copy = fs_sim_copy(fs);
        struct strata_error err;
        struct strata *db;
        forge(copy, what);
        assert_code(open_it(copy, &db, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, file(copy, ".table"));
        fs_free(copy);
    }
    fs_free(fs);
}

static struct strata_repair_sum repair(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata_repair_sum sum;
    struct strata_error err;

    set_options(&options, fs);
    assert_ok(strata_repair(DIR, &options, 0, NULL, &sum, &err), &err);
    return sum;
}

static void expect_opens(struct strata_fs *fs, unsigned at_least)
{
    struct strata_error err;
    unsigned there = 0;
    struct strata *db;
    char key[20];

    assert_ok(open_it(fs, &db, &err), &err);
    assert_ok(strata_verify(db, NULL, &err), &err);
    for (int i = 0; i < 100; i++) {
        struct strata_buffer value = {0};
        snprintf(key, sizeof key, "key %03d", i);
        there += strata_get(db, S(key), &value, &err) == 0;
        strata_buffer_free(&value);
    }
    assert_true(there >= at_least);
    assert_ok(strata_close(db, &err), &err);
}

/* What is no table of the manifest's is lost for it, and kept aside. */
static void forged_table_is_no_table_to_a_repair(void **state)
{
    struct strata_fs *fs = made();

    (void)state;
    for (int what = 0; what < CHANGES; what++) {
        struct strata_fs *copy = fs_sim_copy(fs);
        struct strata_repair_sum sum;
        forge(copy, what);
        sum = repair(copy);
        assert_false(sum.healthy);
        expect_opens(copy, 0);
        assert_true(repair(copy).healthy);
        fs_free(copy);
    }
    fs_free(fs);
}

/* ---- A table that cannot be read by itself, within other bounds ------------------------------ */

static void cut_footer(struct strata_fs *fs)
{
    struct strata_buffer bytes = {0};
    const char *path = file(fs, ".table");

    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    memset(bytes.data + bytes.size - 24, 0xff, 24);
    assert_int_equal(fs_sim_put(fs, path, strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&bytes);
}

/* Nothing is taken from a block whose keys are not within the manifest's bounds. */
static void forged_bounds_let_no_other_keys_through(void **state)
{
    struct strata_fs *fs = made();
    static const char *const bounds[][2] = {{"key 050", "key 099"}, {"key 000", "key 050"}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct strata_fs *copy = fs_sim_copy(fs);
        struct edit whole;
        struct version *version = read_manifest(copy, &whole);
        struct strata_error err;
        struct strata *db;
        whole.added[0].smallest = S(bounds[i][0]);
        whole.added[0].largest = S(bounds[i][1]);
        write_manifest(copy, &whole);
        edit_free(&whole);
        version_unref(version);
        cut_footer(copy);
        assert_true(repair(copy).ranges > 0);
        expect_opens(copy, 20);
        assert_ok(open_it(copy, &db, &err), &err);
        assert_get(db, i ? "key 099" : "key 000", NULL);
        assert_ok(strata_close(db, &err), &err);
        fs_free(copy);
    }
    fs_free(fs);
}

/* ---- In the way of a repair ------------------------------------------------------------------ */

static int link_rc;

static int refuse_link(struct strata_fs *fs, const char *from, const char *to)
{
    (void)fs;
    (void)from;
    (void)to;
    return link_rc;
}

/* Whatever says that there can be no link, a copy is made; an error of the device is one. */
static void forged_links_are_copies(void **state)
{
    static const int refusals[] = {EXDEV, EPERM, EMLINK, ENOSYS, EOPNOTSUPP, EIO};
    struct strata_fs *fs = made();

    (void)state;
    assert_int_equal(fs_remove(fs, DIR "/CURRENT", NULL), 0);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct strata_fs *copy = fs_sim_copy(fs);
        const struct fs_ops *ops = copy->ops;
        struct fs_ops own = *ops;
        struct strata_options options;
        struct strata_repair_sum sum;
        struct strata_error err;
        int rc;
        own.link = refuse_link;
        link_rc = -refusals[i];
        copy->ops = &own;
        set_options(&options, copy);
        rc = strata_repair(DIR, &options, 0, NULL, &sum, &err);
        copy->ops = ops;
        assert_int_equal(rc, refusals[i] == EIO ? STRATA_ERR_IO : 0);
        if (rc == 0)
            expect_opens(copy, 100);
        fs_free(copy);
    }
    fs_free(fs);
}

/* Names that are taken in lost/: by the same bytes, by others, longer and of the same length. */
static void forged_names_in_lost_are_left_alone(void **state)
{
    struct strata_fs *fs = made();
    struct strata_buffer bytes = {0}, got = {0};
    char name[40], path[100];

    (void)state;
    snprintf(name, sizeof name, "%s", strrchr(file(fs, ".manifest"), '/') + 1);
    assert_int_equal(fs_sim_get(fs, file(fs, ".manifest"), &bytes), 0);
    assert_int_equal(fs_remove(fs, DIR "/CURRENT", NULL), 0);
    for (int i = 0; i < 3; i++) {
        struct strata_fs *copy = fs_sim_copy(fs);
        strata_buffer_clear(&got);
        strata_buffer_append(&got, bytes.data, bytes.size);
        if (i == 1)
            got.data[bytes.size / 2] ^= 1;
        if (i == 2)
            strata_buffer_append(&got, "more", 4);
        snprintf(path, sizeof path, DIR "/lost/%s", name);
        assert_int_equal(fs_sim_put(copy, path, strata_buffer_slice(&got)), 0);
        repair(copy);
        expect_opens(copy, 100);
        assert_int_equal(fs_sim_get(copy, path, &got), 0); /* as it was */
        assert_int_equal(got.size == bytes.size && memcmp(got.data, bytes.data, got.size) == 0,
                         i == 0);
        snprintf(path, sizeof path, DIR "/lost/%s.1", name);
        assert_int_equal(fs_sim_get(copy, path, &got) == 0, i > 0);
        if (i > 0)
            assert_bytes(strata_buffer_slice(&got), strata_buffer_slice(&bytes));
        fs_free(copy);
    }
    strata_buffer_free(&bytes);
    strata_buffer_free(&got);
    fs_free(fs);
}

/* All of them: then nothing is taken away. */
static void forged_names_that_are_all_taken_end_the_repair(void **state)
{
    struct strata_fs *fs = made();
    struct strata_options options;
    struct strata_repair_sum sum;
    struct strata_buffer bytes = {0};
    struct strata_error err;
    char path[60];

    (void)state;
    assert_int_equal(fs_sim_put(fs, DIR "/CURRENT", S("no such thing")), 0);
    assert_int_equal(fs_sim_put(fs, DIR "/lost/CURRENT", S("earlier")), 0);
    for (int i = 1; i < 1000; i++) {
        snprintf(path, sizeof path, DIR "/lost/CURRENT.%d", i);
        assert_int_equal(fs_sim_put(fs, path, S("earlier")), 0);
    }
    set_options(&options, fs);
    assert_code(strata_repair(DIR, &options, 0, NULL, &sum, &err), STRATA_ERR_IO, &err);
    assert_err_file(&err, DIR "/CURRENT");
    assert_err_says(&err, "all its names are taken");
    assert_int_equal(fs_sim_get(fs, DIR "/CURRENT", &bytes), 0);
    assert_bytes(strata_buffer_slice(&bytes), S("no such thing"));
    assert_int_equal(fs_remove(fs, DIR "/lost/CURRENT.999", NULL), 0);
    repair(fs);
    expect_opens(fs, 100);
    strata_buffer_free(&bytes);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forged_table_is_refused_whatever_differs),
        cmocka_unit_test(forged_table_is_no_table_to_a_repair),
        cmocka_unit_test(forged_bounds_let_no_other_keys_through),
        cmocka_unit_test(forged_links_are_copies),
        cmocka_unit_test(forged_names_in_lost_are_left_alone),
        cmocka_unit_test(forged_names_that_are_all_taken_end_the_repair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
