/* script.c: see script.h. */
#include "crash/script.h"

#include "crash/sim/fs_sim.h"
#include "crash/need.h"
#include "base/prng.h"
#include "crash/merge_check.h"
#include "crash/subject.h"

#include <string.h>

/* ---- Writing one ----------------------------------------------------------------------- */

void script_add(struct script *script, enum script_step step)
{
    if (script->count == script->capacity) {
        script->capacity = script->capacity ? 2 * script->capacity : 64;
        script->steps = need(realloc(script->steps, script->capacity * sizeof *script->steps));
    }
    script->steps[script->count++] = step;
}

void script_free(struct script *script)
{
    history_free(&script->history);
    free(script->steps);
    *script = (struct script){0};
}

void script_put_bytes(struct script *script, struct strata_slice key, struct strata_slice value)
{
    history_put(&script->history, key, value);
    script_add(script, SCRIPT_WRITE);
}

void script_put(struct script *script, const char *key, const char *value)
{
    script_put_bytes(script, strata_string(key), strata_string(value));
}

void script_delete(struct script *script, const char *key)
{
    history_delete(&script->history, strata_string(key));
    script_add(script, SCRIPT_WRITE);
}

void script_copy_step(struct script *script, const struct script *from, size_t index, size_t n)
{
    if (from->steps[index] == SCRIPT_WRITE)
        history_copy(&script->history, &from->history, n);
    script_add(script, from->steps[index]);
}

void script_settle(struct script *script)
{
    script->settled = script->count;
}

/* ---- The shared ones ------------------------------------------------------------------- */

static void nothing(struct script *script)
{
    (void)script; /* the database is made and closed */
}

static void writes(struct script *script)
{
    static const uint8_t binary[] = {0, 1, 0xff, '\n', '\t', '\\', 0};

    script_put(script, "apple", "red");
    script_put(script, "pear", "green");
    script_put(script, "apple", "yellow"); /* overwritten */
    script_put(script, "", "the empty key");
    script_put(script, "empty value", "");
    script_delete(script, "pear");
    script_delete(script, "never there");
    script_put_bytes(script, strata_bytes(binary, sizeof binary),
                     strata_bytes(binary, sizeof binary));
    script_add(script, SCRIPT_SYNC);
    script_put(script, "pear", "brown"); /* back again */
    script_put(script, "", "the empty key, again");
    script_delete(script, "");
    script_delete(script, "apple");
    script_put(script, "empty value", "no longer");
    script_put(script, "zebra", "last");
}

/* The same few keys in several lives of the handle. */
static void reopens(struct script *script)
{
    char value[32];

    for (int life = 0; life < 4; life++) {
        snprintf(value, sizeof value, "of life %d", life);
        script_put(script, "common", value);
        script_put(script, life % 2 ? "odd" : "even", value);
        script_delete(script, life % 2 ? "even" : "odd");
        if (life == 2)
            script_add(script, SCRIPT_FLUSH);
        script_add(script, SCRIPT_REOPEN);
    }
    script_add(script, SCRIPT_COMPACT);
    script_put(script, "common", "after all");
    script_add(script, SCRIPT_READ);
}

/* A value larger than any window or block that it is read through. */
static void large(struct script *script)
{
    size_t size = 200 * 1024;
    uint8_t *bytes = need(malloc(size));

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 167 >> 3);
    script_put(script, "before", "small");
    script_put_bytes(script, strata_string("large"), strata_bytes(bytes, size));
    script_put(script, "after", "small");
    script_put_bytes(script, strata_string("large"), strata_bytes(bytes, 5000));
    script_delete(script, "before");
    free(bytes);
}

const char *script_builtin(size_t index, struct script *script)
{
    static const struct {
        const char *name;
        void (*fill)(struct script *script);
    } all[] = {{"nothing", nothing}, {"writes", writes}, {"reopens", reopens}, {"large", large}};

    if (index >= sizeof all / sizeof *all)
        return NULL;
    all[index].fill(script);
    return all[index].name;
}

/* ---- The mixed one --------------------------------------------------------------------- */

#define MIXED_KEYS 6
#define MIXED_LIVES 3
#define MIXED_STEPS 12 /* a life */

static const char *key_of(uint64_t number)
{
    static const char *const keys[MIXED_KEYS] = {"apple", "banana", "cherry", "date", "elder", ""};
    return keys[number];
}

static void mixed_batch(struct script *script, struct prng *prng)
{
    struct strata_batch *batch = need(strata_batch_new());
    int rc = 0;

    for (int i = 0; i < 3; i++)
        rc |= strata_batch_put(batch, strata_string(key_of(prng_below(prng, MIXED_KEYS))),
                               strata_string("of a batch"), NULL);
    rc |= strata_batch_delete(batch, strata_string(key_of(prng_below(prng, MIXED_KEYS))), NULL);
    need(rc == 0 ? batch : NULL);
    history_batch(&script->history, batch);
    script_add(script, SCRIPT_WRITE);
    strata_batch_free(batch);
}

static void mixed_put(struct script *script, struct prng *prng, uint64_t number)
{
    static const char dots[] = "................................................................";
    char value[100];

    snprintf(value, sizeof value, "value %d %.*s", (int)number, (int)prng_below(prng, 60), dots);
    script_put(script, key_of(prng_below(prng, MIXED_KEYS)), value);
}

void script_mixed(struct script *script, uint64_t seed)
{
    bool batches = subject_promises(STRATA_PROMISE_BATCH);
    bool snapshots = subject_promises(STRATA_PROMISE_SNAPSHOT);
    struct prng prng = {seed};

    for (uint64_t i = 1; i <= MIXED_LIVES * MIXED_STEPS; i++) {
        uint64_t dice = prng_below(&prng, 10);
        if (script->unsynced && i % 7 == 0)
            script_add(script, SCRIPT_SYNCED);
        if (snapshots && i % MIXED_STEPS == 3) /* over a compaction */
            script_add(script, SCRIPT_HOLD);
        if (snapshots && i % MIXED_STEPS == 9)
            script_add(script, SCRIPT_RELEASE);
        if (dice < 6)
            mixed_put(script, &prng, i);
        else if (dice < 8 || !batches)
            script_delete(script, key_of(prng_below(&prng, MIXED_KEYS)));
        else
            mixed_batch(script, &prng);
        if (i % 9 == 0)
            script_add(script, SCRIPT_SYNC);
        if (i % MIXED_STEPS == MIXED_STEPS / 2)
            script_add(script, SCRIPT_COMPACT);
        if (i % MIXED_STEPS == 0)
            script_add(script, SCRIPT_REOPEN);
    }
    script_add(script, SCRIPT_READ);
}

/* ---- Running one ----------------------------------------------------------------------- */

void script_run_init(struct script_run *run, const struct script *script, struct strata_fs *fs,
                     const char *dir, bool sim)
{
    *run = (struct script_run){.script = script, .fs = fs, .dir = dir, .sim = sim};
}

const char *script_doing_name(enum script_doing doing)
{
    static const char *const names[SCRIPT_DOINGS] = {"create", "open", "put",   "delete",  "batch",
                                                     "read",   "sync", "flush", "compact", "close"};
    return names[doing];
}

static void report(struct script_run *run, enum script_doing doing)
{
    if (run->about_to)
        run->about_to(run->arg, doing);
}

static void acknowledge(struct script_run *run, uint64_t n, bool synced)
{
    run->acknowledged = n;
    if (synced)
        run->synced = n;
    if (run->sim)
        fs_sim_ack(run->fs, run->marks_from + n, synced);
}

static int write_one(struct strata *db, const struct strata_op *op, struct strata_error *err)
{
    return op->type == STRATA_OP_PUT ? strata_put(db, op->key, op->value, err)
                                     : strata_delete(db, op->key, err);
}

/* Where the stage has merges every second put is one: what it finds must be what the history has.
 */
static bool is_merge(const struct strata_op *op, size_t n, size_t at)
{
    return op->type == STRATA_OP_PUT && (n + at) % 2 == 0 && subject_promises(STRATA_PROMISE_MERGE);
}

/* Write `n` of the history. */
static int write_batch(struct strata *db, const struct history *history, size_t n, unsigned flags,
                       struct strata_error *err)
{
    struct strata_batch *batch = strata_batch_new();
    size_t count;
    const struct strata_op *ops = history_write(history, n, &count);
    int rc = batch ? 0 : strata_fail_memory(err, 0);

    for (size_t i = 0; i < count && rc == 0; i++)
        if (is_merge(&ops[i], n, i))
            rc = merge_check_add(batch, history, n, i, err);
        else
            rc = ops[i].type == STRATA_OP_PUT
                     ? strata_batch_put(batch, ops[i].key, ops[i].value, err)
                     : strata_batch_delete(batch, ops[i].key, err);
    if (rc == 0)
        rc = strata_write(db, batch, flags, err);
    strata_batch_free(batch);
    return rc;
}

static int do_write(struct script_run *run)
{
    unsigned promises = subject_info()->promises;
    bool synced = run->sync_next && promises & STRATA_PROMISE_POWER_CUT;
    uint64_t n = run->acknowledged + 1;
    size_t count;
    const struct strata_op *ops = history_write(&run->script->history, (size_t)n, &count);
    int rc;

    report(run, count > 1 ? SCRIPT_BATCH : ops->type == STRATA_OP_PUT ? SCRIPT_PUT : SCRIPT_DELETE);
    run->issued = n;
    if (run->sim)
        fs_sim_start(run->fs, run->marks_from + n);
    rc = count == 1 && !synced && !is_merge(ops, (size_t)n, 0)
             ? write_one(run->db, ops, &run->err)
             : write_batch(run->db, &run->script->history, (size_t)n,
                           synced ? STRATA_WRITE_SYNC : 0, &run->err);
    if (rc < 0)
        return rc;
    /* the default sync is the strongest that the stage promises */
    synced |= subject_promises(STRATA_PROMISE_POWER_CUT) && !run->script->unsynced;
    acknowledge(run, n, synced);
    run->sync_next = false;
    return 0;
}

/* Compares the held iterator (or, if it is NULL, every way of reading) with the state after write
 * `n`. */
static int do_ask(struct script_run *run, struct strata_iter *held, uint64_t n)
{
    uint64_t errors = run->answers.errors;
    struct model model = {0};

    history_model(&run->script->history, (size_t)n, &model);
    run->answers.errors = 0;
    if (held)
        judge_iter(held, &model, false, &run->answers);
    else
        judge_all(run->db, &run->script->history, &model, &run->answers);
    model_free(&model);
    run->answers.errors += errors;
    if (run->answers.errors == errors)
        return 0;
    run->err = run->answers.first_error;
    return run->err.code;
}

static int do_hold(struct script_run *run)
{
    int rc;

    if (run->held)
        return 0;
    rc = strata_iter_new(run->db, &run->held, &run->err);
    if (rc < 0)
        return rc;
    run->held_at = run->acknowledged;
    if (subject_promises(STRATA_PROMISE_SNAPSHOT))
        rc = strata_snapshot_new(run->db, &run->snapshot, &run->err);
    if (rc == 0)
        rc = strata_iter_first(run->held, &run->err);
    return rc < 0 ? rc : 0;
}

static void free_held(struct script_run *run)
{
    strata_iter_free(run->held);
    run->held = NULL;
    strata_snapshot_free(run->snapshot);
    run->snapshot = NULL;
}

/* What is read from the snapshot now. */
static int ask_snapshot(struct script_run *run)
{
    struct strata_iter *iter;
    int rc = strata_snapshot_iter(run->snapshot, &iter, &run->err);

    if (rc < 0)
        return rc;
    rc = do_ask(run, iter, run->held_at);
    strata_iter_free(iter);
    return rc;
}

static int do_release(struct script_run *run)
{
    int rc = run->held ? do_ask(run, run->held, run->held_at) : 0;

    if (rc == 0 && run->snapshot)
        rc = ask_snapshot(run);
    free_held(run);
    return rc;
}

static int passed_over(int rc)
{
    return rc == STRATA_ERR_NOT_SUPPORTED ? 0 : rc;
}

static int do_step(struct script_run *run, enum script_step step)
{
    int rc;
    switch (step) {
    case SCRIPT_WRITE:
        return do_write(run);
    case SCRIPT_REOPEN:
        return script_close(run); /* the next step opens it */
    case SCRIPT_READ:
        report(run, SCRIPT_READING);
        return do_ask(run, NULL, run->acknowledged);
    case SCRIPT_SYNC:
        report(run, SCRIPT_SYNCING);
        rc = strata_sync(run->db, &run->err);
        if (rc == 0)
            acknowledge(run, run->acknowledged, true);
        return passed_over(rc);
    case SCRIPT_FLUSH:
        report(run, SCRIPT_FLUSHING);
        return passed_over(strata_flush(run->db, &run->err));
    case SCRIPT_COMPACT:
        report(run, SCRIPT_COMPACTING);
        return passed_over(strata_compact(run->db, NULL, &run->err));
    case SCRIPT_HOLD:
        report(run, SCRIPT_READING);
        return do_hold(run);
    case SCRIPT_RELEASE:
        report(run, SCRIPT_READING);
        return do_release(run);
    case SCRIPT_SYNCED:
        run->sync_next = true;
        return 0;
    }
    return STRATA_ERR_INVALID;
}

static int open_database(struct script_run *run)
{
    struct strata_options options;
    int rc;

    if (run->db)
        return 0;
    report(run, run->made ? SCRIPT_OPEN : SCRIPT_CREATE);
    subject_options(&options, run->fs, true);
    if (run->script->unsynced)
        options.sync = STRATA_SYNC_NEVER;
    rc = strata_open(run->dir, &options, &run->db, &run->err);
    run->made = run->made || rc == 0;
    return rc;
}

int script_step(struct script_run *run)
{
    int rc = open_database(run);

    if (rc < 0 || run->at == run->script->count)
        return rc < 0 ? rc : STRATA_NOT_FOUND;
    rc = do_step(run, run->script->steps[run->at]);
    if (rc == 0)
        run->at++;
    return rc;
}

void script_skip(struct script_run *run)
{
    if (run->script->steps[run->at] == SCRIPT_WRITE) {
        acknowledge(run, run->acknowledged + 1, false);
        run->sync_next = false;
    }
    run->at++;
}

int script_close(struct script_run *run)
{
    struct strata *db = run->db;
    if (db)
        report(run, SCRIPT_CLOSE);
    free_held(run);
    run->db = NULL;
    return strata_close(db, &run->err);
}

int script_settle_run(struct script_run *run)
{
    int rc = 0;
    while (rc == 0 && run->at < run->script->settled)
        rc = script_step(run);
    return rc;
}

int script_run(struct script_run *run)
{
    int rc, closed;
    while ((rc = script_step(run)) == 0)
        ;
    closed = script_close(run);
    return rc < 0 ? rc : closed;
}
