/* keys.c: commands on keys, whatever their values: whether they are there, and how long. */
#include "14_server/commands/command.h"
#include "14_server/store/entry.h"
#include "base/bytes.h"

static int del(struct call *call, struct strata_error *err)
{
    int64_t count = 0;
    int rc = 0;

    for (size_t i = 1; i < call->argc && rc >= 0; i++) {
        rc = key_exists(call, call->argv[i], err);
        if (rc == 0) {
            count++;
            rc = entry_delete(&call->server->store, call->argv[i], err);
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
    struct entry entry;
    int rc = entry_find(&call->server->store, call->argv[1], &entry, err);

    if (rc >= 0)
        reply_simple(call->reply, entry_kind_name(entry.kind));
    return rc;
}

/* ---- When a key expires ---------------------------------------------------------------------- */

static int put_time(struct call *call, uint64_t until, bool has_past, struct strata_error *err)
{
    struct keyspace *store = &call->server->store;
    struct entry entry;
    int rc = entry_find(store, call->argv[1], &entry, err);

    if (rc == 0 && !until && !entry.until)
        rc = STRATA_NOT_FOUND; /* nothing to take away */
    else if (rc == 0)
        rc = has_past ? entry_delete(store, call->argv[1], err)
                      : entry_expire(store, call->argv[1], until, err);
    if (rc >= 0)
        reply_number(call->reply, rc == 0);
    return rc;
}

static int expire(struct call *call, int64_t unit, bool from_now, struct strata_error *err)
{
    int64_t n, now = (int64_t)now_ms(call->server);

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
    struct entry entry;
    uint64_t until, now = now_ms(call->server);
    int rc = entry_find(&call->server->store, call->argv[1], &entry, err);

    until = entry.until;
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
    {"del", -2, COMMAND_WRITE | COMMAND_KEYS, del},
    {"unlink", -2, COMMAND_WRITE | COMMAND_KEYS, del},
    {"exists", -2, COMMAND_READ | COMMAND_KEYS, exists},
    {"type", 2, READS_KEY, type},
    {"expire", 3, WRITES_KEY, run_expire},
    {"pexpire", 3, WRITES_KEY, pexpire},
    {"expireat", 3, WRITES_KEY, expireat},
    {"pexpireat", 3, WRITES_KEY, pexpireat},
    {"persist", 2, WRITES_KEY, persist},
    {"ttl", 2, READS_KEY, run_ttl},
    {"pttl", 2, READS_KEY, pttl},
    {"flushdb", -1, COMMAND_WRITE | COMMAND_NO_TXN, flushdb},
    {"flushall", -1, COMMAND_WRITE | COMMAND_NO_TXN, flushdb},
    {NULL, 0, 0, NULL},
};
