/* reads.c: gets, scans and seeks, timed, and their outcome checked afterwards. */
#include "prng.h"
#include "turn.h"

static int compare_sums(const struct peer_sum *is, const struct peer_sum *wanted, const char *work)
{
    return is->entries == wanted->entries && is->sum == wanted->sum
               ? 0
               : peer_say(work ? work : "scan", "what came out is not what went in");
}

static int check_gets(const struct turn *t, bool missing, const struct peer_sum *is,
                      const char *work)
{
    struct peer_sum wanted = {0, 0};
    struct prng prng = {7};
    uint8_t key[KEY_BYTES + 1];

    for (uint64_t i = 0; !missing && i < t->gets; i++) {
        uint64_t number = prng_next(&prng) % t->num;
        peer_add(&wanted, turn_key(number, false, key), turn_value(t, number));
    }
    return compare_sums(is, &wanted, work);
}

int turn_get(struct turn *t, bool missing, const char *work)
{
    struct peer_sum is = {0, 0};
    struct prng prng = {7};
    struct watch watch = watch_begin();
    uint8_t key[KEY_BYTES + 1];
    int rc = 0;

    for (uint64_t i = 0; rc >= 0 && i < t->gets; i++) {
        rc = t->peer->get(t->db, turn_key(prng_next(&prng) % t->num, missing, key), &is);
        if (i % TICK == 0)
            turn_tick(t, TICK);
    }
    if (rc < 0)
        return rc;
    watch = watch_since(&watch);
    turn_tell(t, work, t->gets, &watch);
    return check_gets(t, missing, &is, work);
}

int turn_scan(struct turn *t, bool backwards, const char *work)
{
    struct peer_sum is = {0, 0}, wanted = {0, 0};
    struct watch watch = watch_begin();
    uint8_t key[KEY_BYTES + 1];

    if (t->peer->scan(t->db, backwards, &is) < 0)
        return -1;
    watch = watch_since(&watch);
    if (work)
        turn_tell(t, work, t->num, &watch);
    turn_tick(t, t->num);
    for (uint64_t i = 0; i < t->num; i++) {
        uint64_t number = backwards ? t->num - 1 - i : i;
        peer_add(&wanted, turn_key(number, false, key), turn_value(t, number));
    }
    return compare_sums(&is, &wanted, work);
}

static int check_seeks(const struct turn *t, uint64_t seeks, const struct peer_sum *is,
                       const char *work)
{
    struct peer_sum wanted = {0, 0};
    struct prng prng = {8};
    uint8_t key[KEY_BYTES + 1];

    for (uint64_t i = 0; i < seeks; i++) {
        uint64_t first = prng_next(&prng) % t->num;
        for (uint64_t n = first; n < t->num && n < first + SEEK_ENTRIES; n++)
            peer_add(&wanted, turn_key(n, false, key), turn_value(t, n));
    }
    return compare_sums(is, &wanted, work);
}

int turn_seek(struct turn *t, const char *work)
{
    struct peer_sum is = {0, 0};
    struct prng prng = {8};
    uint64_t seeks = t->gets / 4;
    struct watch watch = watch_begin();
    uint8_t key[KEY_BYTES + 1];
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < seeks; i++) {
        struct strata_slice from = turn_key(prng_next(&prng) % t->num, false, key);
        rc = t->peer->seek(t->db, from, SEEK_ENTRIES, &is);
        if (i % TICK == 0)
            turn_tick(t, TICK);
    }
    if (rc < 0)
        return rc;
    watch = watch_since(&watch);
    turn_tell(t, work, seeks, &watch);
    return check_seeks(t, seeks, &is, work);
}
