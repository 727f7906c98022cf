/* hash.c: commands on hashes. Fields are sorted by their bytes. */
#include "14_server/commands/command.h"
#include "14_server/store/entry.h"
#include "base/bytes.h"

/* ---- Reading --------------------------------------------------------------------------------- */

/* The value of a field; `value` may be NULL. NOT_FOUND: there is none; WRONG_TYPE. */
static int get_field(struct call *call, struct strata_slice field, struct strata_buffer *value,
                     struct strata_error *err)
{
    struct keyspace *store = &call->server->store;
    struct entry entry;
    int rc = entry_find_kind(store, call->argv[1], ENTRY_HASH, &entry, err);

    return rc == 0 ? keyspace_get(store, hash_field(store, call->argv[1], field), value, err) : rc;
}

static void put_value(struct call *call, int rc, struct strata_buffer *value)
{
    if (rc == 0)
        reply_bulk(call->reply, strata_buffer_slice(value));
    else if (rc > 0)
        reply_null(call->reply);
    strata_buffer_free(value);
}

static int hget(struct call *call, struct strata_error *err)
{
    struct strata_buffer value = {0};
    int rc = get_field(call, call->argv[2], &value, err);

    put_value(call, rc, &value);
    return rc;
}

static int hmget(struct call *call, struct strata_error *err)
{
    int rc = 0;

    reply_array(call->reply, call->argc - 2);
    for (size_t i = 2; i < call->argc && rc >= 0; i++) {
        struct strata_buffer value = {0};
        rc = get_field(call, call->argv[i], &value, err);
        put_value(call, rc, &value);
    }
    return rc;
}

static int hexists(struct call *call, struct strata_error *err)
{
    int rc = get_field(call, call->argv[2], NULL, err);

    if (rc >= 0)
        reply_number(call->reply, rc == 0);
    return rc;
}

static int hstrlen(struct call *call, struct strata_error *err)
{
    struct strata_buffer value = {0};
    int rc = get_field(call, call->argv[2], &value, err);

    if (rc >= 0)
        reply_number(call->reply, (int64_t)value.size);
    strata_buffer_free(&value);
    return rc;
}

static int hlen(struct call *call, struct strata_error *err)
{
    struct entry entry;
    int rc = entry_find_kind(&call->server->store, call->argv[1], ENTRY_HASH, &entry, err);

    if (rc >= 0)
        reply_number(call->reply, (int64_t)entry.fields);
    return rc;
}

/* Shows names or values of all fields, or both, to `to`. */
static int put_fields(struct call *call, bool names, bool values, struct reply *to, size_t *count,
                      struct strata_error *err)
{
    struct keyspace *store = &call->server->store;
    struct strata_slice from, value;
    struct strata_iter *iter;
    int rc = keyspace_iter(store, &iter, err);

    if (rc < 0)
        return rc;
    from = hash_field(store, call->argv[1], strata_bytes(NULL, 0));
    for (rc = strata_iter_seek(iter, from, err); rc == 0; rc = strata_iter_next(iter, err)) {
        struct strata_slice at = strata_iter_key(iter);
        if (at.size < from.size || strata_compare(strata_bytes(at.data, from.size), from) != 0)
            break;
        if (names)
            reply_bulk(to, slice_behind(at, from.size));
        if (values && (rc = strata_iter_value(iter, &value, err)) < 0)
            break;
        if (values)
            reply_bulk(to, value);
        ++*count;
    }
    strata_iter_free(iter);
    return rc < 0 ? rc : 0;
}

static int show_fields(struct call *call, bool names, bool values, struct strata_error *err)
{
    struct reply shown = {.version = call->reply->version, .most = call->reply->most};
    struct entry entry;
    size_t count = 0;
    int rc = entry_find_kind(&call->server->store, call->argv[1], ENTRY_HASH, &entry, err);

    if (rc == 0)
        rc = put_fields(call, names, values, &shown, &count, err);
    if (rc >= 0) {
        names &&values ? reply_map(call->reply, count) : reply_array(call->reply, count);
        reply_append(call->reply, &shown);
    }
    strata_buffer_free(&shown.bytes);
    return rc;
}
static int hgetall(struct call *call, struct strata_error *err)
{
    return show_fields(call, true, true, err);
}
static int hkeys(struct call *call, struct strata_error *err)
{
    return show_fields(call, true, false, err);
}
static int hvals(struct call *call, struct strata_error *err)
{
    return show_fields(call, false, true, err);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* What a command does to a hash, in a transaction. */
struct change {
    struct call *call;
    struct entry entry; /* the hash, before; and behind it */
    int64_t number;     /* by how much it changes; the result */
    size_t count;       /* fields that were added or deleted */
};

static int put_field(struct change *c, struct strata_slice field, struct strata_slice value,
                     struct strata_error *err)
{
    struct keyspace *store = &c->call->server->store;
    struct strata_slice name = hash_field(store, c->call->argv[1], field);
    int rc = keyspace_get(store, name, NULL, err);

    if (rc < 0)
        return rc;
    c->count += rc > 0;
    c->entry.fields += rc > 0;
    return keyspace_put(store, name, value, c->entry.until, err);
}

static int find(struct change *c, struct strata_error *err)
{
    c->count = 0; /* it may be tried again */
    return entry_find_kind(&c->call->server->store, c->call->argv[1], ENTRY_HASH, &c->entry, err);
}

/* 14.I13. */
static int put_record(struct change *c, struct strata_error *err)
{
    return hash_put(&c->call->server->store, c->call->argv[1], &c->entry, err);
}

static int run_hset(void *arg, struct strata_error *err)
{
    struct change *c = arg;
    int rc = find(c, err);

    for (size_t i = 2; i < c->call->argc && rc >= 0; i += 2)
        rc = put_field(c, c->call->argv[i], c->call->argv[i + 1], err);
    return rc < 0 ? rc : put_record(c, err);
}

static int set_fields(struct call *call, const char *name, bool counts, struct strata_error *err)
{
    struct change change = {.call = call};
    int rc;

    if (call->argc % 2) {
        reply_error(call->reply, "ERR wrong number of arguments for '%s' command", name);
        return 0;
    }
    rc = keyspace_whole(&call->server->store, run_hset, &change, err);
    if (rc == 0)
        counts ? reply_number(call->reply, (int64_t)change.count) : reply_simple(call->reply, "OK");
    return rc;
}
static int hset(struct call *call, struct strata_error *err)
{
    return set_fields(call, "hset", true, err);
}
static int hmset(struct call *call, struct strata_error *err)
{
    return set_fields(call, "hmset", false, err);
}

static int hsetnx(struct call *call, struct strata_error *err)
{
    struct change change = {.call = call};
    int rc = get_field(call, call->argv[2], NULL, err);

    if (rc > 0)
        rc = keyspace_whole(&call->server->store, run_hset, &change, err);
    if (rc >= 0)
        reply_number(call->reply, (int64_t)change.count);
    return rc;
}

static int run_hdel(void *arg, struct strata_error *err)
{
    struct change *c = arg;
    struct keyspace *store = &c->call->server->store;
    int rc = find(c, err);

    if (rc)
        return rc;
    for (size_t i = 2; i < c->call->argc && rc >= 0; i++) {
        struct strata_slice name = hash_field(store, c->call->argv[1], c->call->argv[i]);
        rc = keyspace_get(store, name, NULL, err);
        if (rc == 0) {
            c->count++, c->entry.fields--;
            rc = keyspace_delete(store, name, err);
        }
    }
    return rc < 0 || !c->count ? rc : put_record(c, err);
}

static int hdel(struct call *call, struct strata_error *err)
{
    struct change change = {.call = call};
    int rc = keyspace_whole(&call->server->store, run_hdel, &change, err);

    if (rc >= 0)
        reply_number(call->reply, (int64_t)change.count);
    return rc;
}

static int run_hincrby(void *arg, struct strata_error *err)
{
    struct change *c = arg;
    char text[24];
    int rc = find(c, err);

    if (rc >= 0)
        rc = put_field(c, c->call->argv[2], number_text(c->number, text), err);
    return rc < 0 ? rc : put_record(c, err);
}

static int hincrby(struct call *call, struct strata_error *err)
{
    struct change change = {.call = call};
    struct strata_buffer value = {0};
    int64_t by, n = 0;
    bool is_number;
    int rc;

    if (!number_of(call->argv[3], &by))
        return not_a_number(call);
    rc = get_field(call, call->argv[2], &value, err);
    is_number = rc != 0 || number_of(strata_buffer_slice(&value), &n);
    strata_buffer_free(&value);
    if (rc < 0)
        return rc;
    if (!is_number || (by < 0 ? n < INT64_MIN - by : n > INT64_MAX - by)) {
        reply_error(call->reply, is_number ? "ERR increment or decrement would overflow"
                                           : "ERR hash value is not an integer");
        return 0;
    }
    change.number = n + by;
    rc = keyspace_whole(&call->server->store, run_hincrby, &change, err);
    if (rc == 0)
        reply_number(call->reply, change.number);
    return rc;
}

const struct command hash_commands[] = {
    {"hset", -4, WRITES_KEY, hset},      {"hmset", -4, WRITES_KEY, hmset},
    {"hsetnx", 4, WRITES_KEY, hsetnx},   {"hget", 3, READS_KEY, hget},
    {"hmget", -3, READS_KEY, hmget},     {"hdel", -3, WRITES_KEY, hdel},
    {"hgetall", 2, READS_KEY, hgetall},  {"hkeys", 2, READS_KEY, hkeys},
    {"hvals", 2, READS_KEY, hvals},      {"hlen", 2, READS_KEY, hlen},
    {"hexists", 3, READS_KEY, hexists},  {"hstrlen", 3, READS_KEY, hstrlen},
    {"hincrby", 4, WRITES_KEY, hincrby}, {NULL, 0, 0, NULL},
};
