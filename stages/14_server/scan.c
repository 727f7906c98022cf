/* scan.c: which keys there are.
 *
 * 14.I6: a scan goes through the keys in their order, and its cursor stands for the last key that
 * it has shown: a key that is there from its beginning to its end is shown once. */
#include "14_server/command.h"
#include "14_server/glob.h"
#include "base/bytes.h"
#include "base/prng.h"

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
    struct reply shown = {.version = call->reply->version, .most = call->reply->most};
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
        reply_append(call->reply, &shown);
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
    struct reply shown = {.version = call->reply->version, .most = call->reply->most};
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
        reply_append(call->reply, &shown);
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

const struct command scan_commands[] = {
    {"keys", 2, COMMAND_READ, keys},
    {"scan", -2, COMMAND_READ, scan},
    {"dbsize", 1, COMMAND_READ, dbsize},
    {"randomkey", 1, COMMAND_READ, randomkey},
    {NULL, 0, 0, NULL},
};
