/* block_layouts.c: what a block's layout costs: bytes, and the time of a get, a seek and a scan,
 * for stage 5's restart points and for stage 9's columns; and then what the parts of a cached
 * read cost beside one wait for memory. make bench-parts SET=layouts.
 *
 *   block_layouts [ENTRIES]
 *
 * All blocks lie in memory, uncompressed, as in a cache that holds everything; which block a key is
 * in is known. So times are those of the layout and of the waits for memory that it asks for. Times
 * are of this thread's processor, the median of five. */
#include "02_hash_index/index.h"
#include "09_fast_paths/block/pax_block.h"
#include "05_blocks_bloom/block/block.h"
#include "05_blocks_bloom/bloom.h"
#include "09_fast_paths/cache/clock_cache.h"
#include "base/pages.h"
#include "base/prng.h"

#include <inttypes.h>
#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTRIES 1000000
#define LEAST 1000                       /* entries */
#define KEY_MOST 64                      /* bytes */
#define VALUE_BYTES 100                  /* of which half repeat */
#define STRIDE (PAX_BLOCK_TARGET + LINE) /* between blocks in memory */
#define LINE ((size_t)64)
#define ASKED 200000
#define RUNS 5

static volatile uint64_t sink; /* what was read is used */

static void *need(void *memory)
{
    if (!memory) {
        fprintf(stderr, "block_layouts: no memory\n");
        exit(7);
    }
    return memory;
}

static void *huge(size_t size)
{
    return need(pages_map((size + PAGES_HUGE - 1) / PAGES_HUGE * PAGES_HUGE));
}

/* ---- Time -------------------------------------------------------------------------------- */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct bench;

/* Nanoseconds for each of `count` operations of `work`. */
static double measure(uint64_t (*work)(const struct bench *), const struct bench *b, double count)
{
    double times[RUNS];

    for (int run = 0; run < RUNS; run++) {
        double begin = now_ns();
        sink += work(b);
        times[run] = (now_ns() - begin) / count;
    }
    qsort(times, RUNS, sizeof times[0], compare_times);
    return times[RUNS / 2];
}

/* ---- Keys and values --------------------------------------------------------------------- */

struct key {
    uint8_t size;
    uint8_t bytes[KEY_MOST - 1];
};

static int compare_keys(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    return strata_compare(strata_bytes(x->bytes, x->size), strata_bytes(y->bytes, y->size));
}

static void draw_decimal(struct key *key, uint64_t i, struct prng *prng)
{
    (void)prng;
    key->size = (uint8_t)sprintf((char *)key->bytes, "%016" PRIu64, i);
}

static void draw_random(struct key *key, uint64_t i, struct prng *prng)
{
    uint64_t words[2] = {prng_next(prng), prng_next(prng)};
    (void)i;
    key->size = sizeof words;
    memcpy(key->bytes, words, sizeof words);
}

static void draw_uuid(struct key *key, uint64_t i, struct prng *prng)
{
    uint64_t a = prng_next(prng), b = prng_next(prng);
    (void)i;
    key->size =
        (uint8_t)sprintf((char *)key->bytes, "%08x-%04x-4%03x-%04x-%012" PRIx64,
                         (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
                         (unsigned)(b >> 50 | 0x8000), b & 0xffffffffffff);
}

/* Much alike, of several lengths. */
static void draw_path(struct key *key, uint64_t i, struct prng *prng)
{
    (void)prng;
    key->size = (uint8_t)sprintf((char *)key->bytes, "tenant/00042/user/%08" PRIu64 "/%s", i / 3,
                                 i % 3 == 0   ? "mail"
                                 : i % 3 == 1 ? "name"
                                              : "settings");
}

static const struct key_kind {
    const char *name;
    void (*draw)(struct key *key, uint64_t i, struct prng *prng);
} kinds[] = {{"16 decimal digits", draw_decimal},
             {"16 random bytes", draw_random},
             {"UUIDs, 36 bytes", draw_uuid},
             {"paths, 31 to 35", draw_path}};

struct place {
    uint8_t *block;
    uint32_t size;
};

/* In the order in which they are asked, so that reading them is no part of what is measured. */
struct question {
    struct key key;
    uint32_t number, block; /* of the key, and of the block it is in */
    struct place place;     /* of that */
};

struct bench {
    uint64_t count;     /* entries */
    struct key *keys;   /* sorted */
    uint8_t *values;    /* a pool of them */
    uint32_t *block_of; /* each key's */
    struct place *blocks;
    uint32_t block_count;
    uint8_t *memory;
    struct question *asked;
    uint64_t raw, compressed; /* bytes of all blocks */

    struct bloom bloom;
    struct clock_cache *cache;
    struct clock_cache_directory directory;
};

static struct strata_slice key_at(const struct key *key)
{
    return (struct strata_slice){key->bytes, key->size};
}

static struct strata_slice value_of(const struct bench *b, uint64_t i)
{
    return strata_bytes(b->values + i * 2654435761u % 10000 * VALUE_BYTES, VALUE_BYTES);
}

static void draw(struct bench *b, const struct key_kind *kind)
{
    struct prng prng = {1};

    for (uint64_t i = 0; i < b->count; i++)
        kind->draw(&b->keys[i], i, &prng);
    qsort(b->keys, b->count, sizeof b->keys[0], compare_keys);
    for (size_t i = 0; i < ASKED; i++) {
        b->asked[i].number = (uint32_t)prng_below(&prng, b->count);
        b->asked[i].key = b->keys[b->asked[i].number];
    }
    for (size_t i = 0; i < (size_t)10000 * VALUE_BYTES; i++)
        b->values[i] = i % VALUE_BYTES < VALUE_BYTES / 2 ? (uint8_t)(' ' + prng_below(&prng, 95))
                                                         : b->values[i - VALUE_BYTES / 2];
}

static void bench_init(struct bench *b, uint64_t count)
{
    *b = (struct bench){.count = count};
    b->keys = need(malloc(count * sizeof b->keys[0]));
    b->values = need(malloc((size_t)10000 * VALUE_BYTES));
    b->block_of = need(malloc(count * sizeof b->block_of[0]));
    b->blocks = need(malloc(count * sizeof b->blocks[0]));
    b->asked = need(malloc(ASKED * sizeof b->asked[0]));
    b->memory = huge(count / 8 * STRIDE);
}

/* ---- Blocks ------------------------------------------------------------------------------ */

static void keep_block(struct bench *b, struct strata_slice bytes, size_t before)
{
    static char compressed[2 * STRIDE];
    uint8_t *to = b->memory + b->block_count * STRIDE;
    int size = LZ4_compress_default((const char *)bytes.data, compressed, (int)bytes.size,
                                    sizeof compressed);

    memcpy(to + before, bytes.data, bytes.size);
    b->blocks[b->block_count++] = (struct place){to, (uint32_t)bytes.size};
    b->raw += bytes.size;
    b->compressed += size > 0 && (size_t)size < bytes.size ? (size_t)size : bytes.size;
}

static void place_questions(struct bench *b)
{
    for (size_t i = 0; i < ASKED; i++) {
        b->asked[i].block = b->block_of[b->asked[i].number];
        b->asked[i].place = b->blocks[b->asked[i].block];
    }
}

/* A block's struct pax_block is before it, as in the cache. */
static void finish_columns(struct bench *b, struct pax_block_builder *builder)
{
    struct strata_slice bytes;
    struct place *place = &b->blocks[b->block_count];
    struct pax_block block;

    if (pax_block_builder_finish(builder, &bytes, NULL) < 0)
        need(NULL);
    keep_block(b, bytes, sizeof block);
    if (pax_block_open(&block, strata_bytes(place->block + sizeof block, place->size), NULL) == 0)
        memcpy(place->block, &block, sizeof block);
}

static void build_columns(struct bench *b)
{
    struct pax_block_builder builder = {0};

    for (uint64_t i = 0; i < b->count; i++) {
        struct strata_slice key = key_at(&b->keys[i]);
        uint64_t hash = index_hash(key);
        int rc = pax_block_builder_try(&builder, STRATA_OP_PUT, key, value_of(b, i), hash, NULL);
        if (rc == PAX_BLOCK_FULL) {
            finish_columns(b, &builder);
            rc = pax_block_builder_add(&builder, STRATA_OP_PUT, key, value_of(b, i), hash, NULL);
        }
        if (rc)
            need(NULL);
        b->block_of[i] = b->block_count;
    }
    finish_columns(b, &builder);
    pax_block_builder_free(&builder);
    place_questions(b);
}

static uint64_t get_columns(const struct bench *b)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < ASKED; i++) {
        const struct place *place = &b->asked[i].place;
        struct strata_slice key = key_at(&b->asked[i].key), value = {0};
        sum += pax_block_find((const struct pax_block *)place->block, key, index_hash(key), &value);
        sum += value.data[0];
    }
    return sum;
}

static uint64_t seek_columns(const struct bench *b)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < ASKED; i++) {
        const struct place *place = &b->asked[i].place;
        const struct pax_block *block = (const struct pax_block *)place->block;
        uint32_t at = pax_block_seek(block, key_at(&b->asked[i].key));
        sum += pax_block_value(block, at).data[0];
    }
    return sum;
}

static uint64_t scan_columns(const struct bench *b)
{
    uint8_t key[KEY_MOST + PAX_BLOCK_SLACK];
    uint64_t sum = 0;

    for (uint32_t n = 0; n < b->block_count; n++) {
        const struct pax_block *block = (const struct pax_block *)b->blocks[n].block;
        pax_block_put_prefix(block, key);
        for (uint32_t i = 0; i < block->count; i++)
            sum += key[pax_block_put_suffix(block, i, key) - 1] +
                   pax_block_value(block, i).data[0] + pax_block_type(block, i);
    }
    return sum;
}

static uint64_t open_columns(const struct bench *b)
{
    uint64_t sum = 0;

    for (uint32_t n = 0; n < b->block_count; n++) {
        const struct place *place = &b->blocks[n];
        struct pax_block block;
        sum += (uint64_t)pax_block_open(
            &block, strata_bytes(place->block + sizeof block, place->size), NULL);
        sum += block.count;
    }
    return sum;
}

static void finish_restarts(struct bench *b, struct block_builder *builder)
{
    struct strata_slice bytes;

    if (block_builder_finish(builder, &bytes, NULL) < 0)
        need(NULL);
    keep_block(b, bytes, 0);
    block_builder_reset(builder);
}

static void build_restarts(struct bench *b)
{
    struct block_builder builder = {.interval = BLOCK_RESTART_INTERVAL};

    for (uint64_t i = 0; i < b->count; i++) {
        struct strata_slice key = key_at(&b->keys[i]);
        if (builder.count && block_builder_size_with(&builder, key, VALUE_BYTES) > PAX_BLOCK_TARGET)
            finish_restarts(b, &builder);
        if (block_builder_add(&builder, STRATA_OP_PUT, key, value_of(b, i), NULL) < 0)
            need(NULL);
        b->block_of[i] = b->block_count;
    }
    finish_restarts(b, &builder);
    block_builder_free(&builder);
    place_questions(b);
}

static struct block restarts_at(const struct place *place)
{
    return block_of((struct strata_slice){place->block, place->size});
}

static uint64_t get_restarts(const struct bench *b)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < ASKED; i++) {
        struct block block = restarts_at(&b->asked[i].place);
        struct block_iter iter = {0};
        if (block_iter_enter(&iter, block, NULL) < 0)
            need(NULL);
        block_iter_seek(&iter, key_at(&b->asked[i].key));
        sum += iter.type + iter.value.data[0];
        block_iter_free(&iter);
    }
    return sum;
}

static uint64_t seek_restarts(const struct bench *b)
{
    struct block_iter iter = {0};
    uint64_t sum = 0;

    for (size_t i = 0; i < ASKED; i++) {
        struct block block = restarts_at(&b->asked[i].place);
        if (block_iter_enter(&iter, block, NULL) < 0)
            need(NULL);
        if (block_iter_seek(&iter, key_at(&b->asked[i].key)))
            sum += iter.value.data[0];
    }
    block_iter_free(&iter);
    return sum;
}

static uint64_t scan_restarts(const struct bench *b)
{
    struct block_iter iter = {0};
    uint64_t sum = 0;

    for (uint32_t n = 0; n < b->block_count; n++) {
        struct block block = restarts_at(&b->blocks[n]);
        if (block_iter_enter(&iter, block, NULL) < 0)
            need(NULL);
        block_iter_first(&iter);
        do
            sum += iter.key.data[iter.key.size - 1] + iter.value.data[0] + iter.type;
        while (block_iter_next(&iter));
    }
    block_iter_free(&iter);
    return sum;
}

static uint64_t check_restarts(const struct bench *b)
{
    uint8_t scratch[STRIDE];
    uint64_t sum = 0;

    for (uint32_t n = 0; n < b->block_count; n++) {
        struct block_facts facts;
        block_check((struct strata_slice){b->blocks[n].block, b->blocks[n].size}, scratch, &facts);
        sum += facts.entries;
    }
    return sum;
}

/* The sums say that both found the same. */
static void compare_layouts(struct bench *b, const struct key_kind *kind)
{
    double count = (double)b->count;
    uint64_t found;

    draw(b, kind);
    b->block_count = 0;
    b->raw = b->compressed = 0;
    build_restarts(b);
    found = scan_restarts(b) + get_restarts(b);
    printf("%-18s  %-15s %8.1f %8.1f %8.0f %8.0f %8.1f %8.0f\n", kind->name, "restart points",
           (double)b->raw / count, (double)b->compressed / count, measure(get_restarts, b, ASKED),
           measure(seek_restarts, b, ASKED), measure(scan_restarts, b, count),
           measure(check_restarts, b, b->block_count));
    b->block_count = 0;
    b->raw = b->compressed = 0;
    build_columns(b);
    printf("%-18s  %-15s %8.1f %8.1f %8.0f %8.0f %8.1f %8.0f\n", "", "columns, tags",
           (double)b->raw / count, (double)b->compressed / count, measure(get_columns, b, ASKED),
           measure(seek_columns, b, ASKED), measure(scan_columns, b, count),
           measure(open_columns, b, b->block_count));
    if (found != scan_columns(b) + get_columns(b))
        printf("the layouts do not agree\n");
}

/* ---- The parts of a read ------------------------------------------------------------------ */

/* Each load waits for the one before it. */
static uint64_t wait_for_memory(const struct bench *b)
{
    uint64_t at = 0;

    for (size_t i = 0; i < ASKED; i++)
        memcpy(&at, b->memory + at, sizeof at);
    return at;
}

/* One cycle through as many cache lines as blocks take. */
static void chain_memory(struct bench *b, size_t size)
{
    size_t lines = size / LINE;
    uint32_t *order = need(malloc(lines * sizeof *order));
    struct prng prng = {2};

    for (size_t i = 0; i < lines; i++)
        order[i] = (uint32_t)i;
    for (size_t i = lines; i > 1; i--) {
        size_t j = (size_t)prng_below(&prng, i);
        uint32_t other = order[j];
        order[j] = order[i - 1];
        order[i - 1] = other;
    }
    for (size_t i = 0; i < lines; i++) {
        uint64_t next = order[(i + 1) % lines] * LINE;
        memcpy(b->memory + order[i] * LINE, &next, sizeof next);
    }
    free(order);
}

static uint64_t ask_bloom(const struct bench *b)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < ASKED; i++)
        sum += bloom_may_contain(&b->bloom, index_hash(key_at(&b->asked[i].key)));
    return sum;
}

static uint64_t ask_bloom_absent(const struct bench *b)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < ASKED; i++)
        sum += bloom_may_contain(&b->bloom, ~index_hash(key_at(&b->asked[i].key)));
    return sum;
}

static uint64_t hash_keys(const struct bench *b)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < ASKED; i++)
        sum += index_hash(key_at(&b->asked[i].key));
    return sum;
}

static uint64_t hit_cache(const struct bench *b)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < ASKED; i++) {
        struct clock_cache_frame *frame =
            clock_cache_get(b->cache, &b->directory, b->asked[i].block);
        sum += frame->data[0];
        clock_cache_release(b->cache, frame);
    }
    return sum;
}

static uint64_t get_cached(const struct bench *b)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < ASKED; i++) {
        struct strata_slice key = key_at(&b->asked[i].key), value = {0};
        uint64_t hash = index_hash(key);
        struct clock_cache_frame *frame;

        if (!bloom_may_contain(&b->bloom, hash))
            continue;
        frame = clock_cache_get(b->cache, &b->directory, b->asked[i].block);
        sum += pax_block_find((const struct pax_block *)frame->data, key, hash, &value);
        sum += value.data[0];
        clock_cache_release(b->cache, frame);
    }
    return sum;
}

static void fill_cache(struct bench *b)
{
    if (clock_cache_new((size_t)b->block_count * 5000 + 8 * PAGES_HUGE,
                        PAX_BLOCK_TARGET + sizeof(struct pax_block), &b->cache, NULL) < 0 ||
        clock_cache_directory_init(&b->directory, b->block_count, NULL) < 0)
        need(NULL);
    for (uint32_t n = 0; n < b->block_count; n++) {
        size_t size = b->blocks[n].size + sizeof(struct pax_block);
        struct clock_cache_frame *frame;
        if (clock_cache_take(b->cache, size, &frame, NULL) < 0)
            need(NULL);
        memcpy(frame->data, b->blocks[n].block, size);
        ((struct pax_block *)frame->data)->bytes = frame->data + sizeof(struct pax_block);
        clock_cache_release(b->cache, clock_cache_put(b->cache, &b->directory, n, frame));
    }
}

static void fill_bloom(struct bench *b)
{
    size_t size = bloom_bytes(b->count, 10);
    unsigned probes = bloom_probes(10);
    uint64_t *hashes = need(malloc(b->count * sizeof *hashes));
    uint8_t *bytes = huge(size);

    for (uint64_t i = 0; i < b->count; i++)
        hashes[i] = index_hash(key_at(&b->keys[i]));
    bloom_build(bytes, size, probes, hashes, b->count);
    bloom_open(&b->bloom, strata_bytes(bytes, size), probes, NULL);
    free(hashes);
}

static void show_part(const char *what, double ns, double wait)
{
    printf("%-50s %8.1f %8.2f\n", what, ns, ns / wait);
}

static void show_parts(struct bench *b)
{
    size_t size = b->block_count * STRIDE;
    double wait, open = measure(open_columns, b, b->block_count);

    fill_cache(b);
    fill_bloom(b);
    chain_memory(b, size);
    wait = measure(wait_for_memory, b, ASKED);
    printf("\nthe parts of a cached get, %s%29s %8s\n", kinds[0].name, "ns", "waits");
    show_part("one wait for memory", wait, wait);
    show_part("hash of the key", measure(hash_keys, b, ASKED), wait);
    show_part("the same, and the filter, a key that is there", measure(ask_bloom, b, ASKED), wait);
    show_part("the same, and the filter, an absent key", measure(ask_bloom_absent, b, ASKED), wait);
    show_part("a hit in the block cache, and its release", measure(hit_cache, b, ASKED), wait);
    show_part("all: hash, filter, cache, pax_block_find, a byte", measure(get_cached, b, ASKED),
              wait);
    show_part("pax_block_open, once when a block is loaded", open, wait);
}

static void show_help(void)
{
    printf(
        "usage: block_layouts [ENTRIES]\n\n"
        "What a block's layout costs, in bytes and in time: stage 5's restart points beside stage\n"
        "9's columns; then what the parts of a cached read cost beside one wait for memory.\n"
        "ENTRIES: how many, from %d on; %d when it is not said. Times are of this thread's\n"
        "processor, the median of %d.\n\n"
        "Example\n"
        "  $ block_layouts 1000\n\n"
        "Exit status\n"
        "  0  ok\n"
        "  2  bad usage\n",
        LEAST, ENTRIES, RUNS);
}

/* 0: it is no number, or too small a one. */
static uint64_t entries_of(const char *text)
{
    char *end;
    unsigned long long count = strtoull(text, &end, 10);

    return *text >= '0' && *text <= '9' && *end == '\0' && count >= LEAST ? count : 0;
}

int main(int argc, char **argv)
{
    struct bench b;
    uint64_t count = argc > 1 ? entries_of(argv[1]) : ENTRIES;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        show_help();
        return 0;
    }
    if (argc > 2 || !count) {
        fprintf(stderr, "block_layouts: how many entries, from %d on, not \"%s\"; --help\n", LEAST,
                argv[argc - 1]);
        return 2;
    }
    bench_init(&b, count);
    printf("%" PRIu64 " entries, values of %d bytes of which half repeat, blocks of %d bytes\n\n",
           b.count, VALUE_BYTES, PAX_BLOCK_TARGET);
    printf("%-18s  %-15s %8s %8s %8s %8s %8s %8s\n", "", "", "raw", "LZ4", "get", "seek", "scan",
           "open");
    printf("%-18s  %-15s %8s %8s %8s %8s %8s %8s\n", "keys", "layout", "B/entry", "B/entry", "ns",
           "ns", "ns/entry", "ns/block");
    for (size_t k = sizeof kinds / sizeof kinds[0]; k-- > 0;)
        compare_layouts(&b, &kinds[k]);
    show_parts(&b);
    return 0;
}
