/* 06_manifest_test.c: the manifest and CURRENT: what was appended is there after a kill or power
 * cut at any call, a cut last edit is dropped, and every other cut or flipped bit is told. */
#include "test.h"

#include "06_leveled_compaction/version/version_set.h"
#include "01_append_log/record.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "crash/sim/fs_sim.h"
#include "inspect/inspect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define S(text) strata_string(text)
#define DIR "db"
#define CURRENT DIR "/" CURRENT_NAME
#define PATH DIR "/000001.manifest"
#define BASE                                                                                       \
    10 /* an edit's `next` beyond this is how many states there were: 0 is the empty one           \
        */

struct ground {
    struct strata_fs *fs;
    struct strata_options options;
    struct strata_env env;
};

static void ground_on(struct ground *g, struct strata_fs *fs)
{
    g->fs = fs;
    strata_options_init(&g->options);
    g->env = (struct strata_env){.fs = fs, .dir = DIR, .options = &g->options};
}

static void ground_init(struct ground *g)
{
    ground_on(g, fs_sim_new());
    assert_int_equal(fs_sim_put_directory(g->fs, DIR), 0);
}

static void ground_free(struct ground *g)
{
    assert_int_equal(fs_sim_open_files(g->fs), 0);
    fs_free(g->fs);
}

/* ---- What is in the manifests of these tests: state n has tables BASE + 1 to BASE + n ------- */

static struct strata_slice key_of(uint64_t n, char text[40])
{
    sprintf(text, "key %05" PRIu64 "%.*s", n, (int)(n % 20), "abcdefghijklmnopqrst");
    return S(text);
}

static void add(struct edit *edit, uint64_t n, char text[40])
{
    struct edit_table t = {.number = BASE + n,
                           .bytes = 1000 * n,
                           .sum.digest = n * n,
                           .sum.records = n,
                           .sum.first = n,
                           .sum.last = n};
    t.smallest = t.largest = key_of(n, text);
    assert_int_equal(edit_add(edit, &t, NULL), 0);
}

/* Tables `from` to `to`. */
static void edit_of(struct edit *edit, uint64_t from, uint64_t to)
{
    static char texts[1000][40];

    *edit = (struct edit){
        .next = BASE + to + 1, .has_logs = true, .logs = {{BASE, 5000, 100, 5000}}, .log_count = 1};
    for (uint64_t n = from; n <= to; n++)
        add(edit, n, texts[n]);
}

static int create(struct ground *g, struct manifest *m, uint64_t number, uint64_t to,
                  struct strata_error *err)
{
    struct edit edit;
    int rc;

    edit_of(&edit, 1, to);
    rc = manifest_create(m, &g->env, number, &edit, err);
    edit_free(&edit);
    return rc;
}

static int append(struct manifest *m, uint64_t n, struct strata_error *err)
{
    struct edit edit;
    int rc;

    edit_of(&edit, n, n);
    rc = manifest_append(m, &edit, err);
    edit_free(&edit);
    return rc;
}

/* What was read: tables in order, none left out. */
struct seen {
    uint64_t edits, tables;
    uint64_t refuse; /* this edit */
    bool wrong;
};

static int see(void *arg, const struct edit *edit, struct strata_error *err)
{
    struct seen *seen = arg;

    if (++seen->edits == seen->refuse)
        return strata_fail(err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET, "refused");
    seen->wrong |= edit->ordinal != seen->edits;
    for (size_t i = 0; i < edit->added_count; i++) {
        const struct edit_table *t = &edit->added[i];
        uint64_t n = ++seen->tables;
        char text[40];
        seen->wrong |= t->number != BASE + n || t->bytes != 1000 * n || t->sum.digest != n * n ||
                       strata_compare(t->largest, key_of(n, text)) != 0;
    }
    seen->wrong |= edit->next != BASE + seen->tables + 1;
    return 0;
}

static int open_as(struct ground *g, struct manifest *m, struct seen *seen, uint64_t *torn,
                   struct strata_error *err)
{
    int rc;
    *seen = (struct seen){.refuse = seen->refuse};
    rc = manifest_open(m, &g->env, see, seen, err);
    *torn = m->torn;
    assert_false(seen->wrong);
    return rc;
}

static int open_only(struct ground *g, struct seen *seen, uint64_t *torn, struct strata_error *err)
{
    struct manifest m;
    int rc = open_as(g, &m, seen, torn, err);
    manifest_close(&m);
    return rc;
}

static void expect_edits(struct ground *g, uint64_t edits, uint64_t tables)
{
    struct seen seen = {0};
    struct strata_error err;
    uint64_t torn;

    assert_ok(open_only(g, &seen, &torn, &err), &err);
    assert_int_equal(torn, 0);
    assert_int_equal(seen.edits, edits);
    assert_int_equal(seen.tables, tables);
}

static void refuse_open(struct ground *g, const char *file, const char *words)
{
    struct seen seen = {0};
    struct strata_error err;
    uint64_t torn;

    assert_code(open_only(g, &seen, &torn, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, file);
    assert_err_says(&err, words);
}

/* The dump says the same: damage, or a torn end of so many bytes. */
static void expect_dump(struct ground *g, const char *path, const struct strata_format *format,
                        bool damaged, uint64_t torn)
{
    struct strata_error err;
    struct fs_file *file;
    struct inspect in;

    inspect_init(&in, NULL);
    in.quiet = true;
    assert_ok(fs_open(g->fs, path, FS_READ, &file, &err), &err);
    assert_ok(format->inspect(file, &in, &err), &err);
    assert_int_equal(in.damaged, damaged);
    assert_int_equal(in.torn, torn > 0);
    assert_int_equal(fs_close(file, NULL), 0);
}

static void put_file(struct ground *g, const char *path, struct strata_slice bytes)
{
    assert_int_equal(fs_sim_put(g->fs, path, bytes), 0);
}

/* ---- What was appended --------------------------------------------------------------------- */

static void manifest_gives_back_its_edits(void **state)
{
    struct strata_error err;
    struct manifest m;
    struct seen seen = {0};
    struct ground g;
    uint64_t torn;

    (void)state;
    ground_init(&g);
    assert_ok(create(&g, &m, 1, 3, &err), &err);
    assert_ok(append(&m, 4, &err), &err);
    assert_ok(append(&m, 5, &err), &err);
    assert_int_equal(m.ordinal, 3);
    manifest_close(&m);
    assert_ok(open_as(&g, &m, &seen, &torn, &err), &err);
    assert_int_equal(seen.tables, 5);
    assert_ok(append(&m, 6, &err), &err); /* it goes on where it ended */
    manifest_close(&m);
    expect_edits(&g, 4, 6);
    assert_ok(create(&g, &m, 7, 6, &err), &err); /* another takes its place */
    assert_ok(append(&m, 7, &err), &err);
    manifest_close(&m);
    assert_int_equal(fs_remove(g.fs, PATH, NULL), 0);
    expect_edits(&g, 2, 7);
    ground_free(&g);
}

/* More than the reader's window holds, in front and behind. */
static void manifest_takes_edits_of_any_size(void **state)
{
    struct strata_error err;
    struct manifest m;
    struct ground g;

    (void)state;
    ground_init(&g);
    assert_ok(create(&g, &m, 1, 0, &err), &err);
    for (uint64_t n = 1; n <= 900; n += 300) {
        struct strata_buffer key = {0};
        struct edit edit;
        edit_of(&edit, n, n + 299);
        for (int i = 0; i < 50000; i++)
            strata_buffer_append(&key, "k", 1);
        for (uint32_t level = 1; level < 1 + n / 100; level++)
            edit_set_cursor(&edit, level, strata_buffer_slice(&key));
        assert_ok(manifest_append(&m, &edit, &err), &err);
        edit_free(&edit);
        strata_buffer_free(&key);
    }
    manifest_close(&m);
    expect_edits(&g, 4, 900);
    ground_free(&g);
}

/* What could not be read again is not written. */
static void manifest_takes_no_edit_with_numbers_that_are_too_large(void **state)
{
    struct strata_error err;
    struct manifest m;
    struct ground g;
    struct edit edit;
    uint64_t end;

    (void)state;
    ground_init(&g);
    assert_ok(create(&g, &m, 1, 3, &err), &err);
    end = m.file->end;
    edit_of(&edit, 4, 4);
    edit.next = CODING_NUMBER_MAX + 1;
    assert_code(manifest_append(&m, &edit, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, EOVERFLOW);
    assert_err_file(&err, PATH);
    assert_int_equal(m.file->end, end);
    edit.next = CODING_NUMBER_MAX;
    assert_ok(manifest_append(&m, &edit, &err), &err);
    edit_free(&edit);
    manifest_close(&m);
    ground_free(&g);
}

/* Each edit adds a table: what a version is copied for every time takes the square, and over ten
 * seconds here. */
static void manifest_of_many_edits_is_recovered_in_time(void **state)
{
    enum { EDITS = 10000 };
    struct strata_error err;
    struct manifest m;
    struct ground g;
    clock_t began;

    (void)state;
    ground_init(&g);
    assert_ok(create(&g, &m, 1, 0, &err), &err);
    for (uint64_t n = 1; n <= EDITS; n++) {
        struct edit edit = {.next = BASE + n + 1, .has_logs = true, .log_count = 1};
        char text[40];
        edit.logs[0] = (struct live_log){BASE, 5000 + EDITS, 100, 5000 + EDITS};
        add(&edit, n, text);
        assert_ok(manifest_append(&m, &edit, &err), &err);
        edit_free(&edit);
    }
    manifest_close(&m);
    struct version_set set = {.env = &g.env};
    began = clock();
    assert_ok(version_set_recover(&set, &err), &err);
    assert_in_range(clock() - began, 0, 3 * CLOCKS_PER_SEC);
    assert_int_equal(set.current->count, EDITS);
    version_set_free(&set);
    ground_free(&g);
}

static void manifest_is_long_when_a_new_one_would_be_shorter(void **state)
{
    uint64_t snapshots[] = {0, 900};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct strata_error err;
        struct manifest m;
        struct ground g;
        uint64_t first, edits;
        ground_init(&g);
        assert_ok(create(&g, &m, 1, snapshots[i], &err), &err);
        first = m.file->end;
        while (!manifest_is_long(&m)) {
            edits = m.file->end - first;
            assert_true(edits <= 65536 || edits <= 2 * first);
            assert_ok(append(&m, 1 + edits % 900, &err), &err);
        }
        edits = m.file->end - first;
        assert_true(edits > 65536 && edits > 2 * first);
        assert_int_equal(edits > 66000, i); /* the one rule, and the other */
        manifest_close(&m);
        ground_free(&g);
    }
}

/* ---- Cut, flipped -------------------------------------------------------------------------- */

/* A manifest of 4 edits; where each ends. Settled, or as a kill leaves it. */
static void make(struct ground *g, bool settled, uint64_t ends[4], struct strata_buffer *bytes)
{
    struct strata_error err;
    struct manifest m;

    ground_init(g);
    assert_ok(create(g, &m, 1, 2, &err), &err);
    ends[0] = m.file->end;
    for (uint64_t n = 3; n <= 5; n++) {
        assert_false(manifest_is_settled(&m) && n > 3);
        assert_ok(append(&m, n, &err), &err);
        ends[n - 2] = m.file->end;
    }
    if (settled)
        assert_ok(manifest_settle(&m, &err), &err);
    assert_int_equal(manifest_is_settled(&m), settled);
    manifest_close(&m);
    assert_int_equal(fs_sim_get(g->fs, PATH, bytes), 0);
}

static void manifest_cut_anywhere_is_reported_or_loses_its_torn_end(void **state)
{
    struct strata_buffer bytes = {0};

    (void)state;
    for (int settled = 0; settled < 2; settled++) {
        struct ground g;
        uint64_t ends[4];
        make(&g, settled, ends, &bytes);
        for (size_t size = 0; size < bytes.size; size++) {
            struct seen seen = {0};
            struct strata_error err;
            struct manifest m;
            uint64_t torn, whole = 0;
            put_file(&g, PATH, strata_bytes(bytes.data, size));
            while (ends[whole] <= size)
                whole++;
            if (settled || whole == 0) {
                refuse_open(&g, PATH, "");
                expect_dump(&g, PATH, &manifest_format, true, 0);
                continue;
            }
            assert_ok(open_as(&g, &m, &seen, &torn, &err), &err);
            assert_int_equal(seen.edits, whole);
            assert_int_equal(torn, size - ends[whole - 1]);
            assert_false(manifest_is_settled(&m) && size != ends[0]);
            if (torn)
                assert_code(append(&m, 9, &err), STRATA_ERR_CORRUPT, &err);
            manifest_close(&m);
            expect_dump(&g, PATH, &manifest_format, false, torn);
        }
        ground_free(&g);
    }
    strata_buffer_free(&bytes);
}

static void manifest_flipped_anywhere_is_reported(void **state)
{
    struct strata_buffer bytes = {0};

    (void)state;
    for (int settled = 0; settled < 2; settled++) {
        struct ground g;
        uint64_t ends[4];
        make(&g, settled, ends, &bytes);
        for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
            bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            put_file(&g, PATH, strata_buffer_slice(&bytes));
            refuse_open(&g, PATH, "");
            expect_dump(&g, PATH, &manifest_format, true, 0);
            bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        strata_buffer_append(&bytes, "more", 4);
        put_file(&g, PATH, strata_buffer_slice(&bytes));
        if (settled) { /* a head cut short, behind what is known */
            struct seen seen = {0};
            uint64_t torn;
            assert_int_equal(open_only(&g, &seen, &torn, NULL), 0);
            assert_int_equal(torn, 4);
        }
        ground_free(&g);
    }
    strata_buffer_free(&bytes);
}

static void current_cut_or_flipped_is_reported(void **state)
{
    struct strata_buffer bytes = {0};
    uint64_t ends[4];
    struct ground g;

    (void)state;
    make(&g, true, ends, &bytes);
    assert_int_equal(fs_sim_get(g.fs, CURRENT, &bytes), 0);
    assert_int_equal(bytes.size, CURRENT_BYTES);
    for (size_t size = 0; size < bytes.size; size++) {
        put_file(&g, CURRENT, strata_bytes(bytes.data, size));
        refuse_open(&g, CURRENT, "");
        expect_dump(&g, CURRENT, &current_format, true, 0);
    }
    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        put_file(&g, CURRENT, strata_buffer_slice(&bytes));
        refuse_open(&g, CURRENT, "");
        expect_dump(&g, CURRENT, &current_format, true, 0);
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    strata_buffer_append(&bytes, "", 1);
    put_file(&g, CURRENT, strata_buffer_slice(&bytes));
    refuse_open(&g, CURRENT, "32 bytes");
    expect_dump(&g, CURRENT, &current_format, true, 0);
    bytes.size--;
    put_file(&g, CURRENT, strata_buffer_slice(&bytes));
    expect_edits(&g, 4, 5);
    ground_free(&g);
    strata_buffer_free(&bytes);
}

/* Its check holds: another program wrote it. */
static void current_of_another_version_is_refused(void **state)
{
    struct strata_buffer bytes = {0};
    uint64_t ends[4];
    struct ground g;

    (void)state;
    make(&g, true, ends, &bytes);
    for (size_t at = 8; at < 12; at++) { /* the reserved bytes too */
        assert_int_equal(current_write(&g.env, &(struct current){1, ends[3]}, NULL), 0);
        assert_int_equal(fs_sim_get(g.fs, CURRENT, &bytes), 0);
        bytes.data[at]++;
        put_u32(bytes.data + 28, checksum(checksum_seed(0, 0), strata_bytes(bytes.data, 28)));
        put_file(&g, CURRENT, strata_buffer_slice(&bytes));
        refuse_open(&g, CURRENT, "another version than 1");
    }
    ground_free(&g);
    strata_buffer_free(&bytes);
}

static void manifest_that_is_missing_is_damage(void **state)
{
    struct strata_buffer bytes = {0};
    uint64_t ends[4];
    struct ground g;

    (void)state;
    make(&g, true, ends, &bytes);
    assert_int_equal(fs_rename(g.fs, CURRENT, DIR "/ASIDE", NULL), 0);
    refuse_open(&g, CURRENT, "missing");
    assert_int_equal(fs_rename(g.fs, DIR "/ASIDE", CURRENT, NULL), 0);
    assert_int_equal(fs_rename(g.fs, PATH, DIR "/000002.manifest", NULL), 0);
    refuse_open(&g, PATH, "missing");
    assert_int_equal(current_write(&g.env, &(struct current){2, 100}, NULL), 0);
    refuse_open(&g, DIR "/000002.manifest", "says it is number 1");
    assert_int_equal(current_write(&g.env, &(struct current){0, 100}, NULL), 0);
    refuse_open(&g, CURRENT, "the number 0");
    assert_int_equal(current_write(&g.env, &(struct current){CODING_NUMBER_MAX + 1, 100}, NULL), 0);
    refuse_open(&g, CURRENT, "the number 9223372036854775808");
    assert_int_equal(current_write(&g.env, &(struct current){1, UINT64_MAX}, NULL), 0);
    refuse_open(&g, CURRENT, "18446744073709551615 bytes");
    ground_free(&g);
    strata_buffer_free(&bytes);
}

/* ---- Sectors that a power cut lost --------------------------------------------------------- */

enum after { NOTHING, ANOTHER_EDIT, SETTLED };

/* The third edit is large: sectors of it can be lost whole. */
static void make_large(struct ground *g, enum after after, uint64_t *begin, uint64_t *end)
{
    struct strata_error err;
    struct manifest m;
    struct edit edit;

    ground_init(g);
    assert_ok(create(g, &m, 1, 2, &err), &err);
    assert_ok(append(&m, 3, &err), &err);
    *begin = m.file->end;
    edit_of(&edit, 4, 43);
    assert_ok(manifest_append(&m, &edit, &err), &err);
    edit_free(&edit);
    *end = m.file->end;
    if (after == ANOTHER_EDIT)
        assert_ok(append(&m, 44, &err), &err);
    if (after == SETTLED)
        assert_ok(manifest_settle(&m, &err), &err);
    manifest_close(&m);
}

static void expect_torn(struct ground *g, uint64_t edits, uint64_t bytes)
{
    struct seen seen = {0};
    struct strata_error err;
    uint64_t torn;

    assert_ok(open_only(g, &seen, &torn, &err), &err);
    assert_int_equal(seen.edits, edits);
    assert_int_equal(torn, bytes);
}

/* Zeros from `from` to `to`, in a copy. */
static void lose(struct ground *g, struct strata_slice good, uint64_t from, uint64_t to)
{
    uint8_t *bytes = malloc(good.size);

    assert_non_null(bytes);
    memcpy(bytes, good.data, good.size);
    memset(bytes + from, 0, (size_t)(to - from));
    put_file(g, PATH, strata_bytes(bytes, good.size));
    free(bytes);
}

static void manifest_that_lost_a_sector_is_torn_or_damaged(void **state)
{
    struct strata_buffer good = {0};

    (void)state;
    for (int after = NOTHING; after <= SETTLED; after++) {
        uint64_t begin, end;
        struct ground g;
        make_large(&g, (enum after)after, &begin, &end);
        assert_true(end - begin > 3 * (uint64_t)FS_SIM_SECTOR);
        assert_int_equal(fs_sim_get(g.fs, PATH, &good), 0);
        for (uint64_t from = begin, to; from < end; from = to) {
            to = (from / FS_SIM_SECTOR + 1) * FS_SIM_SECTOR;
            to = to < end ? to : end;
            lose(&g, strata_buffer_slice(&good), from, to);
            if (after == NOTHING)
                expect_torn(&g, 2, end - begin);
            else /* it was on the device: before the next was written, before CURRENT was */
                refuse_open(&g, PATH, "check");
            expect_dump(&g, PATH, &manifest_format, after != NOTHING, after == NOTHING);
        }
        lose(&g, strata_buffer_slice(&good), begin, end);
        if (after == NOTHING) {
            expect_torn(&g, 2, end - begin);
            lose(&g, strata_buffer_slice(&good), begin + 17, begin + 18); /* a byte is no sector */
        }
        refuse_open(&g, PATH, "check");
        lose(&g, strata_buffer_slice(&good), RECORD_FILE_HEADER, end); /* all edits */
        refuse_open(&g, PATH, "");
        ground_free(&g);
    }
    strata_buffer_free(&good);
}

/* As much as the head of an edit behind it: that one was begun after a sync. */
static void manifest_that_lost_a_sector_before_a_cut_edit_is_damaged(void **state)
{
    struct strata_buffer good = {0};
    uint64_t begin, end;
    struct ground g;

    (void)state;
    make_large(&g, ANOTHER_EDIT, &begin, &end);
    assert_int_equal(fs_sim_get(g.fs, PATH, &good), 0);
    for (size_t size = (size_t)end; size < good.size; size++) {
        uint64_t from = (begin / FS_SIM_SECTOR + 1) * FS_SIM_SECTOR;
        lose(&g, strata_bytes(good.data, size), from, from + FS_SIM_SECTOR);
        if (size < end + RECORD_HEAD)
            expect_torn(&g, 2, size - begin);
        else
            refuse_open(&g, PATH, "check");
    }
    ground_free(&g);
    strata_buffer_free(&good);
}

/* It was made with one: whatever CURRENT knows, there is no state without it. */
static void manifest_without_an_edit_is_damaged(void **state)
{
    struct strata_buffer bytes = {0};
    uint64_t ends[4];
    struct ground g;

    (void)state;
    make(&g, false, ends, &bytes);
    assert_int_equal(current_write(&g.env, &(struct current){1, 0}, NULL), 0);
    put_file(&g, PATH, strata_bytes(bytes.data, RECORD_FILE_HEADER));
    refuse_open(&g, PATH, "after 0 edits");
    memset(bytes.data + RECORD_FILE_HEADER, 0, (size_t)ends[0] - RECORD_FILE_HEADER);
    put_file(&g, PATH, strata_bytes(bytes.data, (size_t)ends[0]));
    refuse_open(&g, PATH, "check");
    ground_free(&g);
    strata_buffer_free(&bytes);
}

static const struct fs_ops *real;
static int small_reads; /* so many are left, of a sector or less, before one finds nothing there */

static ssize_t read_nothing(struct fs_file *file, uint64_t offset, void *to, size_t size)
{
    if (size <= FS_SIM_SECTOR && strstr(file->path, ".manifest") && small_reads-- == 0)
        return 0;
    return real->read_at(file, offset, to, size);
}

/* While it is looked at it gets shorter: what is not there are no zeros. */
static void manifest_that_ends_while_it_is_read_is_damaged(void **state)
{
    struct strata_buffer good = {0};
    uint64_t begin, end;
    struct fs_ops own;
    struct ground g;
    int refused = 0;

    (void)state;
    make_large(&g, NOTHING, &begin, &end);
    assert_int_equal(fs_sim_get(g.fs, PATH, &good), 0);
    lose(&g, strata_buffer_slice(&good), begin + 17, begin + 18); /* a byte is no sector */
    real = g.fs->ops;
    own = *real;
    own.read_at = read_nothing;
    g.fs->ops = &own;
    for (int at = 0; at < 20; at++) {
        struct seen seen = {0};
        struct strata_error err;
        uint64_t torn;
        small_reads = at;
        assert_code(open_only(&g, &seen, &torn, &err), STRATA_ERR_CORRUPT, &err);
        refused += small_reads < 0;
    }
    assert_true(refused > 3);
    g.fs->ops = real;
    ground_free(&g);
    strata_buffer_free(&good);
}

/* ---- Forged: all checks hold ---------------------------------------------------------------- */

struct forged {
    const char *words;
    unsigned type;
    const char *key, *value;
    size_t size;
    uint64_t offset; /* behind the first edit's end */
};

static void manifest_with_an_edit_that_cannot_be_is_damage(void **state)
{
    static const struct forged forged[] = {
        {"edit 3 is here where 2", MANIFEST_EDIT, "", "\3\x20\0\0\0\0", 6, RECORD_HEAD},
        {"edit 1 is here where 2", MANIFEST_EDIT, "", "\1\x20\0\0\0\0", 6, RECORD_HEAD},
        {"refused", MANIFEST_EDIT, "", "\2\x20\0\0\0\0", 6, 0},
        {"no edit", MANIFEST_EDIT, "k", "\2\x20\0\0\0\0", 6, 4},
        {"no edit", STRATA_OP_PUT, "", "\2\x20\0\0\0\0", 6, 4},
        {"is none", MANIFEST_EDIT + 1, "", "\2\x20\0\0\0\0", 6, 4},
        {"no such level", MANIFEST_EDIT, "", "\2\x20\0\1\7\1\0\0", 8, RECORD_HEAD + 5},
        {"it ends early", MANIFEST_EDIT, "", "", 0, RECORD_HEAD},
    };

    (void)state;
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        check_case(i);
        const struct forged *f = &forged[i];
        struct seen seen = {.refuse = 2};
        struct strata_error err;
        struct manifest m;
        struct ground g;
        uint64_t end, torn;
        ground_init(&g);
        assert_ok(create(&g, &m, 1, 2, &err), &err);
        end = m.file->end;
        assert_ok(record_append_typed(m.file, 1, f->type, S(f->key),
                                      strata_bytes(f->value, f->size), &err),
                  &err);
        manifest_close(&m);
        assert_code(open_only(&g, &seen, &torn, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, f->words);
        assert_err_file(&err, PATH);
        assert_err_offset(&err, end + f->offset);
        if (f->offset) /* the dump has no such rule of its own */
            expect_dump(&g, PATH, &manifest_format, true, 0);
        ground_free(&g);
    }
}

static int see_another(void *arg, const struct edit *edit, struct strata_error *err)
{
    (void)arg;
    (void)edit;
    return strata_fail(err, STRATA_ERR_CORRUPT, DIR "/another", 77, "of another file");
}

/* What whoever is told of an edit says of another file is told as it is. */
static void manifest_error_of_another_file_is_passed_on(void **state)
{
    struct strata_buffer bytes = {0};
    struct strata_error err;
    uint64_t ends[4];
    struct manifest m;
    struct ground g;

    (void)state;
    make(&g, false, ends, &bytes);
    assert_code(manifest_open(&m, &g.env, see_another, NULL, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, DIR "/another");
    assert_err_offset(&err, 77);
    manifest_close(&m);
    assert_int_equal(manifest_open(&m, &g.env, see_another, NULL, NULL), STRATA_ERR_CORRUPT);
    manifest_close(&m);
    ground_free(&g);
    strata_buffer_free(&bytes);
}

/* ---- Dumps --------------------------------------------------------------------------------- */

/* Bytes that a line of a dump shows, counted ones too. It begins with its offset and two blanks. */
static uint64_t bytes_shown(const char *line, uint64_t offset)
{
    uint64_t count = 0, more = 0;
    unsigned byte;

    assert_int_equal(strtoull(line, NULL, 10), offset);
    for (int i = 0;
         i < 8 && sscanf(line + 12 + 3 * i, "%2x ", &byte) == 1 && line[12 + 3 * i] != ' '; i++)
        count++;
    return sscanf(line + 36, " ... %" SCNu64 " bytes more", &more) == 1 ? count + more : count;
}

/* Each byte stands in one field, in order. */
static void expect_all_told(struct ground *g, const char *path, const struct strata_format *format,
                            const char *words)
{
    struct strata_error err;
    struct fs_file *file;
    struct inspect in;
    size_t size;
    char *text = NULL;
    FILE *to = open_memstream(&text, &size);
    uint64_t at = 0;

    assert_non_null(to);
    inspect_init(&in, to);
    assert_ok(fs_open(g->fs, path, FS_READ, &file, &err), &err);
    assert_ok(format->inspect(file, &in, &err), &err);
    assert_int_equal(fclose(to), 0);
    assert_says(text, words);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1)
        if (strspn(line, " 0123456789") >= 12 && strcspn(line, "0123456789") < 10)
            at += bytes_shown(line, at);
    assert_int_equal(at, file->end);
    assert_false(in.damaged || in.torn);
    assert_int_equal(fs_close(file, NULL), 0);
    free(text);
}

static void manifest_dump_tells_every_byte(void **state)
{
    struct strata_error err;
    struct manifest m;
    struct edit edit;
    struct ground g;
    char text[40];

    (void)state;
    ground_init(&g);
    assert_ok(create(&g, &m, 1, 300, &err), &err);
    edit_of(&edit, 301, 302);
    assert_ok(edit_remove(&edit, 0, BASE + 7, &err), &err);
    edit_set_cursor(&edit, 3, key_of(19, text));
    edit_set_cursor(&edit, 4, S(""));
    assert_ok(manifest_append(&m, &edit, &err), &err);
    edit_free(&edit);
    manifest_close(&m);
    expect_all_told(&g, PATH, &manifest_format, " 17, of the file\n");
    expect_all_told(&g, CURRENT, &current_format, " 1, of the manifest that counts\n");
    ground_free(&g);
}

/* ---- Failing calls ------------------------------------------------------------------------- */

/* What the tests below do. State n is begun, and then safe: told as marks, too. */
struct work {
    struct ground g;
    uint64_t begun, done;
    int opened, torn, missing; /* states of a crash */
};

static void start(struct work *w)
{
    assert_int_equal(fs_sim_start(w->g.fs, ++w->begun), 0);
}

static int done(struct work *w, int rc)
{
    if (rc == 0)
        assert_int_equal(fs_sim_ack(w->g.fs, w->done = w->begun, true), 0);
    return rc;
}

static int append_to(struct work *w, struct manifest *m, uint64_t last, struct strata_error *err)
{
    int rc = 0;

    while (rc == 0 && w->done < last) {
        start(w);
        rc = done(w, append(m, w->begun, err));
    }
    if (rc < 0) /* it may be there or not: nothing may follow it */
        assert_int_not_equal(append(m, w->begun, NULL), 0);
    return rc;
}

/* A new manifest of state 5; when it could not be made, the old one is as good as before. */
static int roll_over(struct work *w, struct manifest *m, struct strata_error *err)
{
    struct manifest next;
    int rc;

    start(w);
    rc = done(w, create(&w->g, &next, 20, w->begun, err));
    if (rc < 0 && next.known == 0) {
        struct fs_file *file;
        assert_int_not_equal(fs_open(w->g.fs, DIR "/000020.manifest", FS_READ, &file, NULL), 0);
        rc = done(w, append(m, w->begun, err));
    }
    if (rc < 0 || next.known == 0) {
        manifest_close(&next);
        return rc;
    }
    fs_remove(w->g.fs, m->path, NULL);
    manifest_close(m);
    *m = next;
    return 0;
}

static int work(struct work *w, struct strata_error *err)
{
    struct manifest m;
    int rc;

    start(w);
    rc = done(w, create(&w->g, &m, 1, 1, err));
    if (rc == 0)
        rc = append_to(w, &m, 4, err);
    if (rc == 0)
        rc = roll_over(w, &m, err);
    if (rc == 0)
        rc = append_to(w, &m, 7, err);
    if (rc == 0)
        rc = manifest_settle(&m, err);
    manifest_close(&m);
    return rc;
}

/* Whoever opens it after the crash goes on: behind what is whole, or in a new manifest. */
static void go_on(struct ground *g, struct manifest *m, uint64_t tables, uint64_t torn)
{
    struct seen seen = {0};
    struct strata_error err;

    if (torn) {
        assert_code(append(m, tables + 1, &err), STRATA_ERR_CORRUPT, &err);
        manifest_close(m);
        assert_ok(create(g, m, 50, tables, &err), &err);
    }
    assert_ok(append(m, tables + 1, &err), &err);
    manifest_close(m);
    assert_ok(open_only(g, &seen, &torn, &err), &err);
    assert_int_equal(seen.tables, tables + 1);
    assert_int_equal(torn, 0);
}

static int judge(void *arg, struct strata_fs *fs, const struct fs_sim_state *info)
{
    struct work *w = arg;
    struct strata_error err = {.code = 0};
    struct seen seen = {0};
    struct manifest m;
    struct ground g;
    uint64_t torn;
    int rc;

    ground_on(&g, fs);
    rc = open_as(&g, &m, &seen, &torn, &err);
    if (rc == STRATA_ERR_CORRUPT && info->synced == 0 && strstr(err.message, "missing")) {
        assert_err_file(&err, CURRENT);
        w->missing++;
    } else if (rc < 0 || seen.tables < info->synced || seen.tables > info->issued) {
        fail_msg("call %d, %s %s, %s: %d tables, synced %d, issued %d: %s", (int)info->call,
                 info->kind < FS_CALL_COUNT ? fs_call_name(info->kind) : "end", info->path,
                 info->choice, (int)seen.tables, (int)info->synced, (int)info->issued, err.message);
    } else {
        w->opened++;
        w->torn += torn > 0;
        go_on(&g, &m, seen.tables, torn);
        return 0;
    }
    manifest_close(&m);
    return 0;
}

/* Works, with a fault if there is one, and looks at every state that a crash may leave. */
static bool crash_everywhere(struct work *w, const struct fs_sim_fault *fault,
                             enum fs_sim_model model)
{
    struct fs_sim_plan plan = {.model = model};
    struct fs_sim_totals totals;
    struct strata_error err = {.code = 0};
    bool struck;
    int rc;

    ground_init(&w->g);
    w->begun = w->done = 0;
    assert_int_equal(fs_sim_record(w->g.fs), 0);
    fs_sim_fail(w->g.fs, fault);
    rc = work(w, &err);
    struck = fault && fs_sim_failed(w->g.fs) > 0;
    fs_sim_fail(w->g.fs, NULL);
    if (rc < 0)
        assert_int_equal(rc, STRATA_ERR_IO);
    assert_true(struck || rc == 0);
    fs_sim_record_stop(w->g.fs);
    assert_int_equal(fs_sim_states(w->g.fs, &plan, judge, w, &totals), 0);
    ground_free(&w->g);
    return struck;
}

static void manifest_killed_anywhere_keeps_what_was_appended(void **state)
{
    struct work w = {.opened = 0};

    (void)state;
    crash_everywhere(&w, NULL, FS_SIM_KILL);
    assert_true(w.opened > 300 && w.torn > 200 && w.missing > 50);
}

static void manifest_cut_off_the_power_keeps_what_was_synced(void **state)
{
    struct work w = {.opened = 0};

    (void)state;
    crash_everywhere(&w, NULL, FS_SIM_ORDERED);
    crash_everywhere(&w, NULL, FS_SIM_POSIX);
    assert_true(w.opened > 100 && w.torn > 10 && w.missing > 10);
}

static void manifest_call_that_fails_is_followed_by_nothing(void **state)
{
    static const enum fs_sim_fault_kind kinds[] = {FS_SIM_EIO, FS_SIM_SYNC_DROPS};
    struct work w = {.opened = 0};
    int struck = 0;

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct fs_sim_fault fault = {.kind = kinds[k], .at = 1};
        for (; crash_everywhere(&w, &fault, FS_SIM_ORDERED); fault.at++)
            struck++;
    }
    assert_true(struck > 50 && w.opened > 1000);
}

/* Returns how many calls failed. */
static uint64_t fail_each_call(struct ground *g)
{
    bool struck = true;
    uint64_t at;

    for (at = 1; struck; at++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = at};
        struct seen seen = {0};
        uint64_t torn;
        int rc;
        fs_sim_fail(g->fs, &fault);
        rc = open_only(g, &seen, &torn, NULL);
        struck = fs_sim_failed(g->fs) > 0;
        if (rc < 0)
            assert_int_equal(rc, STRATA_ERR_IO);
        assert_true(struck || rc == 0);
        assert_int_equal(fs_sim_open_files(g->fs), 0);
        assert_true(at < 100);
    }
    fs_sim_fail(g->fs, NULL);
    return at - 2;
}

static void manifest_open_that_fails_at_any_call_can_be_tried_again(void **state)
{
    struct strata_buffer bytes = {0};
    uint64_t ends[4], begin, end, cut;
    struct ground g;

    (void)state;
    make(&g, false, ends, &bytes);
    put_file(&g, PATH, strata_bytes(bytes.data, bytes.size - 1));
    cut = fail_each_call(&g);
    expect_torn(&g, 3, bytes.size - 1 - ends[2]);
    ground_free(&g);
    make_large(&g, NOTHING, &begin, &end); /* one whose sectors are looked at */
    assert_int_equal(fs_sim_get(g.fs, PATH, &bytes), 0);
    lose(&g, strata_buffer_slice(&bytes), end - end % FS_SIM_SECTOR, end);
    assert_true(fail_each_call(&g) > cut + 3);
    expect_torn(&g, 2, end - begin);
    ground_free(&g);
    strata_buffer_free(&bytes);
}

/* A reader changes nothing, and needs no right to. */
static void manifest_read_only_is_not_written(void **state)
{
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct seen seen = {0};
    struct manifest m;
    uint64_t ends[4], torn;
    struct ground g;

    (void)state;
    make(&g, false, ends, &bytes);
    g.options.read_only = true;
    assert_ok(open_as(&g, &m, &seen, &torn, &err), &err);
    assert_int_equal(seen.tables, 5);
    assert_false(m.file->writable);
    assert_code(append(&m, 6, &err), STRATA_ERR_READ_ONLY, &err);
    manifest_close(&m);
    expect_edits(&g, 4, 5);
    ground_free(&g);
    strata_buffer_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manifest_gives_back_its_edits),
        cmocka_unit_test(manifest_takes_edits_of_any_size),
        cmocka_unit_test(manifest_takes_no_edit_with_numbers_that_are_too_large),
        cmocka_unit_test(manifest_of_many_edits_is_recovered_in_time),
        cmocka_unit_test(manifest_is_long_when_a_new_one_would_be_shorter),
        cmocka_unit_test(manifest_cut_anywhere_is_reported_or_loses_its_torn_end),
        cmocka_unit_test(manifest_flipped_anywhere_is_reported),
        cmocka_unit_test(current_cut_or_flipped_is_reported),
        cmocka_unit_test(current_of_another_version_is_refused),
        cmocka_unit_test(manifest_that_is_missing_is_damage),
        cmocka_unit_test(manifest_that_lost_a_sector_is_torn_or_damaged),
        cmocka_unit_test(manifest_that_lost_a_sector_before_a_cut_edit_is_damaged),
        cmocka_unit_test(manifest_without_an_edit_is_damaged),
        cmocka_unit_test(manifest_that_ends_while_it_is_read_is_damaged),
        cmocka_unit_test(manifest_with_an_edit_that_cannot_be_is_damage),
        cmocka_unit_test(manifest_error_of_another_file_is_passed_on),
        cmocka_unit_test(manifest_dump_tells_every_byte),
        cmocka_unit_test(manifest_killed_anywhere_keeps_what_was_appended),
        cmocka_unit_test(manifest_cut_off_the_power_keeps_what_was_synced),
        cmocka_unit_test(manifest_call_that_fails_is_followed_by_nothing),
        cmocka_unit_test(manifest_open_that_fails_at_any_call_can_be_tried_again),
        cmocka_unit_test(manifest_read_only_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
