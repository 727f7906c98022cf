/* strata.c: a stage of this project, as a peer. */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

struct self {
    struct strata *db;
    struct strata_buffer value; /* of the last get */
};

static int fail(const char *what, const struct strata_error *err)
{
    char text[600];
    return peer_say(what, strata_error_text(err, text, sizeof text));
}

static int about(const struct peer_options *options, FILE *to)
{
    struct strata_stage_info info = {0};

    for (size_t i = 0; strata_stage_at(i, &info) == 0 && info.stage != options->stage;)
        i++;
    fprintf(to, "Strata's stage %s%s\n", info.name,
            options->stage < 5 ? ""
                               : ", blocks packed by LZ4, every block that is read is checked");
    return 0;
}

static int open_db(const struct peer_options *options, void **db)
{
    struct self *self = calloc(1, sizeof *self);
    struct strata_options o;
    struct strata_error err;

    if (!self)
        return peer_say("open", "out of memory");
    strata_options_init(&o);
    o.stage = options->stage;
    o.create = o.exclusive = options->create;
    o.sync = STRATA_SYNC_NEVER;
    o.memtable_bytes = PEER_MEMTABLE;
    o.cache_bytes = options->cache_bytes;
    o.mapped_reads = options->mapped_reads;
    o.block_bytes = PEER_BLOCK;
    o.bloom_bits_per_key = PEER_BLOOM;
    if (strata_open(options->dir, &o, &self->db, &err) < 0) {
        free(self);
        return fail("open", &err);
    }
    *db = self;
    return 0;
}

static int close_db(void *db)
{
    struct self *self = db;
    struct strata_error err;
    int rc = strata_close(self->db, &err);

    strata_buffer_free(&self->value);
    free(self);
    return rc < 0 ? fail("close", &err) : 0;
}

static int put(void *db, struct strata_slice key, struct strata_slice value)
{
    struct self *self = db;
    struct strata_error err;
    return strata_put(self->db, key, value, &err) < 0 ? fail("put", &err) : 0;
}

static int compact(void *db)
{
    struct self *self = db;
    struct strata_error err;
    return strata_compact(self->db, NULL, &err) < 0 ? fail("compact", &err) : 0;
}

static int settle(void *db)
{
    struct self *self = db;
    struct strata_error err;
    int rc = strata_flush(self->db, &err);

    return rc < 0 && rc != STRATA_ERR_NOT_SUPPORTED ? fail("flush", &err) : 0;
}

static void add_count(void *arg, const struct strata_stat *stat)
{
    struct peer_counts *c = arg;
    const struct {
        const char *name;
        uint64_t *to;
    } list[] = {{"cost_comparisons", &c->comparisons},
                {"cost_filter_probes", &c->filter_probes},
                {"cost_blocks", &c->blocks},
                {"cost_blocks_loaded", &c->blocks_loaded}};
    unsigned level;
    int end = 0;

    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (strcmp(stat->name, list[i].name) == 0)
            *list[i].to = stat->value;
    if (sscanf(stat->name, "level%u_files%n", &level, &end) == 1 && end && !stat->name[end]) {
        c->levels += stat->value > 0;
        c->runs += level ? stat->value > 0 : stat->value;
    }
}

static int counts(void *db, struct peer_counts *counts)
{
    struct self *self = db;
    struct strata_error err;

    *counts = (struct peer_counts){0};
    return strata_stats(self->db, add_count, counts, &err) < 0 ? fail("stats", &err) : 0;
}

static int get(void *db, struct strata_slice key, struct peer_sum *sum)
{
    struct self *self = db;
    struct strata_error err;
    int rc = strata_get(self->db, key, &self->value, &err);

    if (rc < 0)
        return fail("get", &err);
    if (rc == 0)
        peer_add(sum, key, strata_buffer_slice(&self->value));
    return rc;
}

/* The entry that the iterator stands at. */
static int add_entry(struct strata_iter *iter, struct peer_sum *sum, struct strata_error *err)
{
    struct strata_slice value;
    int rc = strata_iter_value(iter, &value, err);

    if (rc == 0)
        peer_add(sum, strata_iter_key(iter), value);
    return rc;
}

static int scan(void *db, bool backwards, struct peer_sum *sum)
{
    struct self *self = db;
    struct strata_iter *iter = NULL;
    struct strata_error err;
    int rc = strata_iter_new(self->db, &iter, &err);

    if (rc == 0)
        rc = backwards ? strata_iter_last(iter, &err) : strata_iter_first(iter, &err);
    while (rc == 0 && (rc = add_entry(iter, sum, &err)) == 0)
        rc = backwards ? strata_iter_prev(iter, &err) : strata_iter_next(iter, &err);
    strata_iter_free(iter);
    return rc < 0 ? fail("scan", &err) : 0;
}

static int seek(void *db, struct strata_slice key, unsigned entries, struct peer_sum *sum)
{
    struct self *self = db;
    struct strata_iter *iter = NULL;
    struct strata_error err;
    int rc = strata_iter_new(self->db, &iter, &err);

    if (rc == 0)
        rc = strata_iter_seek(iter, key, &err);
    while (rc == 0 && (rc = add_entry(iter, sum, &err)) == 0 && --entries)
        rc = strata_iter_next(iter, &err);
    strata_iter_free(iter);
    return rc < 0 ? fail("seek", &err) : 0;
}

const struct peer peer_strata = {
    .name = "strata",
    .about = about,
    .open = open_db,
    .close = close_db,
    .put = put,
    .compact = compact,
    .settle = settle,
    .counts = counts,
    .get = get,
    .scan = scan,
    .seek = seek,
};
