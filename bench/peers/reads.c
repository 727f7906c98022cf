/* reads.c: gets, scans and seeks, timed, and their outcome checked afterwards. */
#include "prng.h"
#include "turn.h"

static int compare_sums(const struct sum *is, const struct sum *wanted, const char *work)
{
    return is->entries == wanted->entries && is->sum == wanted->sum
               ? 0
               : turn_say(work ? work : "scan", "what came out is not what went in");
}

static int check_gets(const struct turn *t, bool missing, const struct sum *is, const char *work)
{
    struct sum wanted = {0};
    struct prng prng = {7};
    uint8_t key[KEY_BYTES + 1];

    for (uint64_t i = 0; !missing && i < t->gets; i++) {
        uint64_t number = prng_next(&prng) % t->num;
        sum_add(&wanted, turn_key(number, false, key), turn_value(t, number));
    }
    return compare_sums(is, &wanted, work);
}

static int get(struct turn *t, struct strata_slice key, struct sum *sum)
{
    struct strata_slice value;
    int rc = t->engine->get(t->session, key, &value, &t->err);

    if (rc < 0)
        return turn_fail(t, "get");
    if (rc == 0)
        sum_add(sum, key, value);
    return 0;
}

int turn_get(struct turn *t, bool missing, const char *work)
{
    struct sum is = {0};
    struct prng prng = {7};
    struct watch watch = watch_begin();
    uint8_t key[KEY_BYTES + 1];
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < t->gets; i++) {
        rc = get(t, turn_key(prng_next(&prng) % t->num, missing, key), &is);
        if (i % TICK == 0)
            turn_tick(t, TICK);
    }
    if (rc < 0)
        return rc;
    watch = watch_since(&watch);
    turn_tell(t, work, t->gets, &watch);
    return check_gets(t, missing, &is, work);
}

int turn_warm(struct turn *t)
{
    struct sum sum = {0};
    uint8_t key[KEY_BYTES + 1];
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < t->num; i++) {
        rc = get(t, turn_key(i, false, key), &sum);
        if (i % TICK == 0)
            turn_tick(t, TICK);
    }
    return rc == 0 && sum.entries != t->num ? turn_say("get", "a key is missing") : rc;
}

/* A new iterator, and what it gives. */
static int walk(struct turn *t, enum engine_walk how, struct strata_slice key, uint64_t most,
                struct sum *sum)
{
    void *iter = NULL;
    int rc = t->engine->iterate(t->session, &iter, &t->err);

    if (rc == 0)
        rc = t->engine->walk(iter, how, key, most, sum, &t->err);
    t->engine->iterated(iter);
    return rc < 0 ? turn_fail(t, "iterator") : 0;
}

int turn_scan(struct turn *t, bool backwards, const char *work)
{
    struct sum is = {0}, wanted = {0};
    struct watch watch = watch_begin();
    uint8_t key[KEY_BYTES + 1];

    if (walk(t, backwards ? WALK_LAST : WALK_FIRST, (struct strata_slice){NULL, 0}, UINT64_MAX,
             &is) < 0)
        return -1;
    watch = watch_since(&watch);
    if (work)
        turn_tell(t, work, t->num, &watch);
    turn_tick(t, t->num);
    for (uint64_t i = 0; i < t->num; i++) {
        uint64_t number = backwards ? t->num - 1 - i : i;
        sum_add(&wanted, turn_key(number, false, key), turn_value(t, number));
    }
    return compare_sums(&is, &wanted, work);
}

static int check_seeks(const struct turn *t, uint64_t seeks, const struct sum *is, const char *work)
{
    struct sum wanted = {0};
    struct prng prng = {8};
    uint8_t key[KEY_BYTES + 1];

    for (uint64_t i = 0; i < seeks; i++) {
        uint64_t first = prng_next(&prng) % t->num;
        for (uint64_t n = first; n < t->num && n < first + SEEK_ENTRIES; n++)
            sum_add(&wanted, turn_key(n, false, key), turn_value(t, n));
    }
    return compare_sums(is, &wanted, work);
}

int turn_seek(struct turn *t, const char *work)
{
    struct sum is = {0};
    struct prng prng = {8};
    uint64_t seeks = t->gets / 4;
    struct watch watch = watch_begin();
    uint8_t key[KEY_BYTES + 1];
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < seeks; i++) {
        struct strata_slice from = turn_key(prng_next(&prng) % t->num, false, key);
        rc = walk(t, WALK_SEEK, from, SEEK_ENTRIES, &is);
        if (i % TICK == 0)
            turn_tick(t, TICK);
    }
    if (rc < 0)
        return rc;
    watch = watch_since(&watch);
    turn_tell(t, work, seeks, &watch);
    return check_seeks(t, seeks, &is, work);
}
