/* read_at.c: see read_at.h. Two cursors over a run, both by stage 9's, which shows an entry a key:
 *
 *   run        a: 5        b: chain of 9: x, 4: deleted, 0: y        c: 7
 *   at 6       a: 5        b: deleted                                c: 7
 *   versions   a: 5        b 9: x   b 4: deleted   b 0: y            c: 7
 *
 * 10.I2: an entry that is newer than the reader in all its versions is not there for it: the search
 *        goes on in older tables. */
#include "read_at.h"
#include "09_fast_paths/fast_parts.h"
#include "chain.h"

#include <assert.h>
#include <stdlib.h>

struct view {
    struct cursor base;
    struct cursor *from; /* of the run */
    uint64_t sequence;   /* of the reader */
    struct chain chain;  /* what is left of the present entry */
};

/* ---- At a sequence number -------------------------------------------------------------------- */

/* False: nothing of this entry is seen. */
static bool show(struct view *v)
{
    const struct cursor *from = v->from;

    v->base.iter.key = from->iter.key;
    v->base.iter.value = from->iter.value;
    v->base.type = from->type;
    if (from->type == SSTABLE_CODED)
        v->base.type = chain_read(from->iter.value, v->sequence, &v->base.iter.value);
    return v->base.type != 0;
}

/* `rc`: of a move, which goes on until something is seen. 10.I2. */
static int settle(struct view *v, bool back, int rc, struct strata_error *err)
{
    while (rc == 0 && !show(v))
        rc = back ? cursor_prev(v->from, err) : cursor_next(v->from, err);
    return rc;
}

static int at_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct view *v = (struct view *)iter;
    return settle(v, false, cursor_seek(v->from, key, err), err);
}

static int at_last(struct strata_iter *iter, struct strata_error *err)
{
    struct view *v = (struct view *)iter;
    return settle(v, true, cursor_last(v->from, err), err);
}

static int at_next(struct strata_iter *iter, struct strata_error *err)
{
    struct view *v = (struct view *)iter;
    return settle(v, false, cursor_next(v->from, err), err);
}

static int at_prev(struct strata_iter *iter, struct strata_error *err)
{
    struct view *v = (struct view *)iter;
    return settle(v, true, cursor_prev(v->from, err), err);
}

static void view_free(struct strata_iter *iter)
{
    struct view *v = (struct view *)iter;

    cursor_free(v->from);
    cursor_end(&v->base);
}

/* ---- All versions ---------------------------------------------------------------------------- */

static void show_version(struct view *v, const struct chain_version *version)
{
    v->base.sequence = version->number;
    v->base.type = version->type;
    v->base.iter.value = version->value;
}

static int show_first(struct view *v, int rc)
{
    const struct cursor *from = v->from;
    struct chain_version version = {0, from->type, from->iter.value};

    v->chain.count = v->chain.at = 0;
    if (rc != 0)
        return rc;
    v->base.iter.key = from->iter.key;
    if (from->type == SSTABLE_CODED && chain_is(from->iter.value)) {
        chain_open(&v->chain, from->iter.value);
        chain_next(&v->chain, &version);
    }
    show_version(v, &version);
    return 0;
}

static int versions_seek(struct strata_iter *iter, struct strata_slice key,
                         struct strata_error *err)
{
    struct view *v = (struct view *)iter;
    return show_first(v, cursor_seek(v->from, key, err));
}

static int versions_next(struct strata_iter *iter, struct strata_error *err)
{
    struct view *v = (struct view *)iter;
    struct chain_version version;

    if (!chain_next(&v->chain, &version))
        return show_first(v, cursor_next(v->from, err));
    show_version(v, &version);
    return 0;
}

/* ---- Merges ---------------------------------------------------------------------------------- */

static const struct strata_iter_ops at_ops = {at_seek, at_last,          at_next,
                                              at_prev, cursor_has_value, view_free};
static const struct strata_iter_ops versions_ops = {versions_seek,    NULL,     versions_next, NULL,
                                                    cursor_has_value, view_free};

/* NULL: no memory. */
static struct cursor *view_new(const struct fast_run *run, const struct merge_sources *to,
                               uint64_t sequence)
{
    struct view *v = calloc(1, sizeof *v);

    if (v)
        v->from = run_cursor_new(run, to->prefix, to->once);
    if (!v || !v->from) {
        free(v);
        return NULL;
    }
    v->base.iter.ops = to->all ? &versions_ops : &at_ops;
    v->base.iter.has_value = true;
    v->sequence = sequence;
    return &v->base;
}

static bool run_is_coded(const struct version_level *run)
{
    for (size_t i = 0; i < run->count; i++)
        if (pax_table_of(run->tables[i])->coded)
            return true;
    return false;
}

bool read_at_is_coded(const struct level_merge *of)
{
    for (size_t i = 0; i < of->run_count; i++)
        if (run_is_coded(&of->runs[i]))
            return true;
    return false;
}

/* Fills in what is read in place of the runs. */
static int make_views(const struct level_merge *of, const struct merge_sources *to,
                      const struct fast_run *runs, struct cursor **views, struct strata_error *err)
{
    for (size_t i = 0; i < of->run_count; i++) {
        views[i] = NULL;
        if (!to->all && !run_is_coded(&of->runs[i]))
            continue;
        views[i] = view_new(&runs[i], to, of->sequence);
        if (views[i])
            continue;
        while (i--)
            if (views[i])
                cursor_free(views[i]);
        return strata_fail_memory(err, sizeof(struct view));
    }
    return 0;
}

static int merge(const struct level_merge *of, bool all, struct cursor **out,
                 struct strata_error *err)
{
    size_t size = of->run_count * (sizeof(struct fast_run) + sizeof(struct cursor *)) + 1;
    struct fast_run *runs = malloc(size);
    struct cursor **views;
    struct merge_sources to = {.newer_count = of->newer_count,
                               .runs = runs,
                               .run_count = of->run_count,
                               .prefix = version_index(of->version)->prefix,
                               .once = of->once,
                               .tombstones = of->tombstones,
                               .all = all};
    int rc;

    *out = NULL;
    if (!runs)
        return strata_fail_memory(err, size);
    to.instead = views = (struct cursor **)(void *)(runs + of->run_count);
    for (size_t i = 0; i < of->run_count; i++)
        runs[i] = version_index_run(of->version, &of->runs[i]);
    rc = make_views(of, &to, runs, views, err);
    for (size_t i = 0; rc == 0 && i < of->newer_count; i++)
        to.newer[i] = memtable_cursor(of->newer[i], of->sequence);
    if (rc == 0)
        rc = merge_runs_new(&to, out, err);
    free(runs);
    return rc;
}

/* Coded values count as tombstones (sstable.h): so most of the time no table is asked. */
int read_at_merge(const struct level_merge *of, struct cursor **out, struct strata_error *err)
{
    return of->version->tombstones && read_at_is_coded(of) ? merge(of, false, out, err)
                                                           : fast_merge(of, out, err);
}

int read_all_versions(const struct level_merge *of, struct cursor **out, struct strata_error *err)
{
    return merge(of, true, out, err);
}
