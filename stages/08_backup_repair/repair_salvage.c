/* repair_salvage.c: damaged tables that count: what can be read of each goes into a new one, which
 * has its operations and its place among the others. */
#define FS_NO_SITES /* tests/stages/08_repair_test.c cuts a repair at each of its calls */
#include "repair.h"
#include "salvage.h"

#include <inttypes.h>
#include <stdio.h>

static void table_name(uint64_t number, char name[64])
{
    snprintf(name, 64, "%06" PRIu64 ".table", number);
}

struct salvaging {
    struct repair *repair;
    struct repair_table *table;
    struct sstable_writer *writer;
    uint64_t records;
    char name[64];
};

static int tell_range(struct repair *r, const char *name, const struct strata_slice *after,
                      const struct strata_slice *before)
{
    r->to->range(r->to->arg, name, after, before);
    r->sum->ranges++;
    r->sum->lost = true;
    return 0;
}

static int take_gap(void *arg, struct strata_slice after, struct strata_slice before,
                    struct strata_error *err)
{
    struct salvaging *s = arg;

    (void)err;
    return tell_range(s->repair, s->name, &after, &before);
}

static int take_entry(void *arg, unsigned type, struct strata_slice key, struct strata_slice value,
                      struct strata_error *err)
{
    struct salvaging *s = arg;
    int rc = 0;

    s->records++;
    if (repair_is_dry(s->repair))
        return 0;
    if (!s->writer)
        rc = pax_table_kind.writer_new(s->repair->env, s->table->made, &s->writer, err);
    return rc < 0 ? rc : pax_table_kind.writer_add(s->writer, type, key, value, err);
}

static int put_notes(const struct repair *r, const struct repair_table *t,
                     struct sstable_writer *writer, struct strata_error *err)
{
    struct lineage lineage = {
        .level = t->entry.level, .repaired = true, .group = t->made, .place = 1, .last = true};
    int rc = lineage_add(&lineage, false, t->entry.number, err);

    for (size_t i = 0; rc == 0 && i < r->count; i++) {
        const struct repair_table *other = &r->tables[i];
        if (other != t && other->counts && repair_overlap(other, t) && repair_is_newer(other, t))
            rc = lineage_add(&lineage, true, other->made ? other->made : other->entry.number, err);
    }
    if (rc == 0)
        rc = lineage_encode(&lineage, pax_table_writer_notes(writer), err);
    lineage_free(&lineage);
    return rc;
}

/* The entry of the table that was written. */
int repair_take_made(struct repair *r, struct edit_table *entry, struct strata_buffer *smallest,
                     struct strata_buffer *largest, uint64_t number, struct strata_error *err)
{
    struct sstable *made;
    int rc = pax_table_kind.open(r->env, r->common, number, &made, err);

    if (rc < 0)
        return rc;
    *entry = (struct edit_table){.level = entry->level,
                                 .number = number,
                                 .bytes = made->bytes,
                                 .digest = made->sum.digest,
                                 .records = made->sum.records,
                                 .tombstones = made->sum.tombstones,
                                 .first = made->sum.first,
                                 .last = made->sum.last};
    strata_buffer_free(smallest);
    strata_buffer_free(largest);
    *smallest = made->smallest;
    *largest = made->largest;
    made->smallest = made->largest = (struct strata_buffer){0};
    entry->smallest = strata_buffer_slice(smallest);
    entry->largest = strata_buffer_slice(largest);
    sstable_unref(made);
    return 0;
}

static int end_salvage(struct salvaging *s, int rc, struct strata_error *err)
{
    struct repair_table *t = s->table;

    if (!s->writer)
        return rc;
    if (rc == 0)
        rc = put_notes(s->repair, t, s->writer, err);
    if (rc == 0)
        rc = pax_table_kind.writer_finish(s->writer, t->entry.first, t->entry.last, err);
    if (rc == 0)
        rc = sstable_writer_publish(s->writer, err);
    pax_table_kind.writer_del(s->writer, rc == 0);
    return rc;
}

static void tell_salvaged(struct salvaging *s)
{
    struct repair *r = s->repair;
    const struct repair_table *t = s->table;
    char why[400];

    snprintf(why, sizeof why, "@%" PRIu64 ": %.200s; %" PRIu64 " of %" PRIu64 " records read",
             t->why.offset == STRATA_NO_OFFSET ? 0 : t->why.offset, t->why.message, s->records,
             t->entry.records);
    r->to->file(r->to->arg, s->name, s->records ? STRATA_FATE_SALVAGED : STRATA_FATE_LOST, why);
    *(s->records ? &r->sum->tables_salvaged : &r->sum->tables_lost) += 1;
}

static int salvage(struct repair *r, struct repair_table *t, struct strata_error *err)
{
    struct salvaging s = {.repair = r, .table = t};
    struct salvage_to to = {take_entry, take_gap, &s};
    struct salvage from;
    struct strata_error why;
    int rc = salvage_open(&from, r->env, t->entry.number, &why, err);

    table_name(t->entry.number, s.name);
    if (rc == 0)
        rc = salvage_read(&from, t->entry.smallest, t->entry.largest, &to, err);
    rc = end_salvage(&s, rc, err);
    salvage_close(&from);
    if (rc < 0)
        return rc;
    tell_salvaged(&s);
    t->counts = s.records > 0;
    return 0;
}

/* The entries change when all are written: who is above whom is asked of the old ones. */
int repair_salvage(struct repair *r, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->count; i++)
        if (r->tables[i].counts && r->tables[i].made)
            rc = salvage(r, &r->tables[i], err);
    for (size_t i = 0; rc == 0 && !repair_is_dry(r) && i < r->count; i++) {
        struct repair_table *t = &r->tables[i];
        if (t->counts && t->made)
            rc = repair_take_made(r, &t->entry, &t->smallest, &t->largest, t->made, err);
    }
    return rc;
}
