/* tail.c: the file TAIL of stage 3 (stages/02_hash_index/tail.c), beside a real log (sample.h).
 *
 * Beyond what database.h lists:
 *   - what opens holds what the log says; a refusal says what was lost;
 *   - a TAIL that is believed makes the same bytes again when it is written; one with a number too
 *     large is refused; any other is ignored, so that it opens. The annotated dump calls both
 *     damaged. */
#include "03_wal/mark.h"
#include "fuzz.h"
#include "sample.h"

#define PATH DATABASE_DIR "/" TAIL_NAME

/* What reading it returns. What is taken for one is written again. */
static int read_tail(const struct database *db, struct strata_slice bytes)
{
    struct strata_options options;
    struct strata_env env = {.fs = db->fs, .dir = "again", .options = &options};
    struct strata_buffer again = {0};
    struct strata_error err = {.code = 0};
    struct tail tail;
    int rc;

    strata_options_init(&options);
    require(fs_sim_put(db->fs, "again/" TAIL_NAME, bytes) == 0, "fs_sim_put");
    rc = tail_read(&env, MARK_VERSION, &tail, &err);
    require(rc == 0 || rc == STRATA_NOT_FOUND || rc == STRATA_ERR_CORRUPT, "%d: %s", rc,
            err.message);
    if (rc == 0) {
        require(tail_write(&env, &tail, true, &err) == 0, "%s", err.message);
        require(fs_sim_get(db->fs, "again/" TAIL_NAME, &again) == 0, "fs_sim_get");
        require(strata_compare(strata_buffer_slice(&again), bytes) == 0,
                "written again, it differs");
        strata_buffer_free(&again);
    }
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    static struct content content;
    struct database db;
    struct inspect in;
    int rc;

    if (!base)
        base = sample_new(3, &content);
    database_init(&db, base, PATH, strata_bytes(data, size));
    if (database_read(&db))
        require(content_equal(&db.content, &content), "%llu entries, in the log are %llu",
                (unsigned long long)db.content.entries, (unsigned long long)content.entries);
    in = database_inspect(&db, &tail_format);
    rc = read_tail(&db, strata_bytes(data, size));
    require(rc != STRATA_NOT_FOUND || db.rc == 0, "a TAIL that is none is believed: %s",
            db.err.message);
    require(rc >= 0 || db.rc == rc, "a TAIL that is refused, and it opens: %d", db.rc);
    require((rc == 0) == !in.damaged, "reading: %d; the dump says damaged: %d", rc, in.damaged);
    require(!db.dropped, "TAIL makes a tail torn");
    database_write(&db);
    database_free(&db);
    return 0;
}
