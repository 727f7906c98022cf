/* work.c: the workloads, with db_bench's names and meanings.
 *
 * A random key of a read is drawn from those that the last fill put there, so that a fill which
 * its time cap cut short does not turn reads into misses. */
#include "bench.h"

#include <inttypes.h>
#include <string.h>

static int put(struct bench *b, uint64_t key_number, struct strata_error *err)
{
    struct strata_slice key = data_key(&b->data, key_number, "");
    struct strata_slice value = data_value(&b->data, key_number);

    b->now->bytes += key.size + value.size;
    return strata_put(b->db, key, value, err);
}

/* A random one of those that are there. */
static uint64_t draw(struct bench *b)
{
    uint64_t i = rng_below(&b->random, b->filled);
    return b->filled_shuffled ? b->data.shuffled[i] : i;
}

/* ---- Writing --------------------------------------------------------------------------- */

static int fill_seq(struct bench *b, uint64_t i, struct strata_error *err)
{
    int rc = put(b, i, err);

    b->filled = i + 1;
    b->filled_shuffled = false;
    return rc;
}

static int fill_unique_random(struct bench *b, uint64_t i, struct strata_error *err)
{
    int rc = put(b, b->data.shuffled[i], err);

    b->filled = i + 1;
    b->filled_shuffled = true;
    return rc;
}

static int put_random(struct bench *b, uint64_t i, struct strata_error *err)
{
    (void)i;
    return put(b, rng_below(&b->random, b->data.count), err);
}

static int delete_random(struct bench *b, uint64_t i, struct strata_error *err)
{
    struct strata_slice key = data_key(&b->data, rng_below(&b->random, b->data.count), "");

    (void)i;
    b->now->bytes += key.size;
    return strata_delete(b->db, key, err);
}

/* ---- Reading --------------------------------------------------------------------------- */

/* The records of a file are known, so a wrong answer is not taken for a fast one. */
static int check_value(struct bench *b, uint64_t key_number, struct strata_slice value,
                       struct strata_error *err)
{
    if (!b->data.records || strata_compare(value, data_value(&b->data, key_number)) == 0)
        return 0;
    *err = (struct strata_error){.code = STRATA_ERR_CORRUPT, .offset = STRATA_NO_OFFSET};
    snprintf(err->message, sizeof err->message,
             "the value of record %" PRIu64 " of the TSV file was read back differently",
             key_number + 1);
    return STRATA_ERR_CORRUPT;
}

static int read_random(struct bench *b, uint64_t i, struct strata_error *err)
{
    uint64_t key_number = draw(b);
    struct strata_slice key = data_key(&b->data, key_number, "");
    int rc = strata_get(b->db, key, &b->value, err);

    (void)i;
    if (rc != 0)
        return rc < 0 ? rc : 0;
    b->now->found++;
    b->now->bytes += key.size + b->value.size;
    return check_value(b, key_number, strata_buffer_slice(&b->value), err);
}

static int read_missing(struct bench *b, uint64_t i, struct strata_error *err)
{
    int rc = strata_get(b->db, data_key(&b->data, draw(b), "."), &b->value, err);

    (void)i;
    b->now->found += rc == 0;
    return rc < 0 ? rc : 0;
}

static int scan(struct bench *b, uint64_t i,
                int (*start)(struct strata_iter *, struct strata_error *),
                int (*step)(struct strata_iter *, struct strata_error *), struct strata_error *err)
{
    struct strata_slice value;
    int rc = i == 0 ? strata_iter_new(b->db, &b->iter, err) : 0;

    if (rc == 0)
        rc = i == 0 ? start(b->iter, err) : step(b->iter, err);
    if (rc == 0)
        rc = strata_iter_value(b->iter, &value, err);
    if (rc == 0)
        b->now->bytes += strata_iter_key(b->iter).size + value.size;
    return rc;
}

static int read_seq(struct bench *b, uint64_t i, struct strata_error *err)
{
    return scan(b, i, strata_iter_first, strata_iter_next, err);
}

static int read_reverse(struct bench *b, uint64_t i, struct strata_error *err)
{
    return scan(b, i, strata_iter_last, strata_iter_prev, err);
}

/* ---- Opening --------------------------------------------------------------------------- */

static int open_again(struct bench *b, uint64_t i, struct strata_error *err)
{
    uint64_t begun = bench_now_ns();
    int rc = strata_close(b->db, err);

    (void)i;
    b->db = NULL;
    b->aside_ns = bench_now_ns() - begun;
    return rc < 0 ? rc : bench_open(b, false, err);
}

const struct work works[] = {
    {"fillseq", "a new database, keys in order", WORK_FILL, fill_seq},
    {"fillrandom", "a new database, N keys drawn at random, so some more than once", WORK_FILL,
     put_random},
    {"filluniquerandom", "a new database, each key once, in random order", WORK_FILL,
     fill_unique_random},
    {"overwrite", "N random keys again", WORK_WRITE, put_random},
    {"deleterandom", "delete N random keys", WORK_WRITE, delete_random},
    {"readrandom", "get random keys", WORK_READ, read_random},
    {"readmissing", "get keys that are not there", WORK_READ, read_missing},
    {"readseq", "scan forwards, values too", WORK_SCAN, read_seq},
    {"readreverse", "scan backwards, values too", WORK_SCAN, read_reverse},
    {"open", "close and open again, at most 100 times; the opening is timed", WORK_OPEN,
     open_again},
    {NULL, NULL, WORK_OPEN, NULL}};

bool work_writes(const struct work *work)
{
    return work->kind == WORK_FILL || work->kind == WORK_WRITE;
}
