/* scan.c: which keys there are, and ranges of them.
 *
 * 14.I6: a scan goes through the records of keys in their order, and its cursor stands for the
 * last one that it has looked at: a key that is there from its beginning to its end, and stays a
 * string or a hash, is shown once. */
#include "14_server/commands/command.h"
#include "14_server/store/entry.h"
#include "14_server/store/glob.h"
#include "base/bytes.h"
#include "base/prng.h"

static const struct strata_slice first_name = {NULL, 0};

struct scan {
    const struct strata_slice *pattern;
    const struct strata_slice *type; /* NULL: each */
    uint64_t count;                  /* keys to look at */
};

/* Shows the keys that match, from the place on, `rc`, up to scan->count of which are looked at.
 * What is shown goes to `to`, how many to *count. Returns as a move. */
static int show_keys(struct keys *keys, int rc, const struct scan *scan, struct reply *to,
                     size_t *count, struct strata_error *err)
{
    for (uint64_t looks = scan->count; rc == 0 && looks; looks--) {
        if ((!scan->pattern || glob_matches(*scan->pattern, keys->key)) &&
            (!scan->type || word_is(*scan->type, entry_kind_name(keys->kind)))) {
            reply_bulk(to, keys->key);
            ++*count;
        }
        if (looks > 1)
            rc = keys_next(keys, err);
    }
    return rc;
}

static int run_keys(struct call *call, struct strata_error *err)
{
    struct reply shown = {.version = call->reply->version, .most = call->reply->most};
    struct scan all = {.pattern = &call->argv[1], .count = UINT64_MAX};
    struct keys keys;
    size_t count = 0;
    int rc = keys_open(&call->server->store, &keys, err);

    if (rc < 0)
        return rc;
    rc = show_keys(&keys, keys_seek(&keys, first_name, err), &all, &shown, &count, err);
    keys_close(&keys);
    if (rc >= 0) {
        reply_array(call->reply, count);
        reply_append(call->reply, &shown);
    }
    strata_buffer_free(&shown.bytes);
    return rc;
}

/* O(keys), not O(fields). */
static int dbsize(struct call *call, struct strata_error *err)
{
    struct keys keys;
    int64_t count = 0;
    int rc = keys_open(&call->server->store, &keys, err);

    if (rc < 0)
        return rc;
    for (rc = keys_seek(&keys, first_name, err); rc == 0; rc = keys_next(&keys, err))
        count++;
    keys_close(&keys);
    if (rc >= 0)
        reply_number(call->reply, count);
    return rc;
}

/* ---- SCAN ------------------------------------------------------------------------------------ */

static bool read_scan(struct call *call, struct scan *scan)
{
    int64_t n;

    for (size_t i = 2; i < call->argc; i += 2) {
        if (i + 1 == call->argc)
            return syntax_error(call), false;
        if (word_is(call->argv[i], "match"))
            scan->pattern = &call->argv[i + 1];
        else if (word_is(call->argv[i], "type"))
            scan->type = &call->argv[i + 1];
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

/* The scan goes on behind the iterator's key: with the cursor *number. NO_MEMORY. */
static int keep_cursor(struct server_state *server, struct strata_slice key, uint64_t *number,
                       struct strata_error *err)
{
    struct cursor *cursor = &server->cursors[++server->last_cursor % CURSORS];
    int rc = buffer_set(&cursor->key, key, err);

    *number = cursor->number = rc < 0 ? 0 : server->last_cursor;
    return rc;
}

/* From the cursor on: 0 for the first key. */
static int seek_behind(struct keys *keys, const struct cursor *cursor, struct strata_error *err)
{
    struct strata_slice name = strata_buffer_slice(&cursor->key);
    int rc = keys_seek(keys, cursor->number ? name : first_name, err);

    return rc == 0 && cursor->number && strata_compare(strata_iter_key(keys->iter), name) == 0
               ? keys_next(keys, err)
               : rc;
}

static int run_scan(struct call *call, const struct scan *scan, const struct cursor *cursor,
                    struct strata_error *err)
{
    struct reply shown = {.version = call->reply->version, .most = call->reply->most};
    struct keys keys;
    uint64_t next = 0;
    char text[24];
    size_t count = 0;
    int rc = keys_open(&call->server->store, &keys, err);

    if (rc < 0)
        return rc;
    rc = show_keys(&keys, seek_behind(&keys, cursor, err), scan, &shown, &count, err);
    if (rc == 0)
        rc = keep_cursor(call->server, strata_iter_key(keys.iter), &next, err);
    keys_close(&keys);
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
    struct keys keys;
    int rc = keys_open(&call->server->store, &keys, err);

    if (rc < 0)
        return rc;
    rc = keys_seek(&keys, strata_bytes(&bytes, sizeof bytes), err);
    if (rc > 0)
        rc = keys_seek(&keys, first_name, err);
    if (rc == 0)
        reply_bulk(call->reply, keys.key);
    else if (rc > 0)
        reply_null(call->reply);
    keys_close(&keys);
    return rc;
}

/* ---- RANGE ----------------------------------------------------------------------------------- */

/* The iterator has moved, `rc`: past what is no string (entry.h), which lies together. */
static int skip_hashes(struct strata_iter *iter, int rc, bool reverse, struct strata_error *err)
{
    static const char behind[] = "\xffhasi";
    struct strata_slice from = strata_bytes(ENTRY_RESERVED, ENTRY_RESERVED_SIZE);

    if (rc || !entry_is_reserved(strata_iter_key(iter)))
        return rc;
    return reverse ? strata_iter_seek_before(iter, from, err)
                   : strata_iter_seek(iter, strata_bytes(behind, ENTRY_RESERVED_SIZE), err);
}

static int seek_range(struct strata_iter *iter, const struct call *call, bool reverse,
                      struct strata_error *err)
{
    struct strata_slice to = call->argv[2];

    if (!reverse)
        return strata_iter_seek(iter, call->argv[1], err);
    return to.size ? strata_iter_seek_before(iter, to, err) : strata_iter_last(iter, err);
}

static bool is_in_range(const struct call *call, struct strata_slice key)
{
    return strata_compare(key, call->argv[1]) >= 0 &&
           (!call->argv[2].size || strata_compare(key, call->argv[2]) < 0);
}

static int show_range(struct call *call, struct strata_iter *iter, bool reverse, int64_t limit,
                      struct reply *to, size_t *count, struct strata_error *err)
{
    struct strata_slice value;
    int rc = skip_hashes(iter, seek_range(iter, call, reverse, err), reverse, err);

    while (rc == 0 && limit-- && is_in_range(call, strata_iter_key(iter))) {
        rc = strata_iter_value(iter, &value, err);
        if (rc < 0)
            break;
        reply_bulk(to, strata_iter_key(iter));
        reply_bulk(to, value);
        *count += 2;
        rc = reverse ? strata_iter_prev(iter, err) : strata_iter_next(iter, err);
        rc = skip_hashes(iter, rc, reverse, err);
    }
    return rc;
}

/* RANGE from to [LIMIT n]: keys from `from` on and before `to` (empty: no bound) that hold strings,
 * each with its value. */
static int range(struct call *call, bool reverse, struct strata_error *err)
{
    struct reply shown = {.version = call->reply->version, .most = call->reply->most};
    struct strata_iter *iter;
    int64_t limit = -1;
    size_t count = 0;
    int rc;

    if (call->argc != 3 && (call->argc != 5 || !word_is(call->argv[3], "limit")))
        return syntax_error(call);
    if (call->argc == 5 && (!number_of(call->argv[4], &limit) || limit < 0))
        return not_a_number(call);
    rc = keyspace_iter(&call->server->store, &iter, err);
    if (rc < 0)
        return rc;
    rc = show_range(call, iter, reverse, limit, &shown, &count, err);
    strata_iter_free(iter);
    if (rc >= 0) {
        reply_array(call->reply, count);
        reply_append(call->reply, &shown);
    }
    strata_buffer_free(&shown.bytes);
    return rc;
}
static int run_range(struct call *call, struct strata_error *err)
{
    return range(call, false, err);
}
static int revrange(struct call *call, struct strata_error *err)
{
    return range(call, true, err);
}

const struct command scan_commands[] = {
    {"keys", 2, COMMAND_READ, run_keys},
    {"scan", -2, COMMAND_READ, scan},
    {"dbsize", 1, COMMAND_READ, dbsize},
    {"randomkey", 1, COMMAND_READ, randomkey},
    {"range", -3, COMMAND_READ, run_range},
    {"revrange", -3, COMMAND_READ, revrange},
    {NULL, 0, 0, NULL},
};
