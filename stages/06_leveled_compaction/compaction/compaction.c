/* compaction.c: see compaction.h.
 *
 *   level 1            [c 9 ... f 3] [h 8 ... ]   one input table,   merged: of each key the newest
 *   level 2      [a 1 ... d 4] [e 5 ... g 2]      two that it overlaps     |
 *                                                                         v
 *   level 2      [a ... c] [d ... f] [f2 ... g]   outputs, cut at table_bytes
 *
 * 6.I15: of a key only the newest entry is kept: iterators hold on to the version that has the
 *     others.
 * 6.I16: a tombstone is kept as long as a table below may have its key: it is dropped when no table
 *     of a deeper level spans it. (What came to the levels above meanwhile is newer.)
 * 6.I17: an output is synced before anything names it. A compaction that fails, or that a crash
 *     ends, leaves files that nothing names.
 * 6.I18: outputs are cut at table_bytes, and where they would overlap with too much of the level
 *     below theirs: the compaction that takes one of them there stays small. */
#include "compaction.h"
#include "06_leveled_compaction/version/level_iter.h"
#include "base/array.h"

#include <assert.h>
#include <stdlib.h>

/* ---- Its life -------------------------------------------------------------------------------- */

/* The inputs, the newest first; a table of level 0 is a run by itself. */
static int open_sources(struct compaction *c, struct strata_error *err)
{
    const struct pick *pick = &c->pick;
    struct run *runs = malloc((pick->count[0] + LEVELS) * sizeof *runs);
    struct level_merge of = {.runs = runs, .once = true, .tombstones = true};
    int rc;

    if (!runs)
        return strata_fail_memory(err, (pick->count[0] + LEVELS) * sizeof *runs);
    for (size_t i = 0; i < pick->count[0]; i++)
        runs[of.run_count++] = (struct run){pick->tables[0] + i, 1};
    for (unsigned level = 1; level < LEVELS; level++)
        if (pick->count[level])
            runs[of.run_count++] = (struct run){pick->tables[level], pick->count[level]};
    rc = level_merge_new(&of, &c->from, err);
    free(runs);
    return rc;
}

static void note_ages(struct compaction *c)
{
    c->first = UINT64_MAX;
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < c->pick.count[level]; i++) {
            const struct sstable_sum *sum = &c->pick.tables[level][i]->sum;
            c->first = sum->first < c->first ? sum->first : c->first;
            c->last = sum->last > c->last ? sum->last : c->last;
        }
}

int compaction_new(const struct compaction_env *of, struct version *version, struct pick *pick,
                   struct memtable *memtable, struct compaction **out, struct strata_error *err)
{
    struct compaction *c = *out = calloc(1, sizeof *c);
    int rc = 0;

    if (!c)
        return strata_fail_memory(err, sizeof *c);
    c->of = *of;
    c->version = version;
    version_ref(version);
    assert(memtable ? memtable_count(memtable) > 0 : pick->output > 0);
    if (memtable) {
        memtable_ref(memtable);
        c->memtable = memtable;
        c->first = memtable->first;
        c->last = memtable->last;
        c->from = memtable_cursor(memtable, UINT64_MAX);
        rc = c->from ? 0 : strata_fail_memory(err, sizeof *c->from);
    } else {
        c->pick = *pick;
        *pick = (struct pick){0};
        note_ages(c);
        rc = open_sources(c, err);
    }
    if (rc < 0) {
        compaction_del(c, false);
        *out = NULL;
    }
    return rc;
}

void compaction_del(struct compaction *c, bool keep)
{
    if (!c)
        return;
    if (c->from)
        cursor_free(c->from);
    if (c->writer)
        c->of.kind->writer_del(c->writer, false);
    for (size_t i = 0; i < c->output_count; i++) {
        if (!keep)
            sstable_remove(c->outputs[i]);
        sstable_unref(c->outputs[i]);
    }
    free(c->outputs);
    pick_free(&c->pick);
    memtable_unref(c->memtable);
    version_unref(c->version);
    free(c);
}

/* ---- Tombstones (6.I16) -----------------------------------------------------------------------
 */

/* Keys come in order: on each level only forward. */
static bool level_spans(struct compaction *c, unsigned level, struct strata_slice key)
{
    const struct version_level *l = &c->version->levels[level];
    size_t *at = &c->at[level];

    while (*at < l->count && sstable_compare_key(l->tables[*at], key) > 0)
        ++*at;
    return *at < l->count && sstable_compare_key(l->tables[*at], key) == 0;
}

static bool hides_something(struct compaction *c, struct strata_slice key)
{
    if (c->memtable) /* of level 0 every table may have the key */
        return true;
    for (unsigned level = c->pick.output + 1; level < LEVELS; level++)
        if (level_spans(c, level, key))
            return true;
    return false;
}

/* ---- Outputs --------------------------------------------------------------------------------- */

/* Of the level below, tables that end before this key are passed: the output overlaps with them. */
static void pass_grandparents(struct compaction *c, struct strata_slice key)
{
    unsigned grand = c->pick.output + 1;
    const struct version_level *l = grand < LEVELS ? &c->version->levels[grand] : NULL;

    for (; l && c->grand_at < l->count; c->grand_at++) {
        if (sstable_compare_key(l->tables[c->grand_at], key) <= 0)
            return;
        if (c->writer)
            c->grand_bytes += l->tables[c->grand_at]->bytes;
    }
}

/* Does the present output end before this key (6.I18)? On level 0 all of a flush is one table. */
static bool ends_before(struct compaction *c, struct strata_slice key)
{
    uint64_t full = c->of.env->options->table_bytes;

    if (c->memtable)
        return false;
    pass_grandparents(c, key);
    return c->writer &&
           (sstable_writer_place(c->writer) >= full || c->grand_bytes > PICK_TIMES * full);
}

/* 6.I17: it is synced and named, and then opened as any reader will see it. */
static int end_output(struct compaction *c, struct strata_error *err)
{
    struct sstable_writer *writer = c->writer;
    uint64_t number = writer->number;
    struct sstable *table;
    struct sstable **output;
    int rc = c->of.kind->writer_finish(writer, c->first, c->last, err);

    if (rc == 0)
        rc = sstable_writer_publish(writer, err);
    if (rc == 0)
        rc = c->of.kind->open(c->of.env, c->of.common, number, &table, err);
    if (rc < 0)
        return rc;
    assert(table->sum.records > 0 && table->sum.first <= table->sum.last);
    c->of.kind->writer_del(writer, true);
    c->writer = NULL;
    c->grand_bytes = 0;
    c->written += table->bytes;
    output = array_add(&c->outputs, &c->output_count, &c->output_room, sizeof *output, err);
    if (output) {
        *output = table;
        return 0;
    }
    sstable_remove(table);
    sstable_unref(table);
    return STRATA_ERR_NO_MEMORY;
}

static int put_entry(struct compaction *c, struct strata_error *err)
{
    struct cursor *from = c->from;
    struct strata_slice value;
    int rc = cursor_value(from, &value, err);

    if (rc == 0 && ends_before(c, from->iter.key))
        rc = end_output(c, err);
    if (rc == 0 && !c->writer)
        rc = c->of.kind->writer_new(c->of.env, (*c->of.next)++, &c->writer, err);
    return rc < 0 ? rc : c->of.kind->writer_add(c->writer, from->type, from->iter.key, value, err);
}

/* ---- Entry by entry -------------------------------------------------------------------------- */

int compaction_next(struct compaction *c, struct strata_error *err)
{
    int rc = c->begun ? cursor_next(c->from, err) : cursor_first(c->from, err);

    c->begun = true;
    if (rc != 0)
        return rc;
    c->seen++;
    assert(c->from->type == STRATA_OP_PUT || c->from->type == STRATA_OP_DELETE);
    if (c->from->type == STRATA_OP_DELETE && !hides_something(c, c->from->iter.key))
        return 0;
    return put_entry(c, err); /* 6.I15: the merge shows the newest alone */
}

int compaction_finish(struct compaction *c, struct strata_error *err)
{
    return c->writer ? end_output(c, err) : 0;
}

int compaction_run(struct compaction *c, struct strata_error *err)
{
    int rc = 0;

    while (rc == 0)
        rc = compaction_next(c, err);
    return rc < 0 ? rc : compaction_finish(c, err);
}
