/* compact.c: see compact.h. A step is some entries, and at most one wait for the device. */
#include "07_paced_compaction/compaction/compact.h"

#include <stdlib.h>

#define SYNC_BYTES ((uint64_t)4 << 20) /* of an output, between two waits for the device */

int compact_new(const struct compaction_env *env, struct version *version, struct pick *pick,
                struct memtable *memtable, bool paced, struct compact **out,
                struct strata_error *err)
{
    struct compact *c = *out = malloc(sizeof *c);
    int rc;

    if (!c) {
        if (pick)
            pick_free(pick);
        return strata_fail_memory(err, sizeof *c);
    }
    rc = compaction_init(&c->of, env, version, pick, memtable, err);
    c->paced = paced;
    c->began_ns = fs_now(env->env->fs);
    c->bytes = memtable ? memtable_bytes(memtable) : c->of.pick.bytes + c->of.beside;
    c->records = memtable ? memtable_count(memtable) : c->of.pick.records;
    c->synced = 0;
    if (rc == 0)
        return 0;
    compact_del(c, false);
    *out = NULL;
    return rc;
}

void compact_del(struct compact *c, bool keep)
{
    if (c)
        compaction_free(&c->of, keep);
    free(c);
}

static uint64_t bytes_each(const struct compact *c)
{
    return (c->bytes - c->of.beside) / (c->records + 1) + 1;
}

/* The device is waited for here, a little each time, and not at the end for everything. */
static int sync_some(struct compact *c, bool *waited, struct strata_error *err)
{
    struct sstable_writer *writer = c->of.writer;

    if (!c->paced || !writer || writer->out.file->end < c->synced + SYNC_BYTES)
        return 0;
    c->synced = writer->out.file->end;
    *waited = true;
    return fs_sync(writer->out.file, err);
}

int compact_step(struct compact *c, uint64_t *budget, struct strata_error *err)
{
    uint64_t each = bytes_each(c), seen = c->of.seen, used;
    size_t outputs = c->of.output_count;
    bool waited;
    int rc;

    if (c->of.ended)
        return COMPACT_DONE;
    rc = compaction_run(&c->of, *budget / each + (*budget % each > 0), err);
    used = (c->of.seen - seen + (rc != 0)) * each; /* what ends it counts, too */
    *budget -= used < *budget ? used : *budget;
    waited = c->of.output_count != outputs;
    if (waited)
        c->synced = 0;
    else if (rc == 0)
        rc = sync_some(c, &waited, err);
    if (waited)
        *budget = 0;
    return rc < 0 ? rc : c->of.ended && !waited ? COMPACT_DONE : 0;
}

uint64_t compact_left(const struct compact *c)
{
    uint64_t each = bytes_each(c), all = c->records + c->of.beside / each, seen = c->of.seen;
    uint64_t left = c->of.ended || seen > all ? 0 : (all - seen) * each;
    return left < c->bytes ? left : c->bytes; /* bytes_each is rounded up */
}
