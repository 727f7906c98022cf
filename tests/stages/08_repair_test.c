/* 08_repair_test.c: each kind of loss, and what repair makes of it. Every value says which
 * operation wrote it, so that of every key it is known which it has had, and when.
 * (09_repair_test.c has the same tests for the parts of stage 9.) */
#include "test.h"

#include "../crash/allocations.h"
#include "03_wal/wal.h"
#include "harm.h"
#include "rng.h"
#include "crash/subject.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef REPAIR_OF_OTHER_PARTS
#include "05_blocks_bloom/table/table.h"
#include "07_paced_compaction/tree/tree.h"
#define KIND table_kind
#define TABLE ".sst"
#endif

#define S(text) strata_string(text)
#define DIR "db"
#define KEYS 120
#define OPS 900

/* ---- What was done ------------------------------------------------------------------------- */

static struct {
    int key;
    bool put;
} history[OPS + 1]; /* operation n has the sequence number n */

static void draw_history(void)
{
    struct rng rng;

    rng_init(&rng, 7);
    for (int n = 1; n <= OPS; n++) {
        history[n].key = (int)rng_below(&rng, KEYS);
        history[n].put = rng_below(&rng, 4) != 0;
    }
}

static const char *key_of(int key)
{
    static char text[20];
    snprintf(text, sizeof text, "key %04d", key);
    return text;
}

static const char *value_of(int n)
{
    static char text[60];
    snprintf(text, sizeof text, "%d was written by this operation", n);
    return text;
}

/* The last operation on `key` up to `n`; 0: none. */
static int last_on(int key, int n)
{
    for (; n > 0; n--)
        if (history[n].key == key)
            return n;
    return 0;
}

/* As it is after `n` operations: the one that wrote its value, or 0. */
static int right(int key, int n)
{
    int last = last_on(key, n);
    return history[last].put ? last : 0;
}

static uint64_t level_bytes = 1024, table_bytes = 512;
static bool dynamic_levels; /* without them there are more levels that have tables */

static void set_options(struct strata_options *options, struct strata_fs *fs)
{
    subject_options(options, fs, true);
    options->memtable_bytes = 2048;
    options->block_bytes = 256;
    options->table_bytes = table_bytes;
    options->level_bytes = level_bytes;
    options->dynamic_levels = dynamic_levels;
}

static struct strata *open_it(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    set_options(&options, fs);
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

static void close_it(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

static void do_operation(struct strata *db, int n)
{
    struct strata_error err;

    if (history[n].put)
        assert_ok(strata_put(db, S(key_of(history[n].key)), S(value_of(n)), &err), &err);
    else
        assert_ok(strata_delete(db, S(key_of(history[n].key)), &err), &err);
}

/* After `ops` operations; `closed`: cleanly, else as a kill leaves it. */
static struct strata_fs *made(int ops, bool closed)
{
    struct strata_fs *fs = fs_sim_new(), *copy;
    struct strata *db;

    assert_non_null(fs);
    db = open_it(fs);
    for (int n = 1; n <= ops; n++)
        do_operation(db, n);
    copy = fs_sim_copy(fs);
    assert_non_null(copy);
    close_it(db);
    if (!closed) {
        fs_free(fs);
        return copy;
    }
    fs_free(copy);
    return fs;
}

/* ---- Repairing it -------------------------------------------------------------------------- */

#define RANGES 64
#define LARGE 900 /* bytes of a table that has several blocks */

static struct reported {
    char text[20000];
    char after[RANGES][20], before[RANGES][20];
    size_t ranges;
    struct strata_repair_sum sum;
} reported;

static void note_file(void *arg, const char *name, enum strata_fate fate, const char *why)
{
    struct reported *t = arg;
    snprintf(t->text + strlen(t->text), sizeof t->text - strlen(t->text), "%s %s %s\n", name,
             strata_fate_name(fate), why);
}

static void note_bound(char to[20], const struct strata_slice *key, const char *none)
{
    if (key)
        snprintf(to, 20, "%.*s", (int)key->size, (const char *)key->data);
    else
        snprintf(to, 20, "%s", none);
}

static void note_range(void *arg, const char *name, const struct strata_slice *after,
                       const struct strata_slice *before)
{
    struct reported *t = arg;

    (void)name;
    assert_true(t->ranges < RANGES);
    note_bound(t->after[t->ranges], after, "");
    note_bound(t->before[t->ranges++], before, "z");
}

static int try_repair(struct strata_fs *fs, unsigned flags, struct strata_error *err)
{
    const struct strata_repair to = {note_file, note_range, &reported};
    struct strata_options options;

    memset(&reported, 0, sizeof reported);
    set_options(&options, fs);
    return strata_repair(DIR, &options, flags, &to, &reported.sum, err);
}

/* ---- What every repair promises -------------------------------------------------------------- */

static void count_table(void *arg, const struct strata_table *table)
{
    (void)table;
    ++*(size_t *)arg;
}

/* How many files it reported so. */
static size_t count_reports(const char *suffix, enum strata_fate fate)
{
    char wanted[40];
    size_t count = 0;

    snprintf(wanted, sizeof wanted, "%s %s ", suffix, strata_fate_name(fate));
    for (const char *at = reported.text; (at = strstr(at, wanted)); at++)
        count++;
    return count;
}

/* It opens, and everything in it agrees; its tables are those that were reported. */
static void check_opens(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    size_t tables = 0;

    set_options(&options, fs);
    options.create = false;
    options.read_only = true;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    assert_ok(strata_verify_deep(db, NULL, &err), &err);
    assert_ok(strata_tables(db, count_table, &tables, &err), &err);
    assert_int_equal(tables, reported.sum.tables_kept + reported.sum.tables_salvaged +
                                 count_reports(TABLE, STRATA_FATE_MADE));
    assert_int_equal(reported.sum.tables_kept, count_reports(TABLE, STRATA_FATE_KEPT));
    assert_int_equal(reported.sum.tables_lost, count_reports(TABLE, STRATA_FATE_LOST));
    close_it(db);
}

static bool is_there(struct strata_fs *fs, const char *dir, const char *name)
{
    struct fs_names names;
    bool there = false;

    if (fs_list(fs, dir, &names, NULL) < 0)
        return false;
    for (size_t i = 0; i < names.count; i++)
        there |= strcmp(names.names[i], name) == 0;
    fs_names_free(&names);
    return there;
}

/* Nothing is deleted: what is not in its place is in DIR/lost. */
static void check_nothing_deleted(struct strata_fs *before, struct strata_fs *fs)
{
    struct strata_error err;
    struct fs_names names;

    assert_ok(fs_list(before, DIR, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++)
        assert_true(is_there(fs, DIR, names.names[i]) || strstr(names.names[i], ".tmp") ||
                    is_there(fs, DIR "/lost", names.names[i]));
    fs_names_free(&names);
}

static void repair_check(struct strata_fs *before, struct strata_fs *fs)
{
    check_opens(fs);
    check_nothing_deleted(before, fs);
}

static void repair(struct strata_fs *fs)
{
    struct strata_fs *before = fs_sim_copy(fs);
    struct strata_error err;

    assert_non_null(before);
    assert_ok(try_repair(fs, 0, &err), &err);
    repair_check(before, fs);
    fs_free(before);
}

static bool in_a_range(const char *key)
{
    for (size_t i = 0; i < reported.ranges; i++)
        if (strcmp(key, reported.after[i]) >= 0 && strcmp(key, reported.before[i]) <= 0)
            return true;
    return false;
}

static bool is_missing(int n)
{
    return reported.sum.missing_first && (uint64_t)n >= reported.sum.missing_first &&
           (uint64_t)n <= reported.sum.missing_last;
}

/* The key has a value that it had once, or none. */
static void check_value(int key, const struct strata_buffer *value, int n, bool exact)
{
    char text[60] = "0";

    if (value->size && value->size < sizeof text)
        memcpy(text, value->data, value->size);
    int wrote = atoi(text);
    if (exact && wrote != right(key, n))
        print_message("%s has \"%s\", and should have that of %d\n%s", key_of(key), text,
                      right(key, n), reported.text);
    if (exact)
        assert_int_equal(wrote, right(key, n));
    else if (wrote)
        assert_true(wrote <= n && history[wrote].put && history[wrote].key == key);
}

/* After `n` operations, all of which were acknowledged; returns how many keys were not exact. */
static int check_after(struct strata_fs *fs, int n)
{
    struct strata *db = open_it(fs);
    struct strata_buffer value = {0};
    struct strata_error err;
    int doubtful = 0;

    assert_ok(strata_verify_deep(db, NULL, &err), &err);
    for (int key = 0; key < KEYS; key++) {
        int last = last_on(key, n);
        bool exact = !in_a_range(key_of(key)) && !is_missing(last);
        int rc = strata_get(db, S(key_of(key)), &value, &err);
        assert_true(rc >= 0);
        if (rc > 0)
            strata_buffer_clear(&value);
        check_value(key, &value, n, exact);
        doubtful += !exact;
    }
    strata_buffer_free(&value);
    close_it(db);
    return doubtful;
}

static void expect_nothing_lost(struct strata_fs *fs, int n)
{
    repair(fs);
    assert_false(reported.sum.lost);
    assert_int_equal(reported.ranges, 0);
    assert_int_equal(check_after(fs, n), 0);
    repair(fs);
    assert_true(reported.sum.healthy);
}

/* ---- Files --------------------------------------------------------------------------------- */

static const char *file(struct strata_fs *fs, const char *suffix, size_t n)
{
    return harm_file(fs, DIR, suffix, n);
}

static size_t count_files(struct strata_fs *fs, const char *suffix)
{
    size_t n = 0;
    while (*file(fs, suffix, n))
        n++;
    return n;
}

static size_t size_of(struct strata_fs *fs, const char *path)
{
    struct strata_buffer bytes = {0};
    size_t size;

    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    size = bytes.size;
    strata_buffer_free(&bytes);
    return size;
}

static size_t stride(size_t size, size_t wanted)
{
    size_t step = size / (check_quick() ? wanted / 4 : wanted);
    return step ? step : 1;
}

/* ---- Tests --------------------------------------------------------------------------------- */

static void repair_of_a_healthy_one_changes_nothing(void **state)
{
    (void)state;
    for (int closed = 0; closed < 2; closed++) {
        struct strata_fs *fs = made(OPS, closed);
        struct fs_sim_hash before = fs_sim_hash_of(fs), after;

        repair(fs);
        after = fs_sim_hash_of(fs);
        assert_true(reported.sum.healthy && !reported.sum.lost);
        assert_true(before.low == after.low && before.high == after.high);
        if (closed)
            assert_int_equal(reported.sum.tables_kept, count_files(fs, TABLE));
        fs_free(fs);
    }
}

static void repair_without_current_loses_nothing(void **state)
{
    (void)state;
    for (int closed = 0; closed < 2; closed++) {
        struct strata_fs *fs = made(OPS, closed), *copy;
        for (size_t at = 0; at <= 32; at++) {
            copy = fs_sim_copy(fs);
            if (at < 32)
                harm_flip(copy, DIR "/CURRENT", at);
            else
                harm_remove(copy, DIR "/CURRENT");
            expect_nothing_lost(copy, OPS);
            assert_true(at == 32 || size_of(copy, DIR "/lost/CURRENT") == 32);
            fs_free(copy);
        }
        fs_free(fs);
    }
}

static void repair_without_a_manifest_finds_the_order(void **state)
{
    (void)state;
    for (int ops = 40; ops <= OPS; ops += 20) {
        struct strata_fs *fs;
        level_bytes = ops % 40 ? 3072 : 1024; /* more on one level, or more levels */
        dynamic_levels = ops % 60 == 0;
        fs = made(ops, ops % 80 < 40);
        harm_remove(fs, file(fs, ".manifest", 0));
        repair(fs);
        assert_int_equal(reported.ranges, 0);
        assert_int_equal(check_after(fs, ops), 0);
        fs_free(fs);
    }
    level_bytes = 1024;
    dynamic_levels = false;
}

/* What a repair writes beside a stranger's file can be opened, whatever number its name begins
 * with. */
static void repair_passes_no_name_that_leaves_no_numbers(void **state)
{
    struct strata_fs *fs = made(OPS, true);

    (void)state;
    assert_int_equal(fs_sim_put(fs, DIR "/9223372036854775807 notes", strata_string("theirs")), 0);
    harm_remove(fs, DIR "/CURRENT");
    repair(fs);
    assert_int_equal(check_after(fs, OPS), 0);
    fs_free(fs);
}

static void repair_of_a_cut_manifest_loses_nothing(void **state)
{
    (void)state;
    for (int closed = 0; closed < 2; closed++) {
        struct strata_fs *fs = made(OPS, closed), *copy;
        size_t size = size_of(fs, file(fs, ".manifest", 0)), step = stride(size, 200);
        for (size_t at = 0; at < size; at += step) {
            copy = fs_sim_copy(fs);
            harm_cut(copy, file(copy, ".manifest", 0), at);
            repair(copy);
            assert_int_equal(reported.ranges, 0);
            assert_int_equal(check_after(copy, OPS), 0);
            fs_free(copy);
        }
        fs_free(fs);
    }
}

static void repair_of_a_flipped_manifest_loses_nothing(void **state)
{
    struct strata_fs *fs = made(OPS, false), *copy;
    size_t size = size_of(fs, file(fs, ".manifest", 0)), step = stride(size, 200);

    (void)state;
    for (size_t at = 0; at < size; at += step) {
        copy = fs_sim_copy(fs);
        harm_flip(copy, file(copy, ".manifest", 0), at);
        repair(copy);
        assert_int_equal(reported.ranges, 0);
        assert_int_equal(check_after(copy, OPS), 0);
        fs_free(copy);
    }
    fs_free(fs);
}

/* Of a table with many blocks one is lost, or none. */
static void repair_of_a_flipped_table_keeps_its_other_blocks(void **state)
{
    struct strata_fs *fs, *copy;
    struct strata_buffer bytes = {0};
    size_t salvaged = 0, whole = 0;

    (void)state;
    table_bytes = 4096;
    fs = made(OPS, true);
    for (int lost = 0; lost < 2; lost++) {
        for (size_t n = 0; n < count_files(fs, TABLE); n++) {
            size_t size = size_of(fs, file(fs, TABLE, n)), step = stride(size, lost ? 12 : 40);
            for (size_t at = 0; at < size; at += step) {
                char path[64];
                copy = fs_sim_copy(fs);
                snprintf(path, sizeof path, "%s", file(copy, TABLE, n));
                harm_flip(copy, path, at);
                if (lost)
                    harm_remove(copy, file(copy, ".manifest", 0));
                repair(copy);
                assert_true(reported.sum.tables_salvaged + reported.sum.tables_lost == 1);
                assert_true(reported.ranges <= 1 || !reported.sum.tables_salvaged);
                assert_true(lost || size < LARGE || reported.sum.tables_salvaged);
                salvaged += reported.sum.tables_salvaged;
                whole += reported.sum.tables_salvaged && !reported.ranges;
                assert_int_equal(fs_read_file(copy, path, 1 << 20, &bytes, NULL), STRATA_ERR_IO);
                check_after(copy, OPS);
                repair(copy);
                assert_true(reported.sum.healthy);
                fs_free(copy);
            }
        }
    }
    assert_true(salvaged > (check_quick() ? 20 : 100));
    assert_true(whole > (check_quick() ? 2 : 10));
    table_bytes = 512;
    strata_buffer_free(&bytes);
    fs_free(fs);
}

/* A table of one entry, newer than all, with these notes. */
static void add_table(struct strata_fs *fs, uint64_t number, const char *key,
                      struct strata_slice notes)
{
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = DIR, .options = &options};
    struct sstable_writer *writer;
    struct strata_error err;

    set_options(&options, fs);
    assert_ok(KIND.writer_new(&env, number, &writer, &err), &err);
    assert_ok(KIND.writer_add(writer, STRATA_OP_PUT, S(key), S("added"), &err), &err);
    assert_int_equal(strata_buffer_append(&writer->user, notes.data, notes.size), 0);
    assert_ok(KIND.writer_finish(writer, 5000, 5000, &err), &err);
    assert_ok(fs_output_publish(&writer->out, &err), &err);
    KIND.writer_del(writer, true);
}

/* They are no reason to refuse what the table holds; but what they would have reported is missed.
 */
static void repair_takes_a_table_whose_notes_cannot_be_read(void **state)
{
    struct strata_fs *fs = made(OPS, true), *copy;

    (void)state;
    for (int bad = 0; bad < 2; bad++) {
        struct strata *db;
        copy = fs_sim_copy(fs);
        add_table(copy, 900000, "zzz", strata_bytes("\xff", (size_t)bad));
        harm_remove(copy, file(copy, ".manifest", 0));
        repair(copy);
        assert_int_equal(reported.sum.guessed, bad);
        assert_false(reported.sum.lost);
        db = open_it(copy);
        assert_get(db, "zzz", "added");
        close_it(db);
        check_after(copy, OPS);
        fs_free(copy);
    }
    fs_free(fs);
}

/* A manifest that was cut behind an edit looks whole: a table that it names is gone, and one is
 * there that it does not name. That one counts, if anything of it can be read. */
static void repair_takes_a_table_that_no_manifest_names(void **state)
{
    static const char path[] = DIR "/900000" TABLE;
    struct strata_fs *fs = made(OPS, true), *copy;

    (void)state;
    for (int how = 0; how < 4; how++) {
        struct strata *db;
        copy = fs_sim_copy(fs);
        add_table(copy, 900000, "zzz", S(""));
        if (how == 1) /* its block */
            harm_flip(copy, path, 30);
        if (how == 2)
            harm_cut(copy, path, 10);
        if (how < 3)
            harm_remove(copy, file(copy, TABLE, 0));
        repair(copy);
        assert_int_equal(reported.sum.healthy, how == 3);
        assert_int_equal(reported.sum.lost, how > 0 && how < 3);
        db = open_it(copy);
        assert_get(db, "zzz", how == 0 ? "added" : NULL);
        close_it(db);
        fs_free(copy);
    }
    fs_free(fs);
}

static void repair_without_a_table_reports_its_keys(void **state)
{
    struct strata_fs *fs = made(OPS, true), *copy;
    int kept = 0;

    (void)state;
    for (size_t n = 0; n < count_files(fs, TABLE); n++) {
        copy = fs_sim_copy(fs);
        harm_remove(copy, file(copy, TABLE, n));
        repair(copy);
        assert_true(reported.sum.lost);
        assert_int_equal(reported.ranges, 1);
        assert_int_equal(reported.sum.tables_lost, 1);
        kept += KEYS - check_after(copy, OPS);
        fs_free(copy);
    }
    assert_true(kept > KEYS);
    fs_free(fs);
}

static void repair_of_a_flipped_log_reports_what_is_missing(void **state)
{
    struct strata_fs *fs = made(OPS, false), *copy;
    int missed = 0;

    (void)state;
    for (size_t n = 0; n < count_files(fs, ".log"); n++) {
        size_t size = size_of(fs, file(fs, ".log", n)), step = stride(size, 150);
        for (size_t at = 0; at < size; at += step) {
            copy = fs_sim_copy(fs);
            harm_flip(copy, file(copy, ".log", n), at);
            repair(copy);
            assert_int_equal(reported.ranges, 0);
            missed += reported.sum.missing_first && reported.sum.missing_last < UINT64_MAX;
            assert_true(reported.sum.missing_last - reported.sum.missing_first <= 3 ||
                        reported.sum.missing_last == UINT64_MAX);
            check_after(copy, OPS);
            fs_free(copy);
        }
    }
    assert_true(missed > 5); /* and what is behind the damage was taken */
    fs_free(fs);
}

#ifndef REPAIR_OF_OTHER_PARTS
#define LOG DIR "/000001.log"
#define FRAME (RECORD_HEAD + 36) /* bytes of its head */
#define FORGED 7

/* Where operation `n` begins, with its frame's head. Each but the second has a value of one byte.
 */
static size_t begin_of(int n)
{
    size_t at = RECORD_FILE_HEADER + FRAME;

    for (int i = 1; i < n; i++)
        at += FRAME + RECORD_HEAD + (i == 2 ? 1 + RECORD_HEAD + FORGED : 2);
    return at;
}

/* Operations 1 to 6, of which the first four are synced. The value of the second looks like one
 * more, "x" = "forged": it would be whole where it is. */
static struct strata_fs *made_few(void)
{
    uint64_t at = begin_of(2) + FRAME + RECORD_HEAD + 1;
    uint8_t forged[RECORD_HEAD + FORGED];
    struct strata_fs *fs = fs_sim_new(), *copy;
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    assert_non_null(fs);
    record_head(1, at, STRATA_OP_PUT, S("x"), S("forged"), forged);
    memcpy(forged + RECORD_HEAD, "xforged", FORGED);
    set_options(&options, fs);
    options.sync = STRATA_SYNC_NEVER;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    assert_put(db, "a", "1");
    assert_ok(strata_put(db, S("b"), strata_bytes(forged, sizeof forged), &err), &err);
    assert_put(db, "c", "3");
    assert_put(db, "d", "4");
    assert_ok(strata_sync(db, &err), &err);
    assert_put(db, "e", "5");
    assert_put(db, "f", "6");
    copy = fs_sim_copy(fs);
    assert_int_equal(harm_used(copy, LOG), begin_of(7));
    close_it(db);
    fs_free(fs);
    return copy;
}

static void expect_operations(struct strata_fs *fs, const char *keys)
{
    struct strata *db = open_it(fs);

    for (const char *key = "acdef"; *key; key++) {
        char name[] = {*key, '\0'}, value[] = {(char)('1' + *key - 'a'), '\0'};
        assert_get(db, name, strchr(keys, *key) ? value : NULL);
    }
    assert_get(db, "x", NULL);
    close_it(db);
}

/* The next frame says which operation is missing. */
static void repair_of_a_flipped_frame_goes_on_with_the_next(void **state)
{
    static const char *const keys[] = {"cdef", "acdef", "adef", "acef"};
    struct strata_fs *fs = made_few(), *copy;

    (void)state;
    expect_operations(copy = fs_sim_copy(fs), "acdef");
    fs_free(copy);
    for (int n = 1; n <= 4; n++) {
        for (size_t at = begin_of(n); at < begin_of(n + 1); at++) {
            copy = fs_sim_copy(fs);
            harm_flip(copy, LOG, at);
            repair(copy);
            assert_true(reported.sum.lost);
            assert_int_equal(reported.sum.missing_first, n);
            assert_int_equal(reported.sum.missing_last, n);
            expect_operations(copy, keys[n - 1]);
            fs_free(copy);
        }
    }
    fs_free(fs);
}

/* The salt of the log's frames. */
static uint64_t salt_of(struct strata_fs *fs)
{
    struct wal_frame first = {0};
    struct record_reader reader;
    struct strata_error err;
    struct fs_file *file;

    assert_ok(fs_open(fs, LOG, FS_READ, &file, &err), &err);
    record_reader_init(&reader, file, 1, file->end);
    reader.max_type = WAL_FRAME;
    assert_ok(wal_next(&reader, NULL, &first, &err), &err);
    record_reader_free(&reader);
    fs_close(file, NULL);
    return first.salt;
}

/* x = "forged", in a frame with all checks right. */
static void append_frame(struct strata_fs *fs, uint64_t sequence)
{
    struct strata_buffer bytes = {0};
    struct wal_group group = {0};

    assert_int_equal(fs_sim_get(fs, LOG, &bytes), 0);
    bytes.size = harm_used(fs, LOG);
    wal_group_begin(&group, 1, salt_of(fs), bytes.size);
    wal_frame_begin(&group, sequence, 0);
    wal_frame_add(&group, STRATA_OP_PUT, S("x"), S("forged"), true);
    wal_frame_end(&group);
    assert_int_equal(strata_buffer_append(&bytes, group.bytes.data, group.bytes.size), 0);
    assert_int_equal(fs_sim_put(fs, LOG, strata_buffer_slice(&bytes)), 0);
    wal_group_free(&group);
    strata_buffer_free(&bytes);
}

static void repair_takes_no_frame_with_a_number_never_given_away(void **state)
{
    static const uint64_t numbers[] = {UINT64_MAX / 2 + 1, UINT64_MAX - 1, UINT64_MAX};
    struct strata_fs *fs = made_few(), *copy;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        copy = fs_sim_copy(fs);
        append_frame(copy, numbers[i]);
        repair(copy);
        assert_false(reported.sum.healthy);
        assert_says(reported.text, "the frame's head is none: sequence");
        assert_int_equal(reported.sum.missing_first, 7);
        expect_operations(copy, "acdef");
        fs_free(copy);
    }
    fs_free(fs);
}

/* A manifest of this edit, which no tree would write, and CURRENT names it. */
static void forge_manifest(const struct strata_env *env, uint64_t number, struct edit *edit)
{
    char *path = manifest_path(env, number);
    struct strata_buffer bytes = {0};
    struct current current = {.number = number};
    struct strata_error err;
    struct fs_file *file;

    edit->ordinal = 1;
    edit_encode(edit, &bytes, NULL); /* refused or not: the bytes are there */
    assert_ok(fs_open(env->fs, path, FS_WRITE | FS_CREATE, &file, &err), &err);
    assert_ok(record_start_kind(file, MANIFEST_MAGIC, number, &err), &err);
    assert_ok(
        record_append_typed(file, number, MANIFEST_EDIT, S(""), strata_buffer_slice(&bytes), &err),
        &err);
    current.known = file->end;
    assert_ok(fs_close(file, &err), &err);
    assert_ok(current_write(env, &current, &err), &err);
    strata_buffer_free(&bytes);
    free(path);
}

/* The manifest is another one, with this number of the next file. */
static void forge_next(struct strata_fs *fs, uint64_t next)
{
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = DIR, .options = &options};
    struct version_set set = {.env = &env, .kind = &table_kind};
    struct strata_error err;
    struct edit edit;

    set_options(&options, fs);
    options.read_only = true;
    assert_ok(version_set_recover(&set, &err), &err);
    assert_ok(version_tell(set.current, &edit, &err), &err);
    edit.next = next;
    forge_manifest(&env, 900, &edit);
    edit_free(&edit);
    version_set_free(&set);
}

static void repair_takes_no_manifest_with_numbers_never_given_away(void **state)
{
    struct strata_fs *fs = made(OPS, true);
    char why[400];

    (void)state;
    forge_next(fs, UINT64_MAX);
    harm_flip(fs, file(fs, TABLE, 0), 40);
    repair(fs);
    snprintf(why, sizeof why, "000900.manifest %s", strata_fate_name(STRATA_FATE_SALVAGED));
    assert_null(strstr(reported.text, why));
    assert_null(strstr(reported.text, "18446744"));
    check_after(fs, OPS);
    fs_free(fs);
}

/* Its first edit has two tables that overlap on a level, and its second removes one of them: edits
 * are one change when they are read together, as an open reads them. */
static void forge_overlap_that_ends(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = DIR, .options = &options};
    struct version_set set = {.env = &env, .kind = &table_kind};
    struct edit edit, then = {.next = 960};
    struct manifest manifest;
    struct edit_table twin;
    struct strata_error err;

    set_options(&options, fs);
    options.read_only = true;
    assert_ok(version_set_recover(&set, &err), &err);
    assert_ok(version_tell(set.current, &edit, &err), &err);
    twin = edit.added[edit.added_count - 1];
    assert_true(twin.level > 0);
    twin.number = 800;
    assert_ok(edit_add(&edit, &twin, &err), &err);
    assert_ok(edit_remove(&then, twin.level, 800, &err), &err);
    edit.next = 950;
    options.read_only = false;
    assert_ok(manifest_create(&manifest, &env, 900, &edit, &err), &err);
    assert_ok(manifest_append(&manifest, &then, &err), &err);
    manifest_close(&manifest);
    edit_free(&edit);
    edit_free(&then);
    version_set_free(&set);
}

static void repair_takes_a_manifest_that_open_takes(void **state)
{
    struct strata_fs *fs = made(OPS, true);

    (void)state;
    forge_overlap_that_ends(fs);
    repair(fs);
    assert_true(reported.sum.healthy);
    harm_flip(fs, file(fs, TABLE, 0), 40);
    repair(fs);
    assert_non_null(strstr(reported.text, "000900.manifest unused read to its end"));
    check_after(fs, OPS);
    fs_free(fs);
}

/* All of it is taken from the log, whose removal was not durable. */
static void repair_of_a_damaged_flush_takes_its_log(void **state)
{
    struct strata_fs *fs = made_few();
    struct strata_buffer log = {0};

    (void)state;
    assert_int_equal(fs_sim_get(fs, LOG, &log), 0);
    close_it(open_it(fs)); /* it is flushed */
    assert_int_equal(count_files(fs, TABLE), 1);
    assert_int_equal(fs_sim_put(fs, LOG, strata_buffer_slice(&log)), 0);
    harm_flip(fs, file(fs, TABLE, 0), 40);
    repair(fs);
    assert_false(reported.sum.healthy || reported.sum.lost);
    assert_int_equal(reported.sum.operations, 6);
    expect_operations(fs, "acdef");
    strata_buffer_free(&log);
    fs_free(fs);
}
#endif

static void repair_of_a_cut_log_reports_what_is_missing(void **state)
{
    struct strata_fs *fs = made(OPS, false), *copy;

    (void)state;
    for (size_t n = 0; n < count_files(fs, ".log"); n++) {
        size_t size = harm_used(fs, file(fs, ".log", n)), step = stride(size, 60);
        for (size_t at = 0; at < size && at < 3 * step; at += step) {
            copy = fs_sim_copy(fs);
            harm_cut(copy, file(copy, ".log", n), at);
            harm_remove(copy, DIR "/CURRENT");
            repair(copy);
            assert_int_equal(reported.ranges, 0);
            assert_true(reported.sum.lost);
            check_after(copy, OPS);
            fs_free(copy);
        }
        copy = fs_sim_copy(fs);
        harm_remove(copy, file(copy, ".log", n));
        repair(copy);
        assert_true(reported.sum.lost && reported.sum.missing_first);
        check_after(copy, OPS);
        fs_free(copy);
    }
    fs_free(fs);
}

/* Each write was synced, and the process killed: the mark tells how long the log was. */
static void repair_of_a_killed_log_that_was_cut_reports_it(void **state)
{
    struct strata_fs *fs = NULL, *copy;
    char path[64];
    size_t used = 0;
    int ops = OPS;

    (void)state;
    for (; used <= 300; ops--) {
        fs_free(fs);
        fs = made(ops, false);
        snprintf(path, sizeof path, "%s", file(fs, ".log", count_files(fs, ".log") - 1));
        used = harm_used(fs, path);
    }
    ops++;
    for (size_t at = 0; at < used; at += stride(used, 100)) {
        copy = fs_sim_copy(fs);
        harm_cut(copy, path, at);
        repair(copy);
        assert_false(reported.sum.healthy);
        assert_true(reported.sum.lost && reported.sum.missing_last == UINT64_MAX);
        check_after(copy, ops);
        repair(copy);
        assert_true(reported.sum.healthy);
        fs_free(copy);
    }
    copy = fs_sim_copy(fs);
    harm_cut(copy, path, used);
    repair(copy);
    assert_true(reported.sum.healthy);
    fs_free(copy);
    fs_free(fs);
}

#ifndef REPAIR_OF_OTHER_PARTS
/* Nothing was synced behind the fourth; but what a kill leaves ends with the beginning of a write.
 */
static void repair_of_a_killed_log_that_was_flipped_reports_it(void **state)
{
    struct strata_fs *fs = made_few(), *copy;
    size_t end = harm_used(fs, LOG);

    (void)state;
    for (size_t at = begin_of(5); at < end; at++) {
        copy = fs_sim_copy(fs);
        harm_flip(copy, LOG, at);
        repair(copy);
        assert_true(reported.sum.lost);
        assert_int_equal(reported.sum.missing_first, at < begin_of(6) ? 5 : 6);
        assert_true(reported.sum.missing_last == (at < begin_of(6) ? 5 : UINT64_MAX));
        expect_operations(copy, at < begin_of(6) ? "acdf" : "acde");
        fs_free(copy);
        copy = fs_sim_copy(fs);
        harm_flip(copy, LOG, at);
        fs_sim_restart(copy); /* a power cut may leave that */
        repair(copy);
        assert_true(reported.sum.healthy);
        fs_free(copy);
    }
    fs_free(fs);
}
#endif

static void damage_one(struct strata_fs *fs, struct rng *rng)
{
    static const char *const suffixes[] = {TABLE, ".log", ".manifest", "CURRENT", TABLE};
    const char *suffix = suffixes[rng_below(rng, 5)], *path;
    size_t count = count_files(fs, suffix);

    if (!count)
        return;
    path = file(fs, suffix, rng_below(rng, (uint32_t)count));
    if (rng_below(rng, 6) == 0 || size_of(fs, path) == 0)
        harm_remove(fs, path);
    else
        harm_flip(fs, path, rng_below(rng, (uint32_t)size_of(fs, path)));
}

static void repair_of_several_losses_makes_up_no_value(void **state)
{
    struct strata_fs *fs = made(OPS, false), *copy;
    struct rng rng;

    (void)state;
    rng_init(&rng, 3);
    for (int round = 0; round < (check_quick() ? 50 : 200); round++) {
        copy = fs_sim_copy(fs);
        reported.ranges = 0;
        for (int i = 0; i < 4; i++)
            damage_one(copy, &rng);
        repair(copy);
        /* Without a manifest a table that is missing is missed by nobody. */
        if (!reported.sum.guessed)
            check_after(copy, OPS);
        repair(copy);
        assert_true(reported.sum.healthy);
        fs_free(copy);
    }
    fs_free(fs);
}

static void repair_that_is_dry_writes_nothing_and_reports_the_same(void **state)
{
    struct strata_fs *fs = made(OPS, false);
    struct fs_sim_hash before, after;
    struct reported dry;
    struct strata_error err;

    (void)state;
    harm_remove(fs, DIR "/CURRENT");
    harm_flip(fs, file(fs, TABLE, 1), 100);
    harm_flip(fs, file(fs, ".log", 0), 100);
    before = fs_sim_hash_of(fs);
    assert_ok(try_repair(fs, STRATA_REPAIR_DRY_RUN, &err), &err);
    after = fs_sim_hash_of(fs);
    assert_true(before.low == after.low && before.high == after.high);
    dry = reported;
    repair(fs);
    assert_string_equal(dry.text, reported.text);
    assert_int_equal(dry.ranges, reported.ranges);
    assert_memory_equal(&dry.sum, &reported.sum, sizeof dry.sum);
    fs_free(fs);
}

/* ---- At any time of a database's life ---------------------------------------------------- */

static int states_seen;

static int lose_the_manifest(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    size_t count = count_files(state, ".manifest");

    (void)arg;
    for (size_t i = 0; i < count; i++)
        harm_remove(state, file(state, ".manifest", 0));
    repair(state);
    assert_int_equal(reported.ranges, 0);
    for (int n = (int)info->acked; n <= (int)info->issued; n++) {
        struct strata *db = open_it(state);
        struct strata_buffer value = {0};
        int wrong = 0;
        for (int key = 0; key < KEYS; key++) {
            char text[60] = "0";
            int rc = strata_get(db, S(key_of(key)), &value, NULL);
            if (rc == 0)
                memcpy(text, value.data, value.size);
            if (atoi(text) != right(key, n) && wrong++ == 0 && n == (int)info->issued)
                print_message("call %" PRIu64 " (%s): %s has %s, not %d\n%s", info->call,
                              info->path, key_of(key), text, right(key, n), reported.text);
        }
        strata_buffer_free(&value);
        close_it(db);
        states_seen++;
        if (!wrong)
            return 0;
    }
    assert_true(reported.sum.guessed); /* it is reported, at least */
    return 1;
}

/* The n-th table of `from` that `to` has not: a compaction replaced it, and it is not yet removed.
 * false: there are fewer. */
static bool put_back_table(struct strata_fs *from, struct strata_fs *to, size_t n)
{
    struct strata_buffer bytes = {0};
    bool back = false;

    for (size_t i = 0; !back && i < count_files(from, TABLE); i++) {
        const char *path = file(from, TABLE, i);
        if (fs_read_file(to, path, 1 << 20, &bytes, NULL) == 0 || n-- > 0)
            continue;
        assert_int_equal(fs_read_file(from, path, 1 << 20, &bytes, NULL), 0);
        assert_int_equal(
            fs_replace(to, DIR, strrchr(path, '/') + 1, strata_buffer_slice(&bytes), false, NULL),
            0);
        back = true;
    }
    strata_buffer_free(&bytes);
    return back;
}

/* One of them alone, too: then the tables that deleted what is in it are gone. */
static void repair_without_a_manifest_takes_no_table_that_was_replaced(void **state)
{
    struct strata_fs *fs = made(OPS, true), *before = fs_sim_copy(fs), *copy, *all;
    struct strata *db = open_it(fs);
    struct strata_error err;
    size_t n = 0;

    (void)state;
    assert_ok(strata_compact(db, NULL, &err), &err);
    close_it(db);
    harm_remove(fs, file(fs, ".manifest", 0));
    all = fs_sim_copy(fs);
    for (copy = fs_sim_copy(fs); put_back_table(before, copy, n); copy = fs_sim_copy(fs), n++) {
        repair(copy);
        check_after(copy, OPS);
        fs_free(copy);
        assert_true(put_back_table(before, all, 0));
    }
    assert_in_range(n, 2, 1000);
    repair(all);
    check_after(all, OPS);
    fs_free(all);
    fs_free(copy);
    fs_free(before);
    fs_free(fs);
}

static void repair_without_a_manifest_at_any_time(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_sim_plan plan = {.model = FS_SIM_KILL, .prefix_limit = 1, .stride = 11, .seed = 1};
    struct fs_sim_totals totals;
    struct strata *db;
    int ops = check_quick() ? 250 : 350;

    (void)state;
    db = open_it(fs);
    assert_int_equal(fs_sim_record(fs), 0);
    for (int n = 1; n <= ops; n++) {
        fs_sim_start(fs, (uint64_t)n);
        do_operation(db, n);
        fs_sim_ack(fs, (uint64_t)n, true);
    }
    fs_sim_record_stop(fs);
    close_it(db);
    assert_int_equal(fs_sim_states(fs, &plan, lose_the_manifest, NULL, &totals), 0);
    assert_true(states_seen > 100);
    fs_free(fs);
}

/* ---- A repair that is cut short, or fails -------------------------------------------------- */

static struct reported first;

static int repair_again(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    (void)arg;
    (void)info;
    repair(state);
    if (reported.sum.healthy) /* the cut came behind the commit: what was reported counts */
        reported = first;
    assert_int_equal(reported.ranges, first.ranges);
    assert_int_equal(reported.sum.missing_first, first.sum.missing_first);
    check_after(state, OPS);
    return 0;
}

static struct strata_fs *damaged(bool manifest)
{
    struct strata_fs *fs = made(OPS, false);

    harm_flip(fs, file(fs, TABLE, count_files(fs, TABLE) - 1), 60);
    harm_flip(fs, file(fs, ".log", 0), 400);
    if (manifest)
        harm_remove(fs, file(fs, ".manifest", 0));
    else
        harm_remove(fs, DIR "/CURRENT");
    return fs;
}

static void repair_cut_by_power_at_any_call_is_run_again(void **state)
{
    (void)state;
    for (int manifest = 0; manifest < 2; manifest++) {
        for (int model = FS_SIM_KILL; model <= FS_SIM_POSIX; model++) {
            struct strata_fs *fs = damaged(manifest);
            struct fs_sim_plan plan = {
                .model = (enum fs_sim_model)model, .prefix_limit = 1, .stride = 3, .seed = 1};
            struct fs_sim_totals totals;
            struct strata_error err;
            assert_int_equal(fs_sim_record(fs), 0);
            assert_ok(try_repair(fs, 0, &err), &err);
            fs_sim_record_stop(fs);
            first = reported;
            assert_true(first.ranges && first.sum.missing_first);
            assert_int_equal(fs_sim_states(fs, &plan, repair_again, NULL, &totals), 0);
            assert_true(totals.distinct > 10);
            fs_free(fs);
        }
    }
}

static void repair_whose_call_fails_says_so_and_is_run_again(void **state)
{
    struct strata_fs *fs = damaged(true);
    bool struck = true;

    (void)state;
    for (uint64_t k = 1; struck; k += check_quick() ? 7 : 1) {
        struct fs_sim_fault fault = {.kind = k % 2 ? FS_SIM_EIO : FS_SIM_ENOSPC, .at = k};
        struct strata_fs *copy = fs_sim_copy(fs);
        struct strata_error err;
        int rc;
        fs_sim_fail(copy, &fault);
        rc = try_repair(copy, 0, &err);
        struck = fs_sim_failed(copy) > 0;
        fs_sim_fail(copy, NULL);
        assert_true(rc == 0 || err.code == STRATA_ERR_IO);
        first = reported;
        repair(copy);
        if (reported.sum.healthy)
            reported = first;
        check_after(copy, OPS);
        assert_int_equal(fs_sim_open_files(copy), 0);
        fs_free(copy);
        struck |= k < 20;
    }
    fs_free(fs);
}

/* The simulated file system allocates too: that it cannot is an error of the system. */
static bool is_of_memory(const struct strata_error *err)
{
    return err->code == STRATA_ERR_NO_MEMORY || (err->code == STRATA_ERR_IO && err->sys == ENOMEM);
}

static void repair_without_memory_says_so_and_is_run_again(void **state)
{
    struct strata_fs *fs = damaged(true);
    uint64_t step = check_quick() ? 97 : 13, failed = 1, runs = 0;

    (void)state;
    for (uint64_t k = 1; failed; k += step) {
        struct strata_fs *copy = fs_sim_copy(fs);
        struct strata_error err;
        int rc;
        allocations.failed = 0;
        allocations.at = k;
        allocations.on = true;
        rc = try_repair(copy, 0, &err);
        allocations.on = false;
        allocations.at = 0;
        failed = allocations.failed;
        runs++;
        assert_true(rc == 0 || is_of_memory(&err));
        assert_int_equal(fs_sim_open_files(copy), 0);
        first = reported;
        repair(copy);
        if (reported.sum.healthy)
            reported = first;
        check_after(copy, OPS);
        fs_free(copy);
    }
    assert_true(runs > 5);
    fs_free(fs);
}

static void repair_is_refused_where_there_is_none(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_repair_sum sum;
    struct strata_error err;
    struct strata *db;

    (void)state;
    strata_options_init(&options);
    options.fs = fs;
    assert_code(strata_repair(DIR, &options, 0, NULL, &sum, &err), STRATA_ERR_ABSENT, &err);
    options.stage = 5;
    options.create = true;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    assert_code(strata_repair(DIR, &options, 0, NULL, &sum, &err), STRATA_ERR_LOCKED, &err);
    close_it(db);
    assert_code(strata_repair(DIR, &options, 0, NULL, &sum, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_err_says(&err, "has no repair");
    assert_code(strata_repair(DIR, &options, 2, NULL, &sum, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_repair(DIR, &options, 0, NULL, NULL, &err), STRATA_ERR_INVALID, &err);
    fs_free(fs);
}

#define REPAIR_TESTS                                                                               \
    cmocka_unit_test(repair_of_a_healthy_one_changes_nothing),                                     \
        cmocka_unit_test(repair_without_current_loses_nothing),                                    \
        cmocka_unit_test(repair_without_a_manifest_finds_the_order),                               \
        cmocka_unit_test(repair_passes_no_name_that_leaves_no_numbers),                            \
        cmocka_unit_test(repair_of_a_cut_manifest_loses_nothing),                                  \
        cmocka_unit_test(repair_of_a_flipped_manifest_loses_nothing),                              \
        cmocka_unit_test(repair_of_a_flipped_table_keeps_its_other_blocks),                        \
        cmocka_unit_test(repair_takes_a_table_whose_notes_cannot_be_read),                         \
        cmocka_unit_test(repair_takes_a_table_that_no_manifest_names),                             \
        cmocka_unit_test(repair_without_a_table_reports_its_keys),                                 \
        cmocka_unit_test(repair_of_a_flipped_log_reports_what_is_missing),                         \
        cmocka_unit_test(repair_of_a_cut_log_reports_what_is_missing),                             \
        cmocka_unit_test(repair_of_a_killed_log_that_was_cut_reports_it),                          \
        cmocka_unit_test(repair_of_several_losses_makes_up_no_value),                              \
        cmocka_unit_test(repair_that_is_dry_writes_nothing_and_reports_the_same),                  \
        cmocka_unit_test(repair_without_a_manifest_takes_no_table_that_was_replaced),              \
        cmocka_unit_test(repair_without_a_manifest_at_any_time),                                   \
        cmocka_unit_test(repair_cut_by_power_at_any_call_is_run_again),                            \
        cmocka_unit_test(repair_whose_call_fails_says_so_and_is_run_again),                        \
        cmocka_unit_test(repair_without_memory_says_so_and_is_run_again),                          \
        cmocka_unit_test(repair_is_refused_where_there_is_none)

#ifndef REPAIR_OF_OTHER_PARTS
int main(void)
{
    const struct CMUnitTest tests[] = {
        REPAIR_TESTS,
        cmocka_unit_test(repair_of_a_flipped_frame_goes_on_with_the_next),
        cmocka_unit_test(repair_of_a_killed_log_that_was_flipped_reports_it),
        cmocka_unit_test(repair_takes_no_frame_with_a_number_never_given_away),
        cmocka_unit_test(repair_takes_no_manifest_with_numbers_never_given_away),
        cmocka_unit_test(repair_takes_a_manifest_that_open_takes),
        cmocka_unit_test(repair_of_a_damaged_flush_takes_its_log),
    };
    draw_history();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
