/* parts.c: commands on parts of a string, and on numbers in one. */
#include "14_server/commands/command.h"
#include "14_server/store/entry.h"
#include "base/bytes.h"

#include <string.h>

static int run_strlen(struct call *call, struct strata_error *err)
{
    struct strata_buffer value = {0};
    int rc = string_get(&call->server->store, call->argv[1], &value, err);

    if (rc >= 0)
        reply_number(call->reply, (int64_t)value.size);
    strata_buffer_free(&value);
    return rc;
}

static int append(struct call *call, struct strata_error *err)
{
    struct strata_buffer value = {0};
    int rc = string_get(&call->server->store, call->argv[1], &value, err);
    size_t size = value.size + call->argv[2].size;

    strata_buffer_free(&value);
    if (rc >= 0 && size > STRATA_MAX_VALUE - 16) { /* of one that expires */
        reply_error(call->reply, "ERR string exceeds maximum allowed size");
        return 0;
    }
    if (rc >= 0)
        rc = keyspace_merge(&call->server->store, STRATA_OP_APPEND, call->argv[1], call->argv[2],
                            err);
    if (rc >= 0)
        reply_number(call->reply, (int64_t)size);
    return rc;
}

static int getrange(struct call *call, struct strata_error *err)
{
    struct strata_buffer value = {0};
    int64_t from, to, size;
    int rc;

    if (!number_of(call->argv[2], &from) || !number_of(call->argv[3], &to))
        return not_a_number(call);
    rc = string_get(&call->server->store, call->argv[1], &value, err);
    size = (int64_t)value.size;
    from = from < -size ? 0 : from < 0 ? from + size : from;
    to = to < -size ? 0 : to < 0 ? to + size : to >= size ? size - 1 : to;
    if (rc >= 0)
        reply_bulk(call->reply, from > to || size == 0
                                    ? strata_bytes(NULL, 0)
                                    : strata_bytes(value.data + from, (size_t)(to - from + 1)));
    strata_buffer_free(&value);
    return rc;
}

static int put_part(struct call *call, struct strata_buffer *value, size_t offset, uint64_t until,
                    struct strata_error *err)
{
    struct strata_slice part = call->argv[3];
    size_t size = offset + part.size > value->size ? offset + part.size : value->size;

    if (buffer_reserve(value, size - value->size) < 0) {
        *err = (struct strata_error){.code = STRATA_ERR_NO_MEMORY, .offset = STRATA_NO_OFFSET};
        return STRATA_ERR_NO_MEMORY;
    }
    memset(value->data + value->size, 0, size - value->size);
    memcpy(value->data + offset, part.data, part.size);
    value->size = size;
    return string_put(&call->server->store, call->argv[1], strata_buffer_slice(value), until, err);
}

static int setrange(struct call *call, struct strata_error *err)
{
    struct strata_buffer value = {0};
    uint64_t until;
    int64_t offset;
    int rc;

    if (!number_of(call->argv[2], &offset))
        return not_a_number(call);
    if (offset < 0 || (uint64_t)offset > call->server->options->most_request - call->argv[3].size) {
        reply_error(call->reply, offset < 0 ? "ERR offset is out of range"
                                            : "ERR string exceeds maximum allowed size");
        return 0;
    }
    rc = string_get_until(&call->server->store, call->argv[1], &value, &until, err);
    if (rc >= 0 && call->argv[3].size)
        rc = put_part(call, &value, (size_t)offset, until, err);
    if (rc >= 0)
        reply_number(call->reply, (int64_t)value.size);
    strata_buffer_free(&value);
    return rc;
}

static int add(struct call *call, int64_t by, struct strata_error *err)
{
    struct strata_buffer value = {0};
    char text[24];
    int64_t n = 0;
    int rc = string_get(&call->server->store, call->argv[1], &value, err);
    bool is_number = rc != 0 || number_of(strata_buffer_slice(&value), &n);

    strata_buffer_free(&value);
    if (rc < 0)
        return rc;
    if (!is_number)
        return not_a_number(call);
    if (by < 0 ? n < INT64_MIN - by : n > INT64_MAX - by) {
        reply_error(call->reply, "ERR increment or decrement would overflow");
        return 0;
    }
    rc = keyspace_merge(&call->server->store, STRATA_OP_ADD, call->argv[1], number_text(by, text),
                        err);
    if (rc >= 0)
        reply_number(call->reply, n + by);
    return rc;
}

static int incr(struct call *call, struct strata_error *err)
{
    return add(call, 1, err);
}
static int decr(struct call *call, struct strata_error *err)
{
    return add(call, -1, err);
}
static int incrby(struct call *call, struct strata_error *err)
{
    int64_t by;
    return number_of(call->argv[2], &by) ? add(call, by, err) : not_a_number(call);
}
static int decrby(struct call *call, struct strata_error *err)
{
    int64_t by;

    if (!number_of(call->argv[2], &by))
        return not_a_number(call);
    if (by == INT64_MIN) {
        reply_error(call->reply, "ERR decrement would overflow");
        return 0;
    }
    return add(call, -by, err);
}

const struct command part_commands[] = {
    {"strlen", 2, READS_KEY, run_strlen},
    {"append", 3, WRITES_KEY, append},
    {"getrange", 4, READS_KEY, getrange},
    {"setrange", 4, WRITES_KEY, setrange},
    {"incr", 2, WRITES_KEY, incr},
    {"decr", 2, WRITES_KEY, decr},
    {"incrby", 3, WRITES_KEY, incrby},
    {"decrby", 3, WRITES_KEY, decrby},
    {NULL, 0, 0, NULL},
};
