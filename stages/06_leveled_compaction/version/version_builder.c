/* version_builder.c: how edits make the next version: its builder has a list of the tables that
 * there are, which begins with those of the version before it, in order; at the end what was added
 * is sorted and merged with these. That costs what sorting does, however many edits there were.
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
#include "base/cost.h"
#include "version.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FEW 16 /* tables that an edit adds, as a rule */

/* `offset`: of the edit; 0: it was not read. */
static int refuse(uint64_t offset, const char *what, uint64_t number, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, NULL, offset ? offset : STRATA_NO_OFFSET,
                       "an edit that cannot be: file %" PRIu64 ": %s", number, what);
}

/* ---- Tables by their numbers ----------------------------------------------------------------- */

/* What a number is found by: a permutation (the finalizer of splitmix64), so that numbers with the
 * same low bits, which a file may have, are not all looked for from one slot. */
static uint64_t hash_of(uint64_t number)
{
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return number ^ number >> 31;
}

/* 1 + the place of file `number`; 0: it has none. */
static size_t find(const struct index *numbers, uint64_t number)
{
    size_t slot = SIZE_MAX;
    return index_find(numbers, hash_of(number), &slot) ? numbers->slots[slot].position : 0;
}

struct sstable *version_table(const struct version *v, uint64_t number)
{
    size_t at = find(&v->numbers, number);
    return at ? v->all[at - 1] : NULL;
}

/* The entry of a table that was added and not removed; or NULL. */
static struct version_entry *find_entry(const struct version_builder *b, uint64_t number)
{
    size_t at = find(&b->numbers, number);
    return at && b->entries[at - 1].level < LEVELS ? &b->entries[at - 1] : NULL;
}

static int add_entry(struct version_builder *b, struct version_entry entry,
                     struct strata_error *err)
{
    uint64_t number = entry.table->number;
    size_t slot = SIZE_MAX;
    int rc = index_reserve(&b->numbers, 1, err);
    struct version_entry *added =
        rc < 0 ? NULL : array_add(&b->entries, &b->count, &b->room, sizeof *added, err);

    if (!added)
        return STRATA_ERR_NO_MEMORY;
    *added = entry;
    if (index_find(&b->numbers, hash_of(number), &slot)) /* it was removed: a move */
        b->numbers.slots[slot].position = b->count;
    else
        index_add(&b->numbers, hash_of(number), b->count);
    return 0;
}

/* ---- What an edit removes and adds ----------------------------------------------------------- */

static int remove_tables(struct version_builder *b, const struct edit *edit,
                         struct strata_error *err)
{
    for (size_t i = 0; i < edit->removed_count; i++) {
        const struct edit_removed *removed = &edit->removed[i];
        struct version_entry *entry = find_entry(b, removed->number);
        if (!entry || entry->level != removed->level)
            return refuse(edit->offset, "it is removed, and was not on that level", removed->number,
                          err);
        entry->level = LEVELS;
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
    if (find_entry(b, t->number))
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
    const struct edit_log *logs = edit->logs;
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

static void set_logs(struct version *v, const struct edit_log *logs, uint32_t count)
{
    memcpy(v->logs, logs, sizeof v->logs);
    v->log_count = count;
}

/* 6.I12. */
static int check_ages(const struct version_builder *b, const struct edit *edit,
                      struct strata_error *err)
{
    const struct version *v = b->made;

    if (v->log_count == 0)
        return refuse(edit->offset, "there is no log", 0, err);
    for (uint32_t i = 0; i < v->log_count; i++)
        if (find_entry(b, v->logs[i].number))
            return refuse(edit->offset, "it is a table and a log", v->logs[i].number, err);
    for (size_t i = 0; i < edit->added_count; i++)
        if (edit->added[i].sum.last >= v->logs[0].first)
            return refuse(edit->offset, "the table holds what is in the log too",
                          edit->added[i].number, err);
    return 0;
}

static int set_cursor(struct version *v, unsigned level, struct strata_slice key,
                      struct strata_error *err)
{
    strata_buffer_clear(&v->cursors[level]);
    return strata_buffer_append(&v->cursors[level], key.data, key.size) < 0
               ? strata_fail_memory(err, key.size)
               : 0;
}

int version_builder_add(struct version_builder *b, const struct edit *edit,
                        struct strata_error *err)
{
    int rc = 0;

    if (edit->next < b->made->next)
        return refuse(edit->offset, "numbers from there on were given away", edit->next, err);
    b->made->next = edit->next;
    rc = remove_tables(b, edit, err);
    if (rc == 0)
        rc = add_tables(b, edit, err);
    if (rc == 0 && edit->has_logs)
        rc = check_logs(b->made, edit, err);
    if (rc == 0 && edit->has_logs)
        set_logs(b->made, edit->logs, edit->log_count);
    if (rc == 0)
        rc = check_ages(b, edit, err);
    for (unsigned level = 0; rc == 0 && level < LEVELS; level++)
        if (edit->has_cursor[level])
            rc = set_cursor(b->made, level, edit->cursors[level], err);
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

/* Level by level; level 0: the newest first; below it in order of their keys. Behind them what was
 * removed. */
static int compare_places(const void *a, const void *b)
{
    const struct version_entry *x = a, *y = b;
    const struct sstable *t = x->table, *u = y->table;

    cost_so_far.comparisons++;
    if (x->level != y->level || x->level == LEVELS)
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
    l->count++;
    l->bytes += table->bytes;
    v->tombstones += table->sum.tombstones;
    return 0;
}

static const struct version_entry *skip_removed(const struct version_entry *at,
                                                const struct version_entry *end)
{
    while (at < end && at->level == LEVELS)
        at++;
    return at;
}

/* Merges the entries of the version before with those that were added. */
static int merge_entries(struct version_builder *b, struct strata_error *err)
{
    const struct version_entry *old = b->entries, *old_end = old + b->old;
    const struct version_entry *added = old_end, *end = old + b->count, *before = NULL, *next;
    int rc = 0;

    for (; rc == 0; before = next) {
        old = skip_removed(old, old_end);
        added = skip_removed(added, end);
        if (old == old_end && added == end)
            break;
        if (added == end || (old < old_end && compare_places(old, added) < 0))
            next = old++;
        else
            next = added++;
        rc = append(b->made, next, before, err);
    }
    return rc;
}

/* The levels are parts of `all`, and each table is found by its number. */
static int index_tables(struct version *v, struct strata_error *err)
{
    struct sstable **at = v->all;
    int rc = index_reserve(&v->numbers, v->count, err);

    for (unsigned level = 0; level < LEVELS; level++) {
        v->levels[level].tables = at;
        at += v->levels[level].count;
    }
    for (size_t i = 0; rc == 0 && i < v->count; i++)
        index_add(&v->numbers, hash_of(v->all[i]->number), i + 1);
    return rc;
}

int version_builder_finish(struct version_builder *b, struct version **out,
                           struct strata_error *err)
{
    size_t size = (b->count + 1) * sizeof *b->made->all;
    int rc;

    b->made->all = malloc(size);
    if (!b->made->all)
        return strata_fail_memory(err, size);
    if (b->count > b->old)
        qsort(b->entries + b->old, b->count - b->old, sizeof *b->entries, compare_places);
    rc = b->count ? merge_entries(b, err) : 0; /* NULL has no offset */
    if (rc == 0)
        rc = index_tables(b->made, err);
    if (rc < 0)
        return rc;
    *out = b->made;
    b->made = NULL;
    return 0;
}

/* ---- Its life -------------------------------------------------------------------------------- */

static int begin_with(struct version_builder *b, const struct version *base,
                      struct strata_error *err)
{
    int rc = index_reserve(&b->numbers, base->count + FEW, err);

    b->room = base->count + FEW;
    b->entries = malloc(b->room * sizeof *b->entries);
    if (rc == 0 && !b->entries)
        rc = strata_fail_memory(err, b->room * sizeof *b->entries);
    b->made->next = base->next;
    set_logs(b->made, base->logs, base->log_count);
    for (unsigned level = 0; rc == 0 && level < LEVELS; level++) {
        const struct version_level *l = &base->levels[level];
        rc = set_cursor(b->made, level, strata_buffer_slice(&base->cursors[level]), err);
        for (size_t i = 0; rc == 0 && i < l->count; i++)
            rc = add_entry(b, (struct version_entry){l->tables[i], level, 0}, err);
    }
    b->old = b->count;
    return rc;
}

int version_builder_init(struct version_builder *b, const struct version *base,
                         struct strata_error *err)
{
    *b = (struct version_builder){.made = calloc(1, sizeof *b->made)};
    if (!b->made)
        return strata_fail_memory(err, sizeof *b->made);
    b->made->refs = 1;
    return base ? begin_with(b, base, err) : 0;
}

void version_builder_free(struct version_builder *b)
{
    for (size_t i = b->old; i < b->count; i++)
        sstable_unref(b->entries[i].table);
    free(b->entries);
    index_free(&b->numbers);
    version_unref(b->made);
}

int version_apply(struct version **version, const struct edit *edit, struct strata_error *err)
{
    struct version_builder b;
    struct version *old = *version;
    int rc = version_builder_init(&b, old, err);

    if (rc == 0)
        rc = version_builder_add(&b, edit, err);
    if (rc == 0)
        rc = version_builder_finish(&b, version, err);
    version_builder_free(&b);
    if (rc == 0)
        version_unref(old);
    return rc;
}
