/* strings.c: commands on the value of a key. A key is stored as it is, and so is its value: other
 * commands of `strata` read and write the same. */
#include "14_server/commands/command.h"
#include "14_server/store/entry.h"
#include "base/bytes.h"

static int get(struct call *call, struct strata_error *err)
{
    struct strata_buffer value = {0};
    int rc = string_get(&call->server->store, call->argv[1], &value, err);

    if (rc == 0)
        reply_bulk(call->reply, strata_buffer_slice(&value));
    else if (rc > 0)
        reply_null(call->reply);
    strata_buffer_free(&value);
    return rc;
}

/* ---- SET ------------------------------------------------------------------------------------- */

struct set {
    bool if_absent, if_present, keep, get;
    uint64_t until; /* 0: for ever */
};

/* A time as the option `word` gives it, as milliseconds since 1970. 0, or a reply was added: 1. */
static int read_time(struct call *call, struct strata_slice word, struct strata_slice text,
                     uint64_t *until)
{
    bool seconds = word_is(word, "ex") || word_is(word, "exat");
    bool from_now = word_is(word, "ex") || word_is(word, "px");
    uint64_t now = from_now ? now_ms(call->server) : 0;
    int64_t n;

    if (!number_of(text, &n)) {
        not_a_number(call);
        return 1;
    }
    if (n <= 0 || n > (INT64_MAX - (int64_t)now) / (seconds ? 1000 : 1)) {
        reply_error(call->reply, "ERR invalid expire time in command");
        return 1;
    }
    *until = (uint64_t)n * (seconds ? 1000 : 1) + now;
    return 0;
}

/* Reads the words behind the value. 0, or a reply was added: 1. */
static int read_set(struct call *call, struct set *set)
{
    for (size_t i = 3; i < call->argc; i++) {
        struct strata_slice word = call->argv[i];
        bool time = word_is(word, "ex") || word_is(word, "px") || word_is(word, "exat") ||
                    word_is(word, "pxat");
        if (word_is(word, "nx") && !set->if_present)
            set->if_absent = true;
        else if (word_is(word, "xx") && !set->if_absent)
            set->if_present = true;
        else if (word_is(word, "keepttl") && !set->until)
            set->keep = true;
        else if (word_is(word, "get"))
            set->get = true;
        else if (time && !set->keep && !set->until && i + 1 < call->argc) {
            if (read_time(call, word, call->argv[++i], &set->until))
                return 1;
        } else
            return syntax_error(call), 1;
    }
    return 0;
}

static int run_set(struct call *call, const struct set *how, struct strata_error *err)
{
    struct keyspace *store = &call->server->store;
    struct strata_buffer old = {0};
    struct entry entry = {0};
    bool reads = how->if_absent || how->if_present || how->get || how->keep, writes;
    int rc = reads ? entry_find(store, call->argv[1], &entry, err) : STRATA_NOT_FOUND;

    if (rc == 0 && how->get)
        rc = string_get(store, call->argv[1], &old, err);
    writes = rc >= 0 && !(how->if_absent && rc == 0) && !(how->if_present && rc > 0);
    if (writes) {
        int put = string_put(store, call->argv[1], call->argv[2],
                             how->keep ? entry.until : how->until, err);
        rc = put < 0 ? put : rc;
    }
    if (rc >= 0 && how->get)
        rc == 0 ? reply_bulk(call->reply, strata_buffer_slice(&old)) : reply_null(call->reply);
    else if (rc >= 0)
        writes ? reply_simple(call->reply, "OK") : reply_null(call->reply);
    strata_buffer_free(&old);
    return rc;
}

static int set(struct call *call, struct strata_error *err)
{
    struct set how = {0};
    return read_set(call, &how) ? 0 : run_set(call, &how, err);
}

static int getset(struct call *call, struct strata_error *err)
{
    return run_set(call, &(struct set){.get = true}, err);
}

static int setnx(struct call *call, struct strata_error *err)
{
    int rc = key_exists(call, call->argv[1], err);

    if (rc > 0)
        rc = string_put(&call->server->store, call->argv[1], call->argv[2], 0, err) < 0 ? -1 : 1;
    if (rc >= 0)
        reply_number(call->reply, rc);
    return rc;
}

static int set_for(struct call *call, const char *unit, struct strata_error *err)
{
    uint64_t until;

    if (read_time(call, strata_string(unit), call->argv[2], &until))
        return 0;
    if (string_put(&call->server->store, call->argv[1], call->argv[3], until, err) < 0)
        return -1;
    reply_simple(call->reply, "OK");
    return 0;
}
static int setex(struct call *call, struct strata_error *err)
{
    return set_for(call, "ex", err);
}
static int psetex(struct call *call, struct strata_error *err)
{
    return set_for(call, "px", err);
}

static int getdel(struct call *call, struct strata_error *err)
{
    int rc = get(call, err);
    return rc == 0 ? keyspace_delete(&call->server->store, call->argv[1], err) : rc;
}

static int getex(struct call *call, struct strata_error *err)
{
    struct keyspace *store = &call->server->store;
    bool persist = call->argc == 3 && word_is(call->argv[2], "persist");
    struct strata_buffer value = {0};
    struct set how = {0};
    int rc;

    if (call->argc == 2)
        return get(call, err);
    if (!persist && call->argc != 4)
        return syntax_error(call);
    if (!persist) {
        struct call words = *call;
        struct strata_slice argv[5] = {
            call->argv[0], call->argv[1], {NULL, 0}, call->argv[2], call->argv[3]};
        words.argv = argv, words.argc = 5;
        if (read_set(&words, &how))
            return 0;
        if (!how.until)
            return syntax_error(call);
    }
    rc = string_get(store, call->argv[1], &value, err);
    if (rc == 0 &&
        string_put(store, call->argv[1], strata_buffer_slice(&value), how.until, err) < 0)
        rc = -1;
    if (rc == 0)
        reply_bulk(call->reply, strata_buffer_slice(&value));
    else if (rc > 0)
        reply_null(call->reply);
    strata_buffer_free(&value);
    return rc;
}

/* ---- Several keys ---------------------------------------------------------------------------- */

static int mget(struct call *call, struct strata_error *err)
{
    struct strata_buffer value = {0};
    int rc = 0;

    reply_array(call->reply, call->argc - 1);
    for (size_t i = 1; i < call->argc && rc >= 0; i++) {
        rc = string_get(&call->server->store, call->argv[i], &value, err);
        if (rc == 0)
            reply_bulk(call->reply, strata_buffer_slice(&value));
        else
            reply_null(call->reply);
        if (rc < 0 && err->code == ENTRY_WRONG_TYPE)
            rc = STRATA_NOT_FOUND;
    }
    strata_buffer_free(&value);
    return rc;
}

static int run_put_pairs(void *arg, struct strata_error *err)
{
    struct call *call = arg;
    int rc = 0;

    for (size_t i = 1; i < call->argc && rc == 0; i += 2)
        rc = string_put(&call->server->store, call->argv[i], call->argv[i + 1], 0, err);
    return rc;
}

/* All of them in one batch: the database has all or none. */
static int put_pairs(struct call *call, struct strata_error *err)
{
    return call->argc > 3 ? keyspace_whole(&call->server->store, run_put_pairs, call, err)
                          : run_put_pairs(call, err);
}

static int mset(struct call *call, struct strata_error *err)
{
    int rc;

    if (call->argc % 2 == 0) {
        reply_error(call->reply, "ERR wrong number of arguments for 'mset' command");
        return 0;
    }
    rc = put_pairs(call, err);
    if (rc == 0)
        reply_simple(call->reply, "OK");
    return rc;
}

static int msetnx(struct call *call, struct strata_error *err)
{
    int rc = STRATA_NOT_FOUND;

    if (call->argc % 2 == 0) {
        reply_error(call->reply, "ERR wrong number of arguments for 'msetnx' command");
        return 0;
    }
    for (size_t i = 1; i < call->argc && rc > 0; i += 2)
        rc = key_exists(call, call->argv[i], err);
    if (rc > 0 && put_pairs(call, err) < 0)
        return -1;
    if (rc >= 0)
        reply_number(call->reply, rc > 0);
    return rc;
}

const struct command string_commands[] = {
    {"get", 2, READS_KEY, get},
    {"set", -3, WRITES_KEY, set},
    {"getset", 3, WRITES_KEY, getset},
    {"setnx", 3, WRITES_KEY, setnx},
    {"setex", 4, WRITES_KEY, setex},
    {"psetex", 4, WRITES_KEY, psetex},
    {"getdel", 2, WRITES_KEY, getdel},
    {"getex", -2, WRITES_KEY, getex},
    {"mget", -2, COMMAND_READ | COMMAND_KEYS, mget},
    {"mset", -3, COMMAND_WRITE | COMMAND_PAIRS, mset},
    {"msetnx", -3, COMMAND_WRITE | COMMAND_PAIRS, msetnx},
    {NULL, 0, 0, NULL},
};
