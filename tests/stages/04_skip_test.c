/* 04_skip_test.c: skip list and memtable, against a sorted array; and one writer among
 * readers that take no lock (for MODE=tsan above all). */
#include "test.h"

#include "04_memtable_sstable/memtable/memtable.h"
#include "04_memtable_sstable/memtable/skip.h"
#include "readers.h"
#include "rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)

/* ---- Skip list against a sorted array -------------------------------------------------- */

struct entry {
    char key[40];
    size_t size;
    uint64_t sequence;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = strata_compare(strata_bytes(x->key, x->size), strata_bytes(y->key, y->size));
    return order ? order : (x->sequence < y->sequence) - (x->sequence > y->sequence);
}

/* Keys of few letters and many lengths, zeros among them: heads alike, one key beginning another.
 */
static void draw_key(struct rng *rng, struct entry *entry)
{
    entry->size = (size_t)rng_below(rng, rng_below(rng, 3) ? 6 : 20);
    for (size_t i = 0; i < entry->size; i++)
        entry->key[i] = "\0ab\xff"[rng_below(rng, i < 8 ? 2 : 4)];
}

static struct strata_slice key_of(const struct entry *entry)
{
    return strata_bytes(entry->key, entry->size);
}

/* What a reader at `sequence` may see of the sorted entries: of each key the newest up to it. */
static size_t only_visible(const struct entry *sorted, size_t count, uint64_t sequence,
                           struct entry *seen)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        if (sorted[i].sequence <= sequence &&
            (!n || strata_compare(key_of(&seen[n - 1]), key_of(&sorted[i])) != 0))
            seen[n++] = sorted[i];
    return n;
}

/* A move returned `rc`; it is to lead to `want`, NULL: to none. */
static void assert_at(const struct cursor *cursor, int rc, const struct entry *want)
{
    assert_int_equal(rc, want ? 0 : STRATA_NOT_FOUND);
    if (!want)
        return;
    assert_bytes(cursor->iter.key, key_of(want));
    assert_int_equal(cursor->sequence, want->sequence);
    assert_bytes(cursor->iter.value, strata_bytes(&want->sequence, 8));
}

static void check_walks(struct cursor *cursor, const struct entry *seen, size_t count)
{
    int rc = cursor_first(cursor, NULL);

    for (size_t i = 0; i < count; i++, rc = cursor_next(cursor, NULL))
        assert_at(cursor, rc, &seen[i]);
    assert_at(cursor, rc, NULL);
    rc = cursor_last(cursor, NULL);
    for (size_t i = count; i > 0; i--, rc = cursor_prev(cursor, NULL))
        assert_at(cursor, rc, &seen[i - 1]);
    assert_at(cursor, rc, NULL);
}

static void check_seeks(const struct memtable *memtable, struct cursor *cursor, uint64_t sequence,
                        const struct entry *seen, size_t count, struct rng *rng)
{
    for (int i = 0; i < 50; i++) {
        struct entry target;
        struct strata_slice value;
        size_t at = 0;
        bool found;

        draw_key(rng, &target);
        while (at < count && strata_compare(key_of(&seen[at]), key_of(&target)) < 0)
            at++;
        found = at < count && strata_compare(key_of(&seen[at]), key_of(&target)) == 0;
        assert_int_equal(memtable_get(memtable, key_of(&target), sequence, &value),
                         found ? STRATA_OP_PUT : 0);
        if (found)
            assert_bytes(value, strata_bytes(&seen[at].sequence, 8));
        assert_at(cursor, cursor_seek(cursor, key_of(&target), NULL),
                  at < count ? &seen[at] : NULL);
        if (at < count)
            assert_at(cursor, cursor_prev(cursor, NULL), at ? &seen[at - 1] : NULL);
    }
}

static void add_entry(struct memtable *memtable, const struct entry *entry)
{
    assert_int_equal(memtable_reserve(memtable, 1, entry->size + 8, NULL), 0);
    memtable_add(memtable, entry->sequence, STRATA_OP_PUT, key_of(entry),
                 strata_bytes(&entry->sequence, 8));
}

static void skip_list_agrees_with_a_sorted_array(void **state)
{
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "skip list");
    for (int round = 0; round < 30; round++) {
        size_t count = (size_t)rng_below(&rng, 400);
        struct entry *entries = calloc(2 * (count + 1), sizeof *entries);
        struct entry *seen = entries + count + 1;
        struct memtable *memtable;
        bool ascending = round % 3 == 0;

        assert_non_null(entries);
        assert_int_equal(memtable_new(&memtable_skip, NULL, 4096, &memtable, NULL), 0);
        for (size_t i = 0; i < count; i++) {
            draw_key(&rng, &entries[i]);
            if (ascending)
                entries[i].size = (size_t)sprintf(entries[i].key, "%06zu%06zu", i / 20, i);
            entries[i].sequence = i + 1;
            add_entry(memtable, &entries[i]);
        }
        qsort(entries, count, sizeof *entries, compare_entries);
        assert_true(memtable_check(memtable));
        for (int reader = 0; reader < 10; reader++) {
            uint64_t sequence = reader ? rng_below(&rng, count + 2) : UINT64_MAX;
            size_t n = only_visible(entries, count, sequence, seen);
            struct cursor *cursor = memtable_cursor(memtable, sequence);
            assert_non_null(cursor);
            check_walks(cursor, seen, n);
            check_seeks(memtable, cursor, sequence, seen, n, &rng);
            cursor_free(cursor);
        }
        memtable_unref(memtable);
        free(entries);
    }
}

/* ---- Memtable -------------------------------------------------------------------------- */

static void add(struct memtable *memtable, uint64_t sequence, const char *key, const char *value)
{
    struct strata_slice v = S(value);
    assert_int_equal(memtable_reserve(memtable, 1, strlen(key) + v.size, NULL), 0);
    memtable_add(memtable, sequence, value ? STRATA_OP_PUT : STRATA_OP_DELETE, S(key), v);
}

/* From this seed on so many draws say "a level higher" that the list has no level left for it. */
static void memtable_entry_of_full_height_is_found(void **state)
{
    struct memtable *memtable;
    struct strata_slice value;

    (void)state;
    assert_int_equal(memtable_new(&memtable_skip, NULL, 4096, &memtable, NULL), 0);
    add(memtable, 1, "b", "2");
    ((struct skip *)memtable->self)->prng.state = 51852825;
    add(memtable, 2, "c", "3");
    assert_int_equal(((struct skip *)memtable->self)->height, SKIP_HEIGHT);
    add(memtable, 3, "a", "1");
    add(memtable, 4, "d", "4");
    for (int i = 0; i < 4; i++) {
        assert_int_equal(memtable_get(memtable, strata_bytes(&"abcd"[i], 1), 9, &value),
                         STRATA_OP_PUT);
        assert_bytes(value, strata_bytes(&"1234"[i], 1));
    }
    memtable_unref(memtable);
}

static void memtable_room_for_too_many_operations_is_no_memory(void **state)
{
    struct memtable *memtable;
    struct strata_error err;

    (void)state;
    assert_int_equal(memtable_new(&memtable_skip, NULL, 4096, &memtable, NULL), 0);
    for (size_t each = 2; each < 1000;
         each++) /* so many bytes each wrap round to next to nothing */
        assert_code(memtable_reserve(memtable, SIZE_MAX / each + 1, 100, &err),
                    STRATA_ERR_NO_MEMORY, &err);
    add(memtable, 1, "a", "1");
    memtable_unref(memtable);
}

static void memtable_gives_the_newest_version_that_may_be_seen(void **state)
{
    struct memtable *memtable;
    struct strata_slice value;

    (void)state;
    assert_int_equal(memtable_new(&memtable_skip, NULL, 4096, &memtable, NULL), 0);
    add(memtable, 1, "a", "1");
    add(memtable, 2, "b", "2");
    add(memtable, 3, "a", "3");
    add(memtable, 4, "a", NULL);
    assert_int_equal(memtable_get(memtable, S("a"), 0, &value), 0);
    assert_int_equal(memtable_get(memtable, S("a"), 1, &value), STRATA_OP_PUT);
    assert_bytes(value, S("1"));
    assert_int_equal(memtable_get(memtable, S("a"), 3, &value), STRATA_OP_PUT);
    assert_bytes(value, S("3"));
    assert_int_equal(memtable_get(memtable, S("a"), 9, &value), STRATA_OP_DELETE);
    assert_int_equal(memtable_get(memtable, S("b"), 1, &value), 0);
    assert_int_equal(memtable_get(memtable, S("c"), 9, &value), 0);
    assert_int_equal(memtable->first, 1);
    assert_int_equal(memtable->last, 4);
    memtable_unref(memtable);
}

/* Every key of the cursor in both directions, as a line: "a3 b2 ". */
static void assert_walk(const struct memtable *memtable, uint64_t sequence, const char *forth,
                        const char *back)
{
    struct cursor *cursor = memtable_cursor(memtable, sequence);
    char line[200];
    int rc;

    assert_non_null(cursor);
    line[0] = '\0';
    for (rc = cursor_first(cursor, NULL); rc == 0; rc = cursor_next(cursor, NULL))
        sprintf(line + strlen(line), "%.1s%d ", (const char *)cursor->iter.key.data,
                (int)cursor->sequence);
    assert_string_equal(line, forth);
    line[0] = '\0';
    for (rc = cursor_last(cursor, NULL); rc == 0; rc = cursor_prev(cursor, NULL))
        sprintf(line + strlen(line), "%.1s%d ", (const char *)cursor->iter.key.data,
                (int)cursor->sequence);
    assert_string_equal(line, back);
    cursor_free(cursor);
}

static void memtable_cursor_sees_one_version_a_key(void **state)
{
    struct memtable *memtable;

    (void)state;
    assert_int_equal(memtable_new(&memtable_skip, NULL, 4096, &memtable, NULL), 0);
    add(memtable, 1, "b", "1");
    add(memtable, 2, "a", "2");
    add(memtable, 3, "b", "3");
    add(memtable, 4, "c", "4");
    add(memtable, 5, "b", NULL);
    add(memtable, 6, "d", "6");
    assert_walk(memtable, 0, "", "");
    assert_walk(memtable, 1, "b1 ", "b1 ");
    assert_walk(memtable, 3, "a2 b3 ", "b3 a2 ");
    assert_walk(memtable, 5, "a2 b5 c4 ", "c4 b5 a2 ");
    assert_walk(memtable, 9, "a2 b5 c4 d6 ", "d6 c4 b5 a2 ");
    memtable_unref(memtable);
}

/* ---- One writer, readers without a lock ------------------------------------------------- */

static void memtable_readers_need_no_lock(void **state)
{
    (void)state;
    readers_check(&memtable_skip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skip_list_agrees_with_a_sorted_array),
        cmocka_unit_test(memtable_entry_of_full_height_is_found),
        cmocka_unit_test(memtable_room_for_too_many_operations_is_no_memory),
        cmocka_unit_test(memtable_gives_the_newest_version_that_may_be_seen),
        cmocka_unit_test(memtable_cursor_sees_one_version_a_key),
        cmocka_unit_test(memtable_readers_need_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
