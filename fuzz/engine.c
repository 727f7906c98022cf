/* engine.c: the bytes are operations on a database of the stage under test (STRATA_STAGE, and
 * STRATA_ENGINE for a learner's own; common/crash/subject.h) in fs_sim, held against a model
 * (writes.h). An operation is a byte, its arguments the bytes after it.
 *
 * What must hold:
 *   - every answer is the model's: gets, scans, iterators and snapshots that were made earlier,
 *     after a reopening, a merge, a backup, when time has passed; what the stage does not promise
 *     is refused;
 *   - after a power cut (a kill, where the stage promises no more), at any call and in any state
 *     that it may leave, the database holds what it held after some number of writes, not fewer
 *     than were acknowledged as safe;
 *   - a file that was damaged is reported, or does not matter: a flipped bit gives no other answer
 *     than the right one, a part that was cut off or zeroed none but an earlier one. Where a power
 *     cut is survived, what the last clean close left is there or missed whatever the damage, and
 *     a flipped bit after a kill costs no more than what no later write has recorded as durable.
 *
 * With env STRATA_FUZZ_SHOW each operation is printed. */
#include "database.h"
#include "db/db.h"
#include "fuzz.h"
#include "base/prng.h"
#include "crash/subject.h"
#include "writes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 150 /* of one run */
#define ITERS 3
#define MANY 32 /* writes of one step, at most */

/* Stage 13's: merges, values that expire, range deletes. */
#define BLIND (STRATA_PROMISE_MERGE | STRATA_PROMISE_EXPIRY | STRATA_PROMISE_RANGE)

struct moving {
    struct strata_iter *iter; /* NULL: none */
    struct held held;         /* when it was made */
    unsigned at;              /* the number of its key; KEYS: not positioned */
};

struct run {
    const uint8_t *data; /* what is left of the input */
    size_t size;
    struct strata_fs *fs; /* records since it was new, or the last power cut */
    struct strata *db;    /* NULL: closed */
    struct writes writes;
    enum strata_sync sync;
    /* So many writes are acknowledged as safe from a power cut; were, when the last one that wrote
     * something, up to write n, was issued; were there at the last clean close. */
    size_t safe, durable[WRITES_OPS + 1], closed;
    uint64_t closed_calls; /* recorded up to that close */
    struct moving moving[ITERS];
    struct strata_snapshot *snapshot; /* NULL: none */
    struct held snapped;
    unsigned step;
};

static struct run run;

static uint8_t byte(void)
{
    if (!run.size)
        return 0;
    run.size--;
    return *run.data++;
}

static bool shown(void)
{
    static int wanted = -1;
    if (wanted < 0)
        wanted = getenv("STRATA_FUZZ_SHOW") != NULL;
    return wanted;
}

#define show(...)                                                                                  \
    (shown()                                                                                       \
         ? (fprintf(stderr, "%4u: ", run.step), fprintf(stderr, __VA_ARGS__), fputc('\n', stderr)) \
         : 0)

/* ---- Calls ----------------------------------------------------------------------------- */

static struct strata_error err; /* of the last call */

static void done(int rc, const char *doing)
{
    require(rc >= 0, "step %u, %s: %s", run.step, doing, fuzz_text(&err));
}

/* It is done, if the stage promises it, and else refused. */
static bool promised(int rc, unsigned promise, const char *doing)
{
    bool is = subject_promises(promise);
    require(is ? rc == 0 : rc == STRATA_ERR_NOT_SUPPORTED, "step %u, %s: %d %s", run.step, doing,
            rc, rc < 0 ? fuzz_text(&err) : "");
    return is;
}

static struct held now(void)
{
    return writes_after(&run.writes, run.writes.count);
}

static uint64_t read_clock(void *arg)
{
    (void)arg;
    return writes_time;
}

static void set_options(struct strata_options *options, struct strata_fs *fs, uint8_t how)
{
    static const uint64_t segments[] = {1500, 300, 8000, (uint64_t)1 << 20};
    static const size_t memtables[] = {4096, 600, 20000, (size_t)1 << 20};

    subject_options(options, fs, true);
    options->segment_bytes = segments[how & 3];
    options->memtable_bytes = memtables[how & 3];
    options->merge = writes_merge;
    options->clock = read_clock;
    options->sync = STRATA_SYNC_DEFAULT;
    if (how & 4)
        options->sync = STRATA_SYNC_NEVER;
    else if ((how & 8) && subject_promises(STRATA_PROMISE_POWER_CUT))
        options->sync = STRATA_SYNC_INTERVAL;
}

static bool each_is_synced(void)
{
    return run.sync == STRATA_SYNC_DEFAULT && subject_promises(STRATA_PROMISE_POWER_CUT);
}

static void open_it(uint8_t how)
{
    struct strata_options options;

    set_options(&options, run.fs, how);
    run.sync = options.sync;
    done(strata_open(DATABASE_DIR, &options, &run.db, &err), "open");
}

static void free_iter(struct moving *m)
{
    strata_iter_free(m->iter);
    m->iter = NULL;
}

static void free_snapshot(void)
{
    strata_snapshot_free(run.snapshot);
    run.snapshot = NULL;
}

static void close_it(void)
{
    for (size_t i = 0; i < ITERS; i++)
        free_iter(&run.moving[i]);
    if (run.snapshot)
        free_snapshot();
    done(strata_close(run.db, &err), "close");
    run.db = NULL;
    run.closed = run.safe = run.writes.count;
    run.closed_calls = fs_sim_trace_calls(run.fs);
}

/* ---- Asking ---------------------------------------------------------------------------- */

/* Is `value` what `held` says of the key? */
static bool is_right(const struct held *held, unsigned key, struct strata_slice value)
{
    return held_has(held, key) && held->hash[key] == held_hash(value);
}

/* One get. Returns < 0 as it. */
static int ask(struct strata *db, unsigned key, const struct held *held, const char *doing)
{
    struct strata_buffer value = {0};
    int rc = strata_get(db, key_at(key), &value, &err);

    require(rc < 0 || (rc == 0) == held_has(held, key), "step %u, %s: key %u is %s", run.step,
            doing, key, rc == 0 ? "there" : "not there");
    require(rc != 0 || is_right(held, key, strata_buffer_slice(&value)),
            "step %u, %s: key %u has another value, of %zu bytes", run.step, doing, key,
            value.size);
    strata_buffer_free(&value);
    return rc;
}

/* What a scan finds, forwards or backwards; 0, or < 0 as the first call that failed: then `held`
 * has what it found before. */
static int scan_by(struct strata_iter *iter, bool backwards, struct held *held)
{
    struct strata_slice value;
    unsigned last = KEYS;
    int rc;

    *held = (struct held){0};
    rc = backwards ? strata_iter_last(iter, &err) : strata_iter_first(iter, &err);
    while (rc == 0 && (rc = strata_iter_value(iter, &value, &err)) == 0) {
        unsigned key = key_number(strata_iter_key(iter));
        require(key < KEYS, "step %u: a scan finds a key that nobody wrote", run.step);
        require(last == KEYS || (backwards ? key < last : key > last),
                "step %u: a scan finds key %u after %u", run.step, key, last);
        held->there[key] = true;
        held->hash[key] = held_hash(value);
        last = key;
        rc = backwards ? strata_iter_prev(iter, &err) : strata_iter_next(iter, &err);
    }
    return rc < 0 ? rc : 0;
}

/* By an iterator of its own. */
static int scan(struct strata *db, bool backwards, struct held *held)
{
    struct strata_iter *iter;
    int rc = strata_iter_new(db, &iter, &err);

    *held = (struct held){0};
    if (rc == 0)
        rc = scan_by(iter, backwards, held);
    strata_iter_free(iter);
    return rc;
}

static void expect(struct strata *db, const struct held *want, const char *doing)
{
    struct held found;

    for (unsigned backwards = 0; backwards < 2; backwards++) {
        done(scan(db, backwards, &found), doing);
        for (unsigned key = 0; key < KEYS; key++)
            require(found.there[key] == held_has(want, key) &&
                        (!found.there[key] || found.hash[key] == want->hash[key]),
                    "step %u, %s: in a scan %s key %u is %s", run.step, doing,
                    backwards ? "backwards" : "forwards", key,
                    !found.there[key]     ? "missing"
                    : held_has(want, key) ? "another one"
                                          : "back");
    }
    for (unsigned key = 0; key < KEYS; key++)
        done(ask(db, key, want, doing), doing);
}

/* ---- Writing --------------------------------------------------------------------------- */

/* Was anything written since so many calls? Deleting what is not there need not. */
static bool has_written(uint64_t calls)
{
    struct fs_sim_call call;

    while (fs_sim_trace_call(run.fs, ++calls, &call) == 0)
        if (call.kind == FS_CALL_APPEND || call.kind == FS_CALL_WRITE)
            return true;
    return false;
}

/* How a write is made. */
enum { BY_BATCH, BY_CALL, BY_TRANSACTION, BY_READING_TRANSACTION, WAYS };

/* Of its only operation. */
static int call(const struct strata_op *op, uint64_t until, unsigned flags)
{
    switch (op->type) {
    case STRATA_OP_PUT:
        return strata_put_with(run.db, op->key, op->value, flags, &err);
    case STRATA_OP_DELETE:
        return strata_delete_with(run.db, op->key, flags, &err);
    case STRATA_OP_DELETE_RANGE:
        return strata_delete_range(run.db, op->key, op->value, flags, &err);
    case STRATA_OP_PUT_UNTIL:
        return strata_put_until(run.db, op->key, op->value, until, flags, &err);
    default:
        return strata_merge(run.db, op->type, op->key, op->value, flags, &err);
    }
}

static int txn_call(struct strata_txn *txn, const struct strata_op *op, uint64_t until)
{
    switch (op->type) {
    case STRATA_OP_PUT:
        return strata_txn_put(txn, op->key, op->value, &err);
    case STRATA_OP_DELETE:
        return strata_txn_delete(txn, op->key, &err);
    case STRATA_OP_DELETE_RANGE:
        return strata_txn_delete_range(txn, op->key, op->value, &err);
    case STRATA_OP_PUT_UNTIL:
        return strata_txn_put_until(txn, op->key, op->value, until, &err);
    default:
        return strata_txn_merge(txn, op->type, op->key, op->value, &err);
    }
}

static struct strata_op given(size_t at)
{
    const struct op *op = &run.writes.ops[at];
    return (struct strata_op){op->type, key_at(op->key), writes_given(&run.writes, at)};
}

/* What the transaction sees behind the operation. */
static int txn_ask(struct strata_txn *txn, size_t at)
{
    struct held held = writes_before(&run.writes, at + 1);
    unsigned key = run.writes.ops[at].key;
    struct strata_buffer value = {0};
    int rc = strata_txn_get(txn, key_at(key), &value, &err);

    require(rc < 0 || ((rc == 0) == held_has(&held, key) &&
                       (rc != 0 || is_right(&held, key, strata_buffer_slice(&value)))),
            "step %u: a transaction has another value of key %u", run.step, key);
    strata_buffer_free(&value);
    return rc < 0 ? rc : 0;
}

/* Write number n. */
static int by_transaction(size_t n, unsigned flags, bool reads)
{
    struct strata_txn *txn;
    struct strata_op op;
    int rc = strata_begin(run.db, NULL, &txn, &err);

    for (size_t at = run.writes.ends[n - 1]; rc == 0 && at < run.writes.ends[n]; at++) {
        op = given(at);
        rc = txn_call(txn, &op, run.writes.ops[at].until);
        if (rc == 0 && reads)
            rc = txn_ask(txn, at);
    }
    if (rc == 0)
        rc = strata_txn_commit(txn, flags, NULL, &err);
    strata_txn_free(txn);
    return rc;
}

static int make(size_t n, const struct strata_batch *batch, unsigned flags, unsigned by)
{
    size_t first = run.writes.ends[n - 1], ops = run.writes.ends[n] - first;
    struct strata_op op;

    if (by >= BY_TRANSACTION && subject_promises(STRATA_PROMISE_TRANSACTION))
        return by_transaction(n, flags, by == BY_READING_TRANSACTION);
    if (by != BY_CALL || ops != 1)
        return strata_write(run.db, batch, flags, &err);
    op = given(first);
    return call(&op, run.writes.ops[first].until, flags);
}

/* Write number n must be refused. */
static bool is_unwanted(size_t n)
{
    bool unwanted = false;

    for (size_t at = run.writes.ends[n - 1]; at < run.writes.ends[n]; at++)
        unwanted |= run.writes.ops[at].unwanted;
    return unwanted;
}

static void issue(size_t n, bool sync, const struct strata_batch *batch, unsigned by)
{
    bool synced = each_is_synced() || (sync && subject_promises(STRATA_PROMISE_POWER_CUT));
    size_t safe = run.safe, ops = run.writes.ends[n] - run.writes.ends[n - 1];
    uint64_t calls = fs_sim_trace_calls(run.fs);
    int rc;

    fs_sim_start(run.fs, n);
    rc = make(n, batch, sync ? STRATA_WRITE_SYNC : 0, by);
    if (sync && !subject_promises(STRATA_PROMISE_POWER_CUT)) {
        require(rc == STRATA_ERR_NOT_SUPPORTED, "step %u: a synced write: %d", run.step, rc);
    } else if (is_unwanted(n)) {
        require(rc == STRATA_ERR_INVALID, "step %u: of what is no number: %d", run.step, rc);
    } else if (ops < 2 || subject_promises(STRATA_PROMISE_BATCH)) {
        done(rc, "write");
        require(rc == 0, "step %u: a write: %d", run.step, rc);
        fs_sim_ack(run.fs, n, synced);
        run.safe = synced ? n : run.safe;
        run.durable[n] = has_written(calls) ? safe : run.durable[n - 1];
        return;
    } else {
        require(rc == STRATA_ERR_NOT_SUPPORTED, "step %u: a batch: %d", run.step, rc);
    }
    writes_cut(&run.writes, n - 1);
    fs_sim_start(run.fs, n - 1); /* it was not issued */
}

static void show_op(const struct op *op)
{
    static const char *const names[] = {
        [STRATA_OP_PUT] = "put",
        [STRATA_OP_DELETE] = "delete",
        [STRATA_OP_ADD] = "add to",
        [STRATA_OP_MAX] = "max of",
        [STRATA_OP_APPEND] = "append to",
        [STRATA_OP_MERGE] = "merge",
        [STRATA_OP_PUT_UNTIL] = "put for a time",
    };

    if (op->type == STRATA_OP_DELETE_RANGE)
        show("write %zu: delete keys %u to %u", run.writes.count + 1, op->key, op->to);
    else if (op->is_number)
        show("write %zu: %s key %u, %lld, until %llu%s", run.writes.count + 1, names[op->type],
             op->key, (long long)op->operand, (unsigned long long)op->until,
             op->unwanted ? ", in vain" : "");
    else
        show("write %zu: %s key %u, %u bytes, until %llu", run.writes.count + 1, names[op->type],
             op->key, op->size, (unsigned long long)op->until);
}

/* The operation that was added last is one of the write that is being made, too. */
static void add_last(struct strata_batch *batch)
{
    size_t at = run.writes.op_count - 1;
    struct strata_op op = given(at);
    int rc;

    switch (op.type) {
    case STRATA_OP_PUT:
        rc = strata_batch_put(batch, op.key, op.value, &err);
        break;
    case STRATA_OP_DELETE:
        rc = strata_batch_delete(batch, op.key, &err);
        break;
    case STRATA_OP_DELETE_RANGE:
        rc = strata_batch_delete_range(batch, op.key, op.value, &err);
        break;
    case STRATA_OP_PUT_UNTIL:
        rc = strata_batch_put_until(batch, op.key, op.value, run.writes.ops[at].until, &err);
        break;
    default:
        rc = strata_batch_merge(batch, op.type, op.key, op.value, &err);
    }
    done(rc, "a batch's operation");
    show_op(&run.writes.ops[at]);
}

/* An operation of the write that is being made. */
static bool add(struct strata_batch *batch, uint8_t key, uint8_t how)
{
    if (!writes_add(&run.writes, key, how % 4 == 0, how / 4))
        return false;
    add_last(batch);
    return true;
}

static bool add_blind(struct strata_batch *batch, uint8_t key, uint8_t how, uint8_t kind)
{
    if (!writes_add_blind(&run.writes, key, how / 4, kind))
        return false;
    add_last(batch);
    return true;
}

/* The operations that the input has next, as one write. `blind`: of those too which only stage 13
 * has. */
static void write_some(unsigned most, bool sync, bool blind, unsigned by)
{
    struct strata_batch *batch = strata_batch_new();
    size_t first = run.writes.op_count;

    require(batch, "no memory");
    for (unsigned i = 0; i < most; i++) {
        uint8_t key = byte(), how = byte();
        if (!(blind && how % 4 ? add_blind(batch, key, how, byte()) : add(batch, key, how)))
            break;
    }
    if (run.writes.op_count > first)
        issue(writes_commit(&run.writes), sync, batch, by);
    strata_batch_free(batch);
}

/* As many operations as the byte says, and in that way. */
static void write_blind(uint8_t how)
{
    write_some(1 + how % 4, how & 128, true, how / 8 % WAYS);
}

static void pass_time(uint8_t how)
{
    writes_time += 1 + how % 32;
    show("it is %llu", (unsigned long long)writes_time);
}

/* Writes by themselves, which fill segments with three bytes of input: of all keys, of a few, of
 * those with one hash; values of up to 100 bytes, a delete in four. With the highest bit, half are
 * of those that only stage 13 has. */
static void write_many(uint8_t how, uint8_t seed)
{
    static const uint8_t spans[] = {KEYS, 4, 2, 0};
    struct prng prng = {.state = seed};
    struct strata_batch *batch = strata_batch_new();
    bool blind = how & 128 && subject_promises(BLIND), added = true;
    uint8_t span = spans[how % 4];

    require(batch, "no memory");
    show("%d writes (%d)", how / 4 % MANY + 1, seed);
    for (unsigned i = 0; added && i <= how / 4 % MANY; i++) {
        uint8_t key = (uint8_t)(span ? prng_below(&prng, span) : key_twin(prng_below(&prng, 3)));
        uint8_t size = (uint8_t)prng_below(&prng, 24);
        added = blind && prng_below(&prng, 2)
                    ? add_blind(batch, key, size, (uint8_t)prng_below(&prng, 256))
                    : add(batch, key, size);
        if (added)
            issue(writes_commit(&run.writes), false, batch, BY_BATCH);
        strata_batch_clear(batch);
    }
    strata_batch_free(batch);
}

/* ---- Iterators ------------------------------------------------------------------------- */

static unsigned first_from(const struct held *held, unsigned key)
{
    while (key < KEYS && !held_has(held, key))
        key++;
    return key;
}

static unsigned last_before(const struct held *held, unsigned key)
{
    while (key-- > 0)
        if (held_has(held, key))
            return key;
    return KEYS;
}

static void check_place(const struct moving *m, int rc, const char *how)
{
    struct strata_slice value;

    done(rc, how);
    require((rc == 0) == (m->at < KEYS), "step %u, %s: %d, and key %u is next", run.step, how, rc,
            m->at);
    require(strata_iter_positioned(m->iter) == (rc == 0), "step %u, %s: positioned", run.step, how);
    if (rc)
        return;
    require(key_number(strata_iter_key(m->iter)) == m->at, "step %u, %s: key %u, not %u", run.step,
            how, key_number(strata_iter_key(m->iter)), m->at);
    done(strata_iter_value(m->iter, &value, &err), "value");
    require(is_right(&m->held, m->at, value), "step %u, %s: another value of key %u", run.step, how,
            m->at);
}

static void move(struct moving *m, uint8_t how)
{
    static const char *const names[] = {"first", "last", "seek", "seek_before", "next", "prev"};
    static const uint8_t moves[8] = {0, 1, 2, 3, 4, 5, 4, 5};
    unsigned key = how / 8 % KEYS, at = m->at;
    int rc;

    how = moves[how % 8];
    show("iterator %d: %s, key %u", (int)(m - run.moving), names[how], key);
    switch (how) {
    case 0:
        m->at = first_from(&m->held, 0), rc = strata_iter_first(m->iter, &err);
        break;
    case 1:
        m->at = last_before(&m->held, KEYS), rc = strata_iter_last(m->iter, &err);
        break;
    case 2:
        m->at = first_from(&m->held, key), rc = strata_iter_seek(m->iter, key_at(key), &err);
        break;
    case 3:
        m->at = last_before(&m->held, key);
        rc = strata_iter_seek_before(m->iter, key_at(key), &err);
        break;
    case 4:
        m->at = at < KEYS ? first_from(&m->held, at + 1) : KEYS;
        rc = strata_iter_next(m->iter, &err);
        break;
    default:
        m->at = at < KEYS ? last_before(&m->held, at) : KEYS;
        rc = strata_iter_prev(m->iter, &err);
    }
    if ((how == 4 || how == 5) && at == KEYS)
        require(rc == STRATA_ERR_INVALID, "step %u: %s of nothing: %d", run.step, names[how], rc);
    else
        check_place(m, rc, names[how]);
}

static void iterate(uint8_t how)
{
    struct moving *m = &run.moving[how % ITERS];

    if (m->iter && how >= 240) {
        show("iterator %d goes", (int)(m - run.moving));
        free_iter(m);
        return;
    }
    if (!m->iter) {
        show("iterator %d comes", (int)(m - run.moving));
        done(strata_iter_new(run.db, &m->iter, &err), "an iterator");
        m->held = now();
        m->at = KEYS;
    }
    move(m, byte());
}

/* ---- Snapshots ------------------------------------------------------------------------- */

static void ask_snapshot(unsigned key)
{
    struct strata_buffer value = {0};
    int rc = strata_snapshot_get(run.snapshot, key_at(key), &value, &err);

    done(rc, "a get from a snapshot");
    require((rc == 0) == held_has(&run.snapped, key), "step %u: a snapshot, key %u: %d", run.step,
            key, rc);
    require(rc || is_right(&run.snapped, key, strata_buffer_slice(&value)),
            "step %u: a snapshot has another value of key %u", run.step, key);
    strata_buffer_free(&value);
}

static void snap(uint8_t how)
{
    show("snapshot %u", how);
    if (!run.snapshot) {
        int rc = strata_snapshot_new(run.db, &run.snapshot, &err);
        if (!promised(rc, STRATA_PROMISE_SNAPSHOT, "snapshot"))
            run.snapshot = NULL;
        run.snapped = now();
    } else if (how % 4 == 0) {
        free_snapshot();
    } else {
        ask_snapshot(how / 4 % KEYS);
    }
}

/* ---- Power cuts ------------------------------------------------------------------------ */

struct cut {
    unsigned wanted; /* so many states are passed over */
    struct strata_fs *fs;
    uint64_t issued, acked, synced;
};

static int take_state(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct cut *cut = arg;

    fs_free(cut->fs);
    cut->fs = fs_sim_copy(state);
    require(cut->fs, "no memory");
    cut->issued = info->issued;
    cut->acked = info->acked;
    cut->synced = info->synced;
    return cut->wanted-- == 0;
}

static enum fs_sim_model crash_model(uint8_t how)
{
    if (!subject_promises(STRATA_PROMISE_POWER_CUT) || how % 4 == 0)
        return FS_SIM_KILL;
    return how % 4 == 1 ? FS_SIM_ORDERED : FS_SIM_POSIX;
}

/* Of the states after `floor` to `issued` writes, which one came back? The later ones never were.
 */
static void find_state(uint64_t floor, uint64_t issued)
{
    size_t n = issued < run.writes.count ? (size_t)issued : run.writes.count;
    struct held found, want = writes_after(&run.writes, n);

    done(scan(run.db, false, &found), "the scan after a cut");
    while (!held_equal(&found, &want)) {
        require(n > floor, "step %u: what came back is the state after none of writes %llu to %llu",
                run.step, (unsigned long long)floor, (unsigned long long)issued);
        want = writes_after(&run.writes, --n);
    }
    for (size_t m = n; m > floor;) { /* or was it an earlier one, which looks the same? */
        want = writes_after(&run.writes, --m);
        if (held_equal(&found, &want))
            run.durable[n] = run.durable[m];
    }
    writes_cut(&run.writes, n);
    run.safe = n; /* opening has made them so */
    show("writes 1 to %zu came back", n);
}

static void mark(uint64_t issued, uint64_t safe)
{
    require(fs_sim_start(run.fs, issued) == 0 && fs_sim_ack(run.fs, safe, true) == 0, "marks");
}

/* Opening is recorded too, so that the next cut may come while it recovers. */
static void cut_power(uint8_t how, uint8_t back, uint8_t wanted)
{
    uint64_t calls = fs_sim_trace_calls(run.fs), closed_calls = run.closed_calls, floor;
    size_t closed = run.closed;
    struct fs_sim_plan plan = {.model = crash_model(how), .prefix_limit = 16};
    struct cut cut = {.wanted = wanted % 64};
    struct fs_sim_totals totals;

    plan.from = plan.to = calls + 1 > back % 64 ? calls + 1 - back % 64 : 1;
    show("a cut (model %d) at call %llu of %llu, state %u", (int)plan.model,
         (unsigned long long)plan.from, (unsigned long long)calls, cut.wanted);
    if (run.db)
        close_it(); /* of the old file system, in which this comes after the cut */
    require(fs_sim_states(run.fs, &plan, take_state, &cut, &totals) >= 0 && cut.fs,
            "fs_sim_states");
    fs_free(run.fs);
    run.fs = cut.fs;
    floor = plan.model == FS_SIM_KILL ? cut.acked : cut.synced;
    mark(cut.issued, floor);
    require(fs_sim_record(run.fs) == 0, "fs_sim_record");
    open_it(how / 16);
    find_state(floor, cut.issued);
    run.closed_calls = 0;
    run.closed = plan.from <= closed_calls   ? 0
                 : closed < run.writes.count ? closed
                                             : run.writes.count;
    mark(run.writes.count, run.writes.count);
}

/* ---- Damage ---------------------------------------------------------------------------- */

struct damage {
    struct strata_fs *fs; /* a copy; the run's own stays as it is */
    bool flipped;         /* one bit of it */
    size_t least;         /* the state after fewer writes must not come back */
};

static bool was_written(unsigned key, uint64_t hash)
{
    for (size_t i = 0; i < run.writes.op_count; i++)
        if (run.writes.ops[i].key == key && run.writes.ops[i].hash == hash)
            return true;
    return false;
}

static void worked(int rc, const char *doing)
{
    require(rc >= 0 || (rc == STRATA_ERR_CORRUPT && err.code == rc && err.file[0]),
            "step %u, %s of what is damaged: %d %s", run.step, doing, rc, fuzz_text(&err));
}

/* What a scan found in it: right, as far as it came, or what was there once. `held` becomes what
 * all other answers must agree with. */
static void judge_scan(const struct damage *damage, int rc, const struct held *found,
                       struct held *held)
{
    size_t n = run.writes.count;
    bool exact = damage->least == n;

    for (unsigned key = 0; key < KEYS; key++)
        require(!found->there[key] ||
                    (exact ? held_has(held, key) && held->hash[key] == found->hash[key]
                           : was_written(key, found->hash[key])),
                "step %u: damaged, it serves another value of key %u", run.step, key);
    if (rc < 0)
        return;
    while (!held_equal(found, held)) {
        require(n > damage->least, "step %u: damaged, it has lost keys and says nothing", run.step);
        *held = writes_after(&run.writes, --n);
    }
}

static void ask_damaged(const struct damage *damage, struct strata *db)
{
    struct held held = now(), found;
    int verified = strata_verify(db, NULL, &err), rc;
    bool whole;

    worked(verified, "verify");
    rc = scan(db, run.step % 2, &found);
    worked(rc, "a scan");
    whole = rc == 0;
    judge_scan(damage, rc, &found, &held);
    for (unsigned key = 0; key < KEYS && (whole || damage->least == run.writes.count); key++) {
        rc = ask(db, key, &held, "damaged");
        worked(rc, "get");
        whole &= rc >= 0;
    }
    require(whole || verified < 0, "step %u: damage that verify does not see", run.step);
}

static void change(struct strata_buffer *bytes, unsigned kind, size_t at, unsigned bit)
{
    size_t rest = bytes->size - at, sector = rest < FS_SIM_SECTOR ? rest : FS_SIM_SECTOR;

    if (kind < 4)
        bytes->data[at] ^= (uint8_t)(1u << bit);
    else if (kind == 4)
        bytes->size = at;
    else if (kind == 5)
        memset(bytes->data + at, 0, sector);
    else
        memmove(bytes->data + at, bytes->data + (at * 7 + bit * 64) % (bytes->size - sector + 1),
                sector);
}

/* An iterator that was made before. */
static void ask_iter(const struct damage *damage, struct strata_iter *iter)
{
    struct held held = now(), found;
    int rc = scan_by(iter, run.step % 2, &found);

    worked(rc, "an earlier iterator");
    judge_scan(damage, rc, &found, &held);
    strata_iter_free(iter);
}

/* Where an append to the file ended: between records, if any place is. */
static size_t border(const char *path, size_t size, size_t place)
{
    enum { PLACES = 64 };
    size_t places[PLACES], count = 0;
    struct fs_sim_call call;

    for (uint64_t i = 1; fs_sim_trace_call(run.fs, i, &call) == 0; i++)
        if ((call.kind == FS_CALL_APPEND || call.kind == FS_CALL_WRITE) &&
            strncmp(call.path, path, strlen(path)) == 0 && call.offset + call.size < size)
            places[count++ % PLACES] = (size_t)(call.offset + call.size);
    return count ? places[place % (count < PLACES ? count : PLACES)] : place;
}

/* Changes the file, or removes it. */
static void harm(struct damage *damage, const char *path, uint8_t how, size_t place)
{
    struct strata_buffer bytes = {0};
    unsigned kind = how % 8;

    damage->flipped = kind < 4;
    if (!damage->flipped) /* the last clean close has recorded how long the log was */
        damage->least = subject_promises(STRATA_PROMISE_POWER_CUT) ? run.closed : 0;
    require(fs_sim_get(damage->fs, path, &bytes) == 0, "fs_sim_get %s", path);
    if (kind == 4 && how & 8 && bytes.size)
        place = border(path, bytes.size, place);
    show("damage (%u) of %s at %zu of %zu", kind, path, bytes.size ? place % bytes.size : 0,
         bytes.size);
    if (kind == 7)
        require(fs_remove(damage->fs, path, NULL) == 0, "fs_remove %s", path);
    else if (bytes.size)
        change(&bytes, kind, place % bytes.size, how / 8 % 8);
    if (kind < 7)
        require(fs_sim_put(damage->fs, path, strata_buffer_slice(&bytes)) == 0, "fs_sim_put");
    strata_buffer_free(&bytes);
}

static void harm_any(struct damage *damage, uint8_t which, uint8_t how, size_t place)
{
    struct fs_names names;
    char path[300];

    require(fs_sim_paths(damage->fs, DATABASE_DIR, &names) == 0 && names.count, "fs_sim_paths");
    if (strcmp(names.names[which % names.count], LOCK_NAME) == 0) /* it is empty */
        which++;
    snprintf(path, sizeof path, "%s/%s", DATABASE_DIR, names.names[which % names.count]);
    fs_names_free(&names);
    if (path[strlen(path) - 1] != '/')
        harm(damage, path, how, place);
}

/* So many writes a flipped bit must leave after a kill. */
static size_t least_after_kill(void)
{
    size_t durable = run.durable[run.writes.count];

    if (!subject_promises(STRATA_PROMISE_POWER_CUT))
        return 0;
    return durable > run.closed ? durable : run.closed;
}

/* Which file: `which`; its highest bit: while it is open (then only a bit is changed); the next:
 * read only; the next: of a database that was killed, not closed. */
static void damage_file(uint8_t which, uint8_t how, size_t place)
{
    struct damage damage = {.flipped = true, .least = run.writes.count};
    struct strata_options options;
    struct strata_iter *iter = NULL;
    struct strata *db = NULL;
    bool open = which & 128, killed = which & 32;

    if (!killed)
        close_it();
    else if (!open)
        damage.least = least_after_kill();
    damage.fs = fs_sim_copy(run.fs);
    require(damage.fs, "no memory");
    set_options(&options, damage.fs, 0);
    options.create = false;
    options.read_only = which & 64;
    show("the database is %s, and at least %zu writes must be there",
         open     ? "open"
         : killed ? "killed"
                  : "closed",
         damage.least);
    if (open) {
        done(strata_open(DATABASE_DIR, &options, &db, &err), "open");
        done(strata_iter_new(db, &iter, &err), "an iterator");
    }
    harm_any(&damage, which % 32, open ? (uint8_t)(how & ~4u) : how, place);
    if (!open)
        worked(strata_open(DATABASE_DIR, &options, &db, &err), "opening");
    if (iter)
        ask_iter(&damage, iter);
    if (db) {
        ask_damaged(&damage, db);
        strata_close(db, &err);
    }
    fs_free(damage.fs);
    if (!killed)
        open_it(0);
}

/* ---- Other operations ------------------------------------------------------------------ */

static void sync_it(void)
{
    show("sync");
    if (promised(strata_sync(run.db, &err), STRATA_PROMISE_POWER_CUT, "sync")) {
        fs_sim_ack(run.fs, run.writes.count, true);
        run.safe = run.writes.count;
    }
}

static void flush_it(void)
{
    int rc = strata_flush(run.db, &err);
    show("flush: %d", rc);
    require(rc == 0 || rc == STRATA_ERR_NOT_SUPPORTED, "step %u, flush: %d %s", run.step, rc,
            fuzz_text(&err));
}

static void compact_it(void)
{
    struct held want = now();

    show("compact");
    promised(strata_compact(run.db, NULL, &err), STRATA_PROMISE_COMPACT, "compact");
    expect(run.db, &want, "after compacting");
}

static void reopen(uint8_t how)
{
    struct held want = now();

    show("reopen (%d)", how % 16);
    close_it();
    open_it(how);
    expect(run.db, &want, "after reopening");
}

static void read_only(void)
{
    struct held want = now();
    struct strata_options options;
    int rc;

    show("open to read only");
    close_it();
    set_options(&options, run.fs, 0);
    options.read_only = true;
    options.create = false;
    done(strata_open(DATABASE_DIR, &options, &run.db, &err), "open to read");
    expect(run.db, &want, "read only");
    rc = strata_put(run.db, key_at(0), key_at(1), &err);
    require(rc == STRATA_ERR_READ_ONLY, "step %u: a put to read only: %d", run.step, rc);
    reopen(0);
}

static void open_twice(void)
{
    struct strata_options options;
    struct strata *db;
    int rc;

    show("open a second time");
    set_options(&options, run.fs, 0);
    rc = strata_open(DATABASE_DIR, &options, &db, &err);
    require(rc == STRATA_ERR_LOCKED, "step %u: opened twice: %d", run.step, rc);
}

static void back_up(void)
{
    struct strata_options options;
    struct held want = now();
    struct strata *db;
    char to[30];
    int rc;

    snprintf(to, sizeof to, "copy%u", run.step);
    rc = strata_backup(run.db, to, NULL, &err);
    show("backup: %d", rc);
    if (rc == STRATA_ERR_NOT_SUPPORTED)
        return;
    done(rc, "backup");
    set_options(&options, run.fs, 0);
    options.create = false;
    done(strata_open(to, &options, &db, &err), "open the backup");
    expect(db, &want, "the backup");
    done(strata_close(db, &err), "close the backup");
}

static void tell_stat(void *arg, const struct strata_stat *stat)
{
    *(size_t *)arg += strlen(stat->name) + strlen(stat->unit) + strlen(stat->help);
}

static void look(uint8_t how)
{
    struct held want = now();
    size_t letters = 0;

    show("look at everything (%d)", how % 4);
    if (how % 4 == 0)
        done(strata_verify(run.db, NULL, &err), "verify");
    if (how % 4 == 1)
        done(strata_stats(run.db, tell_stat, &letters, &err), "stats");
    expect(run.db, &want, "asking for everything");
}

static void step(void)
{
    uint8_t a, b, c;
    struct held want;

    switch (byte() % 32) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
        write_some(1, false, false, BY_BATCH);
        break;
    case 6:
        if (subject_promises(BLIND))
            write_blind(byte());
        else
            write_some(1, false, false, BY_BATCH);
        break;
    case 7:
        a = byte();
        write_many(a, byte());
        break;
    case 8:
    case 9:
    case 10:
        a = byte();
        write_some(2 + a % (WRITES_BATCH - 1), a & 128, false, BY_BATCH);
        break;
    case 11:
        write_some(1, true, false, BY_BATCH);
        break;
    case 12:
    case 13:
        want = now();
        a = byte();
        show("get key %d", a % KEYS);
        done(ask(run.db, a % KEYS, &want, "get"), "get");
        break;
    case 14:
    case 15:
    case 16:
    case 17:
        iterate(byte());
        break;
    case 18:
        if (subject_promises(STRATA_PROMISE_EXPIRY))
            pass_time(byte());
        else
            iterate(byte());
        break;
    case 19:
        look(byte());
        break;
    case 20:
        snap(byte());
        break;
    case 21:
        sync_it();
        break;
    case 22:
        flush_it();
        break;
    case 23:
    case 24:
        compact_it();
        break;
    case 25:
        reopen(byte());
        break;
    case 26:
        a = byte() % 4;
        a == 0 ? read_only() : a == 1 ? open_twice() : a == 2 ? back_up() : reopen(a);
        break;
    case 27:
    case 28:
    case 29:
        a = byte();
        b = byte();
        c = byte();
        cut_power(a, b, c);
        break;
    default:
        a = byte();
        b = byte();
        c = byte();
        damage_file(a, b, (size_t)c << 8 | byte());
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run = (struct run){.data = data, .size = size, .fs = fs_sim_new()};
    writes_time = 1000;
    require(run.fs && fs_sim_record(run.fs) == 0, "no memory");
    open_it(byte());
    for (; run.size && run.step < STEPS; run.step++)
        step();
    reopen(0);
    done(strata_verify(run.db, NULL, &err), "verify at the end");
    close_it();
    require(fs_sim_open_files(run.fs) == 0, "%zu files stay open", fs_sim_open_files(run.fs));
    fs_free(run.fs);
    return 0;
}
