/* level_iter.c: see level_iter.h. One table has a cursor at a time: the one with the
 * iterator's position; a step out of it opens the next one. */
#include "level_iter.h"
#include "04_memtable_sstable/iter/cursor.h"

#include <assert.h>
#include <stdlib.h>

struct level_iter {
    struct cursor base;
    struct version_level run;
    size_t at;           /* the table that `from` is of */
    struct cursor *from; /* or NULL */
    uint64_t age;
    bool once;
};

/* A cursor of table `at`, which is not positioned yet. */
static int enter(struct level_iter *it, size_t at, struct strata_error *err)
{
    if (it->from && it->at == at)
        return 0;
    assert(at < it->run.count);
    if (it->from)
        cursor_free(it->from);
    it->at = at;
    it->from = it->run.tables[at]->kind->cursor(it->run.tables[at], it->once);
    return it->from ? 0 : strata_fail_memory(err, sizeof *it->from);
}

static int show(struct level_iter *it)
{
    it->base.iter.key = it->from->iter.key;
    it->base.sequence = it->age;
    it->base.type = it->from->type;
    it->base.iter.has_value = it->from->iter.has_value;
    it->base.iter.value = it->from->iter.value;
    return 0;
}

/* `rc`: of a move in the present table. At its end: to the next one's first entry, or, going back,
 * to the last one of the table before. */
static int go_on(struct level_iter *it, int rc, bool back, struct strata_error *err)
{
    while (rc == STRATA_NOT_FOUND && (back ? it->at > 0 : it->at + 1 < it->run.count)) {
        rc = enter(it, back ? it->at - 1 : it->at + 1, err);
        if (rc == 0)
            rc = back ? cursor_last(it->from, err) : cursor_first(it->from, err);
    }
    return rc == 0 ? show(it) : rc;
}

static int level_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct level_iter *it = (struct level_iter *)iter;
    size_t at = version_find(&it->run, key);
    int rc = at < it->run.count ? enter(it, at, err) : STRATA_NOT_FOUND;

    if (rc != 0)
        return rc;
    return go_on(it, cursor_seek(it->from, key, err), false, err);
}

static int level_last(struct strata_iter *iter, struct strata_error *err)
{
    struct level_iter *it = (struct level_iter *)iter;
    int rc = enter(it, it->run.count - 1, err);

    return rc < 0 ? rc : go_on(it, cursor_last(it->from, err), true, err);
}

static int level_next(struct strata_iter *iter, struct strata_error *err)
{
    struct level_iter *it = (struct level_iter *)iter;
    return go_on(it, cursor_next(it->from, err), false, err);
}

static int level_prev(struct strata_iter *iter, struct strata_error *err)
{
    struct level_iter *it = (struct level_iter *)iter;
    return go_on(it, cursor_prev(it->from, err), true, err);
}

static int level_value(struct strata_iter *iter, struct strata_error *err)
{
    int rc = cursor_value(((struct level_iter *)iter)->from, &iter->value, err);

    iter->has_value = rc == 0;
    return rc;
}

static void level_free(struct strata_iter *iter)
{
    struct level_iter *it = (struct level_iter *)iter;

    if (it->from)
        cursor_free(it->from);
    free(it);
}

struct cursor *level_iter_new(const struct version_level *run, uint64_t age, bool once)
{
    static const struct strata_iter_ops ops = {level_seek, level_last,  level_next,
                                               level_prev, level_value, level_free};
    struct level_iter *it = calloc(1, sizeof *it);

    if (!it)
        return NULL;
    assert(run->count > 0);
    it->base.iter.ops = &ops;
    it->run = *run;
    it->age = age;
    it->once = once;
    return &it->base;
}

/* ---- All levels ------------------------------------------------------------------------------ */

/* Tables have at least one operation each, none of which another has, and the memtables' are newer:
 * so their sequence numbers are larger than the number of runs, from which ages count down. */
int level_merge_new(const struct level_merge *of, struct cursor **out, struct strata_error *err)
{
    size_t count = of->newer_count + of->run_count, n = 0;
    struct cursor **sources = malloc((count + 1) * sizeof(struct cursor *));
    int rc;

    *out = NULL;
    if (!sources)
        return strata_fail_memory(err, (count + 1) * sizeof(struct cursor *));
    for (size_t i = 0; i < of->newer_count; i++)
        sources[n++] = memtable_cursor(of->newer[i], of->sequence);
    for (size_t i = 0; i < of->run_count; i++)
        sources[n++] = level_iter_new(&of->runs[i], of->run_count - i, of->once);
    rc = merge_iter_new(sources, n, of->tombstones, out, err);
    free(sources);
    return rc;
}

struct version_level *level_merge_runs(struct level_merge *of,
                                       const struct version_level levels[LEVELS],
                                       struct strata_error *err) /* 6.I8 */
{
    size_t size = (levels[0].count + LEVELS) * sizeof(struct version_level);
    struct version_level *runs = malloc(size);

    if (!runs) {
        strata_fail_memory(err, size);
        return NULL;
    }
    of->runs = runs;
    of->run_count = levels[0].count;
    for (size_t i = 0; i < levels[0].count; i++)
        runs[i] = (struct version_level){levels[0].tables + i, 1, levels[0].tables[i]->bytes};
    for (unsigned level = 1; level < LEVELS; level++)
        if (levels[level].count)
            runs[of->run_count++] = levels[level];
    return runs;
}

int level_merge_all(struct level_merge *of, level_merge_kind *merge, struct cursor **out,
                    struct strata_error *err)
{
    struct version_level *runs = level_merge_runs(of, of->version->levels, err);
    int rc = runs ? merge(of, out, err) : STRATA_ERR_NO_MEMORY;

    free(runs);
    return rc;
}
