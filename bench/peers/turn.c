/* turn.c: see turn.h. Keys and values are the same in every turn. */
#include "turn.h"
#include "prng.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int turn_say(const char *what, const char *why)
{
    fprintf(stderr, "strata-peer: %s: %s\n", what, why);
    return -1;
}

int turn_fail(struct turn *t, const char *what)
{
    char text[600];
    return turn_say(what, strata_error_text(&t->err, text, sizeof text));
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
        return turn_say("keys", "out of memory");
    fill_pool(t);
    t->all = all;
    progress_init(&t->progress, stderr, t->label ? t->label : t->engine->name);
    return 0;
}

void turn_end(struct turn *t)
{
    turn_close(t, NULL);
    progress_clear(&t->progress);
    free(t->order);
}

/* ---- Measuring ------------------------------------------------------------------------------- */

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

static int open_and_join(struct turn *t, const struct engine_options *o)
{
    if (t->engine->open(o, &t->db, &t->err) < 0) {
        t->db = NULL;
        return turn_fail(t, "open");
    }
    return t->engine->join(t->db, &t->session, &t->err) < 0 ? turn_fail(t, "open") : 0;
}

int turn_open(struct turn *t, const char *name, bool create, const char *work)
{
    struct engine_options o = t->options;
    struct watch watch;
    char path[4096];
    int rc;

    if (snprintf(path, sizeof path, "%s/%s", t->root, name) >= (int)sizeof path)
        return turn_say(t->root, "too long a path");
    o.dir = path;
    o.create = create;
    o.data_bytes = t->num * (KEY_BYTES + VALUE_BYTES);
    watch = watch_begin();
    rc = open_and_join(t, &o);
    watch = watch_since(&watch);
    if (rc == 0 && work)
        turn_tell(t, work, 1, &watch);
    return rc;
}

static void leave(struct turn *t)
{
    t->engine->leave(t->session);
    t->session = NULL;
}

int turn_close(struct turn *t, const char *work)
{
    struct watch watch = watch_begin();
    int rc = 0;

    leave(t);
    if (t->db && t->engine->close(t->db, &t->err) < 0)
        rc = turn_fail(t, "close");
    watch = watch_since(&watch);
    t->db = NULL;
    if (rc == 0 && work)
        turn_tell(t, work, 1, &watch);
    return rc;
}

int turn_put(struct turn *t, struct strata_slice key, struct strata_slice value)
{
    return t->engine->put(t->session, key, value, &t->err) < 0 ? turn_fail(t, "put") : 0;
}

static int upkeep(struct turn *t, int (*what)(void *db, struct strata_error *err), const char *name)
{
    leave(t);
    if (what(t->db, &t->err) < 0)
        return turn_fail(t, name);
    return t->engine->join(t->db, &t->session, &t->err) < 0 ? turn_fail(t, name) : 0;
}

int turn_settle(struct turn *t)
{
    return upkeep(t, t->engine->settle, "settle");
}

int turn_compact(struct turn *t)
{
    return upkeep(t, t->engine->compact, "compact");
}
