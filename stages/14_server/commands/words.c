/* words.c: what the commands share: reading words, and replies that many of them give. */
#include "14_server/commands/command.h"
#include "14_server/store/entry.h"
#include "strata_engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

int call_run(struct call *call, const struct resp *r, const uint8_t *data, struct strata_error *err)
{
    struct strata_slice few[16], *argv = few;
    int rc;

    if (r->count > 16 && !(argv = malloc(r->count * sizeof *argv)))
        return strata_fail_memory(err, r->count * sizeof *argv);
    for (size_t i = 0; i < r->count; i++)
        argv[i] = strata_bytes(data + r->args[i].offset, r->args[i].size);
    call->argv = argv;
    call->argc = r->count;
    rc = call->server->run(call, err);
    if (argv != few)
        free(argv);
    return rc;
}

bool word_is(struct strata_slice word, const char *name)
{
    size_t size = strlen(name);
    return word.size == size && strncasecmp((const char *)word.data, name, size) == 0;
}

bool number_of(struct strata_slice text, int64_t *number)
{
    bool negative = text.size && text.data[0] == '-';
    uint64_t n = 0, most = (uint64_t)INT64_MAX + negative;

    if (text.size == negative || (text.data[negative] == '0' && text.size > 1))
        return false;
    for (size_t i = negative; i < text.size; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9 || n > (most - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *number = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

struct strata_slice number_text(int64_t number, char to[24])
{
    return strata_bytes(to, (size_t)snprintf(to, 24, "%" PRId64, number));
}

int syntax_error(struct call *call)
{
    reply_error(call->reply, "ERR syntax error");
    return 0;
}

int not_a_number(struct call *call)
{
    reply_error(call->reply, "ERR value is not an integer or out of range");
    return 0;
}

uint64_t now_ms(const struct server_state *server)
{
    return *server->options->now_ms;
}

uint64_t system_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int key_exists(struct call *call, struct strata_slice key, struct strata_error *err)
{
    struct entry entry;
    return entry_find(&call->server->store, key, &entry, err);
}

void state_log(const struct server_state *server, const char *message)
{
    if (server->options->log)
        server->options->log(server->options->log_arg, message);
}
