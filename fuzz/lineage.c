/* lineage.c: a table's notes of other tables (stages/08_backup_repair/lineage/lineage.c). The bytes
 * are the notes of one of four tables of a database whose manifest is lost: a repair goes by them.
 *
 *   - they are taken or refused, with no more memory than they have bytes for; what is taken makes
 *     the same bytes when it is written anew, and names no table 0;
 *   - repaired with any notes, the database opens, verifies, is healthy from then on, and holds of
 *     each key a value that it had, or none; a dry run has reported the same. Or the repair says
 * that the tables contradict each other, and nothing is written. */
#include "08_backup_repair/lineage/lineage.h"
#include "05_blocks_bloom/table/table.h"
#include "database.h"
#include "fuzz.h"
#include "memory.h"

#include <string.h>

#define NUMBER 9 /* of the table with the notes: the others have smaller ones */

/* ---- The notes by themselves --------------------------------------------------------------- */

static void check_again(const struct lineage *lineage, struct strata_slice bytes)
{
    struct strata_buffer again = {0};

    for (size_t i = 0; i < lineage->sources + lineage->above; i++)
        require(lineage->files[i] > 0, "file 0");
    require(lineage_encode(lineage, &again, NULL) == 0, "encode");
    require(!bytes.size || strata_compare(strata_buffer_slice(&again), bytes) == 0, "other bytes");
    strata_buffer_free(&again);
}

static void check_alone(struct strata_slice bytes)
{
    struct lineage lineage;
    struct strata_error err = {.code = 0};
    int rc;

    memory_watch(memory_limit(bytes.size));
    rc = lineage_decode(bytes, &lineage, &err);
    memory_watched();
    require(rc == 0 || rc == STRATA_ERR_CORRUPT, "%d: %s", rc, err.message);
    if (rc == 0)
        check_again(&lineage, bytes);
    lineage_free(&lineage);
}

/* ---- A repair that goes by them ------------------------------------------------------------ */

/* Keys a to h; three flushes that overlap, whose values tell which. */
static struct strata_fs *make_base(void)
{
    static const char *const spans[] = {"adgh", "bcdf", "aceh"};
    struct strata_fs *fs = database_new(8);
    struct strata_options options;
    struct strata *db;

    strata_options_init(&options);
    options.fs = fs;
    fuzz_uncounted_begin();
    require(strata_open(DATABASE_DIR, &options, &db, NULL) == 0, "open");
    for (size_t i = 0; i < 3; i++) {
        for (const char *key = spans[i]; *key; key++)
            require(strata_put(db, strata_bytes(key, 1), strata_string("value"), NULL) == 0, "put");
        require(strata_flush(db, NULL) == 0, "flush");
    }
    require(strata_close(db, NULL) == 0, "close");
    fuzz_uncounted_end();
    return fs;
}

static void put_table(struct strata_fs *fs, const struct strata_options *options,
                      struct strata_slice notes)
{
    struct strata_env env = {.fs = fs, .dir = DATABASE_DIR, .options = options};
    struct sstable_writer *writer;

    require(table_kind.writer_new(&env, NUMBER, &writer, NULL) == 0, "writer");
    for (const char *key = "bdg"; *key; key++)
        require(table_kind.writer_add(writer, STRATA_OP_PUT, strata_bytes(key, 1),
                                      strata_string("newer"), NULL) == 0,
                "add");
    require(strata_buffer_append(&writer->user, notes.data, notes.size) == 0, "notes");
    require(table_kind.writer_finish(writer, 5, 20, NULL) == 0, "finish");
    require(fs_output_publish(&writer->out, NULL) == 0, "publish");
    table_kind.writer_del(writer, true);
}

/* What a repair reported. */
struct report {
    struct strata_repair_sum sum;
    struct strata_buffer text;
};

static void note_file(void *arg, const char *name, enum strata_fate fate, const char *why)
{
    struct report *report = arg;

    strata_buffer_append(&report->text, name, strlen(name));
    strata_buffer_append(&report->text, strata_fate_name(fate), 4);
    strata_buffer_append(&report->text, why, strlen(why));
}

static int repair(const struct strata_options *options, unsigned flags, struct report *report)
{
    struct strata_repair to = {.file = note_file, .arg = report};
    struct strata_error err = {.code = 0};
    int rc;

    strata_buffer_clear(&report->text);
    report->sum = (struct strata_repair_sum){0};
    rc = strata_repair(DATABASE_DIR, options, flags, &to, &report->sum, &err);
    require(rc == 0 ||
                (rc == STRATA_ERR_CORRUPT && err.file[0] && strstr(err.message, "contradict")),
            "%s", fuzz_text(&err));
    return rc;
}

static void check_content(const struct strata_options *options)
{
    struct strata_error err = {.code = 0};
    struct strata_buffer value = {0};
    struct strata *db;

    require(strata_open(DATABASE_DIR, options, &db, &err) == 0, "%s", fuzz_text(&err));
    require(strata_verify(db, NULL, &err) == 0, "%s", fuzz_text(&err));
    for (const char *key = "abcdefgh"; *key; key++) {
        int rc = strata_get(db, strata_bytes(key, 1), &value, &err);
        struct strata_slice got = strata_buffer_slice(&value);
        require(rc >= 0, "%s", fuzz_text(&err));
        require(rc > 0 || strata_compare(got, strata_string("value")) == 0 ||
                    strata_compare(got, strata_string("newer")) == 0,
                "key %c has a value that it never had", *key);
    }
    require(strata_put(db, strata_string("d"), strata_string("last"), &err) == 0, "%s",
            fuzz_text(&err));
    require(strata_compact(db, NULL, &err) == 0, "%s", fuzz_text(&err));
    require(strata_close(db, &err) == 0, "%s", fuzz_text(&err));
    strata_buffer_free(&value);
}

static bool same_sum(const struct strata_repair_sum *a, const struct strata_repair_sum *b)
{
    return a->lost == b->lost && a->guessed == b->guessed && a->tables_kept == b->tables_kept &&
           a->tables_lost == b->tables_lost && a->tables_unused == b->tables_unused;
}

static void check_repair(struct strata_fs *fs, struct strata_slice notes)
{
    struct strata_options options;
    struct fs_sim_hash before;
    struct report dry = {.text = {0}}, report = {.text = {0}};
    int rc;

    strata_options_init(&options);
    options.fs = fs;
    put_table(fs, &options, notes);
    require(fs_remove(fs, DATABASE_DIR "/CURRENT", NULL) == 0, "CURRENT");
    require(fs_remove(fs, DATABASE_DIR "/000002.manifest", NULL) == 0, "manifest");
    before = fs_sim_hash_of(fs);
    rc = repair(&options, STRATA_REPAIR_DRY_RUN, &dry);
    require(fs_sim_hash_of(fs).low == before.low, "a dry run writes");
    require(repair(&options, 0, &report) == rc, "a dry run says something else");
    if (rc < 0) {
        require(fs_sim_hash_of(fs).low == before.low, "refused, it writes");
    } else {
        require(same_sum(&dry.sum, &report.sum) &&
                    strata_compare(strata_buffer_slice(&dry.text),
                                   strata_buffer_slice(&report.text)) == 0,
                "a dry run tells something else");
        check_content(&options);
        require(repair(&options, 0, &dry) == 0 && dry.sum.healthy, "it is not healthy");
    }
    strata_buffer_free(&dry.text);
    strata_buffer_free(&report.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    struct strata_slice bytes = strata_bytes(data, size);
    struct strata_fs *fs;

    if (!base)
        base = make_base();
    check_alone(bytes);
    fs = fs_sim_copy(base);
    require(fs, "memory");
    check_repair(fs, bytes);
    require(fs_sim_open_files(fs) == 0, "a file is open");
    fs_free(fs);
    return 0;
}
