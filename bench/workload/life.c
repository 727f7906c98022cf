/* life.c: the database under test: opened, opened otherwise, closed. */
#include "bench.h"

#define SMALL_CACHE ((size_t)8 << 20) /* bytes */

void life_options(const struct bench *b, enum work_opens how, struct engine_options *o)
{
    const struct settings *s = b->settings;
    bool small = how == OPENS_SMALL || how == OPENS_SMALL_MAPPED;
    bool mapped = how == OPENS_MAPPED || how == OPENS_SMALL_MAPPED;

    *o = (struct engine_options){.dir = b->dir,
                                 .read_only = how == OPENS_CLEAN || how == OPENS_BARE,
                                 .sync = how == OPENS_SYNCED ? STRATA_SYNC_ALWAYS : s->sync,
                                 .memtable_bytes = s->memtable_bytes,
                                 .cache_bytes = small ? SMALL_CACHE : s->cache_bytes,
                                 .block_bytes = s->block_bytes,
                                 .bloom_bits = (unsigned)s->bloom_bits,
                                 .plain = s->plain,
                                 .check_reads = s->check_reads,
                                 .mapped_reads = mapped || s->mapped_reads,
                                 .no_background = s->no_background,
                                 .segment_bytes = s->segment_bytes,
                                 .value_threshold = s->value_threshold,
                                 .data_bytes =
                                     b->data.count * (b->data.key_bytes + b->data.value_bytes),
                                 .stage = b->contender->stage.stage,
                                 .fs = b->fs};
}

unsigned life_can(const struct bench *b)
{
    struct engine_options o;

    life_options(b, OPENS_WRITE, &o);
    return b->contender->engine->can(&o);
}

int life_open(struct bench *b, enum work_opens how, bool create, struct strata_error *err)
{
    struct engine_options o;

    life_options(b, how, &o);
    o.create = create;
    b->opened = how;
    return b->contender->engine->open(&o, &b->db, err);
}

int life_open_again(struct bench *b, struct strata_error *err)
{
    return life_open(b, b->opened, false, err);
}

int life_close(struct bench *b)
{
    struct strata_error err;
    int rc = b->db ? b->contender->engine->close(b->db, &err) : 0;

    b->db = NULL;
    return rc < 0 ? bench_fail(&err, "close") : BENCH_OK;
}
