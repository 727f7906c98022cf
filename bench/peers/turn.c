/* turn.c: see turn.h. Keys and values are the same in every turn. */
#include "turn.h"
#include "prng.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int peer_say(const char *what, const char *why)
{
    fprintf(stderr, "strata-peer: %s: %s\n", what, why);
    return -1;
}

/* ---- Keys and values ------------------------------------------------------------------------- */

/* Half compressible: of 100 bytes 50 are drawn, and stand there twice. */
static void fill_pool(struct turn *t)
{
    struct prng prng = {301};

    for (size_t i = 0; i < POOL_BYTES; i++)
        t->pool[i] = i % 100 < 50 ? (uint8_t)(' ' + prng_below(&prng, 95)) : t->pool[i - 50];
}

struct strata_slice turn_value(const struct turn *t, uint64_t number)
{
    return (struct strata_slice){t->pool + number * 2654435761u % (POOL_BYTES - VALUE_BYTES),
                                 VALUE_BYTES};
}

struct strata_slice turn_key(uint64_t number, bool missing, uint8_t to[KEY_BYTES + 1])
{
    for (int i = KEY_BYTES; i-- > 0; number /= 10)
        to[i] = (uint8_t)('0' + number % 10);
    to[KEY_BYTES] = '.';
    return (struct strata_slice){to, KEY_BYTES + missing};
}

static bool shuffle(struct turn *t)
{
    struct prng prng = {99};

    t->order = malloc(t->num * sizeof *t->order);
    for (uint64_t i = 0; t->order && i < t->num; i++)
        t->order[i] = (uint32_t)i;
    for (uint64_t i = t->num; t->order && i-- > 1;) {
        uint64_t j = prng_below(&prng, i + 1);
        uint32_t kept = t->order[i];
        t->order[i] = t->order[j];
        t->order[j] = kept;
    }
    return t->order;
}

int turn_begin(struct turn *t, uint64_t all)
{
    if (!shuffle(t))
        return peer_say("keys", "out of memory");
    fill_pool(t);
    t->all = all;
    progress_init(&t->progress, stderr, t->label ? t->label : t->peer->name);
    return 0;
}

void turn_end(struct turn *t)
{
    turn_close(t, NULL);
    progress_clear(&t->progress);
    free(t->order);
}

/* ---- Measuring ------------------------------------------------------------------------------- */

static double clock_of(clockid_t id)
{
    struct timespec time;
    clock_gettime(id, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

struct watch watch_begin(void)
{
    return (struct watch){clock_of(CLOCK_MONOTONIC), clock_of(CLOCK_PROCESS_CPUTIME_ID)};
}

struct watch watch_since(const struct watch *since)
{
    struct watch now = watch_begin();
    return (struct watch){now.wall - since->wall, now.cpu - since->cpu};
}

void turn_tell(struct turn *t, const char *work, uint64_t operations, const struct watch *took)
{
    progress_clear(&t->progress);
    printf("%s %" PRIu64 " %.9f %.9f\n", work, operations, took->wall, took->cpu);
    fflush(stdout);
}

void turn_tick(struct turn *t, uint64_t operations)
{
    struct progress_state state = {t->done += operations, t->all, 0, 0, "operations"};
    progress_tick(&t->progress, &state);
}

/* ---- The database ---------------------------------------------------------------------------- */

int turn_open(struct turn *t, const char *name, bool create, const char *work)
{
    struct peer_options o = t->options;
    struct watch watch;
    char path[4096];
    int rc;

    if (snprintf(path, sizeof path, "%s/%s", t->root, name) >= (int)sizeof path)
        return peer_say(t->root, "too long a path");
    o.dir = path;
    o.create = create;
    watch = watch_begin();
    rc = t->peer->open(&o, &t->db);
    watch = watch_since(&watch);
    if (rc < 0)
        t->db = NULL;
    else if (work)
        turn_tell(t, work, 1, &watch);
    return rc;
}

int turn_close(struct turn *t, const char *work)
{
    struct watch watch = watch_begin();
    int rc = t->db ? t->peer->close(t->db) : 0;

    watch = watch_since(&watch);
    t->db = NULL;
    if (rc == 0 && work)
        turn_tell(t, work, 1, &watch);
    return rc;
}
