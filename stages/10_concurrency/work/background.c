/* background.c: see background.h. */
#include "10_concurrency/work/background.h"
#include "07_paced_compaction/compaction/pace.h"

#include <assert.h>
#include <stdlib.h>

#define STEP ((uint64_t)256 << 10) /* bytes of inputs that a step reads, about */
#define PIECE ((uint64_t)8 << 20)  /* bytes of obsolete files that a step removes */

/* ---- Failure --------------------------------------------------------------------------------- */

static void warn(const struct tree *tree, const char *what, const struct strata_error *why)
{
    strata_env_warn(tree->env, why, "%s: background work: %s", tree->env->dir, what);
}

static enum work_outcome rest(struct background *b, _Atomic int *error, const char *what,
                              const struct strata_error *why)
{
    *error = strata_error_sys(why);
    atomic_fetch_add_explicit(&b->rests, 1, memory_order_relaxed);
    warn(b->tree, what, why);
    return WORK_REST;
}

static enum work_outcome poison(struct background *b, int rc, const struct strata_error *why)
{
    if (!atomic_exchange(&b->poisoned, true))
        warn(b->tree, "nothing is written any more", why);
    write_path_spoil(&b->tree->path, rc, why);
    return WORK_DONE;
}

/* What the device has of the last edit, or of the names of files that the leader, too, may have
 * made, is not known: another sync that succeeds would prove nothing. */
static bool is_in_doubt(struct tree *tree)
{
    bool doubt;

    sync_lock(&tree->installing);
    doubt = tree->versions.uncertain || tree->names_doubted;
    sync_unlock(&tree->installing);
    return doubt;
}

/* 10.I13: the memtable and its log are as they were. */
static enum work_outcome flush_failed(struct background *b, int rc, const struct strata_error *why)
{
    struct tree *tree = b->tree;

    if (is_in_doubt(tree) || (rc != STRATA_ERR_CORRUPT && !compaction_error_is_shortage(rc, why)))
        return poison(b, rc, why);
    if (tree->path.group.failed) /* by who will queue this again, if it is forgiven */
        return WORK_DONE;
    sync_lock(&tree->path.group.mutex);
    b->rc = rc;
    b->why = *why;
    sync_unlock(&tree->path.group.mutex);
    return rest(b, &b->flush_error, "a flush is tried again later", why);
}

static enum work_outcome compaction_failed(struct background *b, int rc,
                                           const struct strata_error *why)
{
    struct tree *tree = b->tree;
    bool tolerable, quarantined = false;

    sync_lock(&tree->installing); /* the tables that there are do not change */
    tolerable = !tree->names_doubted && compaction_error_is_tolerable(&tree->versions, rc, why);
    if (tolerable && !compaction_error_is_shortage(rc, why))
        quarantined = pace_quarantine(tree, why);
    sync_unlock(&tree->installing);
    if (!tolerable)
        return poison(b, rc, why);
    if (tree->path.group.failed)
        return WORK_DONE;
    if (quarantined) {
        warn(tree, "this table is left alone by compactions", why);
        return WORK_MORE;
    }
    tree->compaction_paused = true;
    return rest(b, &b->compaction_error, "a compaction is tried again later", why);
}

/* ---- Jobs ------------------------------------------------------------------------------------ */

static uint64_t left_of(const struct compact *work)
{
    return work ? compact_left(work) : 0;
}

static void pay(struct background *b, enum ledger_kind kind, uint64_t before, uint64_t after,
                uint64_t began)
{
    ledger_pay(&b->ledger, kind, before > after ? before - after : 0, sync_now() - began);
}

void background_queue(struct background *b, enum background_job job)
{
    int sys = work_queue(&b->work, job);
    struct strata_error why;

    if (sys) {
        strata_fail_sys(&why, sys, b->tree->env->dir, STRATA_NO_OFFSET, "start a thread");
        warn(b->tree, "those who write do it", &why);
    }
}

/* A file may be obsolete now. */
static void look_for_obsolete(struct background *b)
{
    b->any_obsolete = b->tree->obsolete.count > 0;
    if (b->any_obsolete)
        background_queue(b, BACKGROUND_REMOVAL);
}

/* 10.I11. */
static bool may_flush(struct tree *tree)
{
    bool may;

    sync_lock(&tree->installing);
    may = tree->super->immutable && tree->log_named && !tree->path.group.failed;
    sync_unlock(&tree->installing);
    return may;
}

static enum work_outcome flush_step(void *arg)
{
    struct background *b = arg;
    struct tree *tree = b->tree;
    uint64_t budget = STEP, before, began = sync_now();
    struct strata_error why;
    int rc;

    b->flush_error = 0;
    if (!may_flush(tree))
        return WORK_DONE;
    before = tree->flush ? compact_left(tree->flush) : b->flush_left;
    rc = tree_flush_step(tree, &budget, &why);
    if (rc < 0)
        return flush_failed(b, rc, &why);
    b->flush_left = left_of(tree->flush);
    pay(b, LEDGER_FLUSH, before, b->flush_left, began);
    if (rc != COMPACT_DONE)
        return WORK_MORE;
    look_for_obsolete(b);
    return WORK_DONE;
}

static void show_compaction(struct background *b)
{
    const struct compact *work = b->tree->compaction;

    b->compaction_done = work ? work->bytes - compact_left(work) : 0;
    b->compaction_bytes = work ? work->bytes : 0;
}

/* What is begun is ended; the next one begins when it is worth it. (That is taken back before it is
 * known, so that who says so meanwhile is heard.) */
static enum work_outcome compaction_step(void *arg)
{
    struct background *b = arg;
    struct tree *tree = b->tree;
    uint64_t budget = STEP, before = left_of(tree->compaction), began = sync_now();
    bool asked = atomic_exchange(&b->stale_asked, false);
    bool due = tree->compaction || atomic_exchange(&b->compaction_due, false) || asked;
    struct strata_error why;
    int rc;

    tree->compaction_paused = false;
    b->compaction_error = 0;
    if (tree->path.group.failed || !due)
        return WORK_DONE;
    rc = tree_compact_step(tree, &budget, &why);
    if (rc != STRATA_NOT_FOUND) {
        b->compaction_due = true;
        if (asked) /* not before nothing else is due */
            b->stale_asked = true;
    }
    if (!before && tree->compaction) /* it began */
        before = tree->compaction->bytes;
    show_compaction(b);
    if (rc < 0)
        return compaction_failed(b, rc, &why);
    pay(b, LEDGER_COMPACTION, before, left_of(tree->compaction), began);
    if (asked) /* what makes space does not wait until nothing is to be compacted */
        obsolete_remove(&tree->obsolete, tree->env->fs, PIECE);
    look_for_obsolete(b);
    return rc == STRATA_NOT_FOUND ? WORK_DONE : WORK_MORE;
}

/* What has readers stays; the last of them queues the job again. */
static enum work_outcome removal_step(void *arg)
{
    struct background *b = arg;
    struct tree *tree = b->tree;
    bool went = obsolete_remove(&tree->obsolete, tree->env->fs, PIECE);

    b->any_obsolete = tree->obsolete.count > 0;
    return went && b->any_obsolete ? WORK_MORE : WORK_DONE;
}

/* ---- Its life -------------------------------------------------------------------------------- */

int background_new(struct tree *tree, struct epoch *epoch, unsigned threads, uint64_t seed,
                   struct background **out, struct strata_error *err)
{
    struct background *b = calloc(1, sizeof *b);

    assert(threads <= 1); /* 10.I10 */
    if (!b || work_init(&b->work, threads == 0, seed) != 0) {
        free(b);
        return strata_fail_memory(err, sizeof *b);
    }
    b->tree = tree;
    b->epoch = epoch;
    work_add(&b->work, flush_step, b); /* enum background_job, in order */
    work_add(&b->work, compaction_step, b);
    work_add(&b->work, removal_step, b);
    *out = b;
    return 0;
}

bool background_del(struct background *b)
{
    bool unreported;

    work_free(&b->work);
    unreported = b->tree->path.group.failed && !b->reported;
    free(b);
    return unreported;
}

/* ---- Something was short ----------------------------------------------------------------------
 */

/* Of a log that was appended to in vain, the beginning of that goes. One whose sync failed stays as
 * it is: what the device has of it is not known. */
static bool is_whole(const struct log *log)
{
    return !log->file || fs_cut_back(log->file, NULL) == 0;
}

void background_forgive(struct background *b)
{
    struct tree *tree = b->tree;
    int failed = tree->path.group.failed;
    struct strata_error why = {.sys = failed};

    if (!failed || !compaction_error_is_shortage(STRATA_ERR_IO, &why))
        return;
    sync_lock(&tree->installing);
    if (!b->poisoned && !tree->versions.uncertain && !tree->names_doubted &&
        is_whole(&tree->path.log) && is_whole(&tree->immutable) &&
        atomic_compare_exchange_strong(&tree->path.group.failed, &failed, 0))
        b->reported = false; /* the next failure is another one */
    sync_unlock(&tree->installing);
    background_queue(b, BACKGROUND_FLUSH); /* which may have seen it */
    background_queue(b, BACKGROUND_COMPACTION);
}

/* ---- Alone ----------------------------------------------------------------------------------- */

void background_pause(struct background *b)
{
    work_run(&b->work);
    work_pause(&b->work);
}

/* The call that was alone may have done anything. */
void background_resume(struct background *b, bool failed)
{
    const struct super *super = b->tree->super;

    b->reported |= failed && b->tree->path.group.failed;
    background_forgive(b);
    b->flush_left = b->tree->flush     ? compact_left(b->tree->flush)
                    : super->immutable ? memtable_bytes(super->immutable)
                                       : 0;
    show_compaction(b);
    if (super->immutable)
        background_queue(b, BACKGROUND_FLUSH);
    else
        b->flush_error = 0;
    if (!b->tree->compaction_paused)
        b->compaction_error = 0;
    if (b->tree->compaction)
        background_queue(b, BACKGROUND_COMPACTION);
    look_for_obsolete(b);
    work_resume(&b->work);
}

void background_compact(struct background *b, bool stale)
{
    b->compaction_due = true;
    if (stale)
        b->stale_asked = true;
    background_queue(b, BACKGROUND_COMPACTION);
}

uint64_t background_error(const struct background *b)
{
    int flush;

    if (!b)
        return 0;
    flush = b->flush_error;
    return (uint64_t)(flush ? flush : b->compaction_error);
}

void background_unread(struct background *b)
{
    if (b->any_obsolete)
        background_queue(b, BACKGROUND_REMOVAL);
}
