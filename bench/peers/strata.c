/* strata.c: a stage of this project, as an engine. */
#include "../engine.h"

#include <stdlib.h>
#include <string.h>

struct session {
    struct strata *db;
    struct strata_batch *batch;
    struct strata_buffer value; /* of the last get */
};

static bool info_of(unsigned stage, struct strata_stage_info *info)
{
    for (size_t i = 0; strata_stage_at(i, info) == 0; i++)
        if (info->stage == stage)
            return true;
    return false;
}

static unsigned can(const struct engine_options *options)
{
    struct strata_stage_info info;
    static const struct {
        unsigned promise, can;
    } list[] = {{STRATA_PROMISE_BATCH, ENGINE_BATCH},
                {STRATA_PROMISE_POWER_CUT, ENGINE_SYNC},
                {STRATA_PROMISE_COMPACT, ENGINE_COMPACT},
                {STRATA_PROMISE_THREADS, ENGINE_THREADS}};
    unsigned can = ENGINE_ORDER | ENGINE_REVERSE;

    if (!info_of(options->stage, &info))
        return 0;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (info.promises & list[i].promise)
            can |= list[i].can;
    return can;
}

static int about(const struct engine_options *options, FILE *to, struct strata_error *err)
{
    struct strata_stage_info info = {0};

    (void)err;
    info_of(options->stage, &info);
    fprintf(to, "Strata's stage %s", info.name);
    if (options->stage >= 5)
        fprintf(to, ", blocks %s, every block that is read is checked%s",
                options->plain ? "not compressed" : "compressed by LZ4",
                options->mapped_reads ? ", read from mapped files" : "");
    if (options->stage >= 10 && !options->no_background)
        fputs(", flushes and compactions on a thread of their own", to);
    fputc('\n', to);
    return 0;
}

static int open_db(const struct engine_options *options, void **db, struct strata_error *err)
{
    struct strata_options o;

    strata_options_init(&o);
    o.stage = options->stage;
    o.create = o.exclusive = options->create;
    o.read_only = options->read_only;
    o.sync = options->sync;
    o.memtable_bytes = options->memtable_bytes;
    o.cache_bytes = options->cache_bytes;
    o.mapped_reads = options->mapped_reads;
    o.value_bytes = options->value_threshold;
    if (options->no_background)
        o.background_threads = 0;
    o.block_bytes = options->block_bytes;
    o.bloom_bits_per_key = options->bloom_bits;
    o.plain_blocks = options->plain;
    if (options->segment_bytes)
        o.segment_bytes = options->segment_bytes;
    o.fs = options->fs;
    return strata_open(options->dir, &o, (struct strata **)db, err);
}

static int close_db(void *db, struct strata_error *err)
{
    return strata_close(db, err);
}

static int join(void *db, void **session, struct strata_error *err)
{
    struct session *s = calloc(1, sizeof *s);

    *session = s;
    if (!s)
        return engine_no_memory(err);
    s->db = db;
    s->batch = strata_batch_new();
    return s->batch ? 0 : engine_no_memory(err);
}

static void leave(void *session)
{
    struct session *s = session;

    if (!s)
        return;
    strata_batch_free(s->batch);
    strata_buffer_free(&s->value);
    free(s);
}

static int compact(void *db, struct strata_error *err)
{
    return strata_compact(db, NULL, err);
}

static int settle(void *db, struct strata_error *err)
{
    int rc = strata_flush(db, err);
    return rc == STRATA_ERR_NOT_SUPPORTED ? 0 : rc;
}

/* ---- Counts ------------------------------------------------------------------------------ */

static void add_level(struct engine_counts *c, const struct strata_stat *stat)
{
    unsigned level;
    int end = 0;

    if (sscanf(stat->name, "level%u_files%n", &level, &end) == 1 && end && !stat->name[end]) {
        c->levels += stat->value > 0;
        c->runs += level ? stat->value > 0 : stat->value;
    }
}

static void add_count(void *arg, const struct strata_stat *stat)
{
    struct engine_counts *c = arg;
    const struct {
        const char *name;
        uint64_t *to;
    } list[] = {{"fs_read", &c->reads},
                {"fs_bytes_read", &c->bytes_read},
                {"fs_append", &c->writes},
                {"fs_write", &c->writes},
                {"fs_bytes_written", &c->bytes_written},
                {"fs_sync", &c->syncs},
                {"fs_sync_dir", &c->syncs},
                {"index_keys", &c->index_keys},
                {"index_bytes", &c->index_bytes},
                {"cost_comparisons", &c->comparisons},
                {"cost_filter_probes", &c->filter_probes},
                {"cost_blocks", &c->blocks},
                {"cost_blocks_loaded", &c->blocks_loaded}};

    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (strcmp(stat->name, list[i].name) == 0)
            *list[i].to += stat->value;
    add_level(c, stat);
}

static int counts(void *db, struct engine_counts *counts, struct strata_error *err)
{
    *counts = (struct engine_counts){0};
    return strata_stats(db, add_count, counts, err);
}

/* ---- Work -------------------------------------------------------------------------------- */

static int put(void *session, struct strata_slice key, struct strata_slice value,
               struct strata_error *err)
{
    struct session *s = session;
    return strata_put(s->db, key, value, err);
}

static int put_batch(void *session, const struct engine_entry *entries, size_t count,
                     struct strata_error *err)
{
    struct session *s = session;
    int rc = 0;

    strata_batch_clear(s->batch);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = strata_batch_put(s->batch, entries[i].key, entries[i].value, err);
    return rc < 0 ? rc : strata_write(s->db, s->batch, 0, err);
}

static int remove_key(void *session, struct strata_slice key, struct strata_error *err)
{
    struct session *s = session;
    return strata_delete(s->db, key, err);
}

static int get(void *session, struct strata_slice key, struct strata_slice *value,
               struct strata_error *err)
{
    struct session *s = session;
    int rc = strata_get(s->db, key, &s->value, err);

    *value = strata_buffer_slice(&s->value);
    return rc;
}

static int iterate(void *session, void **iter, struct strata_error *err)
{
    struct session *s = session;
    return strata_iter_new(s->db, (struct strata_iter **)iter, err);
}

static void iterated(void *iter)
{
    strata_iter_free(iter);
}

static int begin(struct strata_iter *iter, enum engine_walk how, struct strata_slice key,
                 struct strata_error *err)
{
    switch (how) {
    case WALK_FIRST:
        return strata_iter_first(iter, err);
    case WALK_LAST:
        return strata_iter_last(iter, err);
    case WALK_SEEK:
        return strata_iter_seek(iter, key, err);
    case WALK_NEXT:
        return strata_iter_next(iter, err);
    case WALK_PREV:
        return strata_iter_prev(iter, err);
    }
    return 0;
}

/* The entry at the iterator's position. */
static int add_entry(struct strata_iter *iter, struct sum *sum, struct strata_error *err)
{
    struct strata_slice value;
    int rc = strata_iter_value(iter, &value, err);

    if (rc == 0)
        sum_add(sum, strata_iter_key(iter), value);
    return rc;
}

static int walk(void *iter, enum engine_walk how, struct strata_slice key, uint64_t most,
                struct sum *sum, struct strata_error *err)
{
    bool backwards = how == WALK_LAST || how == WALK_PREV;
    int rc = begin(iter, how, key, err);

    while (rc == 0 && (rc = add_entry(iter, sum, err)) == 0 && --most)
        rc = backwards ? strata_iter_prev(iter, err) : strata_iter_next(iter, err);
    return rc;
}

const struct engine engine_strata = {
    .name = "strata",
    .can = can,
    .about = about,
    .open = open_db,
    .close = close_db,
    .join = join,
    .leave = leave,
    .compact = compact,
    .settle = settle,
    .counts = counts,
    .put = put,
    .batch = put_batch,
    .remove = remove_key,
    .get = get,
    .iterate = iterate,
    .iterated = iterated,
    .walk = walk,
};
