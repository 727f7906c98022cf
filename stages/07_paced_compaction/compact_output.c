/* compact_output.c: the tables that a compaction or a flush writes: where one begins and ends, and
 * what it tells of its origin.
 *
 * I1: an output tells what it took the place of and what is newer, for a repair (lineage.h): of
 *     tables whose operations it cannot be ordered by, which are those that were there when it
 *     began. What is flushed later is newer than all of them by its sequence numbers.
 * I2: outputs are cut at table_bytes, and where they would overlap with too much of the level below
 *     theirs: the compaction that takes one of them there must not become large.
 * I3: of a compaction that is asked for, one output at most is whole and still on its way to the
 *     device: the one behind the present one. It is synced and named before the next one ends. */
#include "compact_output.h"
#include "base/cost.h"
#include "08_backup_repair/lineage.h"

#include <stdlib.h>

#define SOURCES 64                        /* so many inputs are told by every output */
#define PIECE_AT_ONCE ((size_t)256 << 10) /* bytes of one call, where no put waits for it */

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

/* Of tables in order of their keys: the first that does not end before `key`. */
static size_t find_from(struct sstable *const *tables, size_t count, struct strata_slice key)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        cost_so_far.comparisons++;
        if (strata_compare(strata_buffer_slice(&tables[middle]->largest), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_input(const struct compact *c, unsigned level, const struct sstable *table)
{
    struct sstable *const *inputs = c->pick.tables[level];
    size_t count = c->pick.count[level], at = 0;

    if (level)
        at = find_from(inputs, count, strata_buffer_slice(&table->largest));
    while (level == 0 && at < count && inputs[at] != table)
        at++;
    return at < count && inputs[at] == table;
}

/* Of the present output, whose keys end before the next one that is to be written. */
static bool overlaps_output(const struct compact *c, const struct sstable *table)
{
    cost_so_far.comparisons++;
    return strata_compare(strata_buffer_slice(&table->largest),
                          strata_buffer_slice(&c->smallest)) >= 0 &&
           (c->ended || strata_compare(strata_buffer_slice(&table->smallest), c->from->key) < 0);
}

/* Of tables of a level, from `at` on: the first that overlaps with the present output; count: there
 * is none. From level 1 down they are in order, and those that overlap are next to each other. */
static size_t next_overlap(const struct compact *c, unsigned level, struct sstable *const *tables,
                           size_t count, size_t at)
{
    if (level && at == 0)
        at = find_from(tables, count, strata_buffer_slice(&c->smallest));
    while (level == 0 && at < count && !overlaps_output(c, tables[at]))
        at++;
    return at < count && overlaps_output(c, tables[at]) ? at : count;
}

static int tell_all_sources(const struct compact *c, struct lineage *to, struct strata_error *err)
{
    int rc = 0;

    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; rc == 0 && i < c->pick.count[level]; i++)
            rc = lineage_add(to, false, c->pick.tables[level][i]->number, err);
    return rc;
}

static int tell_sources(const struct compact *c, struct lineage *to, struct strata_error *err)
{
    size_t all = 0;
    int rc = 0;

    for (unsigned level = 0; level < LEVELS; level++)
        all += c->pick.count[level];
    if (all <= SOURCES)
        return tell_all_sources(c, to, err);
    for (unsigned level = 0; level < LEVELS; level++) {
        struct sstable *const *tables = c->pick.tables[level];
        size_t count = c->pick.count[level], i = next_overlap(c, level, tables, count, 0);
        for (; rc == 0 && i < count; i = next_overlap(c, level, tables, count, i + 1))
            rc = lineage_add(to, false, tables[i]->number, err);
    }
    return rc;
}

static int tell_above(const struct compact *c, struct lineage *to, struct strata_error *err)
{
    int rc = 0;

    for (unsigned level = 0; level < c->pick.output; level++) {
        const struct version_level *l = &c->version->levels[level];
        size_t i = next_overlap(c, level, l->tables, l->count, 0);
        for (; rc == 0 && i < l->count; i = next_overlap(c, level, l->tables, l->count, i + 1))
            if (!is_input(c, level, l->tables[i]))
                rc = lineage_add(to, true, l->tables[i]->number, err);
    }
    return rc;
}

/* I1. Of a flush its sequence numbers tell all. */
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
        rc = lineage_encode(&lineage, pax_table_writer_notes(c->writer), err);
    lineage_free(&lineage);
    return rc;
}

/* compact.c I3: it is whole and synced, and opened as any reader will see it. */
static int take_output(struct compact *c, struct sstable_writer *writer, struct strata_error *err)
{
    int rc = c->kind->open(c->env, c->common, writer->number, &c->outputs[c->output_count], err);

    c->waited = true;
    c->kind->writer_del(writer, rc == 0);
    if (rc == 0)
        c->written += c->outputs[c->output_count++]->bytes;
    return rc;
}

int compact_take_behind(struct compact *c, struct strata_error *err)
{
    struct sstable_writer *writer = c->behind;
    int rc = writer ? sstable_writer_publish(writer, err) : 0;

    if (rc < 0 || !writer)
        return rc;
    c->behind = NULL;
    return take_output(c, writer, err);
}

int compact_end_output(struct compact *c, struct strata_error *err)
{
    struct sstable_writer *writer = c->writer;
    int rc = compact_take_behind(c, err);

    if (rc == 0)
        rc = make_room(c, err);
    if (rc == 0)
        rc = put_notes(c, err);
    if (rc == 0)
        rc = c->kind->writer_finish(writer, c->first, c->last, err);
    if (rc < 0)
        return rc;
    c->writer = NULL;
    c->synced = c->grand_bytes = 0;
    c->behind = writer;
    if (!c->at_once)
        return compact_take_behind(c, err);
    fs_write_back(writer->file, writer->written_back, writer->file->end - writer->written_back);
    return 0;
}

bool compact_to_level_0(const struct compact *c)
{
    return c->memtable || c->pick.output == 0;
}

void compact_set_limits(struct compact *c)
{
    unsigned grand = c->pick.output + 1;

    c->full_bytes = UINT64_MAX / PICK_TIMES; /* never */
    if (compact_to_level_0(c))
        return;
    c->full_bytes = c->env->options->table_bytes;
    if (grand < LEVELS)
        c->grand = &c->version->levels[grand];
    c->grand_count = c->grand ? c->grand->count : 0;
}

/* I2. */
void compact_pass_below(struct compact *c, struct strata_slice key)
{
    for (; c->grand_at < c->grand_count; c->grand_at++) {
        const struct sstable *table = c->grand->tables[c->grand_at];
        if (strata_compare(strata_buffer_slice(&table->largest), key) >= 0)
            return;
        if (c->writer)
            c->grand_bytes += table->bytes;
    }
}

/* What a merge leaves on level 0 stays for long: it counts as the deepest. */
static bool stays_plain(const struct compact *c)
{
    bool merged = !c->memtable && c->pick.output == 0;
    return (merged ? LEVELS - 1 : c->pick.output) < c->env->options->pack_from_level;
}

int compact_begin_output(struct compact *c, struct strata_error *err)
{
    struct strata_slice key = c->from->key;
    int rc;

    strata_buffer_clear(&c->smallest);
    if (strata_buffer_append(&c->smallest, key.data, key.size) < 0)
        return strata_fail_memory(err, key.size);
    rc = c->kind->writer_new(c->env, (*c->next)++, &c->writer, err);
    if (rc < 0)
        return rc;
    if (stays_plain(c))
        pax_table_writer_plain(c->writer);
    if (c->at_once)
        c->writer->piece_bytes = PIECE_AT_ONCE;
    return 0;
}
