/* keys.c: commands on keys, whatever their values: how long they live, and which there are.
 *
 * 14.I6: a scan goes through the keys in their order, and its cursor stands for the last key that
 * it has shown: a key that is there from its beginning to its end is shown once. */
#include "14_server/command.h"
#include "14_server/glob.h"
#include "base/bytes.h"
#include "base/prng.h"

static int del(struct call *call, struct strata_error *err)
{
    int64_t count = 0;
    int rc = 0;

    for (size_t i = 1; i < call->argc && rc >= 0; i++) {
        rc = key_exists(call, call->argv[i], err);
        if (rc == 0) {
            count++;
            rc = keyspace_delete(&call->server->store, call->argv[i], err);
        }
    }
    if (rc >= 0)
        reply_number(call->reply, count);
    return rc;
}

static int exists(struct call *call, struct strata_error *err)
{
    int64_t count = 0;
    int rc = 0;

    for (size_t i = 1; i < call->argc && rc >= 0; i++) {
        rc = key_exists(call, call->argv[i], err);
        count += rc == 0;
    }
    if (rc >= 0)
        reply_number(call->reply, count);
    return rc;
}

static int type(struct call *call, struct strata_error *err)
{
    int rc = key_exists(call, call->argv[1], err);

    if (rc >= 0)
        reply_simple(call->reply, rc == 0 ? "string" : "none");
    return rc;
}

/* ---- When a key expires ---------------------------------------------------------------------- */

static int put_time(struct call *call, uint64_t until, bool has_past, struct strata_error *err)
{
    struct keyspace *store = &call->server->store;
    struct strata_buffer value = {0};
    uint64_t before;
    int rc = keyspace_get_until(store, call->argv[1], &value, &before, err);

    if (rc == 0 && (until || before)) {
        if (has_past)
            rc = keyspace_delete(store, call->argv[1], err);
        else
            rc = keyspace_put(store, call->argv[1], strata_buffer_slice(&value), until, err);
    } else if (rc == 0) {
        rc = STRATA_NOT_FOUND; /* nothing to take away */
    }
    strata_buffer_free(&value);
    if (rc >= 0)
        reply_number(call->reply, rc == 0);
    return rc;
}

static int expire(struct call *call, int64_t unit, bool from_now, struct strata_error *err)
{
    int64_t n, now = (int64_t)now_ms();

    if (!number_of(call->argv[2], &n))
        return not_a_number(call);
    if (n > (INT64_MAX - now) / unit || n < INT64_MIN / unit) {
        reply_error(call->reply, "ERR invalid expire time in command");
        return 0;
    }
    n = n * unit + (from_now ? now : 0);
    return put_time(call, n > 0 ? (uint64_t)n : 1, n <= now, err);
}
static int run_expire(struct call *call, struct strata_error *err)
{
    return expire(call, 1000, true, err);
}
static int pexpire(struct call *call, struct strata_error *err)
{
    return expire(call, 1, true, err);
}
static int expireat(struct call *call, struct strata_error *err)
{
    return expire(call, 1000, false, err);
}
static int pexpireat(struct call *call, struct strata_error *err)
{
    return expire(call, 1, false, err);
}
static int persist(struct call *call, struct strata_error *err)
{
    return put_time(call, 0, false, err);
}

static int ttl(struct call *call, uint64_t unit, struct strata_error *err)
{
    struct strata_buffer value = {0};
    uint64_t until, now = now_ms();
    int rc = keyspace_get_until(&call->server->store, call->argv[1], &value, &until, err);

    strata_buffer_free(&value);
    if (rc > 0)
        reply_number(call->reply, -2);
    else if (rc == 0 && !until)
        reply_number(call->reply, -1);
    else if (rc == 0)
        reply_number(call->reply, until > now ? (int64_t)((until - now + unit / 2) / unit) : 0);
    return rc;
}
static int run_ttl(struct call *call, struct strata_error *err)
{
    return ttl(call, 1000, err);
}
static int pttl(struct call *call, struct strata_error *err)
{
    return ttl(call, 1, err);
}

/* ---- Which keys there are -------------------------------------------------------------------- */

/* Shows up to `most` keys that match, from the iterator's place on, `rc`; looks at no more than
 * `looks`. What is shown goes to `to`, how many to *count. Returns as a move of the iterator. */
static int show_keys(struct strata_iter *iter, int rc, const struct strata_slice *pattern,
                     uint64_t looks, struct reply *to, size_t *count, struct strata_error *err)
{
    for (; rc == 0 && looks; looks--) {
        if (!pattern || glob_matches(*pattern, strata_iter_key(iter))) {
            reply_bulk(to, strata_iter_key(iter));
            ++*count;
        }
        if (looks > 1)
            rc = strata_iter_next(iter, err);
    }
    return rc;
}

static int keys(struct call *call, struct strata_error *err)
{
    struct reply shown = {.version = call->reply->version};
    struct strata_iter *iter;
    size_t count = 0;
    int rc = keyspace_iter(&call->server->store, &iter, err);

    if (rc < 0)
        return rc;
    rc = show_keys(iter, strata_iter_first(iter, err), &call->argv[1], UINT64_MAX, &shown, &count,
                   err);
    strata_iter_free(iter);
    if (rc >= 0) {
        reply_array(call->reply, count);
        strata_buffer_append(&call->reply->bytes, shown.bytes.data, shown.bytes.size);
        call->reply->bytes.out_of_memory |= shown.bytes.out_of_memory;
    }
    strata_buffer_free(&shown.bytes);
    return rc;
}

static int dbsize(struct call *call, struct strata_error *err)
{
    struct strata_iter *iter;
    int64_t count = 0;
    int rc = keyspace_iter(&call->server->store, &iter, err);

    if (rc < 0)
        return rc;
    for (rc = strata_iter_first(iter, err); rc == 0; rc = strata_iter_next(iter, err))
        count++;
    strata_iter_free(iter);
    if (rc >= 0)
        reply_number(call->reply, count);
    return rc;
}

struct scan {
    const struct strata_slice *pattern;
    uint64_t count; /* keys to look at */
    bool none;      /* TYPE asks for one that there is none of */
};

static bool read_scan(struct call *call, struct scan *scan)
{
    int64_t n;

    for (size_t i = 2; i < call->argc; i += 2) {
        if (i + 1 == call->argc)
            return syntax_error(call), false;
        if (word_is(call->argv[i], "match"))
            scan->pattern = &call->argv[i + 1];
        else if (word_is(call->argv[i], "type"))
            scan->none = !word_is(call->argv[i + 1], "string");
        else if (!word_is(call->argv[i], "count"))
            return syntax_error(call), false;
        else if (!number_of(call->argv[i + 1], &n))
            return not_a_number(call), false;
        else if (n < 1)
            return syntax_error(call), false;
        else
            scan->count = (uint64_t)n;
    }
    return true;
}

/* The scan goes on behind the iterator's key: with this cursor. 0: no memory. */
static uint64_t keep_cursor(struct server_state *server, struct strata_slice key)
{
    struct cursor *cursor = &server->cursors[++server->last_cursor % CURSORS];

    cursor->number = buffer_set(&cursor->key, key, NULL) < 0 ? 0 : server->last_cursor;
    return cursor->number;
}

/* From the cursor on: 0 for the first key. */
static int seek_behind(struct strata_iter *iter, const struct cursor *cursor,
                       struct strata_error *err)
{
    struct strata_slice key = strata_buffer_slice(&cursor->key);
    int rc;

    if (!cursor->number)
        return strata_iter_first(iter, err);
    rc = strata_iter_seek(iter, key, err);
    return rc == 0 && strata_compare(strata_iter_key(iter), key) == 0 ? strata_iter_next(iter, err)
                                                                      : rc;
}

static int run_scan(struct call *call, const struct scan *scan, const struct cursor *cursor,
                    struct strata_error *err)
{
    struct reply shown = {.version = call->reply->version};
    struct strata_iter *iter;
    uint64_t next = 0;
    char text[24];
    size_t count = 0;
    int rc = keyspace_iter(&call->server->store, &iter, err);

    if (rc < 0)
        return rc;
    rc = seek_behind(iter, cursor, err);
    if (!scan->none)
        rc = show_keys(iter, rc, scan->pattern, scan->count, &shown, &count, err);
    if (rc == 0 && !scan->none)
        next = keep_cursor(call->server, strata_iter_key(iter));
    strata_iter_free(iter);
    if (rc >= 0) {
        reply_array(call->reply, 2);
        reply_bulk(call->reply, number_text((int64_t)next, text));
        reply_array(call->reply, count);
        strata_buffer_append(&call->reply->bytes, shown.bytes.data, shown.bytes.size);
        call->reply->bytes.out_of_memory |= shown.bytes.out_of_memory;
    }
    strata_buffer_free(&shown.bytes);
    return rc;
}

static int scan(struct call *call, struct strata_error *err)
{
    static const struct cursor first;
    const struct cursor *cursor = &first;
    struct scan how = {.count = 10};
    int64_t n;

    if (!number_of(call->argv[1], &n) || n < 0) {
        reply_error(call->reply, "ERR invalid cursor");
        return 0;
    }
    if (n > 0)
        cursor = &call->server->cursors[(uint64_t)n % CURSORS];
    if (n > 0 && cursor->number != (uint64_t)n) {
        reply_error(call->reply, "ERR invalid cursor: %u newer ones have replaced it", CURSORS);
        return 0;
    }
    return read_scan(call, &how) ? run_scan(call, &how, cursor, err) : 0;
}

/* The first key behind random bytes: not each is as likely as the others. */
static int randomkey(struct call *call, struct strata_error *err)
{
    struct prng prng = {++call->server->random};
    uint64_t bytes = prng_next(&prng);
    struct strata_iter *iter;
    int rc = keyspace_iter(&call->server->store, &iter, err);

    if (rc < 0)
        return rc;
    rc = strata_iter_seek(iter, strata_bytes(&bytes, sizeof bytes), err);
    if (rc > 0)
        rc = strata_iter_first(iter, err);
    if (rc == 0)
        reply_bulk(call->reply, strata_iter_key(iter));
    else if (rc > 0)
        reply_null(call->reply);
    strata_iter_free(iter);
    return rc;
}

static int flushdb(struct call *call, struct strata_error *err)
{
    struct keyspace *store = &call->server->store;
    struct strata_slice all = {NULL, 0};
    struct strata_buffer after_all = {0};
    int rc = keyspace_flush(store, err);

    if (rc == 0)
        rc = buffer_reserve(&after_all, STRATA_MAX_KEY);
    for (; rc == 0 && after_all.size < STRATA_MAX_KEY; after_all.size++)
        after_all.data[after_all.size] = 0xff;
    if (rc == 0)
        rc = strata_delete_range(store->db, all, strata_buffer_slice(&after_all), 0, err);
    if (rc == 0)
        rc = keyspace_delete(store, strata_buffer_slice(&after_all), err);
    if (rc == 0)
        reply_simple(call->reply, "OK");
    strata_buffer_free(&after_all);
    return rc;
}

const struct command key_commands[] = {
    {"del", -2, 0, del},
    {"unlink", -2, 0, del},
    {"exists", -2, 0, exists},
    {"type", 2, 0, type},
    {"expire", 3, 0, run_expire},
    {"pexpire", 3, 0, pexpire},
    {"expireat", 3, 0, expireat},
    {"pexpireat", 3, 0, pexpireat},
    {"persist", 2, 0, persist},
    {"ttl", 2, 0, run_ttl},
    {"pttl", 2, 0, pttl},
    {"keys", 2, 0, keys},
    {"scan", -2, 0, scan},
    {"dbsize", 1, 0, dbsize},
    {"randomkey", 1, 0, randomkey},
    {"flushdb", -1, COMMAND_NO_TXN, flushdb},
    {"flushall", -1, COMMAND_NO_TXN, flushdb},
    {NULL, 0, 0, NULL},
};
