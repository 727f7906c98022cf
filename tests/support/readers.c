/* readers.c: see readers.h. */
#include "readers.h"
#include "rng.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>

#define WRITES 20000
#define READERS 2

struct shared {
    struct memtable *memtable;
    _Atomic uint64_t sequence; /* what is written and told */
    _Atomic bool done;
};

static size_t key_text(uint64_t n, char key[32])
{
    return (size_t)sprintf(key, "key %08u", (unsigned)(n * 2654435761u % WRITES));
}

/* Goes on from where the cursor is, or nowhere if `rc` says so, at most `most` keys: how many there
 * were; those that are out of order, or newer, are added to *bad. */
static uint64_t walk(struct cursor *cursor, int rc, bool back, uint64_t sequence, uint64_t most,
                     uintptr_t *bad)
{
    int (*go)(struct cursor *, struct strata_error *) = back ? cursor_prev : cursor_next;
    struct strata_slice before = {0};
    uint64_t seen = 0;

    for (; rc == 0 && seen < most; rc = go(cursor, NULL), seen++) {
        int order = before.data ? strata_compare(before, cursor->iter.key) : back ? 1 : -1;
        *bad += cursor->sequence > sequence || (back ? order <= 0 : order >= 0);
        before = cursor->iter.key;
    }
    return seen;
}

/* All that was told, each once; either way round. */
static uintptr_t walk_told(struct memtable *memtable, uint64_t sequence, bool back)
{
    struct cursor *cursor = memtable_cursor(memtable, sequence);
    int rc = back ? cursor_last(cursor, NULL) : cursor_first(cursor, NULL);
    uintptr_t bad = 0;

    bad += walk(cursor, rc, back, sequence, UINT64_MAX, &bad) != sequence;
    cursor_free(cursor);
    return bad;
}

/* Some keys, from one that was told on. */
static uintptr_t walk_from(struct memtable *memtable, uint64_t sequence, struct strata_slice key)
{
    struct cursor *cursor = memtable_cursor(memtable, sequence);
    int rc = cursor_seek(cursor, key, NULL);
    uintptr_t bad = rc != 0 || strata_compare(cursor->iter.key, key) != 0;

    walk(cursor, rc, false, sequence, 50, &bad);
    cursor_free(cursor);
    return bad;
}

static void *read_on(void *arg)
{
    struct shared *s = arg;
    struct rng rng = {(uint64_t)(uintptr_t)&rng};
    uintptr_t bad = 0;

    while (!atomic_load(&s->done)) {
        uint64_t sequence = atomic_load(&s->sequence);
        struct strata_slice value;
        char key[32];

        for (int i = 0; sequence && i < 100; i++) {
            size_t size = key_text(1 + rng_below(&rng, sequence), key);
            bad += memtable_get(s->memtable, strata_bytes(key, size), sequence, &value) == 0;
            if (i % 10 == 0)
                bad += walk_from(s->memtable, sequence, strata_bytes(key, size));
        }
        bad += walk_told(s->memtable, sequence, rng_below(&rng, 2));
    }
    return (void *)bad;
}

void readers_check(const struct memtable_kind *kind)
{
    struct shared s = {0};
    pthread_t readers[READERS];

    assert_int_equal(memtable_new(kind, NULL, (size_t)1 << 20, &s.memtable, NULL), 0);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &s), 0);
    for (uint64_t n = 1; n <= WRITES; n++) {
        char key[32];
        size_t size = key_text(n, key);
        assert_int_equal(memtable_reserve(s.memtable, 1, size + 5, NULL), 0);
        memtable_add(s.memtable, n, STRATA_OP_PUT, strata_bytes(key, size),
                     strata_bytes("value", 5));
        atomic_store(&s.sequence, n);
    }
    atomic_store(&s.done, true);
    for (int i = 0; i < READERS; i++) {
        void *bad;
        assert_int_equal(pthread_join(readers[i], &bad), 0);
        assert_int_equal((uintptr_t)bad, 0);
    }
    memtable_unref(s.memtable);
}
