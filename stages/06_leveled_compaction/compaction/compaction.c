/* compaction.c: see compaction.h.
 *
 *   level 1            [c 9 ... f 3] [h 8 ... ]   one input table,   merged: of each key the newest
 *   level 2      [a 1 ... d 4] [e 5 ... g 2]      two that it overlaps     |
 *                                                                         v
 *   level 2      [a ... c] [d ... f] [f2 ... g]   outputs, cut at table_bytes
 *
 * 6.I15: of a key only the newest entry is kept: iterators hold on to the version that has the
 *     others. (Unless c->of.keep says otherwise.)
 * 6.I16: a tombstone is kept as long as a table below may have its key: it is dropped when no older
 *     table spans it: on level 0, those behind the inputs; else those of deeper levels. (What came
 *     to the levels above meanwhile is newer.)
 * 6.I17: an output is synced before anything names it. A compaction that fails, or that a crash
 *     ends, leaves files that nothing names.
 * 6.I18: outputs are cut at table_bytes, and where they would overlap with too much of the level
 *     below theirs: the compaction that takes one of them there stays small. On level 0, where
 *     tables are in order of their age, there is one output. */
#include "compaction.h"
#include "base/array.h"
#include "base/bytes.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* ---- Its life -------------------------------------------------------------------------------- */

/* The inputs, the newest first. */
static int open_sources(struct compaction *c, struct strata_error *err)
{
    struct level_merge of = {.version = c->version, .once = true, .tombstones = true};
    struct version_level *runs = level_merge_runs(&of, c->pick.inputs, err);
    int rc;

    if (!runs)
        return STRATA_ERR_NO_MEMORY;
    assert(of.run_count > 0);
    rc = c->of.keep ? c->of.keep(c, &of, err) : STRATA_NOT_FOUND;
    if (rc == STRATA_NOT_FOUND)
        rc = c->of.merge(&of, &c->from, err);
    free(runs);
    return rc;
}

static int open_memtable(struct compaction *c, struct strata_error *err)
{
    int rc = c->of.keep ? c->of.keep(c, NULL, err) : STRATA_NOT_FOUND;

    if (rc != STRATA_NOT_FOUND)
        return rc;
    c->from = memtable_cursor(c->memtable, UINT64_MAX);
    return c->from ? 0 : strata_fail_memory(err, sizeof *c->from);
}

/* 6.I18; and 6.I16: of a flush every table of level 0 is older. */
static void set_limits(struct compaction *c)
{
    const struct version_level *l = c->version->levels;
    const struct version_level *inputs = &c->pick.inputs[0];

    c->full_bytes = UINT64_MAX / PICK_TIMES; /* never */
    if (c->pick.output > 0) {
        c->full_bytes = c->of.env->options->table_bytes;
        c->grand = c->pick.output + 1 < LEVELS ? &l[c->pick.output + 1] : NULL;
        c->older = l[0].count;
    } else if (inputs->count) {
        while (l[0].tables[c->older++] != inputs->tables[inputs->count - 1])
            assert(c->older < l[0].count);
    }
}

int compaction_init(struct compaction *c, const struct compaction_env *of, struct version *version,
                    struct pick *pick, struct memtable *memtable, struct strata_error *err)
{
    *c = (struct compaction){.of = *of, .version = version, .memtable = memtable};
    version_ref(version);
    assert(!pick == !!memtable);
    if (memtable) {
        memtable_ref(memtable);
    } else {
        c->pick = *pick;
        *pick = (struct pick){0};
    }
    c->first = memtable ? memtable->first : c->pick.first;
    c->last = memtable ? memtable->last : c->pick.last;
    set_limits(c);
    return memtable ? open_memtable(c, err) : open_sources(c, err);
}

void compaction_free(struct compaction *c, bool keep)
{
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
    strata_buffer_free(&c->smallest);
    pick_free(&c->pick);
    memtable_unref(c->memtable);
    version_unref(c->version);
    *c = (struct compaction){.memtable = NULL};
}

/* ---- Tombstones (6.I16) ---------------------------------------------------------------------- */

static bool older_span(const struct compaction *c, struct strata_slice key)
{
    const struct version_level *l = &c->version->levels[0];

    for (size_t i = c->older; i < l->count; i++)
        if (sstable_compare_key(l->tables[i], key) == 0)
            return true;
    return false;
}

/* Keys come in order: on each level only forward. */
static bool level_spans(struct compaction *c, unsigned level, struct strata_slice key)
{
    const struct version_level *l = &c->version->levels[level];
    size_t *at = &c->at[level];

    while (*at < l->count && sstable_compare_key(l->tables[*at], key) > 0)
        ++*at;
    return *at < l->count && sstable_compare_key(l->tables[*at], key) == 0;
}

bool compaction_hides(struct compaction *c, struct strata_slice key)
{
    bool hides = older_span(c, key);

    for (unsigned level = c->pick.output + 1; !hides && level < LEVELS; level++)
        hides = level_spans(c, level, key);
    return hides;
}

/* ---- Outputs --------------------------------------------------------------------------------- */

/* 6.I17: it is synced, named, and opened as readers will see it. */
static int end_output(struct compaction *c, struct strata_error *err)
{
    struct sstable_writer *writer = c->writer;
    struct sstable **output;
    int rc = !c->memtable && c->of.properties ? c->of.properties(c, err) : 0;

    assert(writer->sum.records > 0);
    if (rc == 0)
        rc = c->of.kind->writer_finish(writer, c->first, c->last, err);
    if (rc == 0)
        rc = fs_output_publish(&writer->out, err);
    if (rc < 0)
        return rc;
    output = array_add(&c->outputs, &c->output_count, &c->output_room, sizeof *output, err);
    rc = output ? c->of.kind->open(c->of.env, c->of.common, writer->number, output, err)
                : STRATA_ERR_NO_MEMORY;
    if (rc < 0) {
        c->output_count -= output != NULL;
        return rc;
    }
    c->written += (*output)->bytes;
    c->grand_bytes = 0;
    c->writer = NULL;
    c->of.kind->writer_del(writer, true);
    return 0;
}

static int begin_output(struct compaction *c, struct strata_error *err)
{
    int rc = buffer_set(&c->smallest, c->from->iter.key, err);
    return rc < 0 ? rc : c->of.kind->writer_new(c->of.env, (*c->of.next)++, &c->writer, err);
}

/* Tables of the level below that end before this key are passed: the output overlaps with them. */
static void pass_grandparents(struct compaction *c, struct strata_slice key)
{
    for (; c->grand_at < c->grand->count; c->grand_at++) {
        const struct sstable *table = c->grand->tables[c->grand_at];
        if (strata_compare(strata_buffer_slice(&table->largest), key) >= 0)
            return;
        if (c->writer)
            c->grand_bytes += table->bytes;
    }
}

/* Does the present output end before this key (6.I18)? */
static bool ends_before(struct compaction *c, struct strata_slice key)
{
    if (c->grand && c->grand_at < c->grand->count)
        pass_grandparents(c, key);
    return c->writer && (fs_output_end(&c->writer->out) >= c->full_bytes ||
                         c->grand_bytes > PICK_TIMES * c->full_bytes);
}

/* ---- Entry by entry -------------------------------------------------------------------------- */

static int put_entry(struct compaction *c, struct strata_error *err)
{
    struct cursor *from = c->from;
    struct strata_slice value;
    int rc = cursor_value(from, &value, err);

    if (rc == 0 && ends_before(c, from->iter.key))
        rc = end_output(c, err);
    if (rc == 0 && !c->writer)
        rc = begin_output(c, err);
    return rc < 0 ? rc : c->of.kind->writer_add(c->writer, from->type, from->iter.key, value, err);
}

static int take_entry(struct compaction *c, struct strata_error *err)
{
    int rc = STRATA_NOT_FOUND;

    if (!c->ended)
        rc = c->begun ? cursor_next(c->from, err) : cursor_first(c->from, err);
    c->begun = true;
    c->ended = rc == STRATA_NOT_FOUND;
    if (c->ended && c->writer)
        return end_output(c, err);
    if (rc != 0)
        return rc;
    c->seen++;
    if (c->from->type == STRATA_OP_DELETE && !compaction_hides(c, c->from->iter.key))
        return 0;
    return put_entry(c, err); /* 6.I15: the merge shows the newest alone */
}

int compaction_run(struct compaction *c, uint64_t entries, struct strata_error *err)
{
    size_t outputs = c->output_count;
    uint64_t end = entries < UINT64_MAX - c->seen ? c->seen + entries : UINT64_MAX;
    int rc = 0;

    while (rc == 0 && c->seen < end && c->output_count == outputs)
        rc = take_entry(c, err);
    return rc;
}

/* ---- Errors ---------------------------------------------------------------------------------- */

bool compaction_error_is_shortage(int rc, const struct strata_error *err)
{
    return rc == STRATA_ERR_NO_MEMORY || err->sys == ENOSPC || err->sys == EDQUOT ||
           err->sys == EMFILE || err->sys == ENFILE || err->sys == ENOMEM;
}

/* An output that could not be written is in no version. */
bool compaction_error_is_tolerable(const struct version_set *set, int rc,
                                   const struct strata_error *err)
{
    const struct version *v = set->current;
    return !set->uncertain && (rc == STRATA_ERR_CORRUPT || compaction_error_is_shortage(rc, err) ||
                               sstable_blamed(v->all, v->count, err) < v->count);
}
