/* leveled.c: see leveled.h. Writes gather in the memtable and its log; each does its share of what
 * is owed (pace.c). A read asks the memtables, the tables of level 0, the newest first, and of each
 * deeper level the one table that may have the key; a scan merges them all.
 *
 * Two mutexes: the group's is held to write, as in stage 4; a reader takes hold of what there is by
 * another one, which a writer holds to show what he has done and no longer. So a get does not wait
 * for a put that is logged and added meanwhile: it would sleep, and to be woken takes longer than
 * many puts. */
#include "leveled.h"
#include "07_paced_compaction/compaction/pace.h"
#include "07_paced_compaction/events/tree_events.h"
#include "07_paced_compaction/tree/tree_open.h"

#include <stdlib.h>

#define GROUP_BYTES ((size_t)1 << 20) /* gathered for one append */
#define ENTRY_BYTES ((size_t)64)      /* of a memtable beside key and value, about */

/* ---- Opening and closing --------------------------------------------------------------------- */

static int tree_free(struct tree *tree, struct strata_error *err)
{
    int rc = log_close(&tree->live.log, false, err);

    log_close(&tree->immutable.log, false, NULL);
    log_close(&tree->older.log, false, NULL);
    mark_end(&tree->marker, tree->env, false);
    tree_abandon(tree);
    events_free(&tree->events);
    policy_quarantine_clear(&tree->quarantined);
    super_unref(tree->super);
    version_unref(tree->version);
    obsolete_free(&tree->obsolete, tree->env->fs);
    if (tree->common)
        tree->kind->common_del(tree->common);
    manifest_close(&tree->manifest);
    if (tree->memory)
        tree->parts->memory_free(tree->memory);
    pthread_mutex_destroy(&tree->reading);
    group_free(&tree->group);
    free(tree);
    return rc;
}

/* What threads need; on failure nothing of it is left. */
static int init_threads(struct tree *tree, const struct tree_parts *parts, struct strata_error *err)
{
    int rc = group_init(&tree->group, err);

    if (rc < 0)
        return rc;
    if (parts->delay)
        rc = parts->delay(&tree->group, err);
    if (rc == 0 && pthread_mutex_init(&tree->reading, NULL) != 0)
        rc = strata_fail_memory(err, sizeof tree->reading);
    if (rc < 0)
        group_free(&tree->group);
    return rc;
}

int leveled_open(const struct strata_env *env, const struct tree_parts *parts, bool unsynced,
                 void **self, struct strata_error *err)
{
    struct tree *tree = calloc(1, sizeof *tree);
    struct strata_error why;
    int rc;

    if (!tree)
        return strata_fail_memory(err, sizeof *tree);
    rc = init_threads(tree, parts, err);
    if (rc < 0) {
        free(tree);
        return rc;
    }
    tree->env = env;
    tree->parts = parts;
    tree->kind = parts->table;
    tree->names_unsynced = unsynced;
    events_init(&tree->events, env);
    rc = parts->memory_new ? parts->memory_new(env, &tree->memory, &why) : 0;
    if (rc == 0 && tree->kind->common_new)
        rc = tree->kind->common_new(env, &tree->common, &why);
    if (rc == 0)
        rc = tree_open(tree, &why);
    if (rc == 0)
        *self = tree;
    else
        tree_free(tree, NULL);
    if (rc < 0 && err)
        *err = why;
    return rc;
}

/* A compaction that is nearly done is not thrown away. */
static int finish_compaction(struct tree *tree, struct strata_error *err)
{
    uint64_t little = tree->env->options->memtable_bytes / 2;
    int rc = 0;

    while (rc == 0 && tree->compaction && compact_left(tree->compaction) <= little)
        rc = pace_compact(tree, err);
    return rc < 0 ? rc : 0;
}

/* What a clean close leaves: an empty log, and word of how far the manifest reaches; nothing is
 * read again by the next open.
 *
 * How long it may take: what is left of the sealed memtable and the memtable are written to tables,
 * 1.5 x memtable_bytes at most, as the first is half done by then; of a compaction under way what
 * is left, when it is no more than half of that, else its outputs go; and the files that are named
 * no more go. */
static int leave_tidy(struct tree *tree, struct strata_error *err)
{
    int rc = 0;

    if (memtable_count(tree->super->memtable) || tree->super->immutable || tree->recovery_pending)
        rc = pace_flush(tree, err);
    if (rc == 0)
        rc = finish_compaction(tree, err);
    tree_abandon(tree);
    if (rc == 0)
        tree_notify_close(tree);
    if (rc == 0)
        rc = manifest_settle(&tree->manifest, err);
    mark_end(&tree->marker, tree->env, rc == 0);
    return rc;
}

int leveled_close(void *self, struct strata_error *err)
{
    struct tree *tree = self;
    struct strata_error why = {0};
    int rc = 0, freed;

    if (!tree->failed && !tree->env->options->read_only) {
        group_enter(&tree->group);
        pthread_mutex_unlock(&tree->group.mutex);
        rc = leave_tidy(tree, &why);
        pthread_mutex_lock(&tree->group.mutex);
        group_leave(&tree->group);
    }
    if (rc < 0 && err)
        *err = why;
    freed = tree_free(tree, rc == 0 ? err : NULL);
    return rc < 0 ? rc : freed;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* All that is to be written will fit, and its share of the work is done. */
static int make_room(struct tree *tree, const struct group_commit *list, bool *sync,
                     struct strata_error *err)
{
    size_t operations = 0, bytes = 0;
    int rc = tree_usable(tree, err);

    for (const struct group_commit *c = list; c; c = c->next) {
        operations += c->count;
        *sync |= c->sync;
        for (size_t i = 0; i < c->count; i++)
            bytes += c->ops[i].key.size + c->ops[i].value.size;
    }
    /* A sync is one of what came before, too. */
    if (rc == 0 &&
        (operations || !tree->log_named || tree->recovery_pending || tree->names_unsynced))
        rc = pace_write(tree, operations * ENTRY_BYTES + bytes, err);
    if (rc == 0)
        rc = memtable_reserve(tree->super->memtable, operations, bytes, err);
    if (rc == 0)
        tree->stats.bytes_in += bytes;
    return rc;
}

/* Into the memtable, in steps that cannot fail; then readers may see it. Where there are none now,
 * those that begin later find nothing of what was replaced until now. */
static void apply(struct tree *tree, const struct group_commit *list)
{
    uint64_t sequence = tree->sequence;
    bool is_read;

    for (const struct group_commit *c = list; c; c = c->next)
        for (size_t i = 0; i < c->count; i++)
            memtable_add(tree->super->memtable, sequence++, c->ops[i].type, c->ops[i].key,
                         c->ops[i].value);
    pthread_mutex_lock(&tree->reading);
    tree->sequence = sequence;
    is_read = super_is_read(tree->super);
    pthread_mutex_unlock(&tree->reading);
    if (!is_read)
        memtable_recycle(tree->super->memtable);
}

/* Append, sync if asked for, apply, answer: stage 3's order. (A sealed log is on the device.) */
static int commit(struct tree *tree, const struct group_commit *list, struct strata_error *err)
{
    struct log *log = &tree->live.log;
    bool sync = false;
    uint64_t end;
    int rc = make_room(tree, list, &sync, err);

    if (rc < 0)
        return rc;
    end = log->end;
    log_mark(log, &tree->marker, list);
    rc = log_append(log, list, tree->sequence, err);
    tree->stats.log_bytes += log->end - end;
    if (rc == 0 && (sync || log_due(log)))
        rc = log_sync(log, &tree->marker, &tree->group.mutex, err);
    else if (rc == 0)
        log_write_back(log);
    if (rc == 0)
        apply(tree, list);
    return tree_note_failure(tree, rc, err);
}

static void commit_list(void *arg, struct group_commit *list)
{
    struct strata_error err; /* not zeroed: 528 bytes, for every put */
    int rc = commit(arg, list, &err);

    for (struct group_commit *c = list; c; c = c->next) {
        c->rc = rc;
        if (rc < 0)
            c->err = err;
    }
}

int leveled_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                  struct strata_error *err)
{
    struct tree *tree = self;
    struct group_commit commit; /* its error is not zeroed for every put */
    int rc;

    commit.ops = ops;
    commit.count = count;
    commit.sync = sync;
    rc = group_submit(&tree->group, &commit, GROUP_BYTES, commit_list, tree);
    if (rc < 0 && err)
        *err = commit.err;
    return rc;
}

int leveled_sync(void *self, struct strata_error *err)
{
    return leveled_write(self, NULL, 0, true, err);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static struct super *take(struct tree *tree, unsigned gets, uint64_t *sequence)
{
    struct super *super;

    pthread_mutex_lock(&tree->reading);
    super = tree->super;
    super_ref(super);
    *sequence = tree->sequence - 1;
    tree->gets += gets;
    pthread_mutex_unlock(&tree->reading);
    return super;
}

struct super *tree_pin(struct tree *tree, uint64_t *sequence)
{
    return take(tree, 0, sequence);
}

int leveled_get(void *self, struct strata_slice key, struct strata_buffer *value,
                struct strata_error *err)
{
    uint64_t sequence;
    struct super *super = take(self, 1, &sequence);
    int rc = super_get(super, sequence, key, value, err);

    super_unref(super);
    return rc;
}

/* What an iterator reads from. */
struct held {
    struct tree *tree;
    struct super *super;
};

static void release(void *arg)
{
    struct held *held = arg;

    super_unref(held->super);
    tree_remove_unread(held->tree);
    free(held);
}

int leveled_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    struct held *held = malloc(sizeof *held);
    struct cursor *cursor;
    uint64_t sequence;
    int rc;

    if (!held)
        return strata_fail_memory(err, sizeof *held);
    *held = (struct held){self, tree_pin(self, &sequence)};
    rc = super_cursor(held->super, sequence, &cursor, err);
    if (rc < 0) {
        super_unref(held->super);
        free(held);
        return rc;
    }
    cursor_hold(cursor, held, release);
    *out = &cursor->iter;
    return 0;
}

/* ---- Upkeep ---------------------------------------------------------------------------------- */

/* What is asked for, and its keys. */
struct upkeep {
    int (*work)(struct tree *tree, const struct upkeep *upkeep, struct strata_error *err);
    struct strata_slice from, to;
    const struct strata_progress *progress;
};

static int flush_and_settle(struct tree *tree, const struct upkeep *upkeep,
                            struct strata_error *err)
{
    int rc = pace_flush(tree, err);

    (void)upkeep;
    return rc < 0 ? rc : pace_drain(tree, err);
}

static int compact_all(struct tree *tree, const struct upkeep *upkeep, struct strata_error *err)
{
    int rc = pace_flush(tree, err);

    if (rc == 0)
        rc = tree_compact_all(tree, upkeep->progress, err);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&tree->group.mutex);
    policy_quarantine_clear(&tree->quarantined); /* they are tried again, as what lacked room is */
    pthread_mutex_unlock(&tree->group.mutex);
    tree->compaction_paused = false;
    return pace_drain(tree, err);
}

static int compact_part(struct tree *tree, const struct upkeep *upkeep, struct strata_error *err)
{
    int rc = pace_flush(tree, err);
    return rc < 0 ? rc : tree_compact_part(tree, upkeep->from, upkeep->to, upkeep->progress, err);
}

/* As the leader: nobody writes meanwhile. */
static int do_upkeep(struct tree *tree, const struct upkeep *upkeep, struct strata_error *err)
{
    struct strata_error why;
    int rc;

    group_enter(&tree->group);
    pthread_mutex_unlock(&tree->group.mutex);
    rc = tree_usable(tree, &why);
    if (rc == 0)
        rc = tree_note_failure(tree, upkeep->work(tree, upkeep, &why), &why);
    if (rc == 0)
        obsolete_remove(&tree->obsolete, tree->env->fs, UINT64_MAX);
    pthread_mutex_lock(&tree->group.mutex);
    group_leave(&tree->group);
    if (rc < 0 && err)
        *err = why;
    if (rc == 0 && upkeep->progress)
        upkeep->progress->tick(upkeep->progress->arg, 1, 1);
    return rc;
}

int leveled_flush(void *self, struct strata_error *err)
{
    struct upkeep upkeep = {.work = flush_and_settle};
    return do_upkeep(self, &upkeep, err);
}

int leveled_compact(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    struct upkeep upkeep = {.work = compact_all, .progress = progress};
    return do_upkeep(self, &upkeep, err);
}

int leveled_compact_range(void *self, struct strata_slice from, struct strata_slice to,
                          const struct strata_progress *progress, struct strata_error *err)
{
    struct upkeep upkeep = {compact_part, from, to, progress};
    return do_upkeep(self, &upkeep, err);
}
