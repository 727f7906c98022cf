/* crew.c: see crew.h. A value is its number in text, and as many dots as the number says: who reads
 * it sees that it is whole. */
#include "crew.h"
#include "rng.h"

#include "crash/need.h"
#include "crash/sim/fs_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 8
#define VALUE_BYTES 256
#define FAILED_MOST 3 /* writes of a thread; then it reads */

struct worker {
    struct sync_thread thread;
    struct crew *crew;
    unsigned number;
    struct rng rng;
    struct strata_buffer found;
    unsigned failed; /* writes */
};

/* ---- Keys and values ------------------------------------------------------------------------- */

static struct strata_slice key_of(unsigned key, char text[KEY_BYTES])
{
    snprintf(text, KEY_BYTES, "key%u", key);
    return strata_string(text);
}

static struct strata_slice value_of(uint64_t value, char text[VALUE_BYTES])
{
    size_t size = (size_t)snprintf(text, VALUE_BYTES, "%llu.", (unsigned long long)value);
    size_t dots = value * 2654435761u % (VALUE_BYTES - 32);

    memset(text + size, '.', dots);
    return strata_bytes(text, size + dots);
}

static bool is_filler(struct strata_slice key, struct strata_slice value)
{
    return key.size > 0 && key.data[key.size - 1] == '+' &&
           strata_compare(value, strata_string("filler")) == 0;
}

bool crew_fill(struct strata *db, unsigned count, struct strata_error *err)
{
    struct strata_batch *batch = need(strata_batch_new());
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < count; i++) {
        char key[24];
        snprintf(key, sizeof key, "key%u%u+", i % CREW_KEYS, i);
        rc = strata_batch_put(batch, strata_string(key), strata_string("filler"), err);
    }
    if (rc == 0)
        rc = strata_write(db, batch, 0, err);
    strata_batch_free(batch);
    return rc == 0;
}

static bool is_key(struct strata_slice key, unsigned *number)
{
    char text[KEY_BYTES];

    for (*number = 0; *number < CREW_KEYS; ++*number)
        if (strata_compare(key, key_of(*number, text)) == 0)
            return true;
    return false;
}

/* The number; 0: nobody writes such a value. */
static uint64_t number_of(struct strata_slice value)
{
    char text[VALUE_BYTES];
    uint64_t number = 0;

    for (size_t i = 0; i < value.size && value.data[i] >= '0' && value.data[i] <= '9'; i++)
        number = 10 * number + (uint64_t)(value.data[i] - '0');
    return strata_compare(value, value_of(number, text)) == 0 ? number : 0;
}

/* ---- Recording ------------------------------------------------------------------------------- */

static void say(struct crew *crew, const char *what, const struct strata_error *err)
{
    char text[300] = "";

    sync_lock(&crew->saying);
    if (!crew->wrong[0])
        snprintf(crew->wrong, sizeof crew->wrong, "%s: %s", what,
                 err ? strata_error_text(err, text, sizeof text) : "a value that nobody writes");
    sync_unlock(&crew->saying);
}

static bool went_well(struct worker *worker, int rc, const char *what,
                      const struct strata_error *err)
{
    if (rc < 0 && !worker->crew->may_fail)
        say(worker->crew, what, err);
    return rc >= 0;
}

static void tell(const struct crew *crew, const struct linear_op *op)
{
    if (crew->noted)
        crew->noted(crew->arg, op);
}

/* The marks are in the order of their numbers. */
static struct linear_op *begin(struct worker *worker, bool writes)
{
    struct crew *crew = worker->crew;
    struct linear_op *op;

    if (crew->sim)
        sync_lock(&crew->marking);
    op = linear_begin(&crew->history, worker->number, writes);
    if (crew->sim) {
        need(fs_sim_start(crew->sim, op->begin) == 0 ? op : NULL);
        sync_unlock(&crew->marking);
    }
    tell(crew, op);
    return op;
}

static void end(struct worker *worker, struct linear_op *op, bool synced)
{
    struct crew *crew = worker->crew;

    op->synced = synced;
    if (crew->sim)
        sync_lock(&crew->marking);
    linear_end(&crew->history, op);
    if (crew->sim) {
        need(fs_sim_ack(crew->sim, op->end, synced) == 0 ? op : NULL);
        sync_unlock(&crew->marking);
    }
    tell(crew, op);
}

static void note(struct worker *worker, struct linear_op *op, unsigned key,
                 struct strata_slice value)
{
    uint64_t number = number_of(value);

    if (!number)
        say(worker->crew, "read", NULL);
    linear_part(op, key, number);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Of a write. Where calls may fail, each without an answer makes the search for an order longer. */
static void answered(struct worker *worker, int rc, const char *what,
                     const struct strata_error *err, struct linear_op *op, bool synced)
{
    if (went_well(worker, rc, what, err))
        end(worker, op, synced);
    else
        worker->failed++;
}

/* A new value, different for each write of all threads. */
static uint64_t new_value(struct worker *worker)
{
    const struct linear_log *log = &worker->crew->history.threads[worker->number];

    return worker->crew->values + (log->count * CREW_KEYS + 1) * CREW_MOST + worker->number;
}

static unsigned flags_of(struct worker *worker, bool *synced)
{
    *synced = !worker->crew->unsynced || rng_below(&worker->rng, 3) == 0;
    return *synced ? 0 : STRATA_WRITE_NO_SYNC;
}

static void write_one(struct worker *worker, bool puts)
{
    struct strata_error err = {0};
    char key_text[KEY_BYTES], value_text[VALUE_BYTES];
    unsigned key = (unsigned)rng_below(&worker->rng, CREW_KEYS);
    uint64_t value = puts ? new_value(worker) : 0;
    bool synced;
    unsigned flags = flags_of(worker, &synced);
    struct linear_op *op = begin(worker, true);
    int rc;

    linear_part(op, key, value);
    rc = puts ? strata_put_with(worker->crew->db, key_of(key, key_text),
                                value_of(value, value_text), flags, &err)
              : strata_delete_with(worker->crew->db, key_of(key, key_text), flags, &err);
    answered(worker, rc, puts ? "put" : "delete", &err, op, synced);
}

static void write_batch(struct worker *worker)
{
    struct strata_batch *batch = need(strata_batch_new());
    struct strata_error err = {0};
    uint64_t value = new_value(worker);
    unsigned count = 2 + (unsigned)rng_below(&worker->rng, CREW_KEYS - 1);
    bool synced;
    unsigned flags = flags_of(worker, &synced);
    struct linear_op *op = begin(worker, true);

    for (unsigned i = 0; i < count; i++, value += CREW_MOST) {
        char key_text[KEY_BYTES], value_text[VALUE_BYTES];
        unsigned key = (unsigned)rng_below(&worker->rng, CREW_KEYS);
        bool puts = rng_below(&worker->rng, 6);
        int rc =
            puts ? strata_batch_put(batch, key_of(key, key_text), value_of(value, value_text), &err)
                 : strata_batch_delete(batch, key_of(key, key_text), &err);
        need(rc == 0 ? batch : NULL);
        linear_part(op, key, puts ? value : 0);
    }
    answered(worker, strata_write(worker->crew->db, batch, flags, &err), "batch", &err, op, synced);
    strata_batch_free(batch);
}

static void sync_all(struct worker *worker)
{
    struct strata_error err = {0};
    struct linear_op *op = begin(worker, true);

    answered(worker, strata_sync(worker->crew->db, &err), "sync", &err, op, true);
}

static void write_something(struct worker *worker)
{
    uint64_t what = rng_below(&worker->rng, 16);

    if (what < 8)
        write_one(worker, true);
    else if (what < 10)
        write_one(worker, false);
    else if (what < 15 || !worker->crew->unsynced)
        write_batch(worker);
    else
        sync_all(worker);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Of the database, or of a snapshot. */
static bool get_into(struct worker *worker, struct strata_snapshot *snapshot, unsigned key,
                     struct linear_op *op)
{
    struct strata_error err = {0};
    char text[KEY_BYTES];
    int rc;

    worker->found.size = 0;
    rc = snapshot ? strata_snapshot_get(snapshot, key_of(key, text), &worker->found, &err)
                  : strata_get(worker->crew->db, key_of(key, text), &worker->found, &err);
    if (rc == STRATA_NOT_FOUND)
        linear_part(op, key, 0);
    else if (rc == 0)
        note(worker, op, key, strata_bytes(worker->found.data, worker->found.size));
    return went_well(worker, rc, "get", &err);
}

static void get_one(struct worker *worker)
{
    struct linear_op *op = begin(worker, false);

    if (get_into(worker, NULL, (unsigned)rng_below(&worker->rng, CREW_KEYS), op))
        end(worker, op, false);
}

/* What the iterator is at. */
static bool take_entry(struct worker *worker, struct strata_iter *iter, bool *there,
                       struct linear_op *op)
{
    struct strata_slice key = strata_iter_key(iter), value;
    struct strata_error err = {0};
    unsigned number;

    if (!went_well(worker, strata_iter_value(iter, &value, &err), "value", &err))
        return false;
    if (is_filler(key, value))
        return true;
    if (!is_key(key, &number) || there[number]) {
        say(worker->crew, "scan", NULL);
        return false;
    }
    there[number] = true;
    note(worker, op, number, value);
    return true;
}

/* Each key is found or is not there. */
static bool scan_into(struct worker *worker, struct strata_iter *iter, bool back,
                      struct linear_op *op)
{
    struct strata_error err = {0};
    bool there[CREW_KEYS] = {0};
    int rc = back ? strata_iter_last(iter, &err) : strata_iter_first(iter, &err);

    for (; rc == 0; rc = back ? strata_iter_prev(iter, &err) : strata_iter_next(iter, &err))
        if (!take_entry(worker, iter, there, op))
            return false;
    for (unsigned key = 0; rc == STRATA_NOT_FOUND && key < CREW_KEYS; key++)
        if (!there[key])
            linear_part(op, key, 0);
    return went_well(worker, rc, "scan", &err);
}

/* It sees the database as it was at one moment while it was made. */
static void scan(struct worker *worker)
{
    struct strata_error err = {0};
    struct strata_iter *iter;
    struct linear_op *op = begin(worker, false);
    bool good = went_well(worker, strata_iter_new(worker->crew->db, &iter, &err), "iterator", &err);

    if (!good)
        return;
    end(worker, op, false);
    sync_yield();
    if (!scan_into(worker, iter, rng_below(&worker->rng, 2), op))
        op->end = LINEAR_NEVER;
    strata_iter_free(iter);
}

static void scan_snapshot(struct worker *worker, struct strata_snapshot *snapshot,
                          struct linear_op *op)
{
    struct strata_error err = {0};
    struct strata_iter *iter;

    if (went_well(worker, strata_snapshot_iter(snapshot, &iter, &err), "iterator", &err)) {
        scan_into(worker, iter, rng_below(&worker->rng, 2), op);
        strata_iter_free(iter);
    }
}

/* Gets and scans, with the thread's own writes between them. */
static void read_snapshot(struct worker *worker)
{
    struct strata_error err = {0};
    struct strata_snapshot *snapshot;
    struct linear_op *op = begin(worker, false);

    if (!went_well(worker, strata_snapshot_new(worker->crew->db, &snapshot, &err), "snapshot",
                   &err))
        return;
    end(worker, op, false);
    for (int i = 0; i < 4; i++)
        switch (rng_below(&worker->rng, 4)) {
        case 0:
            scan_snapshot(worker, snapshot, op);
            break;
        case 1:
            write_one(worker, true);
            break;
        default:
            get_into(worker, snapshot, (unsigned)rng_below(&worker->rng, CREW_KEYS), op);
        }
    strata_snapshot_free(snapshot);
}

static void read_something(struct worker *worker)
{
    uint64_t what = rng_below(&worker->rng, 8);

    if (what < 4)
        get_one(worker);
    else if (what < 6 || !worker->crew->snapshots)
        scan(worker);
    else
        read_snapshot(worker);
}

/* ---- Running --------------------------------------------------------------------------------- */

/* What a stage does not have is not done. */
static void keep_up(struct worker *worker)
{
    static const char *const what[] = {"compact", "compact a range", "verify", "flush"};
    struct strata *db = worker->crew->db;
    struct strata_error err = {0};
    uint64_t which = rng_below(&worker->rng, 4);
    char from[KEY_BYTES], to[KEY_BYTES];
    int rc = which == 0   ? strata_compact(db, NULL, &err)
             : which == 1 ? strata_compact_range(db, key_of(1, from), key_of(4, to), NULL, &err)
             : which == 2 ? strata_verify(db, NULL, &err)
                          : strata_flush(db, &err);

    if (rc != STRATA_ERR_NOT_SUPPORTED)
        went_well(worker, rc, what[which], &err);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    const struct crew *crew = worker->crew;

    for (unsigned i = 0; i < crew->operations; i++)
        if (crew->upkeep && rng_below(&worker->rng, 8) == 0)
            keep_up(worker);
        else if (worker->failed < FAILED_MOST && rng_below(&worker->rng, 16) < crew->writes)
            write_something(worker);
        else
            read_something(worker);
    return NULL;
}

void crew_init(struct crew *crew)
{
    need(sync_mutex_init(&crew->marking) == 0 && sync_mutex_init(&crew->saying) == 0 ? crew : NULL);
}

void crew_free(struct crew *crew)
{
    sync_mutex_free(&crew->marking);
    sync_mutex_free(&crew->saying);
    linear_free(&crew->history);
}

void crew_run(struct crew *crew)
{
    struct worker workers[CREW_MOST];

    memset(workers, 0, sizeof workers);
    for (unsigned i = 0; i < crew->threads; i++) {
        workers[i].crew = crew;
        workers[i].number = i;
        rng_init(&workers[i].rng, crew->seed * CREW_MOST + i);
        need(sync_start(&workers[i].thread, work, &workers[i]) == 0 ? crew : NULL);
    }
    for (unsigned i = 0; i < crew->threads; i++) {
        sync_join(&workers[i].thread);
        strata_buffer_free(&workers[i].found);
    }
}

bool crew_read_all(struct strata *db, uint64_t *values, char *why, size_t capacity)
{
    struct crew crew = {.db = db};
    struct worker worker = {.crew = &crew};
    struct strata_error err = {0};
    struct strata_iter *iter;
    struct linear_op *op;

    memset(values, 0, LINEAR_KEYS * sizeof *values);
    crew_init(&crew);
    op = linear_begin(&crew.history, 0, false);
    if (went_well(&worker, strata_iter_new(db, &iter, &err), "iterator", &err)) {
        scan_into(&worker, iter, false, op);
        strata_iter_free(iter);
    }
    for (size_t i = 0; i < op->count; i++)
        values[op->parts[i].key] = op->parts[i].value;
    snprintf(why, capacity, "%s", crew.wrong);
    crew_free(&crew);
    return !why[0];
}
