/* work.c: see work.h. */
#include "work.h"

#include "crash/need.h"
#include "rng.h"
#include "crash/subject.h"

#include <stdio.h>
#include <string.h>

static const char dashes[] = "------------------------------------------------------------";

void work_life(struct script *script)
{
    static uint8_t large[140 * 1024];

    script_add(script, SCRIPT_READ);
    script_put(script, "common", "1");
    script_put(script, "", "");
    script_put(script, "gone", "soon");
    script_add(script, SCRIPT_SYNC);
    script_delete(script, "gone");
    script_add(script, SCRIPT_READ);
    script_add(script, SCRIPT_REOPEN);
    script_put(script, "common", "2");
    script_put_bytes(script, strata_string("large"), strata_bytes(large, sizeof large));
    script_put(script, "after", "3");
    script_add(script, SCRIPT_FLUSH);
    script_add(script, SCRIPT_COMPACT);
    script_add(script, SCRIPT_READ);
    script_add(script, SCRIPT_REOPEN);
    script_delete(script, "large");
    script_put(script, "gone", "back");
}

/* ---- Batches --------------------------------------------------------------------------- */

/* The batch becomes one write; where no batch is promised, a write for each operation. */
static void add_batch(struct script *script, struct strata_batch *batch)
{
    if (subject_promises(STRATA_PROMISE_BATCH)) {
        history_batch(&script->history, batch);
        script_add(script, SCRIPT_WRITE);
    } else {
        for (size_t i = 0; i < strata_batch_count(batch); i++) {
            struct strata_op op = strata_batch_at(batch, i);
            if (op.type == STRATA_OP_PUT)
                history_put(&script->history, op.key, op.value);
            else
                history_delete(&script->history, op.key);
            script_add(script, SCRIPT_WRITE);
        }
    }
    strata_batch_free(batch);
}

static void batch_put(struct strata_batch *batch, const char *key, const char *value)
{
    int rc = strata_batch_put(batch, strata_string(key), strata_string(value), NULL);
    need(rc == 0 ? batch : NULL);
}

static void batch_delete(struct strata_batch *batch, const char *key)
{
    need(strata_batch_delete(batch, strata_string(key), NULL) == 0 ? batch : NULL);
}

static void put_and_delete_at_once(struct script *script, const char *key, const char *gone)
{
    struct strata_batch *batch = need(strata_batch_new());
    batch_put(batch, key, "of a batch");
    batch_delete(batch, gone);
    batch_put(batch, "by a batch alone", "");
    add_batch(script, batch);
}

/* ---- Segments -------------------------------------------------------------------------- */

/* So many puts of a few keys that segments of 1,500 bytes fill. */
static void fill_segments(struct script *script, int puts)
{
    char key[16], value[160];
    for (int i = 0; i < puts; i++) {
        snprintf(key, sizeof key, "key %d", i % 5);
        snprintf(value, sizeof value, "%d %s%s", i, dashes, dashes);
        script_put(script, key, value);
    }
}

/* What follows is written while a snapshot needs what was there, where there are snapshots. */
static void hold_snapshot(struct script *script)
{
    if (subject_promises(STRATA_PROMISE_SNAPSHOT))
        script_add(script, SCRIPT_HOLD);
}

static void release_snapshot(struct script *script)
{
    if (subject_promises(STRATA_PROMISE_SNAPSHOT))
        script_add(script, SCRIPT_RELEASE);
}

void work_upkeep(struct script *script)
{
    fill_segments(script, 12);
    hold_snapshot(script);
    script_delete(script, "key 1");
    script_add(script, SCRIPT_SYNC);
    put_and_delete_at_once(script, "key 2", "key 3");
    fill_segments(script, 12); /* dead ones prevail: where merges begin by themselves, one does */
    script_add(script, SCRIPT_READ);
    release_snapshot(script);
    script_add(script, SCRIPT_REOPEN);
    hold_snapshot(script);
    script_delete(script, "key 4");
    script_add(script, SCRIPT_FLUSH);
    script_add(script, SCRIPT_COMPACT);
    release_snapshot(script);
    script_add(script, SCRIPT_READ);
    put_and_delete_at_once(script, "key 4", "key 0");
    script_add(script, SCRIPT_SYNC);
    script_put(script, "last", "of all");
}

/* ---- At random ------------------------------------------------------------------------- */

static void random_batch(struct script *script, struct rng *rng)
{
    struct strata_batch *batch = need(strata_batch_new());
    for (int i = 0; i < 4; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", (int)rng_below(rng, 12));
        if (rng_below(rng, 3))
            batch_put(batch, key, "of a batch");
        else
            batch_delete(batch, key);
    }
    add_batch(script, batch);
}

void work_long(struct script *script, uint64_t seed, int steps)
{
    struct rng rng;

    rng_init(&rng, seed);
    for (int i = 0; i < steps; i++) {
        uint64_t dice = rng_below(&rng, 100);
        if (i % 16 == 2)
            hold_snapshot(script);
        if (i % 16 == 13)
            release_snapshot(script);
        char key[16], value[80];
        snprintf(key, sizeof key, "k%d", (int)rng_below(&rng, 12));
        snprintf(value, sizeof value, "%d %.*s", i, (int)rng_below(&rng, 60), dashes);
        if (dice < 55)
            script_put(script, key, value);
        else if (dice < 75)
            script_delete(script, key);
        else if (dice < 85 && subject_promises(STRATA_PROMISE_BATCH))
            random_batch(script, &rng);
        else if (dice < 94)
            script_add(script, SCRIPT_REOPEN);
        else
            script_add(script, SCRIPT_COMPACT);
    }
}

/* ---- Every record ---------------------------------------------------------------------- */

/* Keys that XXH3 gives one hash, whatever `which` is: it multiplies the first eight bytes of a
 * key of 17 to 32 bytes, combined with its secret, with the next eight; these make that zero. */
static struct strata_slice twin(char to[32], int which)
{
    static const uint8_t secret[8] = {0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe};
    memcpy(to, secret, 8);
    snprintf(to + 8, 24, "%08d", which);
    memset(to + 16, 'x', 16);
    return strata_bytes(to, 32);
}

static void put_twin(struct script *script, int which, const char *value)
{
    char key[32];
    script_put_bytes(script, twin(key, which), strata_string(value));
}

static void twins(struct script *script)
{
    char key[32];
    put_twin(script, 1, "one");
    put_twin(script, 2, "two");
    put_twin(script, 3, "three");
    history_delete(&script->history, twin(key, 2));
    script_add(script, SCRIPT_WRITE);
}

void work_records(struct script *script)
{
    char key[16], value[300];

    script_builtin(1, script);
    fill_segments(script, 10);
    for (int i = 0; i < 12; i++) {
        snprintf(key, sizeof key, "key %02d", i);
        snprintf(value, sizeof value, "%02d %0*d", i, i < 6 ? 250 : 100, i * 12345);
        script_put(script, key, value);
        if (i == 2) { /* two versions of a key are kept */
            hold_snapshot(script);
            if (subject_promises(STRATA_PROMISE_SNAPSHOT))
                script_put(script, "key 01", "seen by no snapshot");
        }
        if (i == 5) { /* dead ones first, so that the merge has something to do */
            script_add(script, SCRIPT_FLUSH);
            script_add(script, SCRIPT_COMPACT);
            script_add(script, SCRIPT_REOPEN);
        }
    }
    twins(script);
    put_and_delete_at_once(script, "key 02", "key 04");
    script_delete(script, "key 03");
    script_delete(script, "key 07");
    script_put(script, "key 07", "again");
}
