/* checkpoint.c: the file INDEX of stage 3 (stages/03_wal/checkpoint.c), beside a real log
 * (sample.h).
 *
 * Beyond what database.h lists: what opens holds what the log says, and a refusal says what was
 * lost. An INDEX that is used, the annotated dump does not call damaged.
 *
 * The former does not go for a forged INDEX, whose check holds and which the engine never wrote:
 * nothing but reading the whole log could tell. Of one of these only this is asked: no crash, no
 * memory beyond its size, errors that name a place, keys in order. */
#include "03_wal/checkpoint.h"
#include "fuzz.h"
#include "memory.h"
#include "sample.h"

#include <string.h>
#include <xxhash.h>

#define PATH DATABASE_DIR "/" CHECKPOINT_NAME
#define CHECK 8

/* ---- Forged ones ----------------------------------------------------------------------- */

/* The INDEX that the engine wrote beside this log, and beside a longer one. */
static struct strata_buffer genuine[2];

static bool is_genuine(struct strata_slice bytes)
{
    for (size_t i = 0; i < sizeof genuine / sizeof *genuine; i++)
        if (strata_compare(strata_buffer_slice(&genuine[i]), bytes) == 0)
            return true;
    return false;
}

static bool is_forged(struct strata_slice bytes)
{
    uint8_t check[CHECK];

    if (bytes.size < CHECK || is_genuine(bytes))
        return false;
    for (uint64_t i = 0, sum = XXH3_64bits(bytes.data, bytes.size - CHECK); i < CHECK; i++)
        check[i] = (uint8_t)(sum >> (8 * i));
    return memcmp(check, bytes.data + bytes.size - CHECK, CHECK) == 0;
}

/* 0, a normal "no", or an error that tells of damage and where. */
static bool worked(int rc, const struct strata_error *err)
{
    require(rc >= 0 || (rc == STRATA_ERR_CORRUPT && err->code == rc && err->file[0]), "%d: %s", rc,
            fuzz_text(err));
    return rc == 0;
}

static void ask_scan(struct strata *db)
{
    struct strata_error err = {.code = 0};
    struct strata_buffer last = {0};
    struct strata_slice value;
    struct strata_iter *iter;
    bool first = true;
    int rc = strata_iter_new(db, &iter, &err);

    if (!worked(rc, &err))
        return;
    for (rc = strata_iter_first(iter, &err); worked(rc, &err); rc = strata_iter_next(iter, &err)) {
        struct strata_slice key = strata_iter_key(iter);
        require(first || strata_compare(strata_buffer_slice(&last), key) < 0, "no order");
        first = false;
        worked(strata_iter_value(iter, &value, &err), &err);
        strata_buffer_clear(&last);
        strata_buffer_append(&last, key.data, key.size);
    }
    strata_iter_free(iter);
    strata_buffer_free(&last);
}

static void ask_keys(struct strata *db)
{
    struct strata_buffer value = {0};
    struct strata_error err = {.code = 0};
    uint8_t other[32];

    for (char key[2] = "a"; key[0] <= 'e'; key[0]++)
        worked(strata_get(db, strata_string(key), &value, &err), &err);
    for (unsigned which = 0; which < 4; which++)
        worked(strata_get(db, sample_collision(other, which), &value, &err), &err);
    strata_buffer_free(&value);
}

static void change(struct strata *db)
{
    struct strata_error err = {.code = 0};
    uint8_t other[32];

    worked(strata_put(db, strata_string("a"), strata_string("new"), &err), &err);
    worked(strata_put(db, sample_collision(other, 2), strata_string("new"), &err), &err);
    worked(strata_delete(db, sample_collision(other, 0), &err), &err);
    worked(strata_compact(db, NULL, &err), &err);
}

static void find_used(void *arg, const struct strata_stat *stat)
{
    if (strcmp(stat->name, "open_checkpoint") == 0)
        *(uint64_t *)arg = stat->value;
}

/* Was the file used by this opening? */
static bool is_used(struct strata *db)
{
    struct strata_error err = {.code = 0};
    uint64_t used = UINT64_MAX;

    require(strata_stats(db, find_used, &used, &err) == 0, "%s", err.message);
    require(used <= 1 || fuzz_engine(), "open_checkpoint");
    return used == 1;
}

static void check_forged(struct database *db, const struct inspect *in, bool read_only)
{
    struct strata_options options;
    struct strata_error err = {.code = 0};
    struct strata *handle;

    strata_options_init(&options);
    options.engine = fuzz_engine();
    options.fs = db->fs;
    options.read_only = read_only;
    memory_watch(memory_limit(db->bytes));
    if (worked(strata_open(DATABASE_DIR, &options, &handle, &err), &err)) {
        require(!in->damaged || !is_used(handle), "it is used, and the dump calls it damaged");
        ask_keys(handle);
        ask_scan(handle);
        if (!read_only) {
            worked(strata_verify(handle, NULL, &err), &err);
            change(handle);
            ask_scan(handle);
        }
        strata_close(handle, &err);
    }
    memory_watched();
    require(fs_sim_open_files(db->fs) == 0, "%zu files stay open", fs_sim_open_files(db->fs));
}

/* ---- Others ---------------------------------------------------------------------------- */

static void check_honest(struct database *db, const struct content *content)
{
    if (database_read(db))
        require(content_equal(&db->content, content), "%llu entries, in the log are %llu",
                (unsigned long long)db->content.entries, (unsigned long long)content->entries);
    require(!db->dropped, "INDEX makes a tail torn");
    database_write(db);
}

static struct strata_fs *make_base(struct content *content)
{
    struct strata_fs *base = sample_new(3, content), *longer = sample_longer(3, 5, NULL);

    require(fs_sim_get(base, PATH, &genuine[0]) == 0, "no " PATH);
    require(fs_sim_get(longer, PATH, &genuine[1]) == 0, "no " PATH);
    fs_free(longer);
    return base;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    static struct content content;
    struct strata_slice bytes = strata_bytes(data, size);
    struct database db;
    struct inspect in;

    if (!base)
        base = make_base(&content);
    database_init(&db, base, PATH, bytes);
    in = database_inspect(&db, &checkpoint_format);
    if (is_forged(bytes)) {
        check_forged(&db, &in, true);
        if (database_is_deep(&db))
            check_forged(&db, &in, false);
    } else {
        check_honest(&db, &content);
    }
    database_free(&db);
    return 0;
}
