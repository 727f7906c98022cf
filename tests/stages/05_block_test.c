/* 05_block_test.c: blocks with restart points, built, searched and iterated; bytes that are no
 * block; and stored blocks. */
#include "test.h"

#include "05_blocks_bloom/block/block.h"
#include "05_blocks_bloom/block/stored_block.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)

/* ---- Building and checking ---------------------------------------------------------------------
 */

struct row {
    char key[80];
    size_t key_size, value_size;
    unsigned type;
};

static struct strata_slice key_of(const struct row *row)
{
    return strata_bytes(row->key, row->key_size);
}

/* The value of a row: bytes that depend on its key. */
static struct strata_slice value_of(const struct row *row)
{
    static uint8_t bytes[3000];

    for (size_t i = 0; i < row->value_size; i++)
        bytes[i] = (uint8_t)(i * 7 + row->key_size + (uint8_t)row->key[row->key_size / 2]);
    return strata_bytes(bytes, row->value_size);
}

static void add(struct block_builder *b, const char *key, const char *value)
{
    struct strata_error err;
    unsigned type = value ? STRATA_OP_PUT : STRATA_OP_DELETE;
    assert_ok(block_builder_add(b, type, S(key), S(value ? value : ""), &err), &err);
}

static struct strata_slice finish(struct block_builder *b)
{
    struct strata_slice bytes;
    struct strata_error err;
    assert_ok(block_builder_finish(b, &bytes, &err), &err);
    return bytes;
}

/* In memory of exactly their sizes, so that ASan sees a step outside. */
static const char *check(struct strata_slice bytes, struct block_facts *facts)
{
    uint8_t *copy = malloc(bytes.size + !bytes.size), *scratch = malloc(bytes.size + !bytes.size);
    const char *wrong;

    assert_non_null(copy);
    assert_non_null(scratch);
    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    wrong = block_check(strata_bytes(copy, bytes.size), scratch, facts);
    facts->last = strata_bytes(NULL, 0);
    free(copy);
    free(scratch);
    return wrong;
}

static struct block open_block(struct strata_slice bytes)
{
    struct block_facts facts;
    const char *wrong = check(bytes, &facts);

    if (wrong)
        fail_msg("%s", wrong);
    return block_of(bytes);
}

static void block_bytes_are_what_the_format_says(void **state)
{
    static const char want[] = "\x00\x06\x03\x01"
                               "cherryred"
                               "\x03\x05\x00\x02"
                               "stnut"
                               "\x00\x05\x01\x01"
                               "chive!"
                               "\x00\x00\x00\x00\x16\x00\x00\x00\x02\x00\x00\x00";
    struct block_builder b = {.interval = 2};

    (void)state;
    add(&b, "cherry", "red");
    add(&b, "chestnut", NULL);
    add(&b, "chive", "!");
    assert_bytes(finish(&b), strata_bytes(want, sizeof want - 1));
    block_builder_free(&b);
}

static void block_builder_begins_the_next_block_anew(void **state)
{
    struct block_builder b = {.interval = BLOCK_RESTART_INTERVAL};
    struct block_iter it = {0};
    struct block block;

    (void)state;
    add(&b, "m", "first");
    open_block(finish(&b));
    block_builder_reset(&b);
    assert_bytes(strata_buffer_slice(&b.last), S("m"));
    add(&b, "n", "second");
    block = open_block(finish(&b));
    assert_int_equal(block_iter_enter(&it, block, NULL), 0);
    block_iter_first(&it);
    assert_bytes(strata_buffer_slice(&it.key), S("n"));
    assert_bytes(it.value, S("second"));
    assert_false(block_iter_next(&it));
    block_iter_free(&it);
    block_builder_free(&b);
}

static void block_builder_says_how_large_the_block_will_be(void **state)
{
    struct block_builder b = {.interval = 3};

    (void)state;
    for (int n = 0; n < 50; n++) {
        char key[20], value[200];
        size_t bound, size;
        sprintf(key, "key %04d", n);
        memset(value, 'v', sizeof value);
        value[n * 3] = 0;
        bound = block_builder_size_with(&b, S(key), strlen(value));
        add(&b, key, value);
        size = b.bytes.size + b.restarts.size + 4;
        assert_true(size <= bound && bound <= size + 4 + 7); /* the keys share their beginning */
    }
    block_builder_free(&b);
}

/* ---- A sorted array has the same ----------------------------------------------------------------
 */

static int compare_rows(const void *a, const void *b)
{
    return strata_compare(key_of(a), key_of(b));
}

/* Random keys with long and short common beginnings, each once. */
static size_t random_rows(struct row *rows, size_t count, struct rng *rng)
{
    size_t kept = 0, alphabet = 1 + (size_t)rng_below(rng, 4),
           most = 1 + (size_t)rng_below(rng, 70);

    for (size_t n = 0; n < count; n++) {
        struct row *row = &rows[n];
        row->key_size = (size_t)rng_below(rng, most + 1);
        for (size_t i = 0; i < row->key_size; i++)
            row->key[i] =
                (char)(rng_below(rng, 8) ? 'a' : "\x00\x7f\x80\xff"[rng_below(rng, alphabet)]);
        row->type = rng_below(rng, 5) ? STRATA_OP_PUT : STRATA_OP_DELETE;
        row->value_size = row->type == STRATA_OP_DELETE ? 0 : (size_t)rng_below(rng, 30);
        if (row->value_size == 29)
            row->value_size = 2900;
    }
    qsort(rows, count, sizeof *rows, compare_rows);
    for (size_t n = 0; n < count; n++)
        if (n == 0 || compare_rows(&rows[n], &rows[kept - 1]) != 0)
            rows[kept++] = rows[n];
    return kept;
}

static void assert_at(const struct block_iter *it, const struct row *row)
{
    assert_bytes(strata_buffer_slice(&it->key), key_of(row));
    assert_int_equal(it->type, row->type);
    assert_bytes(it->value, value_of(row));
}

/* All of it in both directions, and steps at random. */
static void compare_iteration(struct block_iter *it, const struct row *rows, size_t count,
                              struct rng *rng)
{
    size_t n = 0;

    block_iter_first(it);
    do
        assert_at(it, &rows[n++]);
    while (block_iter_next(it));
    assert_int_equal(n, count);
    block_iter_last(it);
    do
        assert_at(it, &rows[--n]);
    while (block_iter_prev(it));
    assert_int_equal(n, 0);
    block_iter_first(it);
    for (int step = 0; step < 200; step++) {
        if (rng_below(rng, 2) ? n + 1 < count && block_iter_next(it) && ++n
                              : n > 0 && block_iter_prev(it) && n--)
            assert_at(it, &rows[n]);
    }
}

static void compare_search(struct block_iter *it, const struct row *rows, size_t count,
                           struct strata_slice key)
{
    size_t n = 0;

    while (n < count && strata_compare(key_of(&rows[n]), key) < 0)
        n++;
    assert_int_equal(block_iter_seek(it, key), n < count);
    if (n == count)
        return;
    assert_at(it, &rows[n]);
    if (n > 0) {
        assert_true(block_iter_prev(it));
        assert_at(it, &rows[n - 1]);
    }
    assert_int_equal(block_iter_next(it), n > 0 || n + 1 < count);
}

static void compare_block(const struct row *rows, size_t count, uint32_t interval, struct rng *rng)
{
    struct block_builder b = {.interval = interval};
    struct block_iter it = {0};
    struct strata_error err;
    struct block block;

    for (size_t n = 0; n < count; n++)
        assert_ok(block_builder_add(&b, rows[n].type, key_of(&rows[n]), value_of(&rows[n]), &err),
                  &err);
    block = open_block(finish(&b));
    assert_int_equal(block.restarts, (count + interval - 1) / interval);
    assert_ok(block_iter_enter(&it, block, &err), &err);
    compare_iteration(&it, rows, count, rng);
    for (size_t n = 0; n < count; n++) {
        struct row near = rows[n];
        compare_search(&it, rows, count, key_of(&near));
        near.key[near.key_size++] = 0; /* the next larger one */
        compare_search(&it, rows, count, key_of(&near));
        near.key_size = (size_t)rng_below(rng, near.key_size);
        compare_search(&it, rows, count, key_of(&near));
        near.key[near.key_size++] = (char)rng_next(rng);
        compare_search(&it, rows, count, key_of(&near));
    }
    block_iter_free(&it);
    block_builder_free(&b);
}

static void block_agrees_with_a_sorted_array(void **state)
{
    static const uint32_t intervals[] = {1, 2, 3, 16, 100};
    static struct row rows[200];
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "block");
    for (int i = 0; i < (check_quick() ? 60 : 300); i++) {
        size_t count = random_rows(rows, 1 + (size_t)rng_below(&rng, 150), &rng);
        compare_block(rows, count, intervals[rng_below(&rng, 5)], &rng);
    }
}

static void block_keys_as_long_as_they_may_be_come_back(void **state)
{
    struct block_builder b = {.interval = BLOCK_RESTART_INTERVAL};
    struct block_iter it = {0};
    struct strata_error err;
    struct block block;
    char *key = malloc(STRATA_MAX_KEY);

    (void)state;
    assert_non_null(key);
    memset(key, 'k', STRATA_MAX_KEY);
    for (int n = 0; n < 3; n++) {
        key[STRATA_MAX_KEY - 1] = (char)('a' + n);
        assert_ok(
            block_builder_add(&b, STRATA_OP_PUT, strata_bytes(key, STRATA_MAX_KEY), S("v"), &err),
            &err);
    }
    block = open_block(finish(&b));
    assert_ok(block_iter_enter(&it, block, &err), &err);
    block_iter_last(&it);
    assert_bytes(strata_buffer_slice(&it.key), strata_bytes(key, STRATA_MAX_KEY));
    block_iter_free(&it);
    block_builder_free(&b);
    free(key);
}

/* ---- Bytes that are no block
 * --------------------------------------------------------------------- */

#define E(text) text, sizeof(text) - 1
#define ONE "\x00\x00\x00\x00\x01\x00\x00\x00" /* one restart point, at 0 */

static void block_that_is_none_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *says;
    } wrong[] = {
        {E("\x00\x00\x00\x00\x01\x00\x00"), "no room"},
        {E("\x00\x00\x00\x00\x00\x00\x00\x00"), "no restart points"},
        {E("\x00\x00\x00\x00\x02\x00\x00\x00"), "more than fit"},
        {E("\x00\x00\x00\x00\xff\xff\xff\xff"), "more than fit"},
        {E(ONE), "not at an entry"}, /* no entries */
        {E("\x00\x02\x01\x01"
           "kkv"
           "\x01\x00\x00\x00\x01\x00\x00\x00"),
         "shares more"},
        {E("\x00\x02\x01\x01"
           "kkv"
           "\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00"),
         "not at an entry"},
        {E("\x00\x02\x01\x01"
           "kkv"
           "\x00\x00\x00\x00\x07\x00\x00\x00\x02\x00\x00\x00"),
         "not at an entry"},
        {E("\x00\x02\x02\x01"
           "kkv" ONE),
         "does not end"},
        {E("\x00\x04\x01\x01"
           "kkv" ONE),
         "does not end"},
        {E("\x00\x02\x81\x00\x01"
           "kkv" ONE),
         "does not end"}, /* no canonical varint */
        {E("\x00\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01"
           "kkv" ONE),
         "does not end"},
        {E("\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x01"
           "kkv" ONE),
         "does not end"},
        {E("\x01\x02\x01\x01"
           "kkv" ONE),
         "shares more"},
        {E("\x00\x02\x00\x01"
           "kk"
           "\x03\x01\x00\x01"
           "z" ONE),
         "shares more"},
        {E("\x00\x02\x00\x01"
           "kk"
           "\x02\x00\x00\x01" ONE),
         "not after"}, /* the same key */
        {E("\x00\x02\x00\x01"
           "kk"
           "\x01\x01\x00\x01"
           "j" ONE),
         "not after"},
        {E("\x00\x02\x00\x01"
           "kk"
           "\x00\x01\x00\x01"
           "j" ONE),
         "not after"},
        {E("\x00\x02\x00\x01"
           "kk"
           "\x01\x01\x00\x01"
           "k" ONE),
         "not after"}, /* 5.I3 */
        {E("\x00\x02\x00\x01"
           "kk"
           "\x01\x02\x00\x01"
           "kz" ONE),
         "not after"},
        {E("\x00\x02\x00\x01"
           "kk"
           "\x00\x02\x00\x01"
           "kk"
           "\x00\x00\x00\x00\x06\x00\x00\x00\x02\x00\x00\x00"),
         "not after"},
        {E("\x00\x02\x00\x01"
           "kk"
           "\x01\x01\x00\x01"
           "z"
           "\x00\x00\x00\x00\x06\x00\x00\x00\x02\x00\x00\x00"),
         "shares more"},
        {E("\x00\x02\x00\x00"
           "kk" ONE),
         "unknown type"},
        {E("\x00\x02\x00\x03"
           "kk" ONE),
         "unknown type"},
        {E("\x00\x02\x01\x02"
           "kkv" ONE),
         "delete with a value"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_case(i);
        struct block_facts facts;
        const char *got = check(strata_bytes(wrong[i].bytes, wrong[i].size), &facts);
        if (!got || !strstr(got, wrong[i].says))
            fail_msg("block %zu: %s, not: %s", i, got ? got : "sound", wrong[i].says);
    }
}

static void block_with_a_key_that_is_too_long_is_refused(void **state)
{
    struct strata_buffer bytes = {0};
    struct block_facts facts;
    char *key = calloc(1, STRATA_MAX_KEY + 1);

    (void)state;
    assert_non_null(key);
    buffer_put_varint(&bytes, 0);
    buffer_put_varint(&bytes, STRATA_MAX_KEY + 1);
    buffer_put_varint(&bytes, 0);
    strata_buffer_append(&bytes, "\x01", 1);
    strata_buffer_append(&bytes, key, STRATA_MAX_KEY + 1);
    strata_buffer_append(&bytes, ONE, 8);
    assert_string_equal(check(strata_buffer_slice(&bytes), &facts),
                        "a key is longer than keys may be");
    strata_buffer_free(&bytes);
    free(key);
}

/* What block_check found sound must be safe to read, whatever else it is. */
static void use(struct strata_slice bytes)
{
    struct block block = block_of(bytes);
    struct block_iter it = {0}, found = {0};
    uint8_t sum = 0;

    assert_int_equal(block_iter_enter(&it, block, NULL), 0);
    assert_int_equal(block_iter_enter(&found, block, NULL), 0);
    block_iter_first(&it);
    do {
        assert_true(block_iter_seek(&found, strata_buffer_slice(&it.key)));
        assert_bytes(strata_buffer_slice(&found.key), strata_buffer_slice(&it.key));
        for (size_t i = 0; i < found.value.size; i++)
            sum ^= found.value.data[i];
    } while (block_iter_next(&it));
    while (block_iter_prev(&it))
        sum ^= (uint8_t)it.type;
    block_iter_seek(&it, S("zzz"));
    block_iter_seek(&it, S(""));
    block_iter_free(&it);
    block_iter_free(&found);
    (void)sum;
}

static void check_and_use(struct strata_slice bytes, size_t *sound)
{
    uint8_t *copy = malloc(bytes.size);
    struct block_facts facts;

    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    if (!check(bytes, &facts)) {
        use(strata_bytes(copy, bytes.size));
        ++*sound;
    }
    free(copy);
}

static void block_flipped_bits_are_reported_or_harmless(void **state)
{
    struct block_builder b = {.interval = 4};
    struct strata_slice bytes;
    size_t sound = 0;

    (void)state;
    for (int n = 0; n < 20; n++) {
        char key[20];
        sprintf(key, "key %03d", n * n);
        add(&b, key, n % 3 ? "value" : NULL);
    }
    bytes = finish(&b);
    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        b.bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_and_use(bytes, &sound);
        b.bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_in_range(sound, 50, 6 * bytes.size); /* those of values, at least */
    block_builder_free(&b);
}

static void block_random_bytes_are_reported_or_harmless(void **state)
{
    uint8_t bytes[64];
    struct rng rng;
    size_t sound = 0;

    (void)state;
    rng_init_env(&rng, "random blocks");
    for (int i = 0; i < (check_quick() ? 50000 : 500000); i++) {
        size_t size = 9 + (size_t)rng_below(&rng, 30);
        for (size_t n = 0; n < size; n++)
            bytes[n] = (uint8_t)rng_below(&rng, rng_below(&rng, 8) ? 5 : 256);
        memcpy(bytes + size - 8, ONE, 8);
        check_and_use(strata_bytes(bytes, size), &sound);
    }
    assert_true(sound > 10);
}

/* ---- Stored blocks
 * ------------------------------------------------------------------------------- */

static void store(struct strata_buffer *to, uint64_t offset, struct strata_slice bytes,
                  bool compress)
{
    struct strata_error err;
    uint32_t check_sum;

    assert_ok(stored_block_put(to, 7, offset, bytes, compress, &check_sum, &err), &err);
}

static void stored_block_comes_back_and_is_smaller_where_it_can_be(void **state)
{
    uint8_t bytes[2000], back[2000];
    struct rng rng;

    (void)state;
    rng_init(&rng, 1);
    for (int random = 0; random < 2; random++)
        for (size_t size = 0; size <= sizeof bytes; size += 250) {
            struct strata_buffer to = {0};
            struct stored_block block;
            struct strata_error err;
            rng_fill(&rng, bytes, sizeof bytes);
            if (!random)
                memset(bytes, 'a', sizeof bytes);
            store(&to, 99, strata_bytes(bytes, size), true);
            assert_ok(stored_block_open(&block, strata_buffer_slice(&to), 7, 99, &err), &err);
            assert_int_equal(block.size, size);
            assert_int_equal(block.compression, size && !random);
            assert_true(block.compression ? to.size < size / 2 : to.size == size + 9);
            assert_ok(stored_block_uncompress(&block, 99, back, &err), &err);
            assert_memory_equal(back, bytes, size);
            strata_buffer_free(&to);
        }
}

static void stored_block_is_valid_at_one_offset_only(void **state)
{
    struct strata_buffer to = {0};
    struct stored_block block;
    struct strata_error err;

    (void)state;
    store(&to, 4096, S("the bytes of a block"), true);
    assert_ok(stored_block_open(&block, strata_buffer_slice(&to), 7, 4096, &err), &err);
    assert_code(stored_block_open(&block, strata_buffer_slice(&to), 7, 8192, &err),
                STRATA_ERR_CORRUPT, &err);
    assert_err_offset(&err, 8192);
    assert_err_says(&err, "checksum");
    assert_code(stored_block_open(&block, strata_buffer_slice(&to), 8, 4096, &err),
                STRATA_ERR_CORRUPT, &err);
    strata_buffer_free(&to);
}

/* A trailer with these fields and a checksum that is right. */
static struct strata_slice forge(uint8_t *bytes, size_t stored, uint32_t size, unsigned compression)
{
    uint8_t *at = put_u8(put_u32(bytes + stored, size), (uint8_t)compression);
    at = put_u32(at, checksum(checksum_seed(7, 0), strata_bytes(bytes, stored + 5)));
    return strata_bytes(bytes, (size_t)(at - bytes));
}

static void stored_block_of_an_impossible_size_is_refused(void **state)
{
    static const struct {
        uint32_t stored, size;
        unsigned compression;
        const char *says; /* NULL: it opens */
    } forged[] = {
        {20, 20, 0, NULL},
        {20, 19, 0, "cannot have"},
        {20, 21, 0, "cannot have"},
        {0, 0, 0, NULL},
        {20, 0xffffffff, 1, "cannot have"},
        {20, 255 * 85, 1, "cannot have"},
        {20, 255 * 85 - 1, 1, NULL},
        {20, 20, 2, "unknown compression"},
        {20, 20, 255, "unknown"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        check_case(i);
        uint8_t bytes[64] = {0};
        struct stored_block block;
        struct strata_error err;
        struct strata_slice all =
            forge(bytes, forged[i].stored, forged[i].size, forged[i].compression);
        if (!forged[i].says) {
            assert_ok(stored_block_open(&block, all, 7, 0, &err), &err);
            continue;
        }
        assert_code(stored_block_open(&block, all, 7, 0, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, forged[i].says);
    }
}

static void stored_block_that_does_not_uncompress_is_refused(void **state)
{
    static const struct {
        uint8_t bytes[24];
        uint32_t size;
    } forged[] = {
        {{0xf0, 0xff, 0xff}, 100},       /* literals beyond the end */
        {{0x0f, 0x01, 0x00, 0xff}, 400}, /* a match before the beginning */
        {{0x10, 'a'}, 2},                /* fewer bytes than it says */
    };

    (void)state;
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        check_case(i);
        uint8_t bytes[64] = {0}, to[512];
        struct stored_block block;
        struct strata_error err;
        memcpy(bytes, forged[i].bytes, 24);
        assert_ok(stored_block_open(&block, forge(bytes, 4, forged[i].size, 1), 7, 0, &err), &err);
        assert_code(stored_block_uncompress(&block, 0, to, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, "does not uncompress to its size");
    }
}

static void stored_block_smaller_than_its_trailer_is_refused(void **state)
{
    uint8_t bytes[16] = {0};
    struct stored_block block;
    struct strata_error err;

    (void)state;
    for (size_t size = 0; size < STORED_BLOCK_TRAILER; size++) {
        assert_code(stored_block_open(&block, strata_bytes(bytes, size), 7, 0, &err),
                    STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, "smaller than its trailer");
    }
}

static void stored_block_that_saves_little_is_not_compressed(void **state)
{
    uint8_t bytes[1000];
    struct rng rng;

    (void)state;
    rng_init(&rng, 2);
    for (size_t same = 0; same <= 400; same += 200) {
        struct strata_buffer to = {0};
        rng_fill(&rng, bytes, sizeof bytes);
        memset(bytes, 'a', same);
        store(&to, 0, strata_bytes(bytes, sizeof bytes), true);
        assert_int_equal(to.data[to.size - 5], same > 125);
        strata_buffer_free(&to);
        store(&to, 0, strata_bytes(bytes, sizeof bytes), false);
        assert_int_equal(to.data[to.size - 5], 0);
        strata_buffer_free(&to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_bytes_are_what_the_format_says),
        cmocka_unit_test(block_builder_begins_the_next_block_anew),
        cmocka_unit_test(block_builder_says_how_large_the_block_will_be),
        cmocka_unit_test(block_agrees_with_a_sorted_array),
        cmocka_unit_test(block_keys_as_long_as_they_may_be_come_back),
        cmocka_unit_test(block_that_is_none_is_refused),
        cmocka_unit_test(block_with_a_key_that_is_too_long_is_refused),
        cmocka_unit_test(block_flipped_bits_are_reported_or_harmless),
        cmocka_unit_test(block_random_bytes_are_reported_or_harmless),
        cmocka_unit_test(stored_block_comes_back_and_is_smaller_where_it_can_be),
        cmocka_unit_test(stored_block_is_valid_at_one_offset_only),
        cmocka_unit_test(stored_block_of_an_impossible_size_is_refused),
        cmocka_unit_test(stored_block_that_does_not_uncompress_is_refused),
        cmocka_unit_test(stored_block_smaller_than_its_trailer_is_refused),
        cmocka_unit_test(stored_block_that_saves_little_is_not_compressed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
