/* 09_pax_block_test.c: blocks against a plain array of entries: what was built is found, in order,
 * and nothing else; and bytes that nobody built, which open or do not, and are never read outside.
 */
#include "test.h"

#include "02_hash_index/index.h"
#include "09_fast_paths/block/pax_block.h"
#include "rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)

struct entry {
    struct strata_slice key, value; /* each on the heap, of just its size */
    unsigned type;
};

struct entries {
    struct entry list[600];
    size_t count;
};

static struct strata_slice copy_of(struct strata_slice bytes)
{
    uint8_t *copy = malloc(bytes.size ? bytes.size : 1);

    assert_non_null(copy);
    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    return strata_bytes(copy, bytes.size);
}

static void add_entry(struct entries *e, unsigned type, struct strata_slice key,
                      struct strata_slice value)
{
    assert_true(e->count < sizeof e->list / sizeof e->list[0]);
    e->list[e->count++] = (struct entry){copy_of(key), copy_of(value), type};
}

static void free_entries(struct entries *e)
{
    for (size_t i = 0; i < e->count; i++) {
        free((void *)e->list[i].key.data);
        free((void *)e->list[i].value.data);
    }
    e->count = 0;
}

static int compare_entries(const void *a, const void *b)
{
    return strata_compare(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* In order, each key once. */
static void sort_entries(struct entries *e)
{
    size_t kept = 0;

    qsort(e->list, e->count, sizeof e->list[0], compare_entries);
    for (size_t i = 0; i < e->count; i++)
        if (kept && strata_compare(e->list[kept - 1].key, e->list[i].key) == 0) {
            free((void *)e->list[i].key.data);
            free((void *)e->list[i].value.data);
        } else {
            e->list[kept++] = e->list[i];
        }
    e->count = kept;
}

/* ---- Building and asking -------------------------------------------------------------------- */

/* A block of entries [from, to) in memory of just its size, so that ASan sees the byte behind it.
 */
static struct strata_slice build(struct pax_block_builder *builder, const struct entries *e,
                                 size_t from, size_t to)
{
    struct strata_slice bytes;
    struct strata_error err;

    for (size_t i = from; i < to; i++)
        assert_ok(pax_block_builder_add(builder, e->list[i].type, e->list[i].key, e->list[i].value,
                                        index_hash(e->list[i].key), &err),
                  &err);
    assert_int_equal(builder->count, to - from);
    assert_ok(pax_block_builder_finish(builder, &bytes, &err), &err);
    assert_int_equal(builder->count, 0);
    assert_bytes(pax_block_builder_first(builder), e->list[from].key);
    assert_bytes(pax_block_builder_last(builder), e->list[to - 1].key);
    return copy_of(bytes);
}

/* False: the block is full. */
static bool try_entry(struct pax_block_builder *builder, const struct entry *e)
{
    struct strata_error err;
    uint32_t count = builder->count;
    int rc = pax_block_builder_try(builder, e->type, e->key, e->value, index_hash(e->key), &err);

    assert_true(rc == 0 || rc == PAX_BLOCK_FULL);
    assert_int_equal(builder->count, count + (rc == 0));
    return rc == 0;
}

static void assert_key(const struct pax_block *block, uint32_t at, struct strata_slice want)
{
    uint8_t *to = malloc((size_t)block->key_max + PAX_BLOCK_SLACK);

    assert_non_null(to);
    assert_bytes(strata_bytes(to, pax_block_key(block, at, to)), want);
    free(to);
}

/* Entry by entry, and each key found. */
static void assert_entries(const struct pax_block *block, const struct entry *want, size_t count)
{
    size_t longest = 0;

    assert_int_equal(block->count, count);
    for (uint32_t i = 0; i < count; i++) {
        struct strata_slice value;
        assert_key(block, i, want[i].key);
        assert_bytes(pax_block_value(block, i), want[i].value);
        assert_int_equal(pax_block_type(block, i), want[i].type);
        assert_int_equal(pax_block_find(block, want[i].key, index_hash(want[i].key), &value),
                         want[i].type);
        assert_bytes(value, want[i].value);
        assert_int_equal(pax_block_seek(block, want[i].key), i);
        if (want[i].key.size > longest)
            longest = want[i].key.size;
    }
    assert_int_equal(block->key_max, longest);
}

static void assert_seek(const struct pax_block *block, const struct entry *want, size_t count,
                        struct strata_slice key)
{
    struct strata_slice copy = copy_of(key), value;
    size_t at = 0;
    bool there;

    while (at < count && strata_compare(want[at].key, key) < 0)
        at++;
    there = at < count && strata_compare(want[at].key, key) == 0;
    assert_int_equal(pax_block_seek(block, copy), at);
    assert_int_equal(pax_block_find(block, copy, index_hash(key), &value),
                     there ? want[at].type : 0);
    free((void *)copy.data);
}

/* Builds one block of all entries, and asks it everything. */
static struct strata_slice check_block(const struct entries *e)
{
    struct pax_block_builder builder = {0};
    struct strata_buffer scratch = {0};
    struct strata_slice bytes = build(&builder, e, 0, e->count);
    struct strata_error err;
    struct pax_block block;

    assert_ok(pax_block_open(&block, bytes, &err), &err);
    assert_ok(pax_block_verify(&block, index_hash, &scratch, &err), &err);
    assert_entries(&block, e->list, e->count);
    strata_buffer_free(&scratch);
    pax_block_builder_free(&builder);
    return bytes;
}

static void check_and_free(struct entries *e)
{
    free((void *)check_block(e).data);
    free_entries(e);
}

static void block_shapes_of_entries_come_back(void **state)
{
    static struct entries e;

    (void)state;
    add_entry(&e, STRATA_OP_PUT, S(""), S(""));
    check_and_free(&e);
    add_entry(&e, STRATA_OP_DELETE, S(""), S(""));
    check_and_free(&e);
    add_entry(&e, STRATA_OP_PUT, S("one"), S("value"));
    check_and_free(&e);
    add_entry(&e, STRATA_OP_PUT, S(""), S("1"));
    add_entry(&e, STRATA_OP_PUT, strata_bytes("\0", 1), S("2"));
    add_entry(&e, STRATA_OP_DELETE, strata_bytes("\0\0", 2), S(""));
    add_entry(&e, STRATA_OP_PUT, strata_bytes("\0\0\1", 3), S(""));
    check_and_free(&e);
    add_entry(&e, STRATA_OP_PUT, S("same 1"), S("size"));
    add_entry(&e, STRATA_OP_PUT, S("same 2"), S("size"));
    check_and_free(&e);
    for (int i = 0; i < 256; i++) { /* a byte each, and deletes alone */
        uint8_t byte = (uint8_t)i;
        add_entry(&e, STRATA_OP_DELETE, strata_bytes(&byte, 1), S(""));
    }
    check_and_free(&e);
}

/* Sizes around those where numbers become wider. */
static void block_long_keys_and_values_come_back(void **state)
{
    static const size_t sizes[] = {65516, 65520, 65524, 65525, 65526, 65527, 65535, 65536};
    static uint8_t bytes[3 * 65536];
    static struct entries e;

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct strata_slice block;
        add_entry(&e, STRATA_OP_PUT, S("k"), strata_bytes(bytes, sizes[i]));
        block = check_block(&e);
        assert_int_equal(block.data[0], block.size > 65535 ? PAX_BLOCK_WIDE : 0);
        free((void *)block.data);
        add_entry(&e, STRATA_OP_PUT, S("l"), S("short"));
        check_and_free(&e);
        add_entry(&e, STRATA_OP_PUT, strata_bytes(bytes, sizes[i]), S("value"));
        check_and_free(&e);
    }
    add_entry(&e, STRATA_OP_PUT, strata_bytes(bytes, STRATA_MAX_KEY - 1), S("1"));
    add_entry(&e, STRATA_OP_DELETE, strata_bytes(bytes, STRATA_MAX_KEY), S(""));
    bytes[STRATA_MAX_KEY - 1] = 'y';
    add_entry(&e, STRATA_OP_PUT, strata_bytes(bytes, STRATA_MAX_KEY), S("3"));
    check_and_free(&e);
    add_entry(&e, STRATA_OP_PUT, S("huge"), strata_bytes(bytes, sizeof bytes));
    check_and_free(&e);
}

/* ---- Random entries ------------------------------------------------------------------------- */

/* Few letters and many lengths, zeros among them; or all of one length, or with much in common. */
static struct strata_slice draw_key(struct rng *rng, int kind, uint8_t to[64])
{
    size_t size = kind == 0   ? (size_t)rng_below(rng, rng_below(rng, 3) ? 6 : 20)
                  : kind == 1 ? 5
                  : kind == 2 ? 16
                              : 11 + (size_t)rng_below(rng, 12);

    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t) "\0ab\xff"[rng_below(rng, i < 8 ? 2 : 4)];
    if (kind == 2)
        rng_fill(rng, to, size);
    if (kind == 3)
        memcpy(to, "the same\0\0\0", 11);
    return strata_bytes(to, size);
}

static void draw_entries(struct rng *rng, struct entries *e, size_t count, int kind)
{
    uint64_t value_size = rng_below(rng, 3) ? 1 + rng_below(rng, 200) : 0;
    bool vary = rng_below(rng, 2), deletes = rng_below(rng, 2), codes = rng_below(rng, 3) == 0;
    uint8_t key[64], value[200];

    rng_fill(rng, value, sizeof value);
    for (size_t i = 0; i < count; i++) {
        bool gone = deletes && rng_below(rng, 4) == 0, coded = codes && rng_below(rng, 5) == 0;
        size_t size = vary && value_size ? (size_t)rng_below(rng, value_size) : (size_t)value_size;
        add_entry(e,
                  gone            ? STRATA_OP_DELETE
                  : coded && size ? SSTABLE_CODED
                                  : STRATA_OP_PUT,
                  draw_key(rng, kind, key), strata_bytes(value, gone ? 0 : size));
    }
    sort_entries(e);
}

static void block_agrees_with_a_sorted_array(void **state)
{
    static struct entries e;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "block");
    for (int round = 0; round < (check_quick() ? 80 : 400); round++) {
        struct strata_error err;
        struct strata_slice bytes;
        struct pax_block block;
        uint8_t key[64];

        draw_entries(&rng, &e, 1 + (size_t)rng_below(&rng, 120), round % 4);
        bytes = check_block(&e);
        assert_ok(pax_block_open(&block, bytes, &err), &err);
        for (int i = 0; i < 100; i++)
            assert_seek(&block, e.list, e.count, draw_key(&rng, round % 4, key));
        for (size_t i = 0; i < e.count; i++) { /* what a key begins with, and what it begins */
            struct strata_slice k = e.list[i].key;
            uint8_t longer[65] = {0};
            if (k.size)
                memcpy(longer, k.data, k.size);
            assert_seek(&block, e.list, e.count, strata_bytes(longer, k.size + 1));
            assert_seek(&block, e.list, e.count, strata_bytes(longer, k.size / 2));
        }
        free((void *)bytes.data);
        free_entries(&e);
    }
}

/* Cut into blocks as a table is: none passes the target unless it has one entry, and none could
 * have taken the next entry. */
static void block_builder_keeps_to_its_target(void **state)
{
    static struct entries e;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "block targets");
    for (int round = 0; round < 60; round++) {
        size_t target = round == 0   ? PAX_BLOCK_TARGET
                        : round == 1 ? PAX_BLOCK_TARGET_MAX
                                     : 1 + (size_t)rng_below(&rng, 3000);
        struct pax_block_builder builder = {.target = round == 0   ? 0
                                                      : round == 1 ? SIZE_MAX
                                                                   : target};
        size_t from = 0;

        draw_entries(&rng, &e, 1 + (size_t)rng_below(&rng, 500), round % 4);
        if (round == 1) { /* the last entry is too much for any target */
            static uint8_t large[PAX_BLOCK_TARGET_MAX];
            add_entry(&e, STRATA_OP_PUT, S("\xff\xff\xff\xff\xff\xff"),
                      strata_bytes(large, sizeof large));
            sort_entries(&e);
        }
        while (from < e.count) {
            struct strata_error err;
            struct strata_slice bytes;
            struct pax_block block;
            size_t to = from;

            while (to < e.count && try_entry(&builder, &e.list[to]))
                to++;
            assert_true(to > from);
            assert_ok(pax_block_builder_finish(&builder, &bytes, &err), &err);
            assert_true(bytes.size <= target || to == from + 1);
            assert_ok(pax_block_open(&block, bytes, &err), &err);
            assert_entries(&block, e.list + from, to - from);
            if (to < e.count) {
                bytes = build(&builder, &e, from, to + 1);
                assert_true(bytes.size + (to + 1 - from + 7) / 8 > target);
                free((void *)bytes.data);
            }
            from = to;
        }
        pax_block_builder_free(&builder);
        free_entries(&e);
    }
}

/* ---- Bytes that nobody built ---------------------------------------------------------------- */

/* Bytes that open are as good as a block that was built: everything it says of itself holds. Under
 * ASan, nothing outside is touched. Returns whether it opened. */
static bool survives(struct strata_slice bytes)
{
    struct strata_slice before = {0}, after = {0}, value;
    uint8_t *keys;
    struct strata_error err;
    struct pax_block block;
    uint64_t values = 0, suffixes = 0;

    check_clear(&err);
    if (pax_block_open(&block, bytes, &err) < 0) {
        assert_int_equal(err.code, STRATA_ERR_CORRUPT);
        assert_true(err.offset <= bytes.size);
        return false;
    }
    keys = malloc(2 * ((size_t)block.key_max + PAX_BLOCK_SLACK));
    assert_non_null(keys);
    for (uint32_t i = 0; i < block.count; i++) {
        uint8_t *to = keys + (i % 2 ? (size_t)block.key_max + PAX_BLOCK_SLACK : 0);
        before = after;
        after = strata_bytes(to, pax_block_key(&block, i, to));
        assert_true(after.size <= STRATA_MAX_KEY && after.size <= block.key_max);
        assert_true(i == 0 || strata_compare(before, after) < 0);
        assert_int_equal(pax_block_seek(&block, after), i);
        value = pax_block_value(&block, i);
        assert_true(pax_block_type(&block, i) == STRATA_OP_PUT ||
                    (pax_block_type(&block, i) == SSTABLE_CODED) == (value.size > 0));
        values += value.size;
        suffixes += pax_block_suffix(&block, i).size;
        pax_block_find(&block, after, (uint64_t)block.bytes[block.tags + i] << 56, &value);
        assert_ptr_equal(value.data, pax_block_value(&block, i).data);
    }
    assert_int_equal(block.values + values, bytes.size);
    assert_int_equal(block.suffixes + suffixes, block.types          ? block.types
                                                : block.value_starts ? block.value_starts
                                                                     : block.values);
    free(keys);
    return true;
}

static void block_cut_anywhere_does_not_open(void **state)
{
    static struct entries e;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "cut blocks");
    for (int kind = 0; kind < 4; kind++) {
        struct strata_slice bytes;
        draw_entries(&rng, &e, 40, kind);
        bytes = check_block(&e);
        for (size_t size = 0; size < bytes.size; size++) {
            struct strata_slice cut = copy_of(strata_bytes(bytes.data, size));
            assert_false(survives(cut));
            free((void *)cut.data);
        }
        free((void *)bytes.data);
        free_entries(&e);
    }
}

static void block_flipped_bits_are_told_or_harmless(void **state)
{
    static struct entries e;
    struct rng rng;
    uint64_t opened = 0, refused = 0;

    (void)state;
    rng_init_env(&rng, "flipped bits");
    for (int round = 0; round < 16; round++) {
        struct strata_slice bytes;
        draw_entries(&rng, &e, 1 + (size_t)rng_below(&rng, 24), round % 4);
        bytes = check_block(&e);
        for (size_t bit = 0; bit < bytes.size * 8; bit++) {
            uint8_t *byte = (uint8_t *)bytes.data + bit / 8;
            *byte ^= (uint8_t)(1 << bit % 8);
            *(survives(bytes) ? &opened : &refused) += 1;
            *byte ^= (uint8_t)(1 << bit % 8);
        }
        free((void *)bytes.data);
        free_entries(&e);
    }
    assert_true(opened > 100 && refused > 100);
}

/* Heads drawn at random, as that is where sizes stand, and bytes anywhere. */
static void block_random_bytes_are_told_or_harmless(void **state)
{
    static struct entries e;
    struct rng rng;
    uint64_t opened = 0;

    (void)state;
    rng_init_env(&rng, "random blocks");
    for (int round = 0; round < (check_quick() ? 20000 : 40000); round++) {
        uint8_t small[80];
        struct strata_slice bytes;
        size_t size = (size_t)rng_below(&rng, sizeof small);

        rng_fill(&rng, small, sizeof small);
        small[0] &= rng_below(&rng, 10) ? 14 : 255;
        for (size_t i = 1; i < 9; i++) /* small numbers */
            small[i] = i % 2 ? small[i] % (i == 1 ? 8 : 20) : 0;
        for (size_t i = 9; i < size; i++) /* ascending, as starts do */
            small[i] = rng_below(&rng, 2) ? (uint8_t)(small[i] % 8) : small[i - 1];
        bytes = copy_of(strata_bytes(small, size));
        opened += survives(bytes);
        free((void *)bytes.data);
    }
    assert_true(opened > 0);
    for (int round = 0; round < (check_quick() ? 300 : 3000); round++) {
        struct strata_slice bytes;
        draw_entries(&rng, &e, 1 + (size_t)rng_below(&rng, 30), round % 4);
        bytes = check_block(&e);
        for (uint64_t i = rng_below(&rng, 4); i < 4; i++)
            ((uint8_t *)bytes.data)[rng_below(&rng, bytes.size)] = (uint8_t)rng_next(&rng);
        survives(bytes);
        free((void *)bytes.data);
        free_entries(&e);
    }
}

static void assert_told(struct strata_slice bytes, uint64_t offset, const char *says)
{
    struct strata_error err;
    struct pax_block block;

    assert_code(pax_block_open(&block, bytes, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_offset(&err, offset);
    assert_err_says(&err, says);
}

/* The same with a coded value: form 0x16, types 0x06 = a coded value and then a delete. */
static void block_damage_of_coded_types_is_told(void **state)
{
    static const struct {
        uint8_t types;
        uint64_t offset;
        const char *says;
    } cases[] = {
        {0x16, 17, "type without an entry"},
        {0x09, 24, "a delete has a value, or a coded value is empty"},
        {0x07, 24, "a delete has a value, or a coded value is empty"},
        {0x0a, 25, "a delete has a value, or a coded value is empty"},
    };
    struct pax_block_builder builder = {0};
    static struct entries e;
    struct strata_slice bytes;

    (void)state;
    add_entry(&e, SSTABLE_CODED, S("ka"), S("v"));
    add_entry(&e, STRATA_OP_DELETE, S("kbc"), S(""));
    bytes = build(&builder, &e, 0, 2);
    assert_int_equal(bytes.data[0], PAX_BLOCK_KEYS_VARY | PAX_BLOCK_VALUES_VARY | PAX_BLOCK_CODED);
    assert_int_equal(bytes.data[17], 0x06);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ((uint8_t *)bytes.data)[17] = cases[i].types;
        assert_told(bytes, cases[i].offset, cases[i].says);
    }
    free((void *)bytes.data);
    pax_block_builder_free(&builder);
    free_entries(&e);
}

/* A block of two entries, changed at one place, and what is said of it:
 *
 *   0 form | 1 count 2 | 3 prefix 1 | 5 k | 6 tags | 8 starts 0 1 3 | 14 a bc | 17 types |
 *   18 starts 0 1 1 | 24 v */
static void block_damage_is_told_with_its_place(void **state)
{
    static const struct {
        size_t at;
        uint8_t byte;
        uint64_t offset;
        const char *says;
    } cases[] = {
        {0, 0x1e, 0, "form"},
        {0, 0x0f, 0, "numbers"},
        {1, 0, 1, "no entries"},
        {4, 0xff, 25, "ends within its tags"},
        {8, 1, 8, "begins where it cannot"},
        {12, 9, 24, "is cut off"},
        {12, 20, 14, "ends within its items"},
        {12, 0, 12, "begins where it cannot"},
        {14, 'c', 15, "not behind the one before"},
        {17, 6, 17, "type without an entry"},
        {17, 1, 24, "a delete has a value"},
        {20, 7, 22, "begins where it cannot"},
        {22, 2, 24, "ends within its items"},
    };
    struct pax_block_builder builder = {0};
    static struct entries e;
    struct strata_slice bytes, longer;
    uint8_t *byte;

    (void)state;
    add_entry(&e, STRATA_OP_PUT, S("ka"), S("v"));
    add_entry(&e, STRATA_OP_DELETE, S("kbc"), S(""));
    bytes = build(&builder, &e, 0, 2);
    assert_int_equal(bytes.size, 25);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t was = bytes.data[cases[i].at];
        byte = (uint8_t *)bytes.data + cases[i].at;
        *byte = cases[i].byte;
        assert_told(bytes, cases[i].offset, cases[i].says);
        *byte = was;
    }
    longer = strata_bytes(byte = calloc(1, 26), 26);
    assert_non_null(byte);
    memcpy(byte, bytes.data, 25);
    assert_told(longer, 25, "behind its last value");
    assert_told(strata_bytes(bytes.data, 0), 0, "ends within its header");
    free(byte);
    free((void *)bytes.data);
    pax_block_builder_free(&builder);
    free_entries(&e);
}

/* Suffixes of one size, which are looked at in a loop of their own:
 *
 *   0 form | 1 count 3 | 3 prefix 2 | 5 suffix 1 | 7 value 20 | 9 ka | 11 tags | 14 b c d | 17
 * values
 */
static void block_of_short_suffixes_is_in_order_too(void **state)
{
    static const struct {
        size_t at;
        uint8_t byte;
    } cases[] = {{14, 'c'}, {14, 'z'}, {15, 'b'}, {15, 'a'}, {16, 'c'}, {16, 'a'}, {15, 'd'}};
    static const char *const keys[] = {"kab", "kac", "kad"};
    struct pax_block_builder builder = {0};
    static struct entries e;
    struct strata_slice bytes;

    (void)state;
    for (int i = 0; i < 3; i++)
        add_entry(&e, STRATA_OP_PUT, S(keys[i]), S("a value of 20 bytes."));
    bytes = build(&builder, &e, 0, 3);
    assert_int_equal(bytes.size, 17 + 60);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t *byte = (uint8_t *)bytes.data + cases[i].at, was = *byte;
        bool next = cases[i].at == 14 || cases[i].byte == 'd';
        *byte = cases[i].byte;
        assert_told(bytes, cases[i].at + next, "not behind the one before");
        *byte = was;
    }
    free((void *)bytes.data);
    pax_block_builder_free(&builder);
    free_entries(&e);
}

static void block_tag_of_another_key_is_found_by_verify(void **state)
{
    struct pax_block_builder builder = {0};
    struct strata_buffer scratch = {0};
    static struct entries e;
    struct strata_slice bytes, value;
    struct strata_error err;
    struct pax_block block;

    (void)state;
    for (int i = 0; i < 9; i++) {
        char key[32];
        snprintf(key, sizeof key, "key %d", i);
        add_entry(&e, STRATA_OP_PUT, S(key), S("value"));
    }
    bytes = build(&builder, &e, 0, 9);
    assert_ok(pax_block_open(&block, bytes, &err), &err);
    ((uint8_t *)bytes.data)[block.tags + 5] ^= 1;
    assert_int_equal(pax_block_find(&block, S("key 5"), index_hash(S("key 5")), &value), 0);
    assert_code(pax_block_verify(&block, index_hash, &scratch, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_offset(&err, block.tags + 5);
    /* a hash that two keys share, and all of the key but what is common to the block */
    assert_int_equal(pax_block_find(&block, S("key 6"), index_hash(S("key 6")), &value),
                     STRATA_OP_PUT);
    assert_int_equal(pax_block_find(&block, S("kez 6"), index_hash(S("key 6")), &value), 0);
    assert_int_equal(pax_block_find(&block, S("key 7"), index_hash(S("key 6")), &value), 0);
    assert_int_equal(pax_block_find(&block, S("key 66"), index_hash(S("key 6")), &value), 0);
    free((void *)bytes.data);
    strata_buffer_free(&scratch);
    pax_block_builder_free(&builder);
    free_entries(&e);
}

/* Lengths that only a forger writes: longer than a key or a value may be. */
static void block_keys_longer_than_allowed_do_not_open(void **state)
{
    size_t size = (size_t)STRATA_MAX_KEY + 100;
    uint8_t *bytes = calloc(1, size);
    struct strata_error err;
    struct pax_block block;

    (void)state;
    assert_non_null(bytes);
    bytes[0] = PAX_BLOCK_WIDE;
    bytes[1] = 1;
    bytes[5] = 1;
    bytes[7] = 1; /* prefix: 65537 bytes */
    assert_code(pax_block_open(&block, strata_bytes(bytes, size), &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "longer than a key");
    bytes[7] = 0;
    bytes[11] = 1; /* prefix 1, suffix 65536 */
    assert_code(pax_block_open(&block, strata_bytes(bytes, size), &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "longer than a key");
    bytes[11] = 0;
    bytes[16] = 0x50; /* the value: 1.25 GiB */
    assert_code(pax_block_open(&block, strata_bytes(bytes, size), &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "longer than a value");
    assert_code(pax_block_open(&block, strata_bytes(bytes, (size_t)1 << 33), &err),
                STRATA_ERR_CORRUPT, &err);
    memset(bytes, 0, size); /* one suffix of 65537 bytes, by its starts */
    bytes[0] = PAX_BLOCK_WIDE | PAX_BLOCK_KEYS_VARY;
    bytes[1] = 1;
    bytes[18] = bytes[20] = 1;
    assert_code(pax_block_open(&block, strata_bytes(bytes, size), &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "begins where it cannot");
    assert_err_offset(&err, 18);
    free(bytes);
}

/* What all keys begin with is stored once, and built whole: such a block ends before memory does.
 */
static void block_builder_ends_where_its_keys_are_many_bytes(void **state)
{
    struct pax_block_builder builder = {.target = PAX_BLOCK_TARGET_MAX};
    struct strata_slice bytes;
    static uint8_t key[60000];
    struct pax_block block;
    int rc = 0;

    (void)state;
    for (unsigned i = 0; rc == 0 && i < 5000; i++) {
        key[sizeof key - 2] = (uint8_t)(i >> 8);
        key[sizeof key - 1] = (uint8_t)i;
        rc = pax_block_builder_try(&builder, STRATA_OP_PUT, strata_bytes(key, sizeof key), S(""), i,
                                   NULL);
    }
    assert_int_equal(rc, PAX_BLOCK_FULL);
    assert_int_equal(builder.count, PAX_BLOCK_KEYS_MAX / sizeof key);
    assert_int_equal(pax_block_builder_finish(&builder, &bytes, NULL), 0);
    assert_int_equal(pax_block_open(&block, bytes, NULL), 0);
    assert_int_equal(block.count, PAX_BLOCK_KEYS_MAX / sizeof key);
    pax_block_builder_free(&builder);
}

/* What a block had is nothing to the next one: no types, where it has no delete. */
static void block_builder_begins_anew(void **state)
{
    struct pax_block_builder builder = {0}, other = {0};
    struct entry gone = {S("a"), S(""), STRATA_OP_DELETE}, put = {S("b"), S("1"), STRATA_OP_PUT};
    struct strata_slice bytes, others;
    struct strata_error err;

    (void)state;
    assert_true(try_entry(&builder, &gone));
    assert_ok(pax_block_builder_finish(&builder, &bytes, &err), &err);
    assert_true(try_entry(&builder, &put) && try_entry(&other, &put));
    assert_ok(pax_block_builder_finish(&builder, &bytes, &err), &err);
    assert_ok(pax_block_builder_finish(&other, &others, &err), &err);
    assert_bytes(bytes, others);
    pax_block_builder_free(&builder);
    pax_block_builder_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_shapes_of_entries_come_back),
        cmocka_unit_test(block_long_keys_and_values_come_back),
        cmocka_unit_test(block_agrees_with_a_sorted_array),
        cmocka_unit_test(block_builder_keeps_to_its_target),
        cmocka_unit_test(block_builder_ends_where_its_keys_are_many_bytes),
        cmocka_unit_test(block_builder_begins_anew),
        cmocka_unit_test(block_cut_anywhere_does_not_open),
        cmocka_unit_test(block_flipped_bits_are_told_or_harmless),
        cmocka_unit_test(block_random_bytes_are_told_or_harmless),
        cmocka_unit_test(block_damage_is_told_with_its_place),
        cmocka_unit_test(block_damage_of_coded_types_is_told),
        cmocka_unit_test(block_of_short_suffixes_is_in_order_too),
        cmocka_unit_test(block_tag_of_another_key_is_found_by_verify),
        cmocka_unit_test(block_keys_longer_than_allowed_do_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
