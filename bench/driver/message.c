/* message.c: what the process of an engine's turn and the first one tell each other. */
#include "bench.h"

#include <errno.h>
#include <unistd.h>

bool message_send(int to, const void *message, size_t size)
{
    const char *at = message;

    while (size) {
        ssize_t sent = write(to, at, size);
        if (sent < 0 && errno != EINTR)
            return false;
        if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
        }
    }
    return true;
}

bool message_take(int from, void *message, size_t size)
{
    char *at = message;

    while (size) {
        ssize_t got = read(from, at, size);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
    return true;
}

int message_put_and_die(struct bench *b, uint64_t first, uint64_t count)
{
    static struct message message;
    int code;

    message.kind = MESSAGE_DIE;
    message.die = (struct die){.contender = (size_t)(b->contender - b->settings->contenders),
                               .first = first,
                               .count = count,
                               .value_bytes = b->data.value_bytes};
    if (!message_send(b->parent, &message, sizeof message) ||
        !message_take(b->parent, &code, sizeof code))
        return BENCH_OTHER;
    return code;
}
