/* compact.c: see compact.h.
 *
 * I1: of a key only the newest version goes on: iterators hold on to the version that has the
 *     others.
 * I2: a tombstone goes on as long as anything below may have its key: it ends where no table of a
 *     deeper level spans it. (What came to the levels above meanwhile is newer.)
 * I3: an output is on the device before anything names it; a compaction that is given up, or that a
 *     crash ends, leaves files that nothing names.
 * I5: an output tells what it took the place of and what is newer, for a repair (lineage.h): of
 *     tables whose operations it cannot be ordered by, which are those that were there when it
 *     began. What is flushed later is newer than all of them by its sequence numbers.
 * I4: outputs are cut at table_bytes, and where they would overlap with too much of the level below
 *     theirs: the compaction that takes one of them there must not become large. */
#include "compact.h"
#include "lineage.h"
#include "merge_runs.h"

#include <stdlib.h>

#define SOURCES 64                     /* so many inputs are told by every output */
#define SYNC_BYTES ((uint64_t)4 << 20) /* of an output, between two waits for the device */

/* ---- Its life -------------------------------------------------------------------------------- */

/* The inputs, the newest first; tables of level 0 are runs of their own. */
static int open_sources(struct compact *c, struct strata_error *err)
{
    const struct pick *pick = &c->pick;
    size_t count = pick->count[0], n = 0;
    struct merge_sources of = {.prefix = c->version->prefix, .once = true, .tombstones = true};
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
    rc = merge_runs_new(&of, &c->from, err);
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

/* What they leave on level 0 stands before these. */
static size_t find_older(const struct compact *c)
{
    const struct version_level *l = &c->version->levels[0];
    size_t count = c->pick.count[0], at = 0;

    while (count && l->tables[at] != c->pick.tables[0][count - 1])
        at++;
    return count ? at + 1 : 0;
}

static struct compact *make(const struct strata_env *env, const struct sstable_kind *kind,
                            void *common, uint64_t *next, struct version *version)
{
    struct compact *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->env = env;
    c->kind = kind;
    c->common = common;
    c->next = next;
    c->began_ns = fs_now(env->fs);
    c->version = version;
    version_ref(version);
    return c;
}

int compact_new(const struct strata_env *env, const struct sstable_kind *kind, void *common,
                uint64_t *next, struct version *version, struct pick *pick, struct compact **out,
                struct strata_error *err)
{
    struct compact *c = make(env, kind, common, next, version);
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
    rc = open_sources(c, err);
    if (rc < 0) {
        compact_del(c, false);
        *out = NULL;
    }
    return rc;
}

int compact_new_flush(const struct strata_env *env, const struct sstable_kind *kind, void *common,
                      uint64_t *next, struct version *version, struct memtable *memtable,
                      struct compact **out, struct strata_error *err)
{
    struct compact *c = make(env, kind, common, next, version);

    *out = c;
    if (!c)
        return strata_fail_memory(err, sizeof *c);
    c->memtable = memtable;
    memtable_ref(memtable);
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
        c->from->ops->free(c->from);
    if (c->writer)
        c->kind->writer_del(c->writer, false);
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

/* ---- Outputs --------------------------------------------------------------------------------- */

static int make_room(struct compact *c, struct strata_error *err)
{
    size_t room = c->output_room ? 2 * c->output_room : 4;
    struct sstable **bigger;

    if (c->output_count < c->output_room)
        return 0;
    bigger = realloc(c->outputs, room * sizeof(struct sstable *));
    if (!bigger)
        return strata_fail_memory(err, room * sizeof(struct sstable *));
    c->outputs = bigger;
    c->output_room = room;
    return 0;
}

static bool is_input(const struct compact *c, unsigned level, const struct sstable *table)
{
    for (size_t i = 0; i < c->pick.count[level]; i++)
        if (c->pick.tables[level][i] == table)
            return true;
    return false;
}

/* Of the present output, whose keys end before the next one that is to be written. */
static bool overlaps_output(const struct compact *c, const struct sstable *table)
{
    return strata_compare(strata_buffer_slice(&table->largest),
                          strata_buffer_slice(&c->smallest)) >= 0 &&
           (c->ended || strata_compare(strata_buffer_slice(&table->smallest), c->from->key) < 0);
}

static int tell_sources(const struct compact *c, struct lineage *to, struct strata_error *err)
{
    size_t count = 0;
    int rc = 0;

    for (unsigned level = 0; level < LEVELS; level++)
        count += c->pick.count[level];
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; rc == 0 && i < c->pick.count[level]; i++)
            if (count <= SOURCES || overlaps_output(c, c->pick.tables[level][i]))
                rc = lineage_add(to, false, c->pick.tables[level][i]->number, err);
    return rc;
}

static int tell_above(const struct compact *c, struct lineage *to, struct strata_error *err)
{
    int rc = 0;

    for (unsigned level = 0; level < c->pick.output; level++) {
        const struct version_level *l = &c->version->levels[level];
        for (size_t i = 0; rc == 0 && i < l->count; i++)
            if (!is_input(c, level, l->tables[i]) && overlaps_output(c, l->tables[i]))
                rc = lineage_add(to, true, l->tables[i]->number, err);
    }
    return rc;
}

/* I5. Of a flush its sequence numbers tell all. */
static int put_notes(struct compact *c, struct strata_error *err)
{
    struct lineage lineage = {.level = c->pick.output,
                              .group = c->output_count ? c->outputs[0]->number : c->writer->number,
                              .place = c->output_count + 1,
                              .last = c->ended};
    int rc;

    if (c->memtable)
        return 0;
    rc = tell_sources(c, &lineage, err);
    if (rc == 0)
        rc = tell_above(c, &lineage, err);
    if (rc == 0)
        rc = lineage_encode(&lineage, &c->writer->notes, err);
    lineage_free(&lineage);
    return rc;
}

/* I3: whole and synced, then opened as any reader will see it. */
static int end_output(struct compact *c, struct strata_error *err)
{
    struct sstable_writer *writer = c->writer;
    uint64_t number = writer->number;
    int rc = make_room(c, err);

    if (rc == 0)
        rc = put_notes(c, err);
    if (rc == 0)
        rc = c->kind->writer_finish(writer, c->first, c->last, err);
    if (rc == 0)
        rc = c->kind->open(c->env, c->common, number, &c->outputs[c->output_count], err);
    c->writer = NULL;
    c->waited = true;
    c->synced = c->grand_bytes = 0;
    c->kind->writer_del(writer, rc == 0);
    if (rc == 0)
        c->written += c->outputs[c->output_count++]->bytes;
    return rc;
}

/* There tables overlap, and stand by age: what is one by its age is one table. */
static bool goes_to_level_0(const struct compact *c)
{
    return c->memtable || c->pick.output == 0;
}

/* I4: the tables of the level below the outputs' that this one has passed. */
static bool overlaps_much(struct compact *c, struct strata_slice key)
{
    unsigned grand = c->pick.output + 1;
    const struct version_level *l;

    if (goes_to_level_0(c) || grand >= LEVELS)
        return false;
    for (l = &c->version->levels[grand]; c->grand_at < l->count; c->grand_at++) {
        const struct sstable *table = l->tables[c->grand_at];
        if (strata_compare(strata_buffer_slice(&table->largest), key) >= 0)
            break;
        if (c->writer)
            c->grand_bytes += table->bytes;
    }
    return c->grand_bytes > PICK_TIMES * c->env->options->table_bytes;
}

static bool is_full(const struct compact *c)
{
    return !goes_to_level_0(c) && sstable_writer_place(c->writer) >= c->env->options->table_bytes;
}

/* ---- Tombstones (I2) ------------------------------------------------------------------------- */

/* Keys come in order: on each level only forward. */
static bool level_spans(struct compact *c, unsigned level, struct strata_slice key)
{
    const struct version_level *l = &c->version->levels[level];
    size_t *at = &c->at[level];

    while (*at < l->count && sstable_compare_key(l->tables[*at], key) > 0)
        ++*at;
    return *at < l->count && sstable_compare_key(l->tables[*at], key) == 0;
}

/* Of level 0: those that are older than all inputs. */
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

    if (goes_to_level_0(c) && older_span(c, key))
        return true;
    for (; level < LEVELS; level++)
        if (level_spans(c, level, key))
            return true;
    return false;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* What a merge leaves on level 0 stays for long: it counts as the deepest. */
static bool stays_plain(const struct compact *c)
{
    bool merged = !c->memtable && c->pick.output == 0;
    return (merged ? LEVELS - 1 : c->pick.output) < c->env->options->pack_from_level;
}

static int begin_output(struct compact *c, struct strata_error *err)
{
    struct strata_slice key = c->from->key;
    int rc;

    strata_buffer_clear(&c->smallest);
    if (strata_buffer_append(&c->smallest, key.data, key.size) < 0)
        return strata_fail_memory(err, key.size);
    rc = c->kind->writer_new(c->env, (*c->next)++, &c->writer, err);
    if (rc == 0)
        c->writer->plain |= stays_plain(c);
    return rc;
}

static int put_entry(struct compact *c, struct strata_error *err)
{
    struct cursor *from = c->from;
    struct strata_slice value;
    int rc = cursor_value(from, &value, err);

    if (rc == 0 && (overlaps_much(c, from->key) || (c->writer && is_full(c))) && c->writer)
        rc = end_output(c, err);
    if (rc == 0 && !c->writer)
        rc = begin_output(c, err);
    return rc < 0 ? rc : c->kind->writer_add(c->writer, from->type, from->key, value, err);
}

static int move_on(struct compact *c, struct strata_error *err)
{
    int rc = c->begun ? c->from->ops->next(c->from, err) : cursor_first(c->from, err);

    c->begun = true;
    c->ended = rc == STRATA_NOT_FOUND;
    if (rc != 0)
        return rc < 0 ? rc : 0;
    c->seen++;
    if (c->from->type == STRATA_OP_DELETE && !hides_something(c, c->from->key))
        return 0;
    return put_entry(c, err); /* I1: it is the newest */
}

static uint64_t bytes_each(const struct compact *c)
{
    return c->bytes / (c->records + 1) + 1;
}

/* A device that is behind is waited for here, a little each time, and not at the end for all. */
static int sync_some(struct compact *c, struct strata_error *err)
{
    if (!c->writer || c->writer->file->end < c->synced + SYNC_BYTES)
        return 0;
    c->synced = c->writer->file->end;
    c->waited = true;
    return fs_sync(c->writer->file, err);
}

int compact_step(struct compact *c, uint64_t *budget, struct strata_error *err)
{
    uint64_t each = bytes_each(c);
    int rc = 0;

    if (c->ended && !c->writer)
        return COMPACT_DONE;
    c->waited = false;
    while (rc == 0 && !c->ended && *budget && !c->waited) {
        rc = move_on(c, err);
        *budget -= *budget < each ? *budget : each;
    }
    if (rc == 0 && !c->waited)
        rc = c->ended && c->writer ? end_output(c, err) : sync_some(c, err);
    if (c->waited)
        *budget = 0;
    return rc < 0 ? rc : c->ended && !c->writer && !c->waited ? COMPACT_DONE : 0;
}

uint64_t compact_left(const struct compact *c)
{
    uint64_t left = c->ended || c->seen > c->records ? 0 : (c->records - c->seen) * bytes_each(c);
    return left < c->bytes ? left : c->bytes; /* bytes_each is rounded up */
}
