/* tables.c: the list of runs of stage 4 (stages/04_memtable_sstable/tables.c): the bytes are TABLES
 * of a database with two runs and a log.
 *
 * Beyond what database.h lists:
 *   - the list alone: it is taken or refused, and what is taken makes the same bytes when it is
 *     written anew;
 *   - the annotated dump tells of damage iff it is refused;
 *   - what opens holds what was written, but for a forged list, whose check holds and which the
 *     engine never wrote: one that leaves out the oldest run, say; that one still names runs that
 *     are there, with their sizes and digests;
 *   - verifying tells when it has become another list while the database is open. */
#include "04_memtable_sstable/tables.h"
#include "database.h"
#include "fuzz.h"
#include "memory.h"
#include "sample.h"

#include <string.h>

#define PATH DATABASE_DIR "/" TABLES_NAME

static void read_true_one(struct strata_fs *base, struct tables *true_one)
{
    struct strata_options options;
    struct strata_env env = {.fs = base, .dir = DATABASE_DIR, .options = &options};

    strata_options_init(&options);
    require(tables_read(&env, true_one, NULL) == 0, "the engine's own list");
}

/* All runs of the one are runs of the other. */
static bool are_among(const struct tables *some, const struct tables *all)
{
    for (uint32_t i = 0; i < some->count; i++) {
        const struct tables_run *run = &some->runs[i];
        uint32_t j = 0;
        while (j < all->count &&
               (run->number != all->runs[j].number || run->bytes != all->runs[j].bytes ||
                run->digest != all->runs[j].digest))
            j++;
        if (j == all->count)
            return false;
    }
    return true;
}

struct answer {
    bool taken;
    bool told_truth; /* it names no runs but those that are there */
    bool same;       /* ... and is no other list */
};

/* The list by itself. `true_one`: the engine's own. */
static struct answer check_list(struct database *db, struct strata_slice bytes,
                                const struct tables *true_one)
{
    struct strata_options options;
    struct strata_env env = {.fs = db->fs, .dir = DATABASE_DIR, .options = &options};
    struct strata_buffer again = {0};
    struct strata_error err = {.code = 0};
    struct answer answer = {.taken = false};
    struct tables tables;
    int rc;

    strata_options_init(&options);
    memory_watch(memory_limit(bytes.size));
    rc = tables_read(&env, &tables, &err);
    require(rc == 0 || (rc == STRATA_ERR_CORRUPT && strcmp(err.file, PATH) == 0 && err.message[0] &&
                        err.offset <= bytes.size),
            "%d: %s", rc, fuzz_text(&err));
    if (rc == 0) {
        require(tables_write(&env, &tables, NULL) == 0, "write");
        require(fs_sim_get(db->fs, PATH, &again) == 0, "get");
        require(strata_compare(strata_buffer_slice(&again), bytes) == 0, "other bytes");
        answer =
            (struct answer){true, are_among(&tables, true_one), tables_same(&tables, true_one)};
        strata_buffer_free(&again);
        tables_free(&tables);
    }
    require(rc == 0 || tables_read(&env, &tables, NULL) == rc, "with a reason: %d", rc);
    memory_watched();
    return answer;
}

/* The engine's own database is open when its list becomes another one. */
static void check_change(const struct database *db, struct strata_fs *base,
                         struct strata_slice genuine, const struct content *content,
                         struct strata_slice bytes)
{
    struct database own;

    database_init(&own, base, PATH, genuine);
    own.hash = db->hash;
    own.content = *content;
    database_change(&own, bytes);
    database_free(&own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    static struct strata_buffer genuine;
    static struct tables true_one;
    static struct content content;
    struct strata_slice bytes = strata_bytes(data, size);
    struct answer answer;
    struct database db;
    struct inspect in;
    bool is_genuine;

    if (!base) {
        base = sample_letters(4, 'f', "bd", "", &content);
        require(fs_sim_get(base, PATH, &genuine) == 0, "no " PATH);
        read_true_one(base, &true_one);
    }
    database_init(&db, base, PATH, bytes);
    in = database_inspect(&db, &tables_format);
    answer = check_list(&db, bytes, &true_one);
    require(answer.taken == !in.damaged, "taken: %d; damaged: %d", answer.taken, in.damaged);
    is_genuine = strata_compare(strata_buffer_slice(&genuine), bytes) == 0;
    database_read(&db);
    require(db.rc < 0 || (answer.taken && answer.told_truth), "it names no run that is there");
    require(!is_genuine || db.rc == 0, "the engine's own list is refused");
    require(!is_genuine || content_equal(&db.content, &content), "another content");
    if (!answer.taken || is_genuine)
        database_write(&db);
    if (!answer.same)
        check_change(&db, base, strata_buffer_slice(&genuine), &content, bytes);
    database_free(&db);
    return 0;
}
