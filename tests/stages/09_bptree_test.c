/* 09_bptree_test.c: the memtable with append leaves, against a sorted array, with keys of every
 * shape; what it takes from its arena; and one writer among readers that take no lock (for
 * MODE=tsan above all). */
#include "test.h"

#include "09_fast_paths/memtable/bptree.h"
#include "09_fast_paths/memtable/bptree_node.h"
#include "crash/sim/fs_sim.h"
#include "readers.h"
#include "rng.h"
#include "crash/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define KEY_ROOM 300

/* ---- Keys of every shape --------------------------------------------------------------- */

struct entry {
    uint64_t sequence;
    unsigned type;
    size_t size;
    uint8_t key[KEY_ROOM];
};

enum shape { SHORT, ASCENDING, DESCENDING, DECIMAL, LONG, HOT, VERSIONS, BYTES, TURNING, SHAPES };

static void put_number(struct entry *e, size_t at, uint64_t number, int digits)
{
    char text[32];
    e->size =
        at + (size_t)snprintf(text, sizeof text, "%0*llu", digits, (unsigned long long)number);
    memcpy(e->key + at, text, e->size - at);
}

/* Few letters, zeros among them: key_prefixes alike, one key beginning another, the empty one. */
static void draw_short(struct rng *rng, struct entry *e)
{
    e->size = (size_t)rng_below(rng, rng_below(rng, 3) ? 6 : 20);
    for (size_t i = 0; i < e->size; i++)
        e->key[i] = (uint8_t) "\0ab\xff"[rng_below(rng, i < 8 ? 2 : 4)];
}

static void draw_bytes(struct rng *rng, struct entry *e)
{
    e->size = 1 + (size_t)rng_below(rng, 16);
    for (size_t i = 0; i < e->size; i++)
        e->key[i] = (uint8_t)rng_below(rng, 256);
}

/* A long way in common; now and then it ends before that. */
static void draw_long(struct rng *rng, struct entry *e)
{
    memset(e->key, 'p', KEY_ROOM);
    put_number(e, 250 - (size_t)rng_below(rng, 2) * 100, rng_below(rng, 3000), 5);
    if (rng_below(rng, 100) == 0)
        e->size = (size_t)rng_below(rng, 250);
}

/* In order, and then with another first byte, shorter, or of zeros. */
static void draw_turning(struct rng *rng, struct entry *e, uint64_t n)
{
    put_number(e, 0, 1000 + n, 16);
    if (rng_below(rng, 50) == 0)
        e->key[rng_below(rng, 16)] ^= (uint8_t)(1 + rng_below(rng, 255));
    if (rng_below(rng, 50) == 0)
        e->size = (size_t)rng_below(rng, 16);
    if (rng_below(rng, 50) == 0)
        memset(e->key, 0, e->size);
}

static void draw_key(struct rng *rng, enum shape shape, uint64_t n, struct entry *e)
{
    switch (shape) {
    case SHORT:
        draw_short(rng, e);
        break;
    case ASCENDING:
        put_number(e, 0, n, 16);
        break;
    case DESCENDING:
        put_number(e, 0, 100000 - n, 16);
        break;
    case DECIMAL:
        put_number(e, 0, rng_below(rng, 100000), 16);
        break;
    case LONG:
        draw_long(rng, e);
        break;
    case HOT:
        put_number(e, 0, rng_below(rng, 100) ? 5 : rng_below(rng, 10), 16);
        break;
    case VERSIONS:
        put_number(e, 0, rng_below(rng, 40), 20);
        break;
    case BYTES:
        draw_bytes(rng, e);
        break;
    case TURNING:
        draw_turning(rng, e, n);
        break;
    case SHAPES:
        break;
    }
}

static struct strata_slice key_of(const struct entry *e)
{
    return strata_bytes(e->key, e->size);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = strata_compare(key_of(x), key_of(y));
    return order ? order : (x->sequence < y->sequence) - (x->sequence > y->sequence);
}

/* ---- Against a sorted array ------------------------------------------------------------ */

struct held {
    struct memtable *memtable;
    struct entry *sorted; /* of all */
    size_t count;
};

static void check_gets(const struct held *m, struct rng *rng, enum shape shape)
{
    for (int i = 0; i < 300; i++) {
        struct entry target = m->sorted[rng_below(rng, m->count)];
        struct strata_slice value;
        unsigned type, want = 0;
        size_t at = 0;

        if (i % 3 == 0)
            draw_key(rng, shape, rng_below(rng, m->count + 10), &target);
        target.sequence = i % 2 ? rng_below(rng, m->count + 2) : UINT64_MAX;
        while (at < m->count && compare_entries(&m->sorted[at], &target) < 0)
            at++;
        if (at < m->count && strata_compare(key_of(&m->sorted[at]), key_of(&target)) == 0)
            want = m->sorted[at].type;
        type = memtable_get(m->memtable, key_of(&target), target.sequence, &value);
        assert_int_equal(type, want);
        if (type)
            assert_bytes(value, strata_bytes(&m->sorted[at].sequence, 8));
    }
}

/* Those that a cursor of this sequence number is to show, in order. */
static size_t visible(const struct held *m, uint64_t sequence, const struct entry **shown)
{
    size_t count = 0;

    for (size_t i = 0; i < m->count; i++) {
        const struct entry *e = &m->sorted[i];
        if (e->sequence <= sequence &&
            (!count || strata_compare(key_of(shown[count - 1]), key_of(e)) != 0))
            shown[count++] = e;
    }
    return count;
}

static void assert_at(const struct cursor *cursor, int rc, const struct entry *want)
{
    if (!want) {
        assert_int_equal(rc, STRATA_NOT_FOUND);
        return;
    }
    assert_int_equal(rc, 0);
    assert_bytes(cursor->iter.key, key_of(want));
    assert_int_equal(cursor->sequence, want->sequence);
    assert_int_equal(cursor->type, want->type);
    assert_true(cursor->iter.has_value);
    assert_bytes(cursor->iter.value, strata_bytes(&want->sequence, 8));
}

static void walk(struct cursor *cursor, const struct entry **shown, size_t count)
{
    int rc = cursor_first(cursor, NULL);

    for (size_t i = 0; i < count; i++, rc = cursor_next(cursor, NULL))
        assert_at(cursor, rc, shown[i]);
    assert_at(cursor, rc, NULL);
    rc = cursor_last(cursor, NULL);
    for (size_t i = count; i-- > 0; rc = cursor_prev(cursor, NULL))
        assert_at(cursor, rc, shown[i]);
    assert_at(cursor, rc, NULL);
}

/* To somewhere, and from there some steps to and fro. */
static void wander(struct cursor *cursor, struct rng *rng, enum shape shape,
                   const struct entry **shown, size_t count)
{
    struct entry target = {0};
    size_t at = 0;
    int rc;

    draw_key(rng, shape, rng_below(rng, count + 10), &target);
    while (at < count && strata_compare(key_of(shown[at]), key_of(&target)) < 0)
        at++;
    rc = cursor_seek(cursor, key_of(&target), NULL);
    assert_at(cursor, rc, at < count ? shown[at] : NULL);
    for (int i = 0; i < 20 && rc == 0; i++) {
        bool forth = rng_below(rng, 2);
        rc = forth ? cursor_next(cursor, NULL) : cursor_prev(cursor, NULL);
        at += forth ? 1 : (size_t)-1;
        assert_at(cursor, rc, at < count ? shown[at] : NULL);
    }
}

static void check_cursors(const struct held *m, struct rng *rng, enum shape shape)
{
    const struct entry **shown = calloc(m->count + 1, sizeof(struct entry *));

    assert_non_null(shown);
    for (int i = 0; i < 4; i++) {
        uint64_t sequence = i ? rng_below(rng, m->count + 2) : UINT64_MAX;
        size_t count = visible(m, sequence, shown);
        struct cursor *cursor = memtable_cursor(m->memtable, sequence);
        assert_non_null(cursor);
        walk(cursor, shown, count);
        for (int j = 0; j < 40; j++)
            wander(cursor, rng, shape, shown, count);
        cursor_free(cursor);
    }
    free(shown);
}

#define READERS 20

static size_t draw_readers(const struct held *m, struct rng *rng, uint64_t readers[READERS])
{
    size_t count = (size_t)rng_below(rng, READERS + 1);

    for (size_t i = 0; i < count; i++)
        readers[i] = (i ? readers[i - 1] : 0) + rng_below(rng, 2 * m->count / (count + 1) + 2);
    return count;
}

/* The newest of its key; or the newest that one of the readers sees. */
static bool is_needed(const struct held *m, size_t at, const uint64_t *readers, size_t count)
{
    const struct entry *entry = &m->sorted[at], *newer = at ? &m->sorted[at - 1] : NULL;

    if (!newer || strata_compare(key_of(newer), key_of(entry)) != 0)
        return true;
    for (size_t i = 0; i < count; i++)
        if (entry->sequence <= readers[i] && readers[i] < newer->sequence)
            return true;
    return false;
}

/* In order; and from a key on. */
static void check_versions(const struct held *m, struct rng *rng)
{
    for (int i = 0; i < 20; i++) {
        uint64_t readers[READERS];
        size_t at = i ? (size_t)rng_below(rng, m->count) : 0;
        size_t count = draw_readers(m, rng, readers);
        struct cursor *cursor = m->memtable->kind->versions(m->memtable->self, readers, count);
        int rc;
        assert_non_null(cursor);
        while (at && strata_compare(key_of(&m->sorted[at - 1]), key_of(&m->sorted[at])) == 0)
            at--;
        rc = cursor_seek(cursor, i ? key_of(&m->sorted[at]) : S(""), NULL);
        for (; at < m->count; at++)
            if (is_needed(m, at, readers, count)) {
                assert_at(cursor, rc, &m->sorted[at]);
                rc = cursor_next(cursor, NULL);
            }
        assert_at(cursor, rc, NULL);
        cursor_free(cursor);
    }
}

/* In batches, each of which was reserved whole, and takes no more than that. */
static void add_all(struct memtable *memtable, const struct entry *entries, size_t count,
                    struct rng *rng)
{
    for (size_t i = 0; i < count;) {
        size_t most = 1 + (size_t)rng_below(rng, rng_below(rng, 4) ? 3 : 700), bytes = 0;
        size_t end = i + (most < count - i ? most : count - i);
        for (size_t j = i; j < end; j++)
            bytes += entries[j].size + 8;
        memtable->arena.chunk_bytes = 1; /* nothing is there but what is reserved now */
        memtable->arena.left = 0;
        assert_int_equal(memtable_reserve(memtable, end - i, bytes, NULL), 0);
        if (rng_below(rng, 2))
            memtable_recycle(memtable);
        for (; i < end; i++)
            memtable_add(memtable, entries[i].sequence, entries[i].type, key_of(&entries[i]),
                         strata_bytes(&entries[i].sequence, 8));
    }
}

static void check_shape(struct rng *rng, enum shape shape, size_t count)
{
    struct entry *entries = calloc(count, sizeof *entries);
    struct held m = {.sorted = calloc(count, sizeof *entries), .count = count};

    assert_true(entries && m.sorted);
    for (size_t i = 0; i < count; i++) {
        draw_key(rng, shape, i, &entries[i]);
        entries[i].sequence = i + 1;
        entries[i].type = rng_below(rng, 4) ? STRATA_OP_PUT : STRATA_OP_DELETE;
    }
    memcpy(m.sorted, entries, count * sizeof *entries);
    qsort(m.sorted, count, sizeof *entries, compare_entries);
    assert_int_equal(memtable_new(&memtable_bptree, NULL, 4096, &m.memtable, NULL), 0);
    add_all(m.memtable, entries, count, rng);
    assert_int_equal(memtable_count(m.memtable), count);
    assert_true(bptree_check(m.memtable->self));
    check_gets(&m, rng, shape);
    check_cursors(&m, rng, shape);
    check_versions(&m, rng);
    memtable_unref(m.memtable);
    free(entries);
    free(m.sorted);
}

static void bptree_agrees_with_a_sorted_array(void **state)
{
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "bptree");
    for (int round = 0; round < 4; round++)
        for (enum shape shape = 0; shape < SHAPES; shape++)
            check_shape(&rng, shape, 1 + (size_t)rng_below(&rng, round ? 400 : 9000));
}

/* ---- Single situations ----------------------------------------------------------------- */

static void add(struct memtable *memtable, uint64_t sequence, struct strata_slice key,
                struct strata_slice value)
{
    assert_int_equal(memtable_reserve(memtable, 1, key.size + value.size, NULL), 0);
    memtable_add(memtable, sequence, STRATA_OP_PUT, key, value);
}

static void bptree_empty_one_holds_nothing(void **state)
{
    struct memtable *memtable;
    struct strata_slice value;
    struct cursor *cursor;

    (void)state;
    assert_int_equal(memtable_new(&memtable_bptree, NULL, 4096, &memtable, NULL), 0);
    assert_int_equal(memtable_get(memtable, S(""), UINT64_MAX, &value), 0);
    cursor = memtable_cursor(memtable, UINT64_MAX);
    assert_int_equal(cursor_first(cursor, NULL), STRATA_NOT_FOUND);
    assert_int_equal(cursor_last(cursor, NULL), STRATA_NOT_FOUND);
    assert_int_equal(cursor_seek(cursor, S("a"), NULL), STRATA_NOT_FOUND);
    cursor_free(cursor);
    memtable_unref(memtable);
}

/* Sixty keys of 64 KiB that differ in the last byte alone, and their beginnings, one inside the
 * other; and a value of a megabyte. */
static void bptree_largest_keys_and_a_large_value(void **state)
{
    uint8_t *key = malloc(STRATA_MAX_KEY), *large = calloc(1, 1 << 20);
    struct memtable *memtable;
    struct strata_slice value;
    uint64_t sequence = 0;

    (void)state;
    assert_true(key && large);
    memset(key, 'k', STRATA_MAX_KEY);
    assert_int_equal(memtable_new(&memtable_bptree, NULL, (size_t)1 << 20, &memtable, NULL), 0);
    for (int round = 0; round < 2; round++)
        for (unsigned i = 0; i < 120; i++) {
            key[STRATA_MAX_KEY - 1] = (uint8_t)(i * 37);
            add(memtable, ++sequence, strata_bytes(key, STRATA_MAX_KEY), S("whole"));
            add(memtable, ++sequence, strata_bytes(key, STRATA_MAX_KEY / 120 * i), S("part"));
        }
    add(memtable, ++sequence, S("large"), strata_bytes(large, 1 << 20));
    for (unsigned i = 0; i < 120; i++) {
        key[STRATA_MAX_KEY - 1] = (uint8_t)(i * 37);
        memtable_get(memtable, strata_bytes(key, STRATA_MAX_KEY), UINT64_MAX, &value);
        assert_bytes(value, S("whole"));
        memtable_get(memtable, strata_bytes(key, STRATA_MAX_KEY / 120 * i), UINT64_MAX, &value);
        assert_bytes(value, S("part"));
    }
    assert_int_equal(memtable_get(memtable, S("large"), sequence, &value), STRATA_OP_PUT);
    assert_int_equal(value.size, 1 << 20);
    memtable_unref(memtable);
    free(key);
    free(large);
}

/* It goes on from its key, whatever is added around it and however leaves split; of that it sees
 * nothing. */
static void bptree_cursor_stands_while_leaves_split(void **state)
{
    struct memtable *memtable;
    struct cursor *cursor;
    uint64_t sequence = 0;
    char key[32];

    (void)state;
    assert_int_equal(memtable_new(&memtable_bptree, NULL, 4096, &memtable, NULL), 0);
    for (unsigned i = 0; i < 500; i++)
        add(memtable, ++sequence, strata_bytes(key, (size_t)sprintf(key, "%06u", i * 10)), S("x"));
    cursor = memtable_cursor(memtable, sequence);
    assert_int_equal(cursor_first(cursor, NULL), 0);
    for (unsigned i = 0; i < 500; i++) {
        sprintf(key, "%06u", i * 10);
        assert_bytes(cursor->iter.key, S(key));
        for (unsigned j = 1; j < 10; j++) /* ahead, and anew where it stands */
            add(memtable, ++sequence,
                strata_bytes(key, (size_t)sprintf(key, "%06u", (i * 10 + j * 63) % 5000)), S("y"));
        assert_int_equal(cursor_next(cursor, NULL), i < 499 ? 0 : STRATA_NOT_FOUND);
    }
    cursor_free(cursor);
    memtable_unref(memtable);
}

/* ---- Memory ---------------------------------------------------------------------------- */

static void bptree_room_for_too_many_operations_is_no_memory(void **state)
{
    struct memtable *memtable;
    struct strata_error err;

    (void)state;
    assert_int_equal(memtable_new(&memtable_bptree, NULL, 4096, &memtable, NULL), 0);
    for (size_t n = 1; n <= 4096; n *= 2) /* wherever a product might wrap */
        assert_code(memtable_reserve(memtable, SIZE_MAX / n, 100, &err), STRATA_ERR_NO_MEMORY,
                    &err);
    assert_code(memtable_reserve(memtable, SIZE_MAX, SIZE_MAX, &err), STRATA_ERR_NO_MEMORY, &err);
    assert_code(memtable_reserve(memtable, 1, SIZE_MAX, &err), STRATA_ERR_NO_MEMORY, &err);
    add(memtable, 1, S("a"), S("1"));
    memtable_unref(memtable);
}

static size_t bytes_after(size_t count, bool quiet, bool random)
{
    struct memtable *memtable;
    struct rng rng = {7};
    size_t bytes;

    assert_int_equal(memtable_new(&memtable_bptree, NULL, (size_t)1 << 20, &memtable, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        char key[32];
        unsigned long long n = random ? rng_below(&rng, 1000000) : i;
        if (quiet)
            memtable_recycle(memtable);
        add(memtable, i + 1, strata_bytes(key, (size_t)sprintf(key, "%016llu", n)), S("12345678"));
    }
    bytes = memtable_bytes(memtable);
    memtable_unref(memtable);
    return bytes;
}

/* Readers that began before the first call may be in it until the second. */
static void bptree_node_is_used_again_after_two_generations(void **state)
{
    struct memtable *memtable;
    struct bptree *tree;
    struct bptree_node *root, *replaced;

    (void)state;
    assert_int_equal(memtable_new(&memtable_bptree, NULL, (size_t)1 << 20, &memtable, NULL), 0);
    tree = memtable->self;
    add(memtable, 1, S("000"), S("v"));
    root = atomic_load(&tree->root);
    for (uint64_t i = 2; atomic_load(&tree->root) == root; i++) {
        char key[8];
        add(memtable, i, strata_bytes(key, (size_t)snprintf(key, sizeof key, "%03d", (int)i)),
            S("v"));
    }
    replaced = tree->replaced;
    assert_non_null(replaced);
    memtable_recycle(memtable);
    assert_null(tree->spare[0]);
    assert_null(tree->spare[1]);
    assert_ptr_equal(tree->waiting, replaced);
    memtable_recycle(memtable);
    assert_true(tree->spare[0] == replaced || tree->spare[1] == replaced);
    assert_null(tree->waiting);
    memtable_unref(memtable);
}

/* An entry of 16 + 8 bytes takes 16 more, and 16 in a leaf, which is full in order, and two thirds
 * full at random; where nobody reads, what was replaced is used again. */
static void bptree_takes_little_beside_its_entries(void **state)
{
    (void)state;
    assert_true(bytes_after(0, true, false) < 256);
    assert_true(bytes_after(4, true, false) < 512);
    assert_true(bytes_after(20000, true, false) < 20000 * (40 + 16 + 3));
    assert_true(bytes_after(20000, true, true) < 20000 * (40 + 26 + 3));
    assert_true(bytes_after(20000, false, true) < 20000 * (40 + 90));
    assert_true(bytes_after(20000, false, true) > bytes_after(20000, true, true));
}

static uint64_t bytes_in_a_database(bool while_read)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_iter *iter = NULL;
    struct strata_options options;
    struct rng rng = {7};
    struct strata_error err;
    struct strata *db;
    uint64_t bytes;

    subject_options(&options, fs, true);
    options.memtable_bytes = 8 << 20;
    options.sync = STRATA_SYNC_NEVER;
    assert_ok(strata_open("db", &options, &db, &err), &err);
    assert_put(db, "key", "value");
    if (while_read)
        assert_ok(strata_iter_new(db, &iter, &err), &err);
    for (int i = 0; i < 10000; i++) {
        char key[32];
        sprintf(key, "%016llu", (unsigned long long)rng_below(&rng, 1000000));
        assert_put(db, key, "12345678");
    }
    bytes = check_stat(db, "memtable_bytes");
    strata_iter_free(iter);
    assert_put(db, "key", "value");
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
    return bytes;
}

/* A reader may stand in a node that was replaced: as long as there is one, none is used again. */
static void bptree_keeps_what_was_replaced_while_it_is_read(void **state)
{
    (void)state;
    assert_true(bytes_in_a_database(false) < 10000 * (40 + 26 + 3));
    assert_true(bytes_in_a_database(true) > 10000 * (40 + 40));
}

/* ---- One writer, readers without a lock ------------------------------------------------- */

static void bptree_readers_need_no_lock(void **state)
{
    (void)state;
    readers_check(&memtable_bptree);
}

/* A counter's versions fill hundreds of leaves: a cursor looks into few of them, whichever of them
 * it may see. */
static void bptree_cursor_passes_over_many_versions(void **state)
{
    static const uint64_t seen[] = {UINT64_MAX, 30001, 15000, 3, 2};
    static const char *const keys[] = {"a", "m", "z"};
    struct memtable *memtable;
    struct cursor *cursor;

    (void)state;
    assert_int_equal(memtable_new(&memtable_bptree, NULL, 4096, &memtable, NULL), 0);
    add(memtable, 1, S("a"), S("x"));
    add(memtable, 2, S("z"), S("x"));
    for (uint64_t sequence = 3; sequence <= 30002; sequence++)
        add(memtable, sequence, S("m"), S("x"));
    for (size_t i = 0; i < 5; i++) {
        uint64_t before = cost_so_far.comparisons;
        bool all = seen[i] > 2;
        cursor = memtable_cursor(memtable, seen[i]);
        assert_int_equal(cursor_first(cursor, NULL), 0);
        for (int at = 0; at < 3; at += all || at == 2 ? 1 : 2) {
            assert_bytes(cursor->iter.key, S(keys[at]));
            assert_int_equal(cursor_next(cursor, NULL), at < 2 ? 0 : STRATA_NOT_FOUND);
        }
        assert_int_equal(cursor_last(cursor, NULL), 0);
        for (int at = 2; at >= 0; at -= all || at == 0 ? 1 : 2) {
            assert_bytes(cursor->iter.key, S(keys[at]));
            if (at == 1)
                assert_int_equal(cursor->sequence, seen[i] < 30002 ? seen[i] : 30002);
            assert_int_equal(cursor_prev(cursor, NULL), at ? 0 : STRATA_NOT_FOUND);
        }
        assert_in_range(cost_so_far.comparisons - before, 1, 2000);
        cursor_free(cursor);
    }
    memtable_unref(memtable);
}

/* And a flush with snapshots looks at those versions that one of them sees. */
static void bptree_versions_passes_over_those_nobody_sees(void **state)
{
    static const uint64_t readers[] = {10, 11, 15000, 20000};
    static const uint64_t shown[] = {30000, 20000, 15000, 11, 10};
    struct memtable *memtable;
    struct cursor *cursor;
    uint64_t before;

    (void)state;
    assert_int_equal(memtable_new(&memtable_bptree, NULL, 4096, &memtable, NULL), 0);
    for (uint64_t sequence = 1; sequence <= 30000; sequence++)
        add(memtable, sequence, S("m"), S("x"));
    add(memtable, 30001, S("z"), S("x"));
    before = cost_so_far.comparisons;
    cursor = memtable->kind->versions(memtable->self, readers, 4);
    assert_int_equal(cursor_first(cursor, NULL), 0);
    for (size_t i = 0; i < 5; i++) {
        assert_bytes(cursor->iter.key, S("m"));
        assert_int_equal(cursor->sequence, shown[i]);
        assert_int_equal(cursor_next(cursor, NULL), 0);
    }
    assert_bytes(cursor->iter.key, S("z"));
    assert_int_equal(cursor_next(cursor, NULL), STRATA_NOT_FOUND);
    assert_in_range(cost_so_far.comparisons - before, 1, 1000);
    cursor_free(cursor);
    memtable_unref(memtable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bptree_agrees_with_a_sorted_array),
        cmocka_unit_test(bptree_empty_one_holds_nothing),
        cmocka_unit_test(bptree_largest_keys_and_a_large_value),
        cmocka_unit_test(bptree_cursor_stands_while_leaves_split),
        cmocka_unit_test(bptree_room_for_too_many_operations_is_no_memory),
        cmocka_unit_test(bptree_takes_little_beside_its_entries),
        cmocka_unit_test(bptree_node_is_used_again_after_two_generations),
        cmocka_unit_test(bptree_keeps_what_was_replaced_while_it_is_read),
        cmocka_unit_test(bptree_cursor_passes_over_many_versions),
        cmocka_unit_test(bptree_versions_passes_over_those_nobody_sees),
        cmocka_unit_test(bptree_readers_need_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
