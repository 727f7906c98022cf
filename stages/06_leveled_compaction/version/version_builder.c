/* version_builder.c: how edits make the next version: its builder has a list of the tables that
 * there are, which begins with those of the version before it, in order: they come as an edit, too.
 * At the end what was added is sorted and merged with these. That costs what sorting does, however
 * many edits there were.
 *
 *   before    level 1   [c.e 2] [g.k 3] [m.p 4]
 *   edit      - 2    + 9: level 1, [d.f]
 *   after     level 1   [d.f 9] [g.k 3] [m.p 4]
 *
 * What must hold of every version, and so is checked of every edit that is written or read:
 *
 * 6.I9: a file has one use: a number is used once, and is below `next`, which never goes back.
 * 6.I10: the operations of a table of level 0 are all newer than those of the table behind it.
 * 6.I11: from level 1 on the tables of a level do not overlap, and are in order of their keys.
 * 6.I12: what is in tables is not in a live log: it is older. Of two logs the first ends where the
 *     second begins. The live logs never become older ones.
 *
 * Of edits that are read back together 6.I10 and 6.I11 are checked once, of what they make. */
#include "base/array.h"
#include "base/bytes.h"
#include "version.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* `offset`: of the edit; 0: it was not read. */
static int refuse(uint64_t offset, const char *what, uint64_t number, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, NULL, offset ? offset : STRATA_NO_OFFSET,
                       "an edit that cannot be: file %" PRIu64 ": %s", number, what);
}

/* ---- Tables by their numbers ----------------------------------------------------------------- */

/* What a number is found by: of 8 bytes this hash is a permutation, and numbers with the same low
 * bits, which a file may have, are not all looked for from one slot. */
static uint64_t hash_of(uint64_t number)
{
    return index_hash(strata_bytes(&number, sizeof number));
}

/* The slot of file `number`; SIZE_MAX: it has none. */
static size_t find_slot(const struct version *v, uint64_t number)
{
    size_t slot = SIZE_MAX;
    return index_find(&v->numbers, hash_of(number), &slot) ? slot : SIZE_MAX;
}

struct sstable *version_table(const struct version *v, uint64_t number)
{
    size_t slot = find_slot(v, number);
    return slot == SIZE_MAX ? NULL : v->all[v->numbers.slots[slot].position - 1];
}

static int add_entry(struct version_builder *b, struct version_entry entry,
                     struct strata_error *err)
{
    int rc = index_reserve(&b->made->numbers, 1, err);
    struct version_entry *added =
        rc < 0 ? NULL : array_add(&b->entries, &b->count, &b->room, sizeof *added, err);

    if (!added)
        return STRATA_ERR_NO_MEMORY;
    *added = entry;
    index_add(&b->made->numbers, hash_of(entry.table->number), b->count);
    return 0;
}

/* ---- What an edit removes and adds ----------------------------------------------------------- */

static int remove_tables(struct version_builder *b, const struct edit *edit,
                         struct strata_error *err)
{
    for (size_t i = 0; i < edit->removed_count; i++) {
        const struct edit_removed *removed = &edit->removed[i];
        struct index *numbers = &b->made->numbers;
        size_t slot = find_slot(b->made, removed->number);
        struct version_entry *entry =
            slot == SIZE_MAX ? NULL : &b->entries[numbers->slots[slot].position - 1];
        if (!entry || entry->level != removed->level)
            return refuse(edit->offset, "it is removed, and was not on that level", removed->number,
                          err);
        entry->removed = true;
        index_remove(numbers, slot);
    }
    return 0;
}

static int check_entry(const struct version_builder *b, const struct edit *edit,
                       const struct edit_table *t, struct strata_error *err)
{
    const struct sstable_sum *sum = &t->sum;

    assert(t->level < LEVELS);
    if (t->number == 0 || t->number >= edit->next)
        return refuse(edit->offset, "its number was not given away", t->number, err);
    if (find_slot(b->made, t->number) != SIZE_MAX)
        return refuse(edit->offset, "it is added, and was there", t->number, err);
    if (sum->records == 0 || sum->tombstones > sum->records || sum->first > sum->last ||
        strata_compare(t->smallest, t->largest) > 0)
        return refuse(edit->offset, "no table can be so", t->number, err);
    return 0;
}

static int add_tables(struct version_builder *b, const struct edit *edit, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < edit->added_count; i++) {
        const struct edit_table *t = &edit->added[i];
        struct version_entry entry = {.level = t->level, .offset = edit->offset};
        rc = check_entry(b, edit, t, err);
        entry.table = rc == 0 ? version_make_table(t) : NULL;
        if (rc == 0)
            rc = entry.table ? add_entry(b, entry, err)
                             : strata_fail_memory(err, sizeof *entry.table);
        if (rc < 0)
            sstable_unref(entry.table);
    }
    return rc;
}

/* ---- The rest ------------------------------------------------------------------------------ */

static int check_logs(const struct version *v, const struct edit *edit, struct strata_error *err)
{
    const struct live_log *logs = edit->logs;
    uint64_t at = edit->offset;

    if (edit->log_count < 1 || edit->log_count > 2)
        return refuse(at, "so many logs are live", edit->log_count, err);
    for (uint32_t i = 0; i < edit->log_count; i++)
        if (logs[i].number == 0 || logs[i].number >= edit->next || logs[i].first > logs[i].sequence)
            return refuse(at, "no log can be so", logs[i].number, err);
    if (v->log_count && logs[0].first < v->logs[0].first)
        return refuse(at, "the log is older than the one before it", logs[0].number, err);
    if (edit->log_count == 2 &&
        (logs[0].number == logs[1].number || logs[1].first != logs[0].sequence))
        return refuse(at, "the log does not begin where the one before it ends", logs[1].number,
                      err);
    return 0;
}

/* 6.I12. */
static int check_ages(const struct version *v, const struct edit *edit, struct strata_error *err)
{
    if (v->log_count == 0)
        return refuse(edit->offset, "there is no log", 0, err);
    for (uint32_t i = 0; i < v->log_count; i++)
        if (find_slot(v, v->logs[i].number) != SIZE_MAX)
            return refuse(edit->offset, "it is a table and a log", v->logs[i].number, err);
    for (size_t i = 0; i < edit->added_count; i++)
        if (edit->added[i].sum.last >= v->logs[0].first)
            return refuse(edit->offset, "the table holds what is in the log too",
                          edit->added[i].number, err);
    return 0;
}

int version_builder_add(void *builder, const struct edit *edit, struct strata_error *err)
{
    struct version_builder *b = builder;
    int rc = 0;

    if (edit->next < b->made->next)
        return refuse(edit->offset, "numbers from there on were given away", edit->next, err);
    b->made->next = edit->next;
    rc = remove_tables(b, edit, err);
    if (rc == 0)
        rc = add_tables(b, edit, err);
    if (rc == 0 && edit->has_logs)
        rc = check_logs(b->made, edit, err);
    if (rc == 0 && edit->has_logs) {
        memcpy(b->made->logs, edit->logs, sizeof edit->logs);
        b->made->log_count = edit->log_count;
    }
    if (rc == 0)
        rc = check_ages(b->made, edit, err);
    for (unsigned level = 0; rc == 0 && level < LEVELS; level++)
        if (edit->has_cursor[level])
            rc = buffer_set(&b->made->cursors[level], edit->cursors[level], err);
    return rc;
}

/* ---- The version ----------------------------------------------------------------------------- */

/* 6.I10, 6.I11: `a` may be in front of `b`. */
static bool in_order(unsigned level, const struct sstable *a, const struct sstable *b)
{
    if (level == 0)
        return a->sum.first > b->sum.last;
    return strata_compare(strata_buffer_slice(&a->largest), strata_buffer_slice(&b->smallest)) < 0;
}

/* Level by level; level 0: the newest first; below it in order of their keys. */
static int compare_places(const void *a, const void *b)
{
    const struct version_entry *x = a, *y = b;
    const struct sstable *t = x->table, *u = y->table;

    if (x->level != y->level)
        return (x->level > y->level) - (x->level < y->level);
    if (x->level == 0)
        return (t->sum.last < u->sum.last) - (t->sum.last > u->sum.last);
    return strata_compare(strata_buffer_slice(&t->smallest), strata_buffer_slice(&u->smallest));
}

/* Behind all others; `before`: the last of them, or NULL. */
static int append(struct version *v, const struct version_entry *entry,
                  const struct version_entry *before, struct strata_error *err)
{
    struct version_level *l = &v->levels[entry->level];
    struct sstable *table = entry->table;

    if (before && before->level == entry->level && !in_order(entry->level, before->table, table)) {
        const struct version_entry *later = entry->offset < before->offset ? before : entry;
        return refuse(later->offset, "it overlaps with another table of its level",
                      later->table->number, err);
    }
    sstable_ref(table);
    v->all[v->count++] = table;
    v->numbers.slots[find_slot(v, table->number)].position = v->count;
    l->count++;
    l->bytes += table->bytes;
    v->tombstones += table->sum.tombstones;
    return 0;
}

/* Merges the entries of the version before with those that were added. */
static int merge_entries(struct version_builder *b, struct strata_error *err)
{
    const struct version_entry *old = b->entries, *old_end = old + b->old;
    const struct version_entry *added = old_end, *end = old + b->count, *before = NULL, *next;
    int rc = 0;

    while (rc == 0 && (old < old_end || added < end)) {
        if (added == end || (old < old_end && compare_places(old, added) < 0))
            next = old++;
        else
            next = added++;
        if (next->removed)
            continue;
        rc = append(b->made, next, before, err);
        before = next;
    }
    return rc;
}

int version_builder_finish(struct version_builder *b, struct version **out,
                           struct strata_error *err)
{
    size_t size = (b->count + 1) * sizeof *b->made->all;
    struct sstable **at;
    int rc;

    b->made->all = malloc(size);
    if (!b->made->all)
        return strata_fail_memory(err, size);
    if (b->count > b->old)
        qsort(b->entries + b->old, b->count - b->old, sizeof *b->entries, compare_places);
    rc = b->count ? merge_entries(b, err) : 0; /* NULL has no offset */
    if (rc < 0)
        return rc;
    at = b->made->all;
    for (unsigned level = 0; level < LEVELS; at += b->made->levels[level++].count)
        b->made->levels[level].tables = at; /* a part of `all` */
    *out = b->made;
    b->made = NULL;
    return 0;
}

/* ---- Its life -------------------------------------------------------------------------------- */

int version_builder_init(struct version_builder *b, const struct version *base,
                         struct strata_error *err)
{
    struct edit whole;
    int rc;

    *b = (struct version_builder){.made = calloc(1, sizeof *b->made)};
    if (!b->made)
        return strata_fail_memory(err, sizeof *b->made);
    b->made->refs = 1;
    if (!base)
        return 0;
    rc = version_tell(base, &whole, err);
    if (rc == 0)
        rc = version_builder_add(b, &whole, err);
    edit_free(&whole);
    b->old = b->count;
    return rc;
}

void version_builder_free(struct version_builder *b)
{
    for (size_t i = 0; i < b->count; i++)
        sstable_unref(b->entries[i].table);
    free(b->entries);
    version_unref(b->made);
}

int version_apply(const struct version *base, const struct edit *edit, struct version **out,
                  struct strata_error *err)
{
    struct version_builder b;
    int rc = version_builder_init(&b, base, err);

    if (rc == 0)
        rc = version_builder_add(&b, edit, err);
    if (rc == 0)
        rc = version_builder_finish(&b, out, err);
    version_builder_free(&b);
    return rc;
}
