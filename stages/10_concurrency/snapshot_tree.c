/* snapshot_tree.c: see snapshot_tree.h.
 *
 * 10.I7: the number of a snapshot is taken, and put into the list, with the lock under which a
 *        flush or compaction reads the list as it begins. So a list without it was read before it
 *        was taken, and all that such work can drop is older than another version that it sees.
 * 10.I9: a table with enough old versions is stale when no snapshot is older than its last
 *        operation. Where nothing else is due, stale tables are rewritten where they are, one after
 *        the other, as many bytes as are written (pace.c). `stale_from` says which release makes
 *        one stale. */
#include "snapshot_tree.h"
#include "07_paced_compaction/policy/policy_inside.h"
#include "07_paced_compaction/tree/tree_engine.h"
#include "09_fast_paths/fast_parts.h"
#include "09_fast_paths/log/group_delay.h"
#include "09_fast_paths/log/single_op_log.h"
#include "09_fast_paths/memtable/bptree.h"
#include "10_concurrency/snapshot/chain.h"
#include "10_concurrency/snapshot/keep.h"
#include "10_concurrency/snapshot/read_at.h"
#include "10_concurrency/table/chain_table.h"

#include <stdlib.h>

/* ---- Snapshots ------------------------------------------------------------------------------- */

int snapshot_take(void *self, void **out, struct strata_error *err)
{
    struct snapshot_tree *t = self;
    struct snapshot *snapshot = malloc(sizeof *snapshot);

    if (!snapshot)
        return strata_fail_memory(err, sizeof *snapshot);
    sync_lock(&t->tree.reading);
    snapshots_add(&t->snapshots, snapshot, t->tree.path.sequence - 1);
    sync_unlock(&t->tree.reading);
    *out = snapshot;
    return 0;
}

/* There is a table with old versions that no snapshot sees. `reading` is held. */
static bool has_stale(const struct snapshot_tree *t)
{
    return t->stale_from < UINT64_MAX && t->stale_from <= snapshots_oldest(&t->snapshots);
}

void snapshot_release(void *self, void *snapshot)
{
    struct snapshot_tree *t = self;
    bool stale;

    sync_lock(&t->tree.reading);
    snapshots_remove(&t->snapshots, snapshot);
    stale = has_stale(t);
    if (stale) /* 10.I9 */
        t->tree.nothing_due = false;
    sync_unlock(&t->tree.reading);
    if (stale && t->background)
        background_compact(t->background);
    free(snapshot);
}

uint64_t snapshot_number(void *self, void *snapshot)
{
    (void)self;
    return ((const struct snapshot *)snapshot)->number;
}

/* ---- What goes on ---------------------------------------------------------------------------- */

static bool is_coded(const struct sstable *table)
{
    return pax_table_of(table)->coded;
}

static bool any_is_coded(const struct level_merge *of)
{
    for (size_t i = 0; i < of->run_count; i++)
        if (run_is_coded(&of->runs[i]))
            return true;
    return false;
}

/* `of`: NULL of a flush, whose memtable leaves out what no snapshot sees: a key may have as many
 * versions as a memtable holds. */
static int open_versions(struct compaction *c, const struct level_merge *of,
                         const uint64_t *numbers, size_t count, struct cursor **from,
                         struct strata_error *err)
{
    if (of)
        return read_all_versions(of, from, err);
    *from = c->memtable->kind->versions(c->memtable->self, numbers, count);
    return *from ? 0 : strata_fail_memory(err, sizeof **from);
}

static int open_newest(struct compaction *c, const struct level_merge *of, struct strata_error *err)
{
    if (of)
        return fast_merge(of, &c->from, err);
    c->from = memtable_cursor(c->memtable, UINT64_MAX);
    return c->from ? 0 : strata_fail_memory(err, sizeof *c->from);
}

/* The numbers of all snapshots, as they are at one time (10.I6, 10.I7); freed by free. Memory is
 * taken without the lock, as readers wait for it. */
static int list_snapshots(struct snapshot_tree *t, uint64_t **numbers, size_t *count,
                          struct strata_error *err)
{
    bool fits = false;

    *numbers = NULL;
    *count = 0;
    for (size_t room = 16; !fits;) {
        free(*numbers);
        *numbers = malloc(room * sizeof **numbers);
        if (!*numbers)
            return strata_fail_memory(err, room * sizeof **numbers);
        sync_lock(&t->tree.reading);
        fits = t->snapshots.count <= room;
        if (fits)
            *count = snapshots_copy(&t->snapshots, *numbers);
        else
            room = t->snapshots.count + t->snapshots.count / 4;
        sync_unlock(&t->tree.reading);
    }
    return 0;
}

/* Where no snapshot tells versions apart, and none is left of earlier ones, it is stage 9's work:
 * what is stored without a number every snapshot sees (10.I1). */
static int keep(struct compaction *c, const struct level_merge *of, struct strata_error *err)
{
    struct snapshot_tree *t = c->of.keeper;
    struct cursor *from;
    uint64_t *numbers;
    size_t count;
    int rc;

    rc = list_snapshots(t, &numbers, &count, err);
    if (rc < 0)
        return rc;
    if (of ? !any_is_coded(of) : !count || c->last <= numbers[0]) {
        free(numbers);
        return open_newest(c, of, err);
    }
    rc = open_versions(c, of, numbers, count, &from, err);
    if (rc < 0) {
        free(numbers);
        return rc;
    }
    c->from = keep_new(c, from, numbers, count);
    return c->from ? 0 : strata_fail_memory(err, sizeof *c->from);
}

/* ---- What a released snapshot leaves --------------------------------------------------------- */

#define WORTH 8 /* an eighth of a table is worth rewriting it */

/* It has versions that only snapshots before its last operation see, and enough of them. */
static bool has_old_versions(const struct sstable *table)
{
    return is_coded(table) && table->sum.old_bytes >= table->bytes / WORTH;
}

/* 10.I9: the last operation of that table with old versions whose snapshots will be the first to be
 * gone is noted. False: they are not yet, of any table. */
static bool find_stale(struct snapshot_tree *t, const struct version *v, uint64_t *oldest)
{
    uint64_t soonest = UINT64_MAX;
    bool found;

    for (size_t i = 0; i < v->count; i++)
        if (has_old_versions(v->all[i]) && v->all[i]->sum.last < soonest)
            soonest = v->all[i]->sum.last;
    sync_lock(&t->tree.reading);
    t->stale_from = soonest;
    *oldest = snapshots_oldest(&t->snapshots);
    found = has_stale(t);
    sync_unlock(&t->tree.reading);
    return found;
}

/* The one with most to give back. */
static int pick_stale(struct tree *tree, struct version *v, struct pick *pick,
                      struct strata_error *err)
{
    uint64_t oldest, most = 0;
    size_t at = 0;

    *pick = (struct pick){0};
    if (!find_stale((struct snapshot_tree *)tree, v, &oldest))
        return STRATA_NOT_FOUND;
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < v->levels[level].count; i++) {
            const struct sstable *table = v->levels[level].tables[i];
            if (!has_old_versions(table) || table->sum.last > oldest ||
                table->sum.old_bytes <= most || policy_is_quarantined(&tree->quarantined, table))
                continue;
            most = table->sum.old_bytes;
            pick->level = pick->output = level;
            at = i;
        }
    return most ? pick_take(pick, v, pick->level, at, err) : STRATA_NOT_FOUND;
}

/* ---- Threads ----------------------------------------------------------------------------------
 */

static void pause(struct tree *tree)
{
    struct snapshot_tree *t = (struct snapshot_tree *)tree;
    if (t->background)
        background_pause(t->background);
}

static void resume(struct tree *tree)
{
    struct snapshot_tree *t = (struct snapshot_tree *)tree;
    if (t->background)
        background_resume(t->background);
}

static struct super *pin(struct tree *tree, uint64_t *sequence)
{
    struct snapshot_tree *t = (struct snapshot_tree *)tree;

    if (t->readers)
        return readers_pin(t->readers, tree, sequence);
    super_ref(tree->super);
    *sequence = tree->path.sequence - 1;
    return tree->super;
}

static void wait_for_readers(struct tree *tree)
{
    struct snapshot_tree *t = (struct snapshot_tree *)tree;
    if (t->readers)
        epoch_wait(&t->readers->epoch, epoch_ticket(&t->readers->epoch));
}

static bool unread(struct tree *tree)
{
    struct snapshot_tree *t = (struct snapshot_tree *)tree;
    if (t->background)
        background_unread(t->background);
    return t->background != NULL;
}

static void committed(struct tree *tree)
{
    readers_recycle(((struct snapshot_tree *)tree)->readers, tree);
}

static void end(struct tree *tree)
{
    struct snapshot_tree *t = (struct snapshot_tree *)tree;

    background_del(t->background);
    readers_del(t->readers);
    t->background = NULL;
    t->readers = NULL;
}

static int make_room(void *tree, size_t operations, size_t bytes, struct strata_error *err)
{
    return background_make_room(((struct snapshot_tree *)tree)->background, operations, bytes, err);
}

static const struct tree_threads threads = {pause,  resume,    pin, wait_for_readers,
                                            unread, committed, end};

/* ---- The parts ------------------------------------------------------------------------------- */

const struct tree_parts snapshot_parts = {
    .threads = &threads,
    .tree_bytes = sizeof(struct snapshot_tree),
    .table = &chain_table_kind,
    .memtable = &memtable_bptree,
    .memory_new = fast_memory_new,
    .memory_free = fast_memory_free,
    .merge = read_at_merge,
    .get = fast_get,
    .tables_asked = fast_tables_asked,
    .index = version_index_new,
    .open = pax_table_open_later,
    .properties = fast_note_lineage,
    .keep = keep,
    .pick_stale = pick_stale,
    .log = &single_op_log,
    .deferred_recovery = true,
    .delay = group_delay_new,
};

int snapshot_tree_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    const struct strata_options *options = env->options;
    struct snapshot_tree *t;
    int rc = tree_new(env, &snapshot_parts, self, err);

    if (rc < 0)
        return rc;
    t = *self;
    rc = readers_new(&t->readers, err);
    if (rc == 0 && !options->read_only && (options->background_threads || options->background_seed))
        rc = background_new(&t->tree, options->background_threads, options->background_seed,
                            &t->background, err);
    if (t->background)
        t->tree.path.make_room = make_room;
    if (rc == 0)
        return 0;
    end(&t->tree);
    tree_del(&t->tree, NULL);
    return rc;
}

/* ---- Statistics ------------------------------------------------------------------------------ */

static uint64_t old_bytes(struct tree *tree)
{
    uint64_t sequence, bytes = 0;
    struct super *super = tree_pin(tree, 0, &sequence);
    const struct version *v = super->version;

    for (size_t i = 0; i < v->count; i++)
        bytes += v->all[i]->sum.old_bytes;
    super_unref(super);
    return bytes;
}

int snapshot_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                   struct strata_error *err)
{
    struct snapshot_tree *t = self;
    int rc = tree_report_stats(self, each, arg, err);
    uint64_t bytes = old_bytes(&t->tree), number, count;

    sync_lock(&t->tree.reading);
    number = snapshots_oldest(&t->snapshots);
    count = t->snapshots.count;
    sync_unlock(&t->tree.reading);
    const struct strata_stat stats[] = {
        {"snapshots", "", "that exist now", count},
        {"snapshot_oldest", "", "number of the last operation that the oldest one sees; 0: none",
         count ? number : 0},
        {"background_rests", "",
         "times that a flush or compaction was put off, as something was short",
         t->background ? t->background->rests : 0},
        {"snapshot_bytes", "bytes", "in tables, of versions that only snapshots see, or saw",
         bytes},
    };
    for (size_t i = 0; rc == 0 && i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
    return rc;
}
