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
#include "07_paced_compaction/compaction/compact_output.h"
#include "base/cost.h"

#include <stdlib.h>

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
        rc = c->memtable || !c->parts->notes ? 0 : c->parts->notes(c, err);
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
    struct strata_slice key = c->from->iter.key;
    int rc;

    strata_buffer_clear(&c->smallest);
    if (strata_buffer_append(&c->smallest, key.data, key.size) < 0)
        return strata_fail_memory(err, key.size);
    rc = c->kind->writer_new(c->env, (*c->next)++, &c->writer, err);
    if (rc < 0)
        return rc;
    if (stays_plain(c) && c->parts->uncompressed)
        c->parts->uncompressed(c->writer);
    if (c->at_once)
        c->writer->piece_bytes = PIECE_AT_ONCE;
    return 0;
}
