/* compact_output.c: the tables that a compaction or a flush writes: where one begins and ends.
 *
 * 7.I24: outputs are cut at table_bytes, and where they would overlap with too much of the level
 *        below theirs: the compaction that takes one of them there must not become large.
 * 7.I25: of a compaction that is asked for, at most one output is finished and still on its way to
 *        the device: the one before the current one. It is synced and named before the next ends.
 */
#include "compact_output.h"
#include "base/array.h"

#include <assert.h>
#include "base/cost.h"

#include <stdlib.h>

#define PIECE_AT_ONCE ((size_t)256 << 10) /* bytes of one call, where no put waits for it */

/* 7.I4: it is whole and synced, and opened as any reader will see it. */
static int take_output(struct compact *c, struct sstable_writer *writer, struct strata_error *err)
{
    struct sstable **output =
        array_add(&c->outputs, &c->output_count, &c->output_room, sizeof *output, err);
    int rc = output ? c->kind->open(c->env, c->common, writer->number, output, err)
                    : STRATA_ERR_NO_MEMORY;

    c->waited = true;
    c->kind->writer_del(writer, rc == 0);
    if (rc == 0)
        c->written += (*output)->bytes;
    else if (output)
        c->output_count--;
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
        rc = c->memtable || !c->parts->notes ? 0 : c->parts->notes(c, err);
    if (rc == 0)
        rc = c->kind->writer_finish(writer, c->first, c->last, err);
    if (rc < 0)
        return rc;
    assert(!c->behind); /* 7.I25 */
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

/* 7.I24. */
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
    if (c->at_once)
        c->writer->piece_bytes = PIECE_AT_ONCE;
    return 0;
}
