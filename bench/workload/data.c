/* data.c: the same keys and values for the same seed, whatever the stage.
 *
 * Generated as in db_bench: key i is i in decimal, filled up with zeros; values are slices of a
 * pool of random text made of pieces that repeat, so that they compress to about the ratio asked
 * for. Or the records of a TSV file, held in memory: reading it is not what is measured. */
#include "bench.h"
#include "text/tsv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GENERATED 100000       /* keys, if nobody says how many */
#define POOL ((size_t)1 << 20) /* bytes */
#define PIECE 100              /* bytes that repeat, before compression_ratio */
#define VALUE_LARGE 100000     /* bytes of a value of fill100K */
#define READ_BYTES 65536
#define COUNT_MOST UINT32_MAX

struct record_place {
    size_t key, value;           /* offsets in the pool */
    size_t key_size, value_size; /* bytes */
};

/* ---- Generated ------------------------------------------------------------------------- */

static int fill_pool(struct data *d, double ratio, struct prng *random)
{
    size_t size = POOL + d->value_bytes, raw = (size_t)(PIECE * ratio);
    uint8_t piece[PIECE] = {0};

    raw = raw ? raw : 1;
    for (size_t at = 0; at < size; at += PIECE) {
        for (size_t i = 0; i < PIECE; i++)
            piece[i] = i < raw ? (uint8_t)(' ' + prng_below(random, 95)) : piece[i - raw];
        if (strata_buffer_append(&d->pool, piece, PIECE) < 0)
            return bench_fail_memory();
    }
    return BENCH_OK;
}

static int generate(struct data *d, const struct settings *s, struct prng *random)
{
    char digits[24];

    d->count = s->num ? s->num : GENERATED;
    d->key_bytes = s->key_bytes;
    d->value_bytes = s->value_bytes;
    snprintf(digits, sizeof digits, "%" PRIu64, d->count - 1);
    if (strlen(digits) > s->key_bytes)
        return bench_say(BENCH_USAGE, "--key_size: %zu digits do not hold key number %s",
                         s->key_bytes, digits);
    d->key_most = d->key_bytes;
    return fill_pool(d, s->compression_ratio, random);
}

/* ---- From a file ----------------------------------------------------------------------- */

static int add_record(struct data *d, const struct tsv *tsv)
{
    struct record_place place = {d->pool.size, d->pool.size + tsv->key.size, tsv->key.size,
                                 tsv->value.size};

    if (d->count == d->capacity) {
        size_t capacity = d->capacity ? d->capacity * 2 : 1024;
        struct record_place *more = realloc(d->records, capacity * sizeof *more);
        if (!more)
            return bench_fail_memory();
        d->records = more;
        d->capacity = capacity;
    }
    if (d->count == COUNT_MOST)
        return bench_say(BENCH_USAGE, "--tsv: more than %lu records", (unsigned long)COUNT_MOST);
    strata_buffer_append(&d->pool, tsv->key.data, tsv->key.size);
    if (strata_buffer_append(&d->pool, tsv->value.data, tsv->value.size) < 0)
        return bench_fail_memory();
    d->records[d->count++] = place;
    return BENCH_OK;
}

static int malformed(const char *path, const struct tsv *tsv)
{
    return bench_say(BENCH_USAGE, "%s:%" PRIu64 ":%" PRIu64 ": %s", path, tsv->line, tsv->column,
                     text_fault_name(tsv->fault));
}

static int add_piece(struct data *d, struct tsv *tsv, struct strata_slice piece, const char *path)
{
    int code = BENCH_OK;
    enum tsv_result result = TSV_ENTRY;

    while (code == BENCH_OK && (result = tsv_feed(tsv, &piece)) == TSV_ENTRY)
        code = add_record(d, tsv);
    return code == BENCH_OK && result == TSV_FAULT ? malformed(path, tsv) : code;
}

static int add_last(struct data *d, struct tsv *tsv, const char *path)
{
    enum tsv_result result = tsv_finish(tsv);

    if (result == TSV_FAULT)
        return malformed(path, tsv);
    return result == TSV_ENTRY ? add_record(d, tsv) : BENCH_OK;
}

static int read_records(struct data *d, FILE *from, const char *path)
{
    uint8_t piece[READ_BYTES];
    struct tsv tsv;
    size_t got;
    int code = BENCH_OK;

    tsv_init(&tsv, TEXT_ESCAPED);
    while (code == BENCH_OK && (got = fread(piece, 1, sizeof piece, from)) > 0)
        code = add_piece(d, &tsv, strata_bytes(piece, got), path);
    if (code == BENCH_OK && ferror(from))
        code = bench_fail_sys(path, errno);
    if (code == BENCH_OK)
        code = add_last(d, &tsv, path);
    tsv_free(&tsv);
    return code;
}

static int read_file(struct data *d, const struct settings *s)
{
    FILE *from = fopen(s->tsv, "r");
    int code;

    if (!from)
        return bench_fail_sys(s->tsv, errno);
    code = read_records(d, from, s->tsv);
    fclose(from);
    if (code != BENCH_OK)
        return code;
    if (d->count == 0)
        return bench_say(BENCH_USAGE, "--tsv: %s has no records", s->tsv);
    if (s->num > d->count)
        return bench_say(BENCH_USAGE, "--num: %s has only %" PRIu64 " records", s->tsv, d->count);
    if (s->num)
        d->count = s->num;
    d->key_most = STRATA_MAX_KEY;
    return BENCH_OK;
}

/* ---- Both ------------------------------------------------------------------------------ */

/* Fisher and Yates. */
static int shuffle(struct data *d, struct prng *random)
{
    d->shuffled = malloc(d->count * sizeof *d->shuffled);
    if (!d->shuffled)
        return bench_fail_memory();
    for (uint64_t i = 0; i < d->count; i++) {
        uint64_t other = prng_below(random, i + 1);
        d->shuffled[i] = d->shuffled[other];
        d->shuffled[other] = (uint32_t)i;
    }
    return BENCH_OK;
}

/* The pool's beginning is repeated after its end, for the large values. */
static int lengthen(struct data *d)
{
    for (size_t at = 0; at < VALUE_LARGE; at += PIECE) {
        uint8_t piece[PIECE];
        memcpy(piece, d->pool.data + at, PIECE);
        if (strata_buffer_append(&d->pool, piece, PIECE) < 0)
            return bench_fail_memory();
    }
    return BENCH_OK;
}

int data_init(struct data *d, const struct settings *s)
{
    struct prng random = {s->seed};
    int code;

    *d = (struct data){0};
    code = s->tsv ? read_file(d, s) : generate(d, s, &random);
    if (code == BENCH_OK)
        code = shuffle(d, &random);
    return code == BENCH_OK && !s->tsv ? lengthen(d) : code;
}

void data_free(struct data *d)
{
    free(d->shuffled);
    free(d->records);
    strata_buffer_free(&d->pool);
}

/* ---- One entry ------------------------------------------------------------------------- */

struct strata_slice data_key(const struct data *d, uint64_t i, const char *tail, uint8_t *to)
{
    size_t size = d->key_bytes, more = strlen(tail);

    if (d->records) {
        const struct record_place *place = &d->records[i];
        size = place->key_size;
        if (!more)
            return strata_bytes(d->pool.data + place->key, size);
        if (size)
            memcpy(to, d->pool.data + place->key, size);
    } else {
        for (size_t at = size; at > 0; i /= 10)
            to[--at] = (uint8_t)('0' + i % 10);
    }
    memcpy(to + size, tail, more);
    return strata_bytes(to, size + more);
}

struct strata_slice data_value(const struct data *d, uint64_t i)
{
    if (d->records)
        return strata_bytes(d->pool.data + d->records[i].value, d->records[i].value_size);
    return strata_bytes(d->pool.data + i * d->value_bytes % POOL, d->value_bytes);
}

bool data_holds(const struct data *d, uint64_t i)
{
    size_t digits = 1;

    for (; i >= 10; i /= 10)
        digits++;
    return !d->records && digits <= d->key_bytes;
}
