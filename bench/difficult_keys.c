/* difficult_keys.c: what the index and the filter of stage 5's tables take for keys that are said
 * to be difficult, beside what theory says, as a table in Markdown. make bench-parts SET=keys.
 *
 *   difficult_keys [ROW...]      numbers from 1; default: all
 *   difficult_keys bits          what more bits a key buy, of 200,000 keys
 *
 * Each table is written to a file in $TMPDIR, opened from it, and removed. What is shown is
 * counted, not measured, and the same on every machine. */
#include "02_hash_index/index.h"
#include "09_fast_paths/table/pax_table_inside.h"
#include "bloom_theory.h"
#include "fs/fs_posix.h"
#include "base/prng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_MOST 1040
#define ASKED 1000000
#define POOL 10000 /* values that are drawn from, of POOL_BYTES */
#define POOL_BYTES 100
#define SAME_LEAST 1e-9 /* of neighbours that share so many digits: less is not summed up */

/* Two random words a key; keys are in the order of these. */
struct words {
    uint64_t high, low;
};

struct kind {
    const char *name;
    size_t (*draw)(char *key, uint64_t i, struct words words);
    uint64_t count;
    size_t value_bytes;
    size_t huge_bytes; /* of one value among them */
    size_t prefix;     /* bytes that all begin with */
    double digits;     /* values that a byte behind it has; 0: keys are counted */
};

/* ---- Keys ---------------------------------------------------------------------------------- */

static size_t draw_decimal(char *key, uint64_t i, struct words words)
{
    (void)words;
    return (size_t)sprintf(key, "%016" PRIu64, i);
}

static void put_word(char *to, uint64_t word)
{
    for (int i = 0; i < 8; i++)
        to[i] = (char)(word >> (56 - 8 * i));
}

static size_t draw_random(char *key, uint64_t i, struct words words)
{
    (void)i;
    put_word(key, words.high);
    put_word(key + 8, words.low);
    return 16;
}

static size_t fill_random(char *key, struct words words, size_t size)
{
    struct prng prng = {words.low};

    draw_random(key, 0, words);
    for (size_t i = 16; i < size; i += 8)
        put_word(key + i, prng_next(&prng));
    return size;
}

static size_t draw_long(char *key, uint64_t i, struct words words)
{
    (void)i;
    return fill_random(key, words, 1000);
}

static size_t draw_32(char *key, uint64_t i, struct words words)
{
    (void)i;
    return fill_random(key, words, 32);
}

/* RFC 9562, version 4. */
static size_t draw_uuid(char *key, uint64_t i, struct words w)
{
    (void)i;
    return (size_t)sprintf(key, "%08x-%04x-4%03x-%04x-%012" PRIx64, (unsigned)(w.high >> 32),
                           (unsigned)(w.high >> 16 & 0xffff), (unsigned)(w.high >> 4 & 0xfff),
                           (unsigned)(w.low >> 50 | 0x8000), w.low & 0xffffffffffff);
}

static size_t draw_prefixed(char *key, uint64_t i, struct words words)
{
    (void)i;
    memset(key, '/', 500);
    return 500 + (size_t)sprintf(key + 500, "%016" PRIx64, words.high);
}

static const struct kind kinds[] = {
    {"16 decimal digits, in a row", draw_decimal, 200000, 100, 0, 0, 0},
    {"16 random bytes", draw_random, 200000, 100, 0, 0, 256},
    {"UUIDs, 36 characters", draw_uuid, 200000, 100, 0, 0, 16},
    {"1,000 random bytes", draw_long, 50000, 100, 0, 0, 256},
    {"500 bytes that all share, 16 hex digits", draw_prefixed, 200000, 100, 0, 500, 16},
    {"16 decimal digits, one value of 64 MiB", draw_decimal, 200000, 100, (size_t)64 << 20, 0, 0},
    {"16 decimal digits, values of one byte", draw_decimal, 1000000, 1, 0, 0, 0},
    {"32 random bytes, 20 MB of blocks", draw_32, 150000, 100, 0, 0, 256},
};

static int compare_words(const void *a, const void *b)
{
    const struct words *x = a, *y = b;

    if (x->high != y->high)
        return x->high < y->high ? -1 : 1;
    return x->low < y->low ? -1 : x->low > y->low;
}

static struct words *draw_words(uint64_t count)
{
    struct words *words = malloc(count * sizeof *words);
    struct prng prng = {1};

    if (!words)
        return NULL;
    for (uint64_t i = 0; i < count; i++)
        words[i] = (struct words){prng_next(&prng), prng_next(&prng)};
    qsort(words, count, sizeof *words, compare_words);
    return words;
}

/* ---- Theory -------------------------------------------------------------------------------- */

static double power(double base, uint64_t exponent)
{
    double result = 1;

    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}

/* The mean size of what separates a key from the one before it. Random keys: their first l digits
 * have m = digits^l values, of which m (1 - (1 - 1/m)^n) occur; all keys but the first of each
 * share l digits with the one before, and need one more. Counted ones: 9 of 10 differ in the last
 * digit alone, 9 of 100 in the last two, and need one less, and so on. */
static double separator_theory(const struct kind *kind, size_t key_size)
{
    double n = (double)kind->count, m = 1, mean = (double)kind->prefix + 1, same = 1;

    if (kind->digits == 0)
        return (double)key_size - 1.0 / 9;
    for (size_t l = 1; same > SAME_LEAST && l < 10; l++) {
        m *= kind->digits;
        same = 1 - (m * (1 - power(1 - 1 / m, kind->count)) - 1) / (n - 1);
        mean += same > 0 ? same : 0;
    }
    return mean;
}

/* ---- A table of them ----------------------------------------------------------------------- */

struct ground {
    struct strata_options options;
    struct strata_env env;
    void *common;
    struct words *words;
    uint8_t *values; /* a pool of them, half repeating; then zeros for a huge one */
    size_t key_size;
};

static struct strata_slice value_of(const struct ground *g, const struct kind *kind, uint64_t i)
{
    if (kind->huge_bytes && i == kind->count / 2)
        return strata_bytes(g->values, kind->huge_bytes);
    return strata_bytes(g->values + i * 2654435761u % POOL * POOL_BYTES, kind->value_bytes);
}

static void fill_pool(uint8_t *values)
{
    struct prng prng = {2};

    for (size_t i = 0; i < (size_t)POOL * POOL_BYTES; i++)
        values[i] = i % POOL_BYTES < POOL_BYTES / 2 ? (uint8_t)(' ' + prng_below(&prng, 95))
                                                    : values[i - POOL_BYTES / 2];
}

static int add_all(struct ground *g, const struct kind *kind, struct sstable_writer *writer,
                   struct strata_error *err)
{
    char key[KEY_MOST];
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < kind->count; i++) {
        g->key_size = kind->draw(key, i, g->words[i]);
        rc = pax_table_kind.writer_add(writer, STRATA_OP_PUT, strata_bytes(key, g->key_size),
                                       value_of(g, kind, i), err);
    }
    if (rc == 0)
        rc = pax_table_kind.writer_finish(writer, 1, kind->count, err);
    return rc < 0 ? rc : fs_output_publish(&writer->out, err);
}

static int write_table(struct ground *g, const struct kind *kind, struct strata_error *err)
{
    struct sstable_writer *writer;
    int rc = pax_table_kind.writer_new(&g->env, 1, &writer, err);

    if (rc < 0)
        return rc;
    rc = add_all(g, kind, writer, err);
    pax_table_kind.writer_del(writer, rc == 0);
    return rc;
}

/* Of a million keys that are not there, each one of the table's and a byte behind it, how many the
 * filter lets pass. */
static uint64_t count_passed(const struct ground *g, const struct kind *kind,
                             const struct pax_table *table)
{
    char key[KEY_MOST];
    uint64_t passed = 0;

    for (uint64_t i = 0; i < ASKED; i++) {
        uint64_t n = i % kind->count;
        size_t size = kind->draw(key, n, g->words[n]);
        key[size++] = (char)('a' + i / kind->count);
        passed += bloom_may_contain(&table->bloom, index_hash(strata_bytes(key, size)));
    }
    return passed;
}

static void show(const struct ground *g, const struct kind *kind, const struct pax_table *t)
{
    double blocks = t->fence.count, n = (double)kind->count;
    double separators = 0, memory = blocks * 20 + (double)t->fence.bytes.size;
    uint64_t filter = t->bloom.count * BLOOM_LINE;

    for (uint32_t i = 1; i < t->fence.count; i++)
        separators += (double)fence_at(&t->fence, i).size;
    printf("| %s | %" PRIu64 " | %" PRIu32 " | %.1f | %.2f / %.2f | %.1f | %.2f | %.2f | %.2f / "
           "%.2f |\n",
           kind->name, kind->count, t->fence.count, n / blocks, separators / (blocks - 1),
           separator_theory(kind, g->key_size), memory / blocks, 8 * memory / n,
           8 * (double)filter / n, 100.0 * (double)count_passed(g, kind, t) / ASKED,
           100 * bloom_theory(kind->count, t->bloom.count, t->bloom.probes));
}

static int do_kind(struct ground *g, const struct kind *kind, struct strata_error *err)
{
    struct sstable *table;
    int rc;

    g->words = draw_words(kind->count);
    if (!g->words)
        return strata_fail_memory(err, kind->count * sizeof *g->words);
    rc = write_table(g, kind, err);
    if (rc == 0)
        rc = pax_table_kind.open(&g->env, g->common, 1, &table, err);
    if (rc == 0) {
        show(g, kind, (struct pax_table *)table);
        sstable_remove(table);
        sstable_unref(table);
    }
    free(g->words);
    return rc;
}

/* ---- Bits a key ---------------------------------------------------------------------------- */

#define HASHES 200000

/* Absent keys have other hashes than those before them, but for 1 in 10^14. */
static uint64_t count_passing(const struct bloom *bloom, struct prng *prng)
{
    uint64_t passed = 0;

    for (int i = 0; i < ASKED; i++)
        passed += bloom_may_contain(bloom, prng_next(prng));
    return passed;
}

static int show_bits(unsigned bits, const uint64_t *hashes, struct prng *prng,
                     struct strata_error *err)
{
    size_t size = bloom_bytes(HASHES, bits);
    unsigned probes = bloom_probes(bits);
    uint8_t *bytes = malloc(size);
    struct bloom bloom;
    int rc;

    if (!bytes)
        return strata_fail_memory(err, size);
    bloom_build(bytes, size, probes, hashes, HASHES);
    rc = bloom_open(&bloom, strata_bytes(bytes, size), probes, err);
    if (rc == 0)
        printf("| %u | %u | %.3f | %.3f | %.3f |\n", bits, probes,
               100.0 * (double)count_passing(&bloom, prng) / ASKED,
               100 * bloom_theory(HASHES, bloom.count, probes),
               100 * bloom_theory_classic(HASHES, bloom.count, probes));
    free(bytes);
    return rc;
}

static int do_bits(struct strata_error *err)
{
    static const unsigned bits[] = {2, 4, 6, 8, 10, 12, 16, 20};
    uint64_t *hashes = malloc(HASHES * sizeof *hashes);
    struct prng prng = {3};
    int rc = hashes ? 0 : strata_fail_memory(err, HASHES * sizeof *hashes);

    for (size_t i = 0; rc == 0 && i < HASHES; i++)
        hashes[i] = prng_next(&prng);
    puts("| bits a key | probes | absent keys that pass, % | theory, by lines | theory, classic |");
    puts("|--:|--:|--:|--:|--:|");
    for (size_t i = 0; rc == 0 && i < sizeof bits / sizeof *bits; i++)
        rc = show_bits(bits[i], hashes, &prng, err);
    free(hashes);
    return rc;
}

/* ---- All of them --------------------------------------------------------------------------- */

#define KINDS (sizeof kinds / sizeof *kinds)

static int do_rows(struct ground *g, int count, char **rows, struct strata_error *err)
{
    int rc = 0;

    puts("| keys | entries | blocks | entries a block | separator, bytes: is / theory | index in "
         "memory, bytes a block | the same, bits a key | filter, bits a key | absent keys that "
         "pass, %: is / theory |");
    puts("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for (size_t k = 0; count == 0 && rc == 0 && k < KINDS; k++)
        rc = do_kind(g, &kinds[k], err);
    for (int i = 0; rc == 0 && i < count; i++)
        rc = do_kind(g, &kinds[strtoul(rows[i], NULL, 10) - 1], err);
    return rc;
}

static void show_help(void)
{
    printf(
        "usage: difficult_keys [ROW...]\n"
        "       difficult_keys bits\n\n"
        "What the index and the filter of a table take for keys that are said to be difficult,\n"
        "beside what theory says, as a table in Markdown. Each kind of keys is a row, from 1 to\n"
        "%zu; without numbers all are shown. bits: what more bits a key buy, of %d keys.\n"
        "Nothing is measured but counted; the tables are made in $TMPDIR, and removed.\n\n"
        "Example\n"
        "  $ difficult_keys 8\n\n"
        "Exit status\n"
        "  0  ok\n"
        "  1  a table could not be made: no room, no memory\n"
        "  2  bad usage\n",
        KINDS, HASHES);
}

/* Numbers of rows, all of them? The first that is none is reported. */
static bool are_rows(int count, char **rows)
{
    for (int i = 0; i < count; i++) {
        char *end;
        unsigned long row = strtoul(rows[i], &end, 10);
        if (row >= 1 && row <= KINDS && *end == '\0')
            continue;
        fprintf(stderr, "difficult_keys: rows are numbers from 1 to %zu, not \"%s\"; --help\n",
                KINDS, rows[i]);
        return false;
    }
    return true;
}

static int ground_init(struct ground *g, const char *dir, struct strata_error *err)
{
    *g = (struct ground){.values = calloc(1, (size_t)64 << 20)};
    g->env = (struct strata_env){.fs = fs_posix_new(), .dir = dir, .options = &g->options};
    if (!g->values || !g->env.fs)
        return strata_fail_memory(err, (size_t)64 << 20);
    fill_pool(g->values);
    strata_options_init(&g->options);
    g->options.cache_bytes = 0;
    return pax_table_kind.common_new(&g->env, &g->common, err);
}

static void ground_free(struct ground *g)
{
    if (g->common)
        pax_table_kind.common_del(g->common);
    fs_free(g->env.fs);
    free(g->values);
}

int main(int argc, char **argv)
{
    const char *parent = getenv("TMPDIR");
    struct strata_error err;
    struct ground ground;
    char dir[500], text[600];
    bool bits = argc == 2 && strcmp(argv[1], "bits") == 0;
    int rc;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        show_help();
        return 0;
    }
    if (!bits && !are_rows(argc - 1, argv + 1))
        return 2;
    snprintf(dir, sizeof dir, "%s/strata-keys.XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    rc = ground_init(&ground, dir, &err);
    if (rc == 0)
        rc = bits ? do_bits(&err) : do_rows(&ground, argc - 1, argv + 1, &err);
    if (rc < 0)
        fprintf(stderr, "difficult_keys: %s\n", strata_error_text(&err, text, sizeof text));
    ground_free(&ground);
    rmdir(dir);
    return rc < 0 ? 1 : 0;
}
