/* work.c: the workloads, with db_bench's names and meanings where it has them.
 *
 * A random key of a read is drawn from those that the last fill put there, so that a fill which
 * its time cap cut short does not turn reads into misses. */
#include "bench.h"

#include <inttypes.h>
#include <string.h>

#define OPENS 100
#define SYNCED_PART 1000 /* of N operations fillsync does one, as db_bench's */

static int put(struct worker *w, uint64_t key_number, struct strata_error *err)
{
    struct strata_slice key = data_key(&w->maker, key_number, "");
    struct strata_slice value = data_value(&w->maker, key_number);

    w->bytes += key.size + value.size;
    return strata_put(w->bench->db, key, value, err);
}

static uint64_t any_key(struct worker *w)
{
    return rng_below(&w->random, w->bench->data.count);
}

/* A random one of those that are there. */
static uint64_t draw(struct worker *w)
{
    const struct bench *b = w->bench;
    uint64_t i = rng_below(&w->random, b->filled);
    return b->filled_shuffled ? b->data.shuffled[i] : i;
}

/* ---- Writing --------------------------------------------------------------------------- */

static int fill_seq(struct worker *w, uint64_t i, struct strata_error *err)
{
    return put(w, i % w->bench->data.count, err);
}

static int fill_unique_random(struct worker *w, uint64_t i, struct strata_error *err)
{
    const struct data *data = &w->bench->data;
    return put(w, data->shuffled[i % data->count], err);
}

static int put_random(struct worker *w, uint64_t i, struct strata_error *err)
{
    (void)i;
    return put(w, any_key(w), err);
}

static int batch_put(struct worker *w, uint64_t key_number, struct strata_error *err)
{
    struct strata_slice key = data_key(&w->maker, key_number, "");
    struct strata_slice value = data_value(&w->maker, key_number);

    w->bytes += key.size + value.size;
    return strata_batch_put(w->batch, key, value, err);
}

static int put_batch(struct worker *w, uint64_t i, struct strata_error *err)
{
    int rc = 0;

    strata_batch_clear(w->batch);
    for (uint64_t at = i; rc == 0 && at < i + w->count; at++)
        rc = batch_put(w, at % w->bench->data.count, err);
    return rc < 0 ? rc : strata_write(w->bench->db, w->batch, 0, err);
}

static int put_synced(struct worker *w, uint64_t i, struct strata_error *err)
{
    int rc;

    (void)i;
    strata_batch_clear(w->batch);
    rc = batch_put(w, any_key(w), err);
    return rc < 0 ? rc : strata_write(w->bench->db, w->batch, STRATA_WRITE_SYNC, err);
}

static int delete_random(struct worker *w, uint64_t i, struct strata_error *err)
{
    struct strata_slice key = data_key(&w->maker, any_key(w), "");

    (void)i;
    w->bytes += key.size;
    return strata_delete(w->bench->db, key, err);
}

/* ---- Reading --------------------------------------------------------------------------- */

/* The records of a file are known, so a wrong answer is not taken for a fast one. */
static int check_value(struct worker *w, uint64_t key_number, struct strata_slice value,
                       struct strata_error *err)
{
    if (!w->bench->data.records || strata_compare(value, data_value(&w->maker, key_number)) == 0)
        return 0;
    *err = (struct strata_error){.code = STRATA_ERR_CORRUPT, .offset = STRATA_NO_OFFSET};
    snprintf(err->message, sizeof err->message,
             "the value of record %" PRIu64 " of the TSV file was read back differently",
             key_number + 1);
    return STRATA_ERR_CORRUPT;
}

static int read_random(struct worker *w, uint64_t i, struct strata_error *err)
{
    uint64_t key_number = draw(w);
    struct strata_slice key = data_key(&w->maker, key_number, "");
    int rc = strata_get(w->bench->db, key, &w->value, err);

    (void)i;
    if (rc != 0)
        return rc < 0 ? rc : 0;
    w->found++;
    w->bytes += key.size + w->value.size;
    return check_value(w, key_number, strata_buffer_slice(&w->value), err);
}

static int read_missing(struct worker *w, uint64_t i, struct strata_error *err)
{
    int rc = strata_get(w->bench->db, data_key(&w->maker, draw(w), "."), &w->value, err);

    (void)i;
    w->found += rc == 0;
    return rc < 0 ? rc : 0;
}

static int scan(struct worker *w, uint64_t i,
                int (*start)(struct strata_iter *, struct strata_error *),
                int (*step)(struct strata_iter *, struct strata_error *), struct strata_error *err)
{
    struct strata_slice value;
    int rc = i == 0 ? strata_iter_new(w->bench->db, &w->iter, err) : 0;

    if (rc == 0)
        rc = i == 0 ? start(w->iter, err) : step(w->iter, err);
    if (rc == 0)
        rc = strata_iter_value(w->iter, &value, err);
    if (rc == 0)
        w->bytes += strata_iter_key(w->iter).size + value.size;
    return rc;
}

static int read_seq(struct worker *w, uint64_t i, struct strata_error *err)
{
    return scan(w, i, strata_iter_first, strata_iter_next, err);
}

static int read_reverse(struct worker *w, uint64_t i, struct strata_error *err)
{
    return scan(w, i, strata_iter_last, strata_iter_prev, err);
}

/* ---- Opening --------------------------------------------------------------------------- */

static int open_again(struct worker *w, uint64_t i, struct strata_error *err)
{
    struct bench *b = w->bench;
    uint64_t begun = bench_now_ns();
    int rc = strata_close(b->db, err);

    (void)i;
    b->db = NULL;
    w->aside_ns = bench_now_ns() - begun;
    return rc < 0 ? rc : life_open(b, b->read_only ? LIFE_READ : LIFE_WRITE, err);
}

const struct work works[] = {
    {.name = "fillseq",
     .help = "a new database, keys in order",
     .kind = WORK_FILL,
     .one = fill_seq,
     .leaves = LEAVES_FIRST},
    {.name = "fillrandom",
     .help = "a new database, N keys drawn at random, so some more than once",
     .kind = WORK_FILL,
     .one = put_random},
    {.name = "filluniquerandom",
     .help = "a new database, each key once, in random order",
     .kind = WORK_FILL,
     .one = fill_unique_random,
     .leaves = LEAVES_SHUFFLED},
    {.name = "fillbatch",
     .help = "fillseq in batches, each all or nothing; latencies are those of a batch",
     .kind = WORK_FILL,
     .one = put_batch,
     .leaves = LEAVES_FIRST,
     .needs = STRATA_PROMISE_BATCH,
     .batches = true},
    {.name = "fillsync",
     .help = "fillrandom of N/1000 keys, each on the device before the next",
     .kind = WORK_FILL,
     .one = put_synced,
     .needs = STRATA_PROMISE_POWER_CUT,
     .part = SYNCED_PART},
    {.name = "overwrite", .help = "N random keys again", .kind = WORK_WRITE, .one = put_random},
    {.name = "deleterandom",
     .help = "delete N random keys",
     .kind = WORK_WRITE,
     .one = delete_random},
    {.name = "readrandom", .help = "get random keys", .kind = WORK_READ, .one = read_random},
    {.name = "readmissing",
     .help = "get keys that are not there",
     .kind = WORK_READ,
     .one = read_missing},
    {.name = "readseq", .help = "scan forwards, values too", .kind = WORK_SCAN, .one = read_seq},
    {.name = "readreverse",
     .help = "scan backwards, values too",
     .kind = WORK_SCAN,
     .one = read_reverse},
    {.name = "open",
     .help = "close and open again, at most 100 times; the opening is timed",
     .kind = WORK_OPEN,
     .one = open_again},
    {.name = "openclean",
     .help = "the same for reading only, as a clean close left it",
     .kind = WORK_OPEN,
     .one = open_again,
     .opens = OPENS_CLEAN},
    {.name = "openreplay",
     .help = "the same without hints and checkpoint: the whole log is read",
     .kind = WORK_OPEN,
     .one = open_again,
     .opens = OPENS_BARE},
    {.name = NULL}};

bool work_writes(const struct work *work)
{
    return work->kind == WORK_FILL || work->kind == WORK_WRITE;
}

bool work_threads(const struct work *work)
{
    return work_writes(work) || work->kind == WORK_READ;
}

uint64_t work_wanted(const struct work *work, const struct bench *b)
{
    const struct settings *s = b->settings;
    uint64_t count = b->data.count, reads = s->reads ? s->reads : count;

    if (work->kind == WORK_OPEN)
        return s->reads && reads < OPENS ? reads : OPENS;
    if (work->part)
        return count < work->part ? 1 : count / work->part;
    if (work->kind == WORK_FILL)
        return count * s->passes;
    return work_writes(work) ? count : reads;
}
