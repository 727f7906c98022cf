/* version_apply.c: how an edit makes the next version. What must hold of every version, and so is
 * checked of every edit:
 *
 * 6.I2: a file has one use: a number is used once, and is below `next`, which never goes back.
 * 6.I3: the operations of a table of level 0 are all newer than those of the table behind it.
 * 6.I4: from level 1 on the tables of a level do not overlap, and are in order of their keys.
 * 6.I5: what is in tables is not in a live log: it is older. Of two logs the first ends where the
 *     second begins. The live logs never become older ones.
 *
 * All that an edit removes goes in one pass, and all that it adds is sorted, and merged in: of n
 * tables an edit of m looks at no more than n + m, and compares m log m + n keys. */
#include "base/cost.h"
#include "version.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GONE LEVELS /* the level of what was found, and removed */

/* A table that the edit adds. */
struct addition {
    unsigned level;
    struct sstable *table; /* one reference */
};

/* An edit on its way into a version. */
struct applying {
    const struct version *old; /* or NULL */
    const struct edit *edit;
    struct edit_removed *removed; /* the edit's, by number */
    struct addition *added;       /* the edit's, by level and place on it */
    size_t added_count;           /* so far */
    struct version *v;
};

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
    table->sum = (struct sstable_sum){.records = entry->records,
                                      .tombstones = entry->tombstones,
                                      .digest = entry->digest,
                                      .first = entry->first,
                                      .last = entry->last};
    if (strata_buffer_append(&table->smallest, entry->smallest.data, entry->smallest.size) == 0 &&
        strata_buffer_append(&table->largest, entry->largest.data, entry->largest.size) == 0)
        return table;
    sstable_unref(table);
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = (*(struct sstable *const *)a)->number, y = (*(struct sstable *const *)b)->number;
    return (x > y) - (x < y);
}

int version_open(struct version *v,
                 int (*open)(void *arg, uint64_t number, struct sstable **out,
                             struct strata_error *err),
                 void *arg, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < v->count; i++) {
        struct sstable *named = v->all[i], *table;
        struct edit_table entry = version_entry(0, named);
        if (named->kind != &named_kind)
            continue;
        rc = open(arg, named->number, &table, err);
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
    memcpy(v->by_number, v->all, v->count * sizeof *v->all);
    qsort(v->by_number, v->count, sizeof *v->all, by_number);
    return rc;
}

/* ---- What the edit removes and adds -------------------------------------------------------- */

static int by_removed_number(const void *a, const void *b)
{
    uint64_t x = ((const struct edit_removed *)a)->number;
    uint64_t y = ((const struct edit_removed *)b)->number;
    return (x > y) - (x < y);
}

static int sort_removed(struct applying *a, struct strata_error *err)
{
    size_t count = a->edit->removed_count;

    a->removed = malloc((count + 1) * sizeof *a->removed);
    if (!a->removed)
        return strata_fail_memory(err, (count + 1) * sizeof *a->removed);
    if (count) {
        memcpy(a->removed, a->edit->removed, count * sizeof *a->removed);
        qsort(a->removed, count, sizeof *a->removed, by_removed_number);
    }
    return 0;
}

/* Does the edit remove it from this level? It is found once. */
static bool is_removed(const struct applying *a, unsigned level, const struct sstable *table)
{
    const struct edit_removed key = {level, table->number};
    struct edit_removed *found =
        bsearch(&key, a->removed, a->edit->removed_count, sizeof key, by_removed_number);

    if (!found || found->level != level)
        return false;
    found->level = GONE;
    return true;
}

static int check_entry(const struct edit *edit, const struct edit_table *t,
                       struct strata_error *err)
{
    if (t->number == 0 || t->number >= edit->next)
        return refuse("its number was not given away", t->number, err);
    if (t->records == 0 || t->tombstones > t->records || t->first > t->last ||
        strata_compare(t->smallest, t->largest) > 0)
        return refuse("no table can be so", t->number, err);
    return 0;
}

static struct sstable *find_table(const struct applying *a, const struct edit_table *entry,
                                  struct sstable *const *opened, size_t count)
{
    struct sstable *table = NULL;

    for (size_t i = 0; !table && i < count; i++)
        if (opened[i]->number == entry->number)
            table = opened[i];
    if (!table && a->old)
        table = version_table(a->old, entry->number);
    if (!table || !version_is(table, entry))
        return make_named(entry);
    sstable_ref(table);
    return table;
}

/* Level 0: the newest first; below it in order of their keys. */
static int compare_places(unsigned level, const struct sstable *a, const struct sstable *b)
{
    cost_so_far.comparisons++;
    if (level == 0)
        return (a->sum.last < b->sum.last) - (a->sum.last > b->sum.last);
    return strata_compare(strata_buffer_slice(&a->smallest), strata_buffer_slice(&b->smallest));
}

static int by_place(const void *a, const void *b)
{
    const struct addition *x = a, *y = b;
    return x->level != y->level ? (x->level > y->level) - (x->level < y->level)
                                : compare_places(x->level, x->table, y->table);
}

static int collect_added(struct applying *a, struct sstable *const *opened, size_t opened_count,
                         struct strata_error *err)
{
    size_t size = (a->edit->added_count + 1) * sizeof *a->added;

    a->added = malloc(size);
    if (!a->added)
        return strata_fail_memory(err, size);
    for (size_t i = 0; i < a->edit->added_count; i++) {
        const struct edit_table *entry = &a->edit->added[i];
        struct addition *added = &a->added[i];
        int rc = check_entry(a->edit, entry, err);
        if (rc < 0)
            return rc;
        *added = (struct addition){entry->level, find_table(a, entry, opened, opened_count)};
        if (!added->table)
            return strata_fail_memory(err, sizeof *added->table);
        a->added_count++;
    }
    qsort(a->added, a->added_count, sizeof *a->added, by_place);
    return 0;
}

/* ---- Level by level ------------------------------------------------------------------------ */

/* 6.I3, 6.I4: `a` may be in front of `b`. */
static bool in_order(unsigned level, const struct sstable *a, const struct sstable *b)
{
    cost_so_far.comparisons++;
    if (level == 0)
        return a->sum.first > b->sum.last;
    return strata_compare(strata_buffer_slice(&a->largest), strata_buffer_slice(&b->smallest)) < 0;
}

static int put_table(struct version *v, unsigned level, struct sstable *table, bool check,
                     struct strata_error *err)
{
    struct version_level *l = &v->levels[level];

    if (check && l->count && !in_order(level, l->tables[l->count - 1], table))
        return refuse("it overlaps with another table of its level", table->number, err);
    sstable_ref(table);
    l->tables[l->count++] = table;
    l->bytes += table->bytes;
    v->count++;
    v->tombstones += table->sum.tombstones;
    return 0;
}

/* The old tables that stay, and what is added from a->added[*next] on, in order. Only pairs of
 * which one is new are checked. */
static int merge_level(struct applying *a, unsigned level, size_t *next, struct strata_error *err)
{
    static const struct version_level none;
    const struct version_level *old = a->old ? &a->old->levels[level] : &none;
    bool behind_new = false;
    int rc = 0;

    a->v->levels[level].tables = a->v->all + a->v->count;
    for (size_t i = 0; rc == 0 && i <= old->count; i++) {
        struct sstable *table = i < old->count ? old->tables[i] : NULL;
        if (table && is_removed(a, level, table))
            continue;
        for (; rc == 0 && *next < a->added_count && a->added[*next].level == level; ++*next) {
            if (table && compare_places(level, table, a->added[*next].table) <= 0)
                break;
            rc = put_table(a->v, level, a->added[*next].table, true, err);
            behind_new = true;
        }
        if (rc == 0 && table)
            rc = put_table(a->v, level, table, behind_new, err);
        behind_new = false;
    }
    return rc;
}

static int check_removed(const struct applying *a, struct strata_error *err)
{
    for (size_t i = 0; i < a->edit->removed_count; i++)
        if (a->removed[i].level != GONE)
            return refuse("it is removed, and was not on that level", a->removed[i].number, err);
    return 0;
}

static int merge_tables(struct applying *a, struct strata_error *err)
{
    size_t next = 0;
    int rc = 0;

    for (unsigned level = 0; rc == 0 && level < LEVELS; level++)
        rc = merge_level(a, level, &next, err);
    assert(rc < 0 || next == a->added_count);
    return rc < 0 ? rc : check_removed(a, err);
}

static int by_added_number(const void *a, const void *b)
{
    const struct addition *x = a, *y = b;
    return by_number(&x->table, &y->table);
}

static bool has_removed(const struct applying *a, size_t *at, uint64_t number)
{
    while (*at < a->edit->removed_count && a->removed[*at].number < number)
        ++*at;
    return *at < a->edit->removed_count && a->removed[*at].number == number;
}

/* All tables once more, by their numbers (6.I2). */
static int merge_numbers(struct applying *a, struct strata_error *err)
{
    size_t old_count = a->old ? a->old->count : 0, next = 0, at = 0, count = 0;
    struct sstable **to = a->v->by_number;

    qsort(a->added, a->added_count, sizeof *a->added, by_added_number);
    for (size_t i = 0; i <= old_count; i++) {
        struct sstable *table = i < old_count ? a->old->by_number[i] : NULL;
        if (table && has_removed(a, &at, table->number))
            continue;
        while (next < a->added_count && (!table || a->added[next].table->number <= table->number))
            to[count++] = a->added[next++].table;
        if (table)
            to[count++] = table;
    }
    assert(count == a->v->count);
    for (size_t i = 1; i < count; i++)
        if (to[i - 1]->number == to[i]->number)
            return refuse("it is added, and was there", to[i]->number, err);
    return 0;
}

/* ---- The rest ------------------------------------------------------------------------------ */

static int check_logs(const struct applying *a, struct strata_error *err)
{
    const struct edit_log *logs = a->edit->logs;

    if (a->edit->log_count < 1 || a->edit->log_count > 2)
        return refuse("so many logs are live", a->edit->log_count, err);
    for (uint32_t i = 0; i < a->edit->log_count; i++)
        if (logs[i].number == 0 || logs[i].number >= a->edit->next ||
            version_table(a->v, logs[i].number) || logs[i].first > logs[i].sequence)
            return refuse("no log can be so", logs[i].number, err);
    if (a->old && a->old->log_count && logs[0].first < a->old->logs[0].first)
        return refuse("the log is older than the one before it", logs[0].number, err);
    if (a->edit->log_count == 2 &&
        (logs[0].number == logs[1].number || logs[1].first != logs[0].sequence))
        return refuse("the log does not begin where the one before it ends", logs[1].number, err);
    return 0;
}

/* 6.I5. */
static int check_ages(const struct applying *a, struct strata_error *err)
{
    const struct version *v = a->v;

    if (v->log_count == 0)
        return refuse("there is no log", 0, err);
    for (uint32_t i = 0; i < v->log_count; i++)
        if (version_table(v, v->logs[i].number))
            return refuse("it is a table and a log", v->logs[i].number, err);
    for (size_t i = 0; i < a->edit->added_count; i++)
        if (a->edit->added[i].last >= v->logs[0].first)
            return refuse("the table holds what is in the log too", a->edit->added[i].number, err);
    return 0;
}

static int set_logs(struct applying *a, struct strata_error *err)
{
    int rc = a->edit->has_logs ? check_logs(a, err) : 0;

    if (rc == 0 && a->edit->has_logs) {
        memcpy(a->v->logs, a->edit->logs, sizeof a->v->logs);
        a->v->log_count = a->edit->log_count;
    } else if (rc == 0 && a->old) {
        memcpy(a->v->logs, a->old->logs, sizeof a->v->logs);
        a->v->log_count = a->old->log_count;
    }
    return rc < 0 ? rc : check_ages(a, err);
}

static int set_cursors(struct applying *a, struct strata_error *err)
{
    struct strata_slice keys[LEVELS] = {{0}};

    for (unsigned level = 0; a->old && level < LEVELS; level++)
        keys[level] = strata_buffer_slice(&a->old->cursors[level]);
    for (size_t i = 0; i < a->edit->cursor_count; i++)
        keys[a->edit->cursors[i].level] = a->edit->cursors[i].key;
    for (unsigned level = 0; level < LEVELS; level++)
        if (strata_buffer_append(&a->v->cursors[level], keys[level].data, keys[level].size) < 0)
            return strata_fail_memory(err, keys[level].size);
    return 0;
}

static int make_version(struct applying *a, struct strata_error *err)
{
    size_t most = (a->old ? a->old->count : 0) + a->edit->added_count;
    size_t size = sizeof *a->v + 2 * most * sizeof(struct sstable *);

    a->v = calloc(1, size);
    if (!a->v)
        return strata_fail_memory(err, size);
    a->v->refs = 1;
    a->v->by_number = a->v->all + most;
    a->v->next = a->edit->next;
    return 0;
}

static int apply(struct applying *a, struct sstable *const *opened, size_t opened_count,
                 struct strata_error *err)
{
    int rc = sort_removed(a, err);

    if (rc == 0 && a->old && a->edit->next < a->old->next)
        rc = refuse("numbers from there on were given away", a->edit->next, err);
    if (rc == 0)
        rc = collect_added(a, opened, opened_count, err);
    if (rc == 0)
        rc = make_version(a, err);
    if (rc == 0)
        rc = merge_tables(a, err);
    if (rc == 0)
        rc = merge_numbers(a, err);
    if (rc == 0)
        rc = set_logs(a, err);
    return rc < 0 ? rc : set_cursors(a, err);
}

int version_apply(struct version **version, const struct edit *edit, struct sstable *const *opened,
                  size_t opened_count, struct strata_error *err)
{
    struct applying a = {.old = *version, .edit = edit};
    int rc = apply(&a, opened, opened_count, err);

    for (size_t i = 0; i < a.added_count; i++)
        sstable_unref(a.added[i].table); /* the version has them */
    free(a.added);
    free(a.removed);
    if (rc == 0) {
        version_unref(*version);
        *version = a.v;
    } else {
        version_unref(a.v);
    }
    return rc;
}
