/* work.c: the workloads, with db_bench's names and meanings where it has them.
 *
 * What an operation does depends on its number, the seed and the workload alone: it is the same for
 * every engine, for one thread and for many, and can be computed again afterwards (check.c). A
 * random key of a read is drawn from those that the last fill put there, so that a fill which its
 * time cap cut short does not turn reads into misses. */
#include "bench.h"

#include <string.h>

#define OPENS 100
#define OPENS_AFTER_PUTS 10
#define OPENS_AFTER_KILL 3
#define PUTS_MOST 200000 /* before a close or a kill, */
#define PUTS_PART 2      /* and at most a part of the memtable */
#define SYNCED_PART 1000 /* of N operations fillsync does one, as db_bench's */
#define SYNCED_THREADS 8 /* of fillsync8, which do as many each */
#define TENTH 10
#define LARGE_PART 1000 /* likewise fill100K */
#define RECORD_PART 10  /* and ycsbload */
#define LARGE_VALUE 100000
#define RECORD_VALUE 1000
#define HOT_PART 100    /* readhot: of the keys one in so many */
#define SEEK_ENTRIES 11 /* the one that is sought, and ten nexts */

static uint64_t any_key(const struct bench *b, uint64_t i)
{
    struct prng random = draw_random(b, i);
    return prng_below(&random, b->filled);
}

static uint64_t draw(const struct bench *b, uint64_t i)
{
    struct prng random = draw_random(b, i);
    return draw_key(b, &random);
}

/* ---- Writing --------------------------------------------------------------------------- */

static void fill_seq(const struct bench *b, uint64_t i, struct op *op)
{
    *op = (struct op){.act = ACT_PUT, .number = i % b->filled};
}

static void fill_unique_random(const struct bench *b, uint64_t i, struct op *op)
{
    *op = (struct op){.act = ACT_PUT, .number = b->data.shuffled[i % b->filled]};
}

static void put_random(const struct bench *b, uint64_t i, struct op *op)
{
    *op = (struct op){.act = ACT_PUT, .number = any_key(b, i)};
}

static void overwrite(const struct bench *b, uint64_t i, struct op *op)
{
    *op = (struct op){.act = ACT_PUT, .number = draw(b, i)};
}

static void delete_random(const struct bench *b, uint64_t i, struct op *op)
{
    *op = (struct op){.act = ACT_DELETE, .number = draw(b, i)};
}

/* ---- Reading --------------------------------------------------------------------------- */

static void read_random(const struct bench *b, uint64_t i, struct op *op)
{
    *op = (struct op){.act = ACT_GET, .number = draw(b, i)};
}

static void read_missing(const struct bench *b, uint64_t i, struct op *op)
{
    *op = (struct op){.act = ACT_MISS, .number = draw(b, i)};
}

static void read_hot(const struct bench *b, uint64_t i, struct op *op)
{
    struct prng random = draw_random(b, i);
    uint64_t hot = (b->filled + HOT_PART - 1) / HOT_PART;

    *op = (struct op){.act = ACT_GET, .number = draw_key_at(b, prng_below(&random, hot))};
}

static void seek_random(const struct bench *b, uint64_t i, struct op *op)
{
    *op = (struct op){.act = ACT_SEEK, .number = draw(b, i), .entries = SEEK_ENTRIES};
}

/* ---- What is done once ------------------------------------------------------------------- */

static int close_clean(struct bench *b, struct strata_error *err)
{
    int rc = b->contender->engine->close(b->db, err);

    b->db = NULL;
    return rc;
}

static uint64_t puts_before(const struct bench *b)
{
    uint64_t bytes = b->data.key_bytes + b->data.value_bytes;
    uint64_t most = b->settings->memtable_bytes / PUTS_PART / bytes;

    most = most < PUTS_MOST ? most : PUTS_MOST;
    most = most < b->data.count ? most : b->data.count;
    return most ? most : 1;
}

/* Keys that are there, into the memtable. */
static int put_again(struct bench *b, uint64_t count, struct strata_error *err)
{
    const struct engine *e = b->contender->engine;
    uint8_t key[STRATA_MAX_KEY + DATA_TAIL];
    void *session = NULL;
    int rc = e->join(b->db, &session, err);

    for (uint64_t i = 0; rc >= 0 && i < count; i++) {
        uint64_t number = draw(b, i);
        rc =
            e->put(session, data_key(&b->data, number, "", key), data_value(&b->data, number), err);
        if (rc >= 0)
            rc = check_put(b, number, 1);
    }
    e->leave(session);
    return rc < 0 ? rc : 0;
}

/* An engine that reads its log again has something in it. */
static int close_written(struct bench *b, struct strata_error *err)
{
    uint64_t count = puts_before(b);
    int rc;

    if (b->settings->sync != STRATA_SYNC_NEVER)
        count = count < SYNCED_PART ? 1 : count / SYNCED_PART;
    rc = put_again(b, count, err);
    return rc < 0 ? rc : close_clean(b, err);
}

/* Of the handle that was opened: it may write at last. */
static int put_first(struct bench *b, struct strata_error *err)
{
    return put_again(b, 1, err);
}

/* What has been put must be there when the database is open again: that is what makes the
 * durability of all engines equal. */
static int close_killed(struct bench *b, struct strata_error *err)
{
    uint64_t first = b->next, count = puts_before(b);
    int rc = close_clean(b, err);

    if (rc < 0)
        return rc;
    if (message_put_and_die(b, first, count) != BENCH_OK)
        return engine_fail(err, "openafterkill", "its keys could not be put");
    b->survivors_first = first;
    b->survivors = count;
    return check_put(b, first, count);
}

static int compact(struct bench *b, struct strata_error *err)
{
    return b->contender->engine->compact(b->db, err);
}

static int settle(struct bench *b, struct strata_error *err)
{
    return b->contender->engine->settle(b->db, err);
}

const struct work works[] = {
    {.name = "fillseq",
     .help = "a new database, keys in order",
     .kind = WORK_FILL,
     .plan = fill_seq,
     .leaves = LEAVES_FIRST},
    {.name = "fillrandom",
     .help = "a new database, N keys drawn at random, so some more than once",
     .kind = WORK_FILL,
     .plan = put_random},
    {.name = "filluniquerandom",
     .help = "a new database, each key once, in random order",
     .kind = WORK_FILL,
     .plan = fill_unique_random,
     .leaves = LEAVES_SHUFFLED},
    {.name = "fillbatch",
     .help = "fillseq in batches, each all or nothing; latencies are those of a batch",
     .kind = WORK_FILL,
     .plan = fill_seq,
     .leaves = LEAVES_FIRST,
     .needs = ENGINE_BATCH,
     .batches = true},
    {.name = "fillsync",
     .help = "fillrandom of N/1000 keys, each on the device before the next",
     .kind = WORK_FILL,
     .plan = put_random,
     .needs = ENGINE_SYNC,
     .part = SYNCED_PART,
     .opens = OPENS_SYNCED},
    {.name = "fillsync8",
     .help = "the same by eight threads at once, N/1000 each",
     .kind = WORK_FILL,
     .plan = put_random,
     .needs = ENGINE_SYNC,
     .part = SYNCED_PART / SYNCED_THREADS,
     .threads = SYNCED_THREADS,
     .opens = OPENS_SYNCED},
    {.name = "fill100K",
     .help = "fillrandom of N/1000 values of 100,000 bytes",
     .kind = WORK_FILL,
     .plan = put_random,
     .part = LARGE_PART,
     .value_bytes = LARGE_VALUE},
    {.name = "overwrite",
     .help = "N random keys of those that are there again",
     .kind = WORK_WRITE,
     .plan = overwrite},
    {.name = "overwritetenth",
     .help = "N/10 of them",
     .kind = WORK_WRITE,
     .plan = overwrite,
     .part = TENTH},
    {.name = "deleterandom",
     .help = "delete N random keys",
     .kind = WORK_WRITE,
     .plan = delete_random},
    {.name = "readrandom", .help = "get random keys", .kind = WORK_READ, .plan = read_random},
    {.name = "readmissing",
     .help = "get keys that are not there",
     .kind = WORK_READ,
     .plan = read_missing},
    {.name = "readhot",
     .help = "get random keys of a hundredth",
     .kind = WORK_READ,
     .plan = read_hot},
    {.name = "readsmallcache",
     .help = "readrandom with a cache of 8 MiB, which is empty at first",
     .kind = WORK_READ,
     .plan = read_random,
     .opens = OPENS_SMALL},
    {.name = "readmapped",
     .help = "readrandom from mapped files, when all was read once",
     .kind = WORK_READ,
     .plan = read_random,
     .opens = OPENS_MAPPED,
     .warm = true},
    {.name = "readsmallmapped",
     .help = "readsmallcache from mapped files",
     .kind = WORK_READ,
     .plan = read_random,
     .opens = OPENS_SMALL_MAPPED},
    {.name = "readwhilewriting",
     .help = "readrandom, while one more thread overwrites",
     .kind = WORK_READ,
     .plan = read_random,
     .needs = ENGINE_THREADS,
     .beside = true},
    {.name = "seekrandom",
     .help = "a new iterator, a seek to a random key, and ten nexts, values too",
     .kind = WORK_READ,
     .plan = seek_random,
     .needs = ENGINE_ORDER},
    {.name = "seekmapped",
     .help = "seekrandom from mapped files, when all was read once",
     .kind = WORK_READ,
     .plan = seek_random,
     .needs = ENGINE_ORDER,
     .opens = OPENS_MAPPED,
     .warm = true},
    {.name = "readseq", .help = "scan forwards, values too", .kind = WORK_SCAN},
    {.name = "readreverse",
     .help = "scan backwards, values too",
     .kind = WORK_SCAN,
     .needs = ENGINE_REVERSE,
     .backwards = true},
    {.name = "ycsbload",
     .help = "as filluniquerandom, N/10 values of 1,000 bytes: YCSB's records",
     .kind = WORK_FILL,
     .plan = fill_unique_random,
     .leaves = LEAVES_SHUFFLED,
     .part = RECORD_PART,
     .value_bytes = RECORD_VALUE},
    {.name = "ycsba",
     .help = "YCSB A: half gets, half puts of keys that are there; zipfian",
     .kind = WORK_MIX,
     .plan = ycsb_a},
    {.name = "ycsbb", .help = "YCSB B: 95 % gets, 5 % puts", .kind = WORK_MIX, .plan = ycsb_b},
    {.name = "ycsbc", .help = "YCSB C: gets", .kind = WORK_MIX, .plan = ycsb_c},
    {.name = "ycsbd",
     .help = "YCSB D: 95 % gets, mostly of the newest keys, 5 % puts of new ones",
     .kind = WORK_MIX,
     .plan = ycsb_d,
     .inserts = true},
    {.name = "ycsbe",
     .help = "YCSB E: 95 % scans of 1 to 100 entries, 5 % puts of new keys",
     .kind = WORK_MIX,
     .plan = ycsb_e,
     .needs = ENGINE_ORDER,
     .inserts = true},
    {.name = "ycsbf",
     .help = "YCSB F: half gets, half gets with a put of the same key",
     .kind = WORK_MIX,
     .plan = ycsb_f},
    {.name = "settle",
     .help = "what writes have left to do: flush, compactions, until no thread works",
     .kind = WORK_ONCE,
     .one = settle},
    {.name = "compact",
     .help = "everything is compacted",
     .kind = WORK_ONCE,
     .one = compact,
     .weighs = true,
     .needs = ENGINE_COMPACT},
    {.name = "verify",
     .help = "every entry is there and right, and nothing else is",
     .kind = WORK_ONCE,
     .one = check_everything,
     .needs = ENGINE_ORDER},
    {.name = "close",
     .help = "close, which is timed, and open again",
     .kind = WORK_OPEN,
     .one = close_clean,
     .closes = true,
     .weighs = true,
     .most = 1},
    {.name = "open",
     .help = "put half a memtable at most, close, and open again, ten times; the opening is timed",
     .kind = WORK_OPEN,
     .one = close_written,
     .most = OPENS_AFTER_PUTS},
    {.name = "reopen",
     .help = "close and open again, nothing put between, at most 100 times",
     .kind = WORK_OPEN,
     .one = close_clean,
     .most = OPENS},
    {.name = "openafterkill",
     .help = "open after new keys, half a memtable at most, and kill -9; three times",
     .kind = WORK_OPEN,
     .one = close_killed,
     .most = OPENS_AFTER_KILL,
     .inserts = true},
    {.name = "putafterkill",
     .help = "the same, until a first put has returned",
     .kind = WORK_OPEN,
     .one = close_killed,
     .then = put_first,
     .most = OPENS_AFTER_KILL,
     .inserts = true},
    {.name = "openclean",
     .help = "of Strata: open for reading only, as a clean close left it",
     .kind = WORK_OPEN,
     .one = close_clean,
     .opens = OPENS_CLEAN,
     .most = OPENS},
    {.name = "openreplay",
     .help = "the same without hints and checkpoint: the whole log is read",
     .kind = WORK_OPEN,
     .one = close_clean,
     .opens = OPENS_BARE,
     .most = OPENS},
    {.name = NULL}};

bool work_writes(const struct work *work)
{
    return work->kind == WORK_FILL || work->kind == WORK_WRITE || work->kind == WORK_MIX;
}

size_t work_threads(const struct work *work, const struct settings *s)
{
    if (work->threads)
        return work->threads;
    return work_writes(work) || work->kind == WORK_READ ? s->threads : 1;
}

bool work_generated(const struct work *work)
{
    return work->inserts || work->value_bytes;
}

uint64_t work_wanted(const struct work *work, const struct bench *b)
{
    const struct settings *s = b->settings;
    uint64_t count = b->data.count, reads = s->reads ? s->reads : count;

    if (work->kind == WORK_ONCE)
        return 1;
    if (work->most)
        return s->reads && reads < work->most ? reads : work->most;
    if (work->part)
        return count < work->part ? 1 : count / work->part;
    if (work->kind == WORK_FILL)
        return count * s->passes;
    return work->kind == WORK_WRITE ? count : reads;
}
