/* compact.c: see compact.h. Outputs are in compact_output.c.
 *
 * 7.I22: of a key only the newest entry is kept: iterators hold on to the version that has the
 *        others.
 * 7.I23: a tombstone is kept as long as anything below may have its key: it is dropped where no
 * table of a deeper level spans it. (What came to the levels above meanwhile is newer.) */
#include "compact_output.h"

#include <assert.h>

#include <stdlib.h>

#define SYNC_BYTES ((uint64_t)4 << 20) /* of an output, between two waits for the device */

/* ---- Its life -------------------------------------------------------------------------------- */

/* The inputs, the newest first; tables of level 0 are runs of their own. */
static int open_sources(struct compact *c, struct strata_error *err)
{
    const struct pick *pick = &c->pick;
    size_t count = pick->count[0], n = 0;
    struct tree_sources of = {.once = true, .tombstones = true};
    struct run *runs;
    int rc;

    for (unsigned level = 1; level < LEVELS; level++)
        count += pick->count[level] > 0;
    runs = malloc((count + 1) * sizeof *runs);
    if (!runs)
        return strata_fail_memory(err, (count + 1) * sizeof *runs);
    for (; n < pick->count[0]; n++)
        runs[n] = (struct run){.tables = pick->tables[0] + n, .count = 1};
    for (unsigned level = 1; level < LEVELS; level++)
        if (pick->count[level])
            runs[n++] = (struct run){.tables = pick->tables[level], .count = pick->count[level]};
    of.runs = runs;
    of.run_count = count;
    rc = c->parts->merge(c->version, &of, &c->from, err);
    free(runs);
    return rc;
}

static void note_ages(struct compact *c)
{
    c->first = UINT64_MAX;
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < c->pick.count[level]; i++) {
            const struct sstable_sum *sum = &c->pick.tables[level][i]->sum;
            c->first = sum->first < c->first ? sum->first : c->first;
            c->last = sum->last > c->last ? sum->last : c->last;
        }
}

/* Their output, if it stays on level 0, comes before these. */
static size_t find_older(const struct compact *c)
{
    const struct version_level *l = &c->version->levels[0];
    size_t count = c->pick.count[0], at = 0;

    while (count && l->tables[at] != c->pick.tables[0][count - 1])
        at++;
    return count ? at + 1 : 0;
}

static struct compact *make(const struct strata_env *env, const struct tree_parts *parts,
                            void *common, uint64_t *next, struct version *version)
{
    struct compact *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->env = env;
    c->parts = parts;
    c->kind = parts->table;
    c->common = common;
    c->next = next;
    c->began_ns = fs_now(env->fs);
    c->version = version;
    version_ref(version);
    return c;
}

int compact_new(const struct strata_env *env, const struct tree_parts *parts, void *common,
                uint64_t *next, struct version *version, struct pick *pick, struct compact **out,
                struct strata_error *err)
{
    struct compact *c = make(env, parts, common, next, version);
    int rc;

    *out = c;
    if (!c) {
        pick_free(pick);
        return strata_fail_memory(err, sizeof *c);
    }
    c->pick = *pick;
    *pick = (struct pick){0};
    c->bytes = c->pick.bytes;
    c->records = c->pick.records;
    c->older = find_older(c);
    note_ages(c);
    compact_set_limits(c);
    rc = open_sources(c, err);
    if (rc < 0) {
        compact_del(c, false);
        *out = NULL;
    }
    return rc;
}

int compact_new_flush(const struct strata_env *env, const struct tree_parts *parts, void *common,
                      uint64_t *next, struct version *version, struct memtable *memtable,
                      struct compact **out, struct strata_error *err)
{
    struct compact *c = make(env, parts, common, next, version);

    *out = c;
    if (!c)
        return strata_fail_memory(err, sizeof *c);
    c->memtable = memtable;
    memtable_ref(memtable);
    compact_set_limits(c);
    c->bytes = memtable_bytes(memtable);
    c->records = memtable_count(memtable);
    c->first = memtable->first;
    c->last = memtable->last;
    c->from = memtable_cursor(memtable, UINT64_MAX);
    if (c->from)
        return 0;
    compact_del(c, false);
    *out = NULL;
    return strata_fail_memory(err, sizeof *c->from);
}

void compact_del(struct compact *c, bool keep)
{
    if (!c)
        return;
    if (c->from)
        cursor_free(c->from);
    if (c->writer)
        c->kind->writer_del(c->writer, false);
    if (c->behind)
        c->kind->writer_del(c->behind, false);
    for (size_t i = 0; i < c->output_count; i++) {
        if (!keep)
            sstable_remove(c->outputs[i]);
        sstable_unref(c->outputs[i]);
    }
    free(c->outputs);
    strata_buffer_free(&c->smallest);
    pick_free(&c->pick);
    memtable_unref(c->memtable);
    version_unref(c->version);
    free(c);
}

/* ---- Tombstones (7.I23) -------------------------------------------------------------------------
 */

/* Keys come in order: on each level only forward. */
static bool level_spans(struct compact *c, unsigned level, struct strata_slice key)
{
    const struct version_level *l = &c->version->levels[level];
    size_t *at = &c->at[level];

    while (*at < l->count && sstable_compare_key(l->tables[*at], key) > 0)
        ++*at;
    return *at < l->count && sstable_compare_key(l->tables[*at], key) == 0;
}

/* Of level 0: the tables that are older than all inputs. */
static bool older_span(const struct compact *c, struct strata_slice key)
{
    const struct version_level *l = &c->version->levels[0];

    for (size_t i = c->older; i < l->count; i++)
        if (sstable_compare_key(l->tables[i], key) == 0)
            return true;
    return false;
}

static bool hides_something(struct compact *c, struct strata_slice key)
{
    unsigned level = c->pick.output + 1;

    if (compact_to_level_0(c) && older_span(c, key))
        return true;
    for (; level < LEVELS; level++)
        if (level_spans(c, level, key))
            return true;
    return false;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static int put_entry(struct compact *c, struct strata_error *err)
{
    struct cursor *from = c->from;
    struct strata_slice value;
    int rc = cursor_value(from, &value, err);

    if (rc == 0 && compact_ends_before(c, from->iter.key))
        rc = compact_end_output(c, err);
    if (rc == 0 && !c->writer)
        rc = compact_begin_output(c, err);
    return rc < 0 ? rc : c->kind->writer_add(c->writer, from->type, from->iter.key, value, err);
}

static int take_entry(struct compact *c, struct strata_error *err)
{
    int rc = c->begun ? cursor_next(c->from, err) : cursor_first(c->from, err);

    c->begun = true;
    c->ended = rc == STRATA_NOT_FOUND;
    if (rc != 0)
        return rc < 0 ? rc : 0;
    c->seen++;
    if (c->from->type == STRATA_OP_DELETE && !hides_something(c, c->from->iter.key))
        return 0;
    return put_entry(c, err); /* 7.I22: the merge shows the newest */
}

static uint64_t bytes_each(const struct compact *c)
{
    return c->bytes / (c->records + 1) + 1;
}

/* The device is waited for here, a little each time, and not at the end for everything. */
static int sync_some(struct compact *c, struct strata_error *err)
{
    if (c->at_once || !c->writer || c->writer->file->end < c->synced + SYNC_BYTES)
        return 0;
    c->synced = c->writer->file->end;
    c->waited = true;
    return fs_sync(c->writer->file, err);
}

static int end_step(struct compact *c, struct strata_error *err)
{
    if (!c->ended)
        return sync_some(c, err);
    return c->writer ? compact_end_output(c, err) : compact_take_behind(c, err);
}

static bool is_done(const struct compact *c)
{
    return c->ended && !c->writer && !c->behind;
}

int compact_step(struct compact *c, uint64_t *budget, struct strata_error *err)
{
    uint64_t each = bytes_each(c);
    int rc = 0;

    if (is_done(c))
        return COMPACT_DONE;
    c->waited = false;
    while (rc == 0 && !c->ended && *budget && !c->waited) {
        rc = take_entry(c, err);
        *budget -= *budget < each ? *budget : each;
    }
    if (rc == 0 && !c->waited)
        rc = end_step(c, err);
    if (c->waited)
        *budget = 0;
    return rc < 0 ? rc : is_done(c) && !c->waited ? COMPACT_DONE : 0;
}

uint64_t compact_left(const struct compact *c)
{
    uint64_t left = c->ended || c->seen > c->records ? 0 : (c->records - c->seen) * bytes_each(c);
    return left < c->bytes ? left : c->bytes; /* bytes_each is rounded up */
}
