/* workload.c: see workload.h. */
#include "crash/workload.h"

#include "crash/need.h"

#include <stdio.h>
#include <string.h>

#define BUILTIN 4 /* scripts of script_builtin */

/* Compaction puts data at risk that was durable before. */
static void merge(struct script *script, uint64_t seed)
{
    (void)seed;
    script_put(script, "apple", "red");
    script_put(script, "plum", "blue");
    script_put(script, "apple", "green");
    script_settle(script);
    script_add(script, SCRIPT_COMPACT);
    script_put(script, "pear", "ripe");
}

static void hold_over_merge(struct script *script)
{
    script_add(script, SCRIPT_HOLD);
    script_add(script, SCRIPT_COMPACT);
    script_put(script, "n", "short too");
    script_add(script, SCRIPT_RELEASE);
}

/* More segments than may be open at a time, and an iterator that reads what a merge replaced. */
static void held(struct script *script, uint64_t seed)
{
    char value[1400] = "";

    (void)seed;
    memset(value, '.', sizeof value - 1);
    for (char key[] = "a"; key[0] <= 'n'; key[0]++)
        script_put(script, key, value);
    script_put(script, "a", "short now");
    script_settle(script);
    script_add(script, SCRIPT_REOPEN);
    script_add(script, SCRIPT_READ);
    hold_over_merge(script); /* of one segment */
    for (char key[] = "b"; key[0] <= 'f'; key[0]++)
        script_put(script, key, "short now");
    hold_over_merge(script); /* of several */
    script_add(script, SCRIPT_READ);
}

static void add_batch(struct script *script, struct strata_batch *batch)
{
    history_batch(&script->history, batch);
    script_add(script, SCRIPT_WRITE);
    strata_batch_clear(batch);
}

/* Of many operations; of more bytes than a segment; of one value that is. */
static void batches(struct script *script, uint64_t seed)
{
    struct strata_batch *batch = need(strata_batch_new());
    static char value[70000];
    char key[16];
    int rc = 0;

    (void)seed;
    memset(value, 'v', sizeof value - 1);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 40; i++) {
            snprintf(key, sizeof key, "key %d", i);
            rc |= round && i % 3 == 0
                      ? strata_batch_delete(batch, strata_string(key), NULL)
                      : strata_batch_put(batch, strata_string(key),
                                         strata_bytes(value, (size_t)(round ? 300 : i % 4)), NULL);
        }
        add_batch(script, batch);
    }
    script_add(script, SCRIPT_REOPEN);
    rc |= strata_batch_delete(batch, strata_string("key 1"), NULL);
    rc |= strata_batch_put(batch, strata_string("large"), strata_string(value), NULL);
    rc |= strata_batch_put(batch, strata_string("key 3"), strata_string("back"), NULL);
    need(rc == 0 ? batch : NULL);
    add_batch(script, batch);
    strata_batch_free(batch);
    script_add(script, SCRIPT_READ);
}

/* What is acknowledged may be lost, but only from its end, and only what came after a sync. */
static void unsynced(struct script *script, uint64_t seed)
{
    script->unsynced = true;
    script_mixed(script, seed);
}

static const struct {
    const char *name;
    void (*fill)(struct script *script, uint64_t seed);
    bool drawn;
} more[] = {{"merge", merge, false},
            {"held", held, false},
            {"batches", batches, false},
            {"mixed", script_mixed, true},
            {"unsynced", unsynced, true}};

bool workload_is_drawn(size_t index)
{
    return index >= BUILTIN && more[index - BUILTIN].drawn;
}

const char *workload_fill(size_t index, uint64_t seed, struct script *script)
{
    if (index < BUILTIN)
        return script_builtin(index, script);
    index -= BUILTIN;
    if (index >= sizeof more / sizeof *more)
        return NULL;
    more[index].fill(script, seed);
    return more[index].name;
}
