/* version_apply.c: how an edit makes the next version: a copy of the old one, out of which tables
 * are taken, and into which others are put. What must hold of every version, and so is checked of
 * every edit:
 *
 * 6.I9: a file has one use: a number is used once, and is below `next`, which never goes back.
 * 6.I10: the operations of a table of level 0 are all newer than those of the table behind it.
 * 6.I11: from level 1 on the tables of a level do not overlap, and are in order of their keys.
 * 6.I12: what is in tables is not in a live log: it is older. Of two logs the first ends where the
 *     second begins. The live logs never become older ones.
 *
 * A table's place is found by binary search. What is behind it moves: nothing, where an edit adds
 * all tables in their order, as the first one of a manifest does. */
#include "base/cost.h"
#include "version.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

int version_open(struct version *v, version_open_table *open_table, const struct strata_env *env,
                 void *common, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < v->count; i++) {
        struct sstable *named = v->all[i], *table;
        struct edit_table entry = version_entry(0, named);
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
        v->all[i] = v->by_number[version_find_number(v, named->number)] = table;
        sstable_unref(named);
    }
    return rc;
}

/* ---- Places --------------------------------------------------------------------------------- */

/* Level 0: the newest first; below it in order of their keys. */
static int compare_places(unsigned level, const struct sstable *a, const struct sstable *b)
{
    cost_so_far.comparisons++;
    if (level == 0)
        return (a->sum.last < b->sum.last) - (a->sum.last > b->sum.last);
    return strata_compare(strata_buffer_slice(&a->smallest), strata_buffer_slice(&b->smallest));
}

/* Where on its level the table is, or belongs. */
static size_t find_place(const struct version *v, unsigned level, const struct sstable *table)
{
    const struct version_level *l = &v->levels[level];
    size_t low = 0, high = l->count;

    if (high && compare_places(level, l->tables[high - 1], table) < 0)
        return high; /* as a rule, where an edit has all tables */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_places(level, l->tables[middle], table) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* `more` is 1 or -1: room for one table is made at `to`, or taken away. */
static void shift(struct sstable **to, struct sstable **end, int more)
{
    if (more > 0)
        memmove(to + 1, to, (size_t)(end - to) * sizeof *to);
    else
        memmove(to, to + 1, (size_t)(end - to - 1) * sizeof *to);
}

static void change_count(struct version *v, unsigned level, const struct sstable *table, int more)
{
    struct version_level *l = &v->levels[level];

    l->count += (size_t)more;
    l->bytes += more > 0 ? table->bytes : -table->bytes;
    v->tombstones += more > 0 ? table->sum.tombstones : -table->sum.tombstones;
    v->count += (size_t)more;
    while (++level < LEVELS)
        v->levels[level].tables += more;
}

static void put(struct version *v, unsigned level, size_t at, struct sstable *table)
{
    struct sstable **place = v->levels[level].tables + at;

    assert(v->all + v->count < v->by_number);
    shift(place, v->all + v->count, 1);
    *place = v->by_number[v->count] = table; /* sorted by number_all */
    change_count(v, level, table, 1);
}

static void take_out(struct version *v, unsigned level, size_t at)
{
    struct sstable **place = v->levels[level].tables + at, *table = *place;

    assert(at < v->levels[level].count);
    shift(v->by_number + version_find_number(v, table->number), v->by_number + v->count, -1);
    v->numbered--;
    shift(place, v->all + v->count, -1);
    change_count(v, level, table, -1);
    sstable_unref(table);
}

/* ---- What the edit removes and adds -------------------------------------------------------- */

static int remove_tables(struct version *v, const struct edit *edit, struct strata_error *err)
{
    for (size_t i = 0; i < edit->removed_count; i++) {
        const struct edit_removed *removed = &edit->removed[i];
        const struct sstable *table = version_table(v, removed->number);
        size_t at = table ? find_place(v, removed->level, table) : 0;
        if (!table || at == v->levels[removed->level].count ||
            v->levels[removed->level].tables[at] != table)
            return refuse("it is removed, and was not on that level", removed->number, err);
        take_out(v, removed->level, at);
    }
    return 0;
}

static int check_entry(const struct version *v, const struct edit_table *t,
                       struct strata_error *err)
{
    assert(t->level < LEVELS);
    if (t->number == 0 || t->number >= v->next)
        return refuse("its number was not given away", t->number, err);
    if (version_table(v, t->number))
        return refuse("it is added, and was there", t->number, err);
    if (t->records == 0 || t->tombstones > t->records || t->first > t->last ||
        strata_compare(t->smallest, t->largest) > 0)
        return refuse("no table can be so", t->number, err);
    return 0;
}

/* 6.I10, 6.I11: `a` may be in front of `b`. */
static bool in_order(unsigned level, const struct sstable *a, const struct sstable *b)
{
    if (level == 0)
        return a->sum.first > b->sum.last;
    return strata_compare(strata_buffer_slice(&a->largest), strata_buffer_slice(&b->smallest)) < 0;
}

/* Where tables are found that are there already. */
struct known {
    const struct version *old; /* a move adds one of these; or NULL */
    struct sstable *const *opened;
    size_t count;
};

/* One reference is the caller's. */
static struct sstable *find_table(const struct known *known, const struct edit_table *entry)
{
    struct sstable *table = known->old ? version_table(known->old, entry->number) : NULL;

    for (size_t i = 0; !table && i < known->count; i++)
        if (known->opened[i]->number == entry->number)
            table = known->opened[i];
    if (!table || !version_is(table, entry))
        return make_named(entry);
    sstable_ref(table);
    return table;
}

static int add_table(struct version *v, const struct edit_table *entry, const struct known *known,
                     struct strata_error *err)
{
    const struct version_level *l = &v->levels[entry->level];
    struct sstable *table = find_table(known, entry);
    size_t at;

    if (!table)
        return strata_fail_memory(err, sizeof *table);
    at = find_place(v, entry->level, table);
    if ((at && !in_order(entry->level, l->tables[at - 1], table)) ||
        (at < l->count && !in_order(entry->level, table, l->tables[at]))) {
        sstable_unref(table);
        return refuse("it overlaps with another table of its level", entry->number, err);
    }
    put(v, entry->level, at, table);
    return 0;
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = (*(struct sstable *const *)a)->number, y = (*(struct sstable *const *)b)->number;
    return (x > y) - (x < y);
}

/* All at once: one by one they would be moved as often as there are tables. */
static int number_all(struct version *v, struct strata_error *err)
{
    bool added = v->numbered < v->count;

    if (added)
        qsort(v->by_number, v->count, sizeof *v->by_number, compare_numbers);
    v->numbered = v->count;
    for (size_t i = 1; added && i < v->count; i++)
        if (v->by_number[i - 1]->number == v->by_number[i]->number)
            return refuse("it is added, and was there", v->by_number[i]->number, err);
    return 0;
}

static int add_tables(struct version *v, const struct edit *edit, const struct known *known,
                      struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < edit->added_count; i++) {
        rc = check_entry(v, &edit->added[i], err);
        if (rc == 0)
            rc = add_table(v, &edit->added[i], known, err);
    }
    return rc < 0 ? rc : number_all(v, err);
}

/* ---- The rest ------------------------------------------------------------------------------ */

static int check_logs(const struct version *v, const struct edit *edit, struct strata_error *err)
{
    const struct edit_log *logs = edit->logs;

    if (edit->log_count < 1 || edit->log_count > 2)
        return refuse("so many logs are live", edit->log_count, err);
    for (uint32_t i = 0; i < edit->log_count; i++)
        if (logs[i].number == 0 || logs[i].number >= edit->next ||
            version_table(v, logs[i].number) || logs[i].first > logs[i].sequence)
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
static int check_ages(const struct version *v, const struct edit *edit, struct strata_error *err)
{
    if (v->log_count == 0)
        return refuse("there is no log", 0, err);
    for (uint32_t i = 0; i < v->log_count; i++)
        if (version_table(v, v->logs[i].number))
            return refuse("it is a table and a log", v->logs[i].number, err);
    for (size_t i = 0; i < edit->added_count; i++)
        if (edit->added[i].last >= v->logs[0].first)
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

/* A copy, or an empty version, with room for so many tables more. */
static int copy(const struct version *old, size_t more, struct version **out,
                struct strata_error *err)
{
    size_t count = old ? old->count : 0, most = count + more;
    size_t size = sizeof(struct version) + 2 * most * sizeof(struct sstable *);
    struct version *v = *out = calloc(1, size);
    int rc = 0;

    if (!v)
        return strata_fail_memory(err, size);
    v->refs = 1;
    v->by_number = v->all + most;
    for (unsigned level = 0; level < LEVELS; level++)
        v->levels[level].tables = v->all;
    if (!old)
        return 0;
    memcpy(v->all, old->all, count * sizeof *v->all);
    memcpy(v->by_number, old->by_number, count * sizeof *v->all);
    v->numbered = count;
    for (; v->count < count; v->count++)
        sstable_ref(v->all[v->count]);
    v->tombstones = old->tombstones;
    memcpy(v->logs, old->logs, sizeof v->logs);
    v->log_count = old->log_count;
    for (unsigned level = 0; level < LEVELS; level++) {
        v->levels[level] = old->levels[level];
        v->levels[level].tables = v->all + (old->levels[level].tables - old->all);
        if (rc == 0)
            rc = set_cursor(v, level, strata_buffer_slice(&old->cursors[level]), err);
    }
    return rc;
}

int version_apply(struct version **version, const struct edit *edit, struct sstable *const *opened,
                  size_t opened_count, struct strata_error *err)
{
    const struct known known = {*version, opened, opened_count};
    struct version *v;
    int rc = copy(*version, edit->added_count, &v, err);

    if (rc == 0)
        v->next = edit->next;
    if (rc == 0 && *version && edit->next < (*version)->next)
        rc = refuse("numbers from there on were given away", edit->next, err);
    if (rc == 0)
        rc = remove_tables(v, edit, err);
    if (rc == 0)
        rc = add_tables(v, edit, &known, err);
    if (rc == 0)
        rc = set_logs(v, edit, err);
    if (rc == 0)
        rc = check_ages(v, edit, err);
    for (size_t i = 0; rc == 0 && i < edit->cursor_count; i++)
        rc = set_cursor(v, edit->cursors[i].level, edit->cursors[i].key, err);
    version_unref(rc < 0 ? v : *version);
    if (rc == 0)
        *version = v;
    return rc;
}

/* ---- Is it so? ----------------------------------------------------------------------------- */

static int check_level(const struct version *v, unsigned level, struct strata_error *err)
{
    const struct version_level *l = &v->levels[level];
    uint64_t bytes = 0;

    for (size_t i = 0; i < l->count; i++) {
        if (version_table(v, l->tables[i]->number) != l->tables[i])
            return refuse("it is not found by its number", l->tables[i]->number, err);
        if (i && !in_order(level, l->tables[i - 1], l->tables[i]))
            return refuse("it overlaps with another table of its level", l->tables[i]->number, err);
        bytes += l->tables[i]->bytes;
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
    for (size_t i = 0; rc == 0 && i < v->count; i++) {
        tombstones += v->all[i]->sum.tombstones;
        if (v->by_number[i]->number >= v->next ||
            (i && v->by_number[i - 1]->number >= v->by_number[i]->number))
            return refuse("its number is out of order", v->by_number[i]->number, err);
        if (v->log_count && v->all[i]->sum.last >= v->logs[0].first) /* 6.I12 */
            return refuse("the table holds what is in the log too", v->all[i]->number, err);
    }
    if (rc == 0 && (count != v->count || v->numbered != v->count || tombstones != v->tombstones))
        return refuse("the version's counts are not its tables'", count, err);
    return rc;
}
