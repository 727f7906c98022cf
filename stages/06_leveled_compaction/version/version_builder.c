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

static int refuse(const char *what, uint64_t number, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                       "an edit that cannot be: file %" PRIu64 ": %s", number, what);
}

/* ---- Tables that are only named ------------------------------------------------------------ */

static const struct sstable_kind named_kind = {.close = sstable_free};

static struct sstable *make_named(const struct edit_table *entry)
{
    struct sstable *table = calloc(1, sizeof *table);

    if (!table)
        return NULL;
    table->kind = &named_kind;
    table->refs = 1;
    table->number = entry->number;
    table->bytes = entry->bytes;
    table->sum = entry->sum;
    if (strata_buffer_append(&table->smallest, entry->smallest.data, entry->smallest.size) == 0 &&
        strata_buffer_append(&table->largest, entry->largest.data, entry->largest.size) == 0)
        return table;
    sstable_unref(table);
    return NULL;
}

int version_open(struct version *v, version_open_table *open_table, const struct strata_env *env,
                 void *common, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < v->count; i++) {
        struct sstable *named = v->all[i], *table;
        struct edit_table entry = version_edit_table(0, named);
        if (named->kind != &named_kind)
            continue;
        rc = open_table(env, common, named->number, &table, err);
        if (rc < 0)
            break;
        if (!version_is(table, &entry))
            rc =
                strata_fail(err, STRATA_ERR_CORRUPT, table->path, table->bytes,
                            "not the table that the manifest names: that one has %" PRIu64 " bytes",
                            named->bytes);
        v->all[i] = table;
        sstable_unref(named);
    }
    return rc;
}

/* ---- What the edits remove and add --------------------------------------------------------- */

/* The entry of file `number` that was added last; NULL: there is none. */
static struct version_entry *find(const struct version_builder *b, uint64_t number)
{
    size_t slot = SIZE_MAX;
    return index_find(&b->numbers, version_hash(number), &slot)
               ? &b->entries[b->numbers.slots[slot].position - 1]
               : NULL;
}

static bool is_table(const struct version_builder *b, uint64_t number)
{
    const struct version_entry *entry = find(b, number);
    return entry && entry->level < LEVELS;
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
    if (index_find(&b->numbers, version_hash(number), &slot)) /* it was removed: a move */
        b->numbers.slots[slot].position = b->count;
    else
        index_add(&b->numbers, version_hash(number), b->count);
    return 0;
}

static int remove_tables(struct version_builder *b, const struct edit *edit,
                         struct strata_error *err)
{
    for (size_t i = 0; i < edit->removed_count; i++) {
        const struct edit_removed *removed = &edit->removed[i];
        struct version_entry *entry = find(b, removed->number);
        if (!entry || entry->level != removed->level)
            return refuse("it is removed, and was not on that level", removed->number, err);
        entry->level = LEVELS;
    }
    return 0;
}

static int check_entry(const struct version_builder *b, const struct edit_table *t,
                       struct strata_error *err)
{
    assert(t->level < LEVELS);
    if (t->number == 0 || t->number >= b->made->next)
        return refuse("its number was not given away", t->number, err);
    if (is_table(b, t->number))
        return refuse("it is added, and was there", t->number, err);
    if (t->sum.records == 0 || t->sum.tombstones > t->sum.records || t->sum.first > t->sum.last ||
        strata_compare(t->smallest, t->largest) > 0)
        return refuse("no table can be so", t->number, err);
    return 0;
}

static int add_table(struct version_builder *b, const struct edit *edit, const struct edit_table *t,
                     struct strata_error *err)
{
    struct version_entry entry = {t->table ? t->table : make_named(t), t->level, edit->offset};
    int rc;

    if (!entry.table)
        return strata_fail_memory(err, sizeof *entry.table);
    if (t->table)
        sstable_ref(t->table);
    rc = add_entry(b, entry, err);
    if (rc < 0)
        sstable_unref(entry.table);
    return rc;
}

static int add_tables(struct version_builder *b, const struct edit *edit, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < edit->added_count; i++) {
        rc = check_entry(b, &edit->added[i], err);
        if (rc == 0)
            rc = add_table(b, edit, &edit->added[i], err);
    }
    return rc;
}

/* ---- The rest ------------------------------------------------------------------------------ */

static int check_logs(const struct version *v, const struct edit *edit, struct strata_error *err)
{
    const struct edit_log *logs = edit->logs;

    if (edit->log_count < 1 || edit->log_count > 2)
        return refuse("so many logs are live", edit->log_count, err);
    for (uint32_t i = 0; i < edit->log_count; i++)
        if (logs[i].number == 0 || logs[i].number >= edit->next || logs[i].first > logs[i].sequence)
            return refuse("no log can be so", logs[i].number, err);
    if (v->log_count && logs[0].first < v->logs[0].first)
        return refuse("the log is older than the one before it", logs[0].number, err);
    if (edit->log_count == 2 &&
        (logs[0].number == logs[1].number || logs[1].first != logs[0].sequence))
        return refuse("the log does not begin where the one before it ends", logs[1].number, err);
    return 0;
}

static int set_logs(struct version *v, const struct edit *edit, struct strata_error *err)
{
    int rc = edit->has_logs ? check_logs(v, edit, err) : 0;

    if (rc < 0 || !edit->has_logs)
        return rc;
    memcpy(v->logs, edit->logs, sizeof v->logs);
    v->log_count = edit->log_count;
    return 0;
}

/* 6.I12. */
static int check_ages(const struct version_builder *b, const struct edit *edit,
                      struct strata_error *err)
{
    const struct version *v = b->made;

    if (v->log_count == 0)
        return refuse("there is no log", 0, err);
    for (uint32_t i = 0; i < v->log_count; i++)
        if (is_table(b, v->logs[i].number))
            return refuse("it is a table and a log", v->logs[i].number, err);
    for (size_t i = 0; i < edit->added_count; i++)
        if (edit->added[i].sum.last >= v->logs[0].first)
            return refuse("the table holds what is in the log too", edit->added[i].number, err);
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
        return refuse("numbers from there on were given away", edit->next, err);
    b->made->next = edit->next;
    rc = remove_tables(b, edit, err);
    if (rc == 0)
        rc = add_tables(b, edit, err);
    if (rc == 0)
        rc = set_logs(b->made, edit, err);
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
        refuse("it overlaps with another table of its level", later->table->number, err);
        if (err)
            err->offset = later->offset;
        return STRATA_ERR_CORRUPT;
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
    const struct version_entry *old_end = b->entries + b->old, *end = b->entries + b->count;
    const struct version_entry *old = skip_removed(b->entries, old_end);
    const struct version_entry *added = skip_removed(old_end, end), *before = NULL;
    int rc = 0;

    while (rc == 0 && (old < old_end || added < end)) {
        bool is_old = added == end || (old < old_end && compare_places(old, added) < 0);
        const struct version_entry *next = is_old ? old : added;
        rc = append(b->made, next, before, err);
        before = next;
        if (is_old)
            old = skip_removed(old + 1, old_end);
        else
            added = skip_removed(added + 1, end);
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
        index_add(&v->numbers, version_hash(v->all[i]->number), i + 1);
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
    rc = merge_entries(b, err);
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
    struct version *v = b->made;
    int rc = index_reserve(&b->numbers, base->count + FEW, err);

    b->room = base->count + FEW;
    b->entries = malloc(b->room * sizeof *b->entries);
    if (rc == 0 && !b->entries)
        rc = strata_fail_memory(err, b->room * sizeof *b->entries);
    v->next = base->next;
    memcpy(v->logs, base->logs, sizeof v->logs);
    v->log_count = base->log_count;
    for (unsigned level = 0; rc == 0 && level < LEVELS; level++) {
        const struct version_level *l = &base->levels[level];
        rc = set_cursor(v, level, strata_buffer_slice(&base->cursors[level]), err);
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

/* ---- Is it so? ----------------------------------------------------------------------------- */

static int check_level(const struct version *v, unsigned level, struct strata_error *err)
{
    const struct version_level *l = &v->levels[level];
    uint64_t bytes = 0;

    for (size_t i = 0; i < l->count; i++) {
        const struct sstable *t = l->tables[i];
        if (t->number >= v->next || version_table(v, t->number) != t)
            return refuse("it is not found by its number", t->number, err);
        if (i && !in_order(level, l->tables[i - 1], t))
            return refuse("it overlaps with another table of its level", t->number, err);
        if (v->log_count && t->sum.last >= v->logs[0].first) /* 6.I12 */
            return refuse("the table holds what is in the log too", t->number, err);
        bytes += t->bytes;
    }
    return bytes == l->bytes ? 0 : refuse("the level's bytes are not its tables'", level, err);
}

int version_check(const struct version *v, struct strata_error *err)
{
    uint64_t tombstones = 0;
    size_t count = 0;
    int rc = 0;

    for (unsigned level = 0; rc == 0 && level < LEVELS; level++) {
        if (v->levels[level].tables != v->all + count)
            return refuse("the level's tables are elsewhere", level, err);
        count += v->levels[level].count;
        rc = check_level(v, level, err);
    }
    for (size_t i = 0; i < v->count; i++)
        tombstones += v->all[i]->sum.tombstones;
    if (rc == 0 && (count != v->count || v->numbers.count != count || tombstones != v->tombstones))
        return refuse("the version's counts are not its tables'", count, err);
    return rc;
}
