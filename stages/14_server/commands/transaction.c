/* transaction.c: MULTI, EXEC and WATCH.
 *
 * 14.I7: the commands of an EXEC run in one transaction, committed as one batch: a crash, or memory
 *        that does not suffice, leaves all of their writes or none.
 * 14.I8: a watched key was read in a transaction at WATCH. EXEC asks for it once more, for update:
 *        that fails if anybody has written it since. As one thread makes all writes, none comes
 *        between this and the commit. */
#include "14_server/commands/command.h"
#include "14_server/store/entry.h"
#include "base/coding.h"
#include "strata_engine.h"

#define TRIES 10 /* of a commit; only the removal of what has expired can be in its way */

static void forget_watched(struct session *session)
{
    strata_txn_free(session->watch);
    session->watch = NULL;
    strata_buffer_free(&session->watched);
}

static void leave_multi(struct session *session)
{
    session->in_multi = session->is_broken = false;
    session->queued_count = 0;
    strata_buffer_free(&session->queued);
    forget_watched(session);
}

static int multi(struct call *call, struct strata_error *err)
{
    (void)err;
    if (call->session->in_multi) {
        reply_error(call->reply, "ERR MULTI calls can not be nested");
        return 0;
    }
    call->session->in_multi = true;
    reply_simple(call->reply, "OK");
    return 0;
}

static int discard(struct call *call, struct strata_error *err)
{
    (void)err;
    if (!call->session->in_multi) {
        reply_error(call->reply, "ERR DISCARD without MULTI");
        return 0;
    }
    leave_multi(call->session);
    reply_simple(call->reply, "OK");
    return 0;
}

static int watch_one(struct session *session, struct strata_slice name, struct strata_error *err)
{
    int rc;

    if (name.size == SIZE_MAX) /* hash_name could not make it */
        return strata_fail_memory(err, name.size);
    if (name.size > STRATA_MAX_KEY) /* nobody can write it */
        return 0;
    rc = strata_txn_get(session->watch, name, NULL, err);
    if (rc >= 0 && buffer_put_prefixed(&session->watched, name) < 0)
        rc = strata_fail_memory(err, name.size);
    return rc;
}

static int watch(struct call *call, struct strata_error *err)
{
    struct keyspace *store = &call->server->store;
    struct session *session = call->session;
    size_t before = session->watched.size;
    int rc;

    if (session->in_multi) {
        reply_error(call->reply, "ERR WATCH inside MULTI is not allowed");
        return 0;
    }
    rc = keyspace_flush(store, err);
    if (rc == 0 && !session->watch)
        rc = strata_begin(store->db, NULL, &session->watch, err);
    for (size_t i = 1; i < call->argc && rc >= 0; i++) {
        rc = watch_one(session, call->argv[i], err);
        if (rc >= 0) /* or the key becomes a hash (14.I13) */
            rc = watch_one(session, hash_name(store, call->argv[i]), err);
    }
    if (rc >= 0)
        return reply_simple(call->reply, "OK"), 0;
    session->watched.size = before; /* what was watched before still is */
    session->watched.out_of_memory = false;
    return rc;
}

static int unwatch(struct call *call, struct strata_error *err)
{
    (void)err;
    forget_watched(call->session);
    reply_simple(call->reply, "OK");
    return 0;
}

/* 0, > 0: a watched key was written, < 0. */
static int check_watched(struct session *session, struct strata_error *err)
{
    struct decoder d;
    int rc = 0;

    decoder_init(&d, strata_buffer_slice(&session->watched));
    while (d.left && !d.bad && (rc == 0 || rc == STRATA_NOT_FOUND))
        rc = strata_txn_get_for_update(session->watch, get_prefixed(&d), NULL, err);
    return rc == STRATA_NOT_FOUND ? 0 : rc;
}

/* The next queued request; NOT_FOUND: there is none. What is wrong with a command is its reply;
 * what the engine could not do ends the transaction (14.I7). */
static int run_next(const struct call *exec, struct resp *r, struct strata_error *err)
{
    struct strata_buffer *queued = &exec->session->queued;
    enum resp_code code = resp_next(r, queued->data, queued->size);
    struct call call = *exec;
    int rc;

    if (code == RESP_MORE)
        return STRATA_NOT_FOUND;
    rc = code == RESP_READY ? call_run(&call, r, queued->data, err)
                            : strata_fail_memory(err, queued->size);
    if (rc == 0 || (err->code != ENTRY_WRONG_TYPE && err->code != STRATA_ERR_INVALID))
        return rc;
    reply_fail(exec->reply, err);
    return 0;
}

/* 0, CONFLICT or < 0: then no reply was added. */
static int run_all(struct call *call, struct strata_error *err)
{
    struct session *session = call->session;
    struct keyspace *store = &call->server->store;
    struct resp r = {.most_bytes = SIZE_MAX / 2};
    size_t before = call->reply->bytes.size;
    int rc = keyspace_begin(store, err);

    if (rc == 0)
        reply_array(call->reply, session->queued_count);
    while (rc == 0)
        rc = run_next(call, &r, err);
    if (rc > 0)
        rc = keyspace_commit(store, err);
    keyspace_abandon(store);
    resp_free(&r);
    if (rc != 0)
        call->reply->bytes.size = before;
    return rc;
}

static int run_checked(struct call *call, struct strata_error *err)
{
    int rc = STRATA_CONFLICT;

    call->session->in_multi = false; /* its commands run now */
    for (int try = 0; try < TRIES && rc > 0; try++)
        rc = run_all(call, err);
    if (rc > 0)
        reply_error(call->reply, "ERR the transaction conflicts with the removal of expired keys");
    return rc;
}

static int exec(struct call *call, struct strata_error *err)
{
    struct session *session = call->session;
    int rc = 0;

    if (!session->in_multi) {
        reply_error(call->reply, "ERR EXEC without MULTI");
        return 0;
    }
    if (session->is_broken) {
        leave_multi(session);
        reply_error(call->reply, "EXECABORT Transaction discarded because of previous errors.");
        return 0;
    }
    if (session->watch && (rc = keyspace_flush(&call->server->store, err)) == 0)
        rc = check_watched(session, err);
    forget_watched(session);
    if (rc == 0)
        rc = run_checked(call, err);
    else if (rc > 0)
        reply_null_array(call->reply);
    leave_multi(session);
    return rc;
}

#define CHANGES (COMMAND_NOW | COMMAND_SESSION)

const struct command transaction_commands[] = {
    {"multi", 1, CHANGES, multi},
    {"exec", 1, CHANGES, exec},
    {"discard", 1, CHANGES, discard},
    {"watch", -2, CHANGES | COMMAND_KEYS, watch},
    {"unwatch", 1, COMMAND_SESSION, unwatch},
    {NULL, 0, 0, NULL},
};
