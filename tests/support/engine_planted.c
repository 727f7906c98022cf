/* engine_planted.c: see engine_planted.h. */
#include "engine_planted.h"

#include "base/array.h"
#include "crash/need.h"
#include "threads/sync.h"

#include <stdlib.h>
#include <string.h>

#define DROPPED_EACH 9u /* of so many commits one */

enum engine_planted_bug engine_planted_bug;

struct version {
    struct strata_buffer key, value;
    bool deletes, dropped; /* dropped: of an aborted transaction */
    uint64_t number; /* of its commit; of a write that is not yet committed: when it was made */
};

struct versions {
    struct version *all; /* in the order of their numbers */
    size_t count, room;
};

struct store {
    enum engine_planted_bug bug;
    struct sync_mutex lock, global;
    struct versions versions;
    uint64_t number, commits;
};

struct txn {
    struct store *store;
    struct strata_txn_options options;
    uint64_t snapshot;                     /* taken by the first read: NONE before */
    struct versions writes, reads, locked; /* of the last two the keys */
    size_t *made; /* DIRTY: of each write its place in the store's versions */
    size_t made_count, made_room;
    bool scanned, committed;
};

#define NONE UINT64_MAX

/* ---- Versions -------------------------------------------------------------------------------- */

static struct version *add(struct versions *to, struct strata_slice key, struct strata_slice value,
                           bool deletes, uint64_t number)
{
    struct version *v = need(array_add(&to->all, &to->count, &to->room, sizeof *v, NULL));

    need(strata_buffer_append(&v->key, key.data, key.size) == 0 ? v : NULL);
    need(strata_buffer_append(&v->value, value.data, value.size) == 0 ? v : NULL);
    v->deletes = deletes;
    v->number = number;
    return v;
}

static void add_op(struct versions *to, const struct strata_op *op, uint64_t number)
{
    add(to, op->key, op->value, op->type == STRATA_OP_DELETE, number);
}

static void shorten(struct versions *v, size_t count)
{
    while (v->count > count) {
        v->count--;
        strata_buffer_free(&v->all[v->count].key);
        strata_buffer_free(&v->all[v->count].value);
    }
}

static void empty(struct versions *v)
{
    shorten(v, 0);
    free(v->all);
}

static bool is_of(const struct version *v, struct strata_slice key)
{
    return strata_compare(strata_buffer_slice(&v->key), key) == 0;
}

/* The newest of the key at that number; NULL: there is none. */
static const struct version *find(const struct versions *in, struct strata_slice key,
                                  uint64_t number)
{
    for (size_t i = in->count; i-- > 0;)
        if (in->all[i].number <= number && !in->all[i].dropped && is_of(&in->all[i], key))
            return &in->all[i];
    return NULL;
}

static int answer(const struct version *found, struct strata_buffer *value)
{
    if (!found || found->deletes)
        return STRATA_NOT_FOUND;
    need(strata_buffer_append(value, found->value.data, found->value.size) == 0 ? value : NULL);
    return 0;
}

/* ---- Iterators: of entries that were copied when they were made --------------------------------
 */

struct entries {
    struct strata_iter base;
    struct versions of; /* by key */
    size_t at;
};

static int stand(struct strata_iter *base, size_t at)
{
    struct entries *iter = (struct entries *)base;

    if (at >= iter->of.count)
        return STRATA_NOT_FOUND;
    iter->at = at;
    base->key = strata_buffer_slice(&iter->of.all[at].key);
    return 0;
}

static int entries_seek(struct strata_iter *base, struct strata_slice key, struct strata_error *err)
{
    const struct versions *of = &((struct entries *)base)->of;
    size_t at = 0;

    (void)err;
    while (at < of->count && strata_compare(strata_buffer_slice(&of->all[at].key), key) < 0)
        at++;
    return stand(base, at);
}

static int entries_last(struct strata_iter *base, struct strata_error *err)
{
    (void)err;
    return stand(base, ((struct entries *)base)->of.count - 1);
}

static int entries_next(struct strata_iter *base, struct strata_error *err)
{
    (void)err;
    return stand(base, ((struct entries *)base)->at + 1);
}

static int entries_prev(struct strata_iter *base, struct strata_error *err)
{
    (void)err;
    return stand(base, ((struct entries *)base)->at - 1); /* before the first: a huge number */
}

static int entries_value(struct strata_iter *base, struct strata_error *err)
{
    struct entries *iter = (struct entries *)base;

    (void)err;
    base->value = strata_buffer_slice(&iter->of.all[iter->at].value);
    base->has_value = true;
    return 0;
}

static void entries_free(struct strata_iter *base)
{
    struct entries *iter = (struct entries *)base;

    empty(&iter->of);
    free(iter);
}

static int by_key(const void *a, const void *b)
{
    const struct version *left = a, *right = b;

    return strata_compare(strata_buffer_slice(&left->key), strata_buffer_slice(&right->key));
}

/* Each key once, as it is at that number, but as in `own` if it is there. */
static struct strata_iter *entries_new(const struct versions *of, uint64_t number,
                                       const struct versions *own)
{
    static const struct strata_iter_ops ops = {entries_seek, entries_last,  entries_next,
                                               entries_prev, entries_value, entries_free};
    struct entries *iter = need(calloc(1, sizeof *iter));
    const struct versions *both[] = {own, of};

    iter->base.ops = &ops;
    for (size_t b = 0; b < 2; b++)
        for (size_t i = both[b]->count; i-- > 0;) {
            const struct version *v = &both[b]->all[i];
            struct strata_slice key = strata_buffer_slice(&v->key);
            if (!v->dropped && v->number <= number && !find(&iter->of, key, NONE))
                add(&iter->of, key, strata_buffer_slice(&v->value), v->deletes, number);
        }
    for (size_t i = iter->of.count; i-- > 0;)
        if (iter->of.all[i].deletes) {
            struct version last = iter->of.all[iter->of.count - 1];
            iter->of.all[iter->of.count - 1] = iter->of.all[i];
            iter->of.all[i] = last;
            shorten(&iter->of, iter->of.count - 1);
        }
    if (iter->of.count)
        qsort(iter->of.all, iter->of.count, sizeof *iter->of.all, by_key);
    return &iter->base;
}

/* ---- Without transactions ----------------------------------------------------------------------
 */

static void lock(struct store *store)
{
    if (store->bug == PLANTED_GLOBAL_LOCK)
        sync_lock(&store->global);
    sync_lock(&store->lock);
}

static void unlock(struct store *store)
{
    sync_unlock(&store->lock);
    if (store->bug == PLANTED_GLOBAL_LOCK)
        sync_unlock(&store->global);
}

static int planted_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    struct store *store = need(calloc(1, sizeof *store));

    (void)env;
    (void)err;
    store->bug = engine_planted_bug;
    need(sync_mutex_init(&store->lock) == 0 && sync_mutex_init(&store->global) == 0 ? store : NULL);
    *self = store;
    return 0;
}

static int planted_close(void *self, struct strata_error *err)
{
    struct store *store = self;

    (void)err;
    empty(&store->versions);
    sync_mutex_free(&store->lock);
    sync_mutex_free(&store->global);
    free(store);
    return 0;
}

static int planted_get(void *self, struct strata_slice key, struct strata_buffer *value,
                       struct strata_error *err)
{
    struct store *store = self;
    int rc;

    (void)err;
    lock(store);
    rc = answer(find(&store->versions, key, NONE), value);
    unlock(store);
    return rc;
}

static int planted_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                         struct strata_error *err)
{
    struct store *store = self;

    (void)sync;
    (void)err;
    lock(store);
    store->number++;
    for (size_t i = 0; i < count; i++)
        add_op(&store->versions, &ops[i], store->number);
    unlock(store);
    return 0;
}

static int planted_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    static const struct versions none;
    struct store *store = self;

    (void)err;
    lock(store);
    *out = entries_new(&store->versions, store->number, &none);
    unlock(store);
    return 0;
}

/* ---- Transactions ------------------------------------------------------------------------------
 */

static int txn_begin(void *self, const struct strata_txn_options *options, void **out,
                     struct strata_error *err)
{
    struct txn *txn = need(calloc(1, sizeof *txn));

    (void)err;
    txn->store = self;
    txn->options = *options;
    txn->snapshot = NONE;
    if (txn->store->bug == PLANTED_WRITES_VALIDATED)
        txn->options.isolation = STRATA_SNAPSHOT_ISOLATION;
    if (txn->store->bug == PLANTED_GLOBAL_LOCK)
        sync_lock(&txn->store->global);
    *out = txn;
    return 0;
}

/* With the lock: the number that a read sees. */
static uint64_t see(struct txn *txn)
{
    struct store *store = txn->store;

    if (store->bug == PLANTED_DIRTY || store->bug == PLANTED_READ_COMMITTED)
        return store->number;
    if (txn->snapshot == NONE)
        txn->snapshot = store->bug == PLANTED_STALE && txn->options.read_only ? store->number / 2
                                                                              : store->number;
    return txn->snapshot;
}

static int read_key(struct txn *txn, struct versions *note, struct strata_slice key,
                    struct strata_buffer *value)
{
    const struct version *found = find(&txn->writes, key, NONE);
    int rc;

    sync_lock(&txn->store->lock);
    if (!found) {
        found = find(&txn->store->versions, key, see(txn));
        if (found || txn->store->bug != PLANTED_FOUND_VALIDATED)
            add(note, key, strata_bytes(NULL, 0), false, 0);
    }
    rc = answer(found, value);
    sync_unlock(&txn->store->lock);
    return rc;
}

static int txn_get(void *self, struct strata_slice key, struct strata_buffer *value,
                   struct strata_error *err)
{
    struct txn *txn = self;

    (void)err;
    return read_key(txn, &txn->reads, key, value);
}

static int txn_get_for_update(void *self, struct strata_slice key, struct strata_buffer *value,
                              struct strata_error *err)
{
    struct txn *txn = self;

    (void)err;
    return read_key(txn, &txn->locked, key, value);
}

static int txn_write(void *self, const struct strata_op *op, struct strata_error *err)
{
    struct txn *txn = self;
    struct store *store = txn->store;

    (void)err;
    if (store->bug == PLANTED_DIRTY) {
        size_t *made =
            need(array_add(&txn->made, &txn->made_count, &txn->made_room, sizeof *made, NULL));
        sync_lock(&store->lock);
        *made = store->versions.count;
        add_op(&store->versions, op, ++store->number);
        sync_unlock(&store->lock);
    } else
        add_op(&txn->writes, op, 0);
    return 0;
}

static int txn_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    static const struct versions none;
    struct txn *txn = self;
    struct store *store = txn->store;
    const struct entries *made;

    (void)err;
    sync_lock(&store->lock);
    *out = entries_new(&store->versions, see(txn),
                       store->bug == PLANTED_OWN_NOT_SCANNED ? &none : &txn->writes);
    sync_unlock(&store->lock);
    if (store->bug != PLANTED_ROWS_VALIDATED) {
        txn->scanned = true;
        return 0;
    }
    made = (const struct entries *)*out;
    for (size_t i = 0; i < made->of.count; i++)
        add(&txn->reads, strata_buffer_slice(&made->of.all[i].key), strata_bytes(NULL, 0), false,
            0);
    return 0;
}

static uint64_t txn_mark(void *self)
{
    const struct txn *txn = self;

    return txn->store->bug == PLANTED_DIRTY ? txn->made_count : txn->writes.count;
}

static void drop_made(struct txn *txn, size_t mark)
{
    sync_lock(&txn->store->lock);
    while (txn->made_count > mark)
        txn->store->versions.all[txn->made[--txn->made_count]].dropped = true;
    sync_unlock(&txn->store->lock);
}

static int txn_rollback_to(void *self, uint64_t mark, struct strata_error *err)
{
    struct txn *txn = self;

    (void)err;
    if (txn->store->bug == PLANTED_DIRTY)
        drop_made(txn, mark);
    else if (txn->store->bug != PLANTED_ROLLBACK_KEEPS)
        shorten(&txn->writes, mark);
    if (txn->store->bug == PLANTED_READS_FORGOTTEN) {
        shorten(&txn->reads, 0);
        txn->scanned = false;
    }
    return 0;
}

/* With the lock: has a commit since the snapshot written one of these keys? */
static bool is_changed(const struct txn *txn, const struct versions *keys)
{
    const struct versions *v = &txn->store->versions;

    for (size_t i = 0; i < v->count; i++)
        for (size_t k = 0; v->all[i].number > txn->snapshot && k < keys->count; k++)
            if (is_of(&v->all[i], strata_buffer_slice(&keys->all[k].key)))
                return true;
    return false;
}

static bool is_valid(const struct txn *txn)
{
    enum engine_planted_bug bug = txn->store->bug;
    bool reads = txn->options.isolation == STRATA_SERIALIZABLE;

    if (bug == PLANTED_DIRTY || bug == PLANTED_READ_COMMITTED || bug == PLANTED_NOT_VALIDATED ||
        txn->options.read_only || !txn->writes.count || txn->snapshot == NONE)
        return true;
    if (reads && txn->scanned && txn->store->number > txn->snapshot)
        return false;
    return !is_changed(txn, &txn->writes) && !is_changed(txn, &txn->locked) &&
           !(reads && is_changed(txn, &txn->reads));
}

/* Others get their turn. */
static void let_others(struct store *store)
{
    sync_unlock(&store->lock);
    sync_yield();
    sync_lock(&store->lock);
}

static void make(struct txn *txn)
{
    struct store *store = txn->store;

    if (store->bug == PLANTED_DROPS && ++store->commits % DROPPED_EACH == 0)
        return;
    store->number++;
    for (size_t i = 0; i < txn->writes.count; i++) {
        const struct version *v = &txn->writes.all[i];
        add(&store->versions, strata_buffer_slice(&v->key), strata_buffer_slice(&v->value),
            v->deletes, store->number);
        if (store->bug == PLANTED_TORN) {
            let_others(store);
            store->number++;
        }
    }
}

static int txn_commit(void *self, bool sync, uint64_t *number, struct strata_error *err)
{
    struct txn *txn = self;
    struct store *store = txn->store;
    bool valid;

    (void)sync;
    (void)err;
    sync_lock(&store->lock);
    valid = is_valid(txn);
    if (valid && store->bug == PLANTED_EARLY)
        let_others(store);
    if (valid && txn->writes.count)
        make(txn);
    *number = store->number;
    sync_unlock(&store->lock);
    txn->committed = valid;
    return valid ? 0 : STRATA_CONFLICT;
}

static void txn_free(void *self)
{
    struct txn *txn = self;

    if (!txn->committed)
        drop_made(txn, 0);
    if (txn->store->bug == PLANTED_GLOBAL_LOCK)
        sync_unlock(&txn->store->global);
    empty(&txn->writes);
    empty(&txn->reads);
    empty(&txn->locked);
    free(txn->made);
    free(txn);
}

static const struct strata_transactions transactions = {
    .begin = txn_begin,
    .get = txn_get,
    .get_for_update = txn_get_for_update,
    .write = txn_write,
    .iter = txn_iter,
    .mark = txn_mark,
    .rollback_to = txn_rollback_to,
    .commit = txn_commit,
    .free = txn_free,
};

const struct strata_engine engine_planted_table = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 77,
    .format = 5,
    .name = "77_planted",
    .survives = "nothing",
    .promises = STRATA_PROMISE_THREADS | STRATA_PROMISE_BATCH | STRATA_PROMISE_TRANSACTION,
    .open = planted_open,
    .close = planted_close,
    .get = planted_get,
    .write = planted_write,
    .iter = planted_iter,
    .transactions = &transactions,
};
