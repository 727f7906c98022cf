/* tables.c: the list of runs of stage 4 (stages/04_memtable_sstable/tables.c): the bytes are TABLES
 * of a database with two runs and a log.
 *
 * Beyond what database.h lists:
 *   - the list alone: it is taken or refused, and what is taken makes the same bytes when it is
 *     written anew;
 *   - the annotated dump tells of damage iff it is refused;
 *   - what opens holds what was written, but for a forged list, whose check holds and which the
 *     engine never wrote: one that leaves out the oldest run, say; that one still names runs that
 *     are there, with their sizes and digests. */
#include "04_memtable_sstable/tables.h"
#include "database.h"
#include "fuzz.h"
#include "memory.h"

#include <string.h>

#define PATH DATABASE_DIR "/" TABLES_NAME

static struct strata_fs *make_base(struct content *content)
{
    struct strata_fs *fs = database_new(4);
    struct strata_options options;
    struct strata *db;

    strata_options_init(&options);
    options.fs = fs;
    require(strata_open(DATABASE_DIR, &options, &db, NULL) == 0, "open");
    for (char key[] = "a"; key[0] <= 'f'; key[0]++) {
        require(strata_put(db, strata_string(key), strata_string("value"), NULL) == 0, "put");
        if (key[0] == 'b' || key[0] == 'd')
            require(strata_flush(db, NULL) == 0, "flush");
    }
    *content = content_scan(db);
    require(strata_close(db, NULL) == 0, "close");
    return fs;
}

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

/* The list by itself. Returns whether it was taken. `true_one`: the engine's own; *told_truth: it
 * names no other runs. */
static bool check_list(struct database *db, struct strata_slice bytes,
                       const struct tables *true_one, bool *told_truth)
{
    struct strata_options options;
    struct strata_env env = {.fs = db->fs, .dir = DATABASE_DIR, .options = &options};
    struct strata_buffer again = {0};
    struct strata_error err = {.code = 0};
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
        *told_truth = are_among(&tables, true_one);
        strata_buffer_free(&again);
        tables_free(&tables);
    }
    memory_watched();
    return rc == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    static struct strata_buffer genuine;
    static struct tables true_one;
    static struct content content;
    struct strata_slice bytes = strata_bytes(data, size);
    bool taken, told_truth = false, is_genuine;
    struct database db;
    struct inspect in;

    if (!base) {
        base = make_base(&content);
        require(fs_sim_get(base, PATH, &genuine) == 0, "no " PATH);
        read_true_one(base, &true_one);
    }
    database_init(&db, base, PATH, bytes);
    in = database_inspect(&db, &tables_format);
    taken = check_list(&db, bytes, &true_one, &told_truth);
    require(taken == !in.damaged, "taken: %d; damaged: %d", taken, in.damaged);
    is_genuine = strata_compare(strata_buffer_slice(&genuine), bytes) == 0;
    database_read(&db);
    require(db.rc < 0 || (taken && told_truth), "it names runs that are not there, and opens");
    require(!is_genuine || db.rc == 0, "the engine's own list is refused");
    require(!is_genuine || content_equal(&db.content, &content), "another content");
    if (!taken || is_genuine)
        database_write(&db);
    database_free(&db);
    return 0;
}
