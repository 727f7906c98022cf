/* snapshot_tree.c: see snapshot_tree.h.
 *
 * 10.I7: the number of a snapshot is taken, and put into the list, with the lock under which a
 *        flush or compaction reads the list as it begins. So a list without it was read before it
 *        was taken, and all that such work can drop is older than another version that it sees.
 * 10.I9: a table with enough old versions is stale when no snapshot is older than its last
 *        operation. Where nothing else is due, stale tables are rewritten where they are, one after
 *        the other, as many bytes as are written (pace.c). `stale_from` says which release makes
 *        one stale.
 * 10.I16: what another process may read stays whole: no obsolete file is removed or cut, nor a
 *        manifest that another replaces, while a reader has a lease. */
#include "snapshot_tree.h"
#include "07_paced_compaction/tree/tree_engine.h"
#include "09_fast_paths/log/single_op_log.h"
#include "10_concurrency/snapshot/chain.h"
#include "10_concurrency/snapshot/keep.h"
#include "10_concurrency/table/chain_table.h"

#include <stdlib.h>

/* ---- Snapshots ------------------------------------------------------------------------------- */

void snapshot_begin(struct snapshot_tree *t, struct snapshot *snapshot)
{
    sync_lock(&t->tree.reading);
    snapshots_add(&t->snapshots, snapshot, t->tree.path.sequence - 1);
    sync_unlock(&t->tree.reading);
}

int snapshot_take(void *self, void **out, struct strata_error *err)
{
    struct snapshot *snapshot = malloc(sizeof *snapshot);

    if (!snapshot)
        return strata_fail_memory(err, sizeof *snapshot);
    snapshot_begin(self, snapshot);
    *out = snapshot;
    return 0;
}

/* There is a table with old versions that no snapshot sees. `reading` is held. */
static bool has_stale(const struct snapshot_tree *t)
{
    return t->stale_from < UINT64_MAX && t->stale_from <= snapshots_oldest(&t->snapshots);
}

void snapshot_end(struct snapshot_tree *t, struct snapshot *snapshot)
{
    bool stale;

    sync_lock(&t->tree.reading);
    snapshots_remove(&t->snapshots, snapshot);
    stale = has_stale(t);
    if (stale) /* 10.I9 */
        t->tree.nothing_due = false;
    sync_unlock(&t->tree.reading);
    if (stale && t->background)
        background_compact(t->background, true);
}

void snapshot_release(void *self, void *snapshot)
{
    snapshot_end(self, snapshot);
    free(snapshot);
}

uint64_t snapshot_number(void *self, void *snapshot)
{
    (void)self;
    return ((const struct snapshot *)snapshot)->number;
}

/* ---- Reading --------------------------------------------------------------------------------- */

int snapshot_look(const struct super *super, uint64_t sequence, struct strata_slice key,
                  unsigned *type, struct strata_buffer *value, struct strata_error *err)
{
    struct strata_slice found;

    *type = memtable_get(super->memtable, key, sequence, &found);
    if (!*type && super->immutable)
        *type = memtable_get(super->immutable, key, sequence, &found);
    if (!*type)
        return fast_get_at(super->version, key, sequence, type, value, err);
    return strata_buffer_append(value, found.data, found.size) < 0
               ? strata_fail_memory(err, found.size)
               : 0;
}

/* Of what is current, in a section, which the caller is in: the value is copied. */
static int get_in(struct tree *tree, const struct super *super, uint64_t sequence,
                  struct strata_slice key, struct strata_buffer *value, struct strata_error *err)
{
    unsigned type;
    int rc = snapshot_look(super, sequence, key, &type, value, err);

    if (rc == 0 && type == SSTABLE_CODED)
        rc = tree->parts->fetch(tree, key, value, err);
    return rc == 0 && type == STRATA_OP_DELETE ? STRATA_NOT_FOUND : rc;
}

int snapshot_get_at(struct snapshot_tree *t, uint64_t number, struct strata_slice key,
                    struct strata_buffer *value, struct strata_error *err)
{
    if (t->background)
        work_run(&t->background->work);
    striped_add(&t->tree.gets, 0, 1);
    return snapshot_find(t, number, key, value, err);
}

int snapshot_find(struct snapshot_tree *t, uint64_t number, struct strata_slice key,
                  struct strata_buffer *value, struct strata_error *err)
{
    struct epoch_section section;
    const struct super *super;
    uint64_t sequence;
    int rc;

    section = epoch_enter(&t->epoch);
    super = t->tree.super; /* 10.I14 */
    sync_point();
    sequence = t->tree.path.sequence - 1;
    rc = get_in(&t->tree, super, number < sequence ? number : sequence, key, value, err);
    epoch_leave(section);
    return rc;
}

int snapshot_iter_at(struct snapshot_tree *t, uint64_t number, struct strata_iter **out,
                     struct strata_error *err)
{
    struct super *super = tree_pin(&t->tree);
    uint64_t last = tree_last(&t->tree);

    return tree_iter_of(super, number < last ? number : last, out, err);
}

int snapshot_engine_get(void *self, struct strata_slice key, struct strata_buffer *value,
                        struct strata_error *err)
{
    return snapshot_get_at(self, UINT64_MAX, key, value, err);
}

int snapshot_get(void *self, void *snapshot, struct strata_slice key, struct strata_buffer *value,
                 struct strata_error *err)
{
    return snapshot_get_at(self, ((const struct snapshot *)snapshot)->number, key, value, err);
}

int snapshot_iter(void *self, void *snapshot, struct strata_iter **out, struct strata_error *err)
{
    return snapshot_iter_at(self, ((const struct snapshot *)snapshot)->number, out, err);
}

/* ---- What goes on ---------------------------------------------------------------------------- */

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

/* The numbers of all snapshots, as they are at one time (10.I6, 10.I7); freed by free. */
static int list_snapshots(struct snapshot_tree *t, uint64_t **numbers, size_t *count,
                          struct strata_error *err)
{
    size_t bytes;

    sync_lock(&t->tree.reading);
    bytes = (t->snapshots.count + 1) * sizeof **numbers;
    *numbers = malloc(bytes);
    *count = *numbers ? snapshots_copy(&t->snapshots, *numbers) : 0;
    sync_unlock(&t->tree.reading);
    return *numbers ? 0 : strata_fail_memory(err, bytes);
}

/* Where no snapshot tells versions apart, and none is left of earlier ones, it is stage 9's work:
 * what is stored without a number every snapshot sees (10.I1). */
int snapshot_keep(struct compaction *c, const struct level_merge *of, struct strata_error *err)
{
    struct snapshot_tree *t = c->of.keeper;
    struct cursor *from;
    uint64_t *numbers;
    size_t count;
    int rc = list_snapshots(t, &numbers, &count, err);

    if (rc < 0)
        return rc;
    if (of ? !read_at_is_coded(of) : !count || c->last <= numbers[0])
        rc = STRATA_NOT_FOUND;
    else
        rc = open_versions(c, of, numbers, count, &from, err);
    if (rc != 0) {
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
    return table->sum.old_bytes && table->sum.old_bytes >= table->bytes / WORTH;
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
int snapshot_pick_stale(struct tree *tree, struct version *v, struct pick *pick,
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
    return most ? pick_take(pick, v, pick->level, at, at + 1, err) : STRATA_NOT_FOUND;
}

/* ---- Readers of other processes (common/db/lease.c) ------------------------------------------ */

/* 10.I16. As `stay` of struct obsolete_files. */
bool snapshot_are_leased(void *arg)
{
    struct tree *tree = arg;
    uint64_t manifest = atomic_exchange(&tree->versions.replaced, 0);

    if (manifest)
        obsolete_add(&tree->obsolete, tree->env, manifest_path(tree->env, manifest), 0, NULL);
    return tree->obsolete.count &&
           strata_env_is_read(tree->env, &((struct snapshot_tree *)tree)->lease_warned);
}

/* ---- The parts ------------------------------------------------------------------------------- */

void snapshot_tree_begin(struct tree *tree)
{
    struct snapshot_tree *t = (struct snapshot_tree *)tree;

    epoch_init(&t->epoch);
    t->recycled = epoch_ticket(&t->epoch);
    tree->versions.keep_replaced = true;
    tree->obsolete.stay = snapshot_are_leased;
    tree->obsolete.arg = tree;
}

void snapshot_tree_end(struct tree *tree)
{
    struct snapshot_tree *t = (struct snapshot_tree *)tree;

    if (t->later_free)
        t->later_free(t->later);
    epoch_free(&t->epoch);
}

const struct tree_parts snapshot_parts = {
    SNAPSHOT_PARTS,
    .begin = snapshot_tree_begin,
    .tree_bytes = sizeof(struct snapshot_tree),
    .table = &chain_table_kind,
    .open = pax_table_open_later,
    .keep = snapshot_keep,
    .pick_stale = snapshot_pick_stale,
    .log = &single_op_log,
};

static int make_room(void *tree, size_t operations, size_t bytes, struct strata_error *err)
{
    return background_make_room(((struct snapshot_tree *)tree)->background, operations, bytes, err);
}

int snapshot_tree_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    return snapshot_tree_open_parts(env, &snapshot_parts, self, err);
}

int snapshot_tree_open_parts(const struct strata_env *env, const struct tree_parts *parts,
                             void **self, struct strata_error *err)
{
    const struct strata_options *o = env->options;
    struct snapshot_tree *t;
    int rc = tree_new(env, parts, self, err);

    if (rc < 0)
        return rc;
    t = *self;
    t->written = t->tree.path.sequence;
    if (o->read_only || !(o->background_threads || o->background_seed))
        return 0;
    rc = background_new(&t->tree, &t->epoch, o->background_threads, o->background_seed,
                        &t->background, err);
    if (rc == 0)
        t->tree.path.make_room = make_room;
    else
        tree_del(&t->tree, NULL);
    return rc;
}

/* ---- Statistics ------------------------------------------------------------------------------ */

static uint64_t old_bytes(struct tree *tree)
{
    uint64_t bytes = 0;
    struct super *super = tree_pin(tree);
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
        {"readers", "",
         "1: another handle reads, so obsolete files stay; 0: none does, or this one",
         !t->tree.env->options->read_only && strata_env_is_read(t->tree.env, NULL)},
        {"obsolete_bytes", "bytes", "of files that nothing names and that are not removed yet",
         t->tree.obsolete.bytes},
        {"background_rests", "",
         "times that a flush or compaction was put off, as something was short",
         t->background ? t->background->rests : 0},
        {"background_error", "errno",
         "why a flush or compaction waits to be tried again; 0: none does",
         background_error(t->background)},
        {"write_error", "errno",
         "of the failure since which nothing is written before the next open; 0: none",
         (uint64_t)t->tree.path.group.failed},
        {"snapshot_bytes", "bytes", "in tables, of versions that only snapshots see, or saw",
         bytes},
    };
    for (size_t i = 0; rc == 0 && i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
    return rc;
}
