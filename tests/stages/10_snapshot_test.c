/* 10_snapshot_test.c: snapshots against a model: random operations, flushes and compactions, with
 * snapshots taken, read in every way and released in between; and what they cost. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "crash/subject.h"
#include "07_paced_compaction/tree/tree.h"
#include "db/db.h"
#include "rng.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"
#define KEYS 40
#define LIVE 6
#define ITERS 3
#define NONE 0

/* ---- The model ------------------------------------------------------------------------------- */

/* Which value each key has: a number that is used once; NONE: it has none. */
struct state {
    unsigned value[KEYS];
};

struct seen {
    struct strata_snapshot *snapshot; /* NULL: there is none */
    struct state state;
};

struct held {
    struct strata_iter *iter; /* NULL: there is none */
    struct state state;
};

struct world {
    struct strata_fs *fs;
    struct strata *db;
    struct rng rng;
    struct state now;
    unsigned next; /* value */
    struct seen seen[LIVE];
    struct held held[ITERS];
    unsigned coded; /* rounds that ended with chains in tables */
};

static struct strata_slice key_at(size_t n, char text[64])
{
    return strata_bytes(text, (size_t)sprintf(text, "%.*s%02zu", (int)(n % 3) * 12,
                                              "the same beginning of keys, for long", n));
}

static struct strata_slice value_of(unsigned value, char text[400])
{
    int size = value % 7 == 0 ? 0 : sprintf(text, "%u:", value);

    memset(text + size, 'x', 300);
    return strata_bytes(text, value % 7 == 0 ? 0 : (size_t)size + value % 5 * 20);
}

static bool below(struct world *w, uint64_t bound)
{
    return rng_below(&w->rng, bound) == 0;
}

static void open_with(struct world *w, size_t memtable_bytes, bool paced, uint32_t seed)
{
    struct strata_options options;
    struct strata_error err;

    subject_options(&options, w->fs, true);
    options.memtable_bytes = memtable_bytes;
    options.block_bytes = 256;
    options.table_bytes = 1024;
    options.level_bytes = 2048;
    options.plain_blocks = true;
    if (paced) /* by writes; or by steps, which a seed draws */
        options.background_threads = 0;
    if (paced)
        options.background_seed = seed;
    assert_ok(strata_open(DIR, &options, &w->db, &err), &err);
}

static void open_it(struct world *w)
{
    open_with(w, 4096, false, 0);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void check_get_at(struct world *w, const struct seen *seen, size_t n)
{
    const struct state *state = seen ? &seen->state : &w->now;
    struct strata_buffer value = {0};
    struct strata_error err;
    char key[64], text[400];
    int rc = seen ? strata_snapshot_get(seen->snapshot, key_at(n, key), &value, &err)
                  : strata_get(w->db, key_at(n, key), &value, &err);

    assert_int_equal(rc, state->value[n] ? 0 : STRATA_NOT_FOUND);
    if (rc == 0)
        assert_bytes(strata_buffer_slice(&value), value_of(state->value[n], text));
    strata_buffer_free(&value);
}

static int compare_keys(const void *a, const void *b)
{
    char x[64], y[64];
    return strata_compare(key_at(*(const size_t *)a, x), key_at(*(const size_t *)b, y));
}

/* The keys that the state has, in order. */
static size_t keys_of(const struct state *state, size_t keys[KEYS])
{
    size_t count = 0;

    for (size_t n = 0; n < KEYS; n++)
        if (state->value[n])
            keys[count++] = n;
    qsort(keys, count, sizeof *keys, compare_keys);
    return count;
}

static void assert_at(struct strata_iter *iter, int rc, const struct state *state,
                      const size_t *keys, size_t count, size_t at)
{
    struct strata_slice value;
    struct strata_error err;
    char key[64], text[400];

    assert_int_equal(rc, at < count ? 0 : STRATA_NOT_FOUND);
    if (rc != 0)
        return;
    assert_bytes(strata_iter_key(iter), key_at(keys[at], key));
    assert_ok(strata_iter_value(iter, &value, &err), &err);
    assert_bytes(value, value_of(state->value[keys[at]], text));
}

/* Through all of it in both directions, and steps to and fro from some keys. */
static void check_iter(struct world *w, struct strata_iter *iter, const struct state *state)
{
    size_t keys[KEYS] = {0}, count = keys_of(state, keys), at;
    struct strata_error err;
    char key[64];
    int rc = strata_iter_first(iter, &err);

    for (at = 0; at < count; at++, rc = strata_iter_next(iter, &err))
        assert_at(iter, rc, state, keys, count, at);
    assert_at(iter, rc, state, keys, count, count);
    rc = strata_iter_last(iter, &err);
    for (at = count; at-- > 0; rc = strata_iter_prev(iter, &err))
        assert_at(iter, rc, state, keys, count, at);
    assert_at(iter, rc, state, keys, count, count);
    for (int i = 0; i < 5; i++) {
        size_t n = rng_below(&w->rng, KEYS);
        for (at = 0; at < count && compare_keys(&keys[at], &n) < 0;)
            at++;
        rc = strata_iter_seek(iter, key_at(n, key), &err);
        assert_at(iter, rc, state, keys, count, at);
        for (int steps = 0; rc == 0 && steps < 12; steps++) {
            bool back = below(w, 2);
            at += back ? (size_t)-1 : 1;
            rc = back ? strata_iter_prev(iter, &err) : strata_iter_next(iter, &err);
            assert_at(iter, rc, state, keys, count, at);
        }
    }
}

static struct strata_iter *iter_of(struct world *w, const struct seen *seen)
{
    struct strata_iter *iter;
    struct strata_error err;

    if (seen)
        assert_ok(strata_snapshot_iter(seen->snapshot, &iter, &err), &err);
    else
        assert_ok(strata_iter_new(w->db, &iter, &err), &err);
    return iter;
}

static void check_scan(struct world *w, const struct seen *seen)
{
    struct strata_iter *iter = iter_of(w, seen);

    check_iter(w, iter, seen ? &seen->state : &w->now);
    strata_iter_free(iter);
}

/* An iterator stays what it was, over writes, flushes and compactions, and without its snapshot. */
static void hold_or_check(struct world *w, struct held *held, const struct seen *seen)
{
    if (!held->iter) {
        held->iter = iter_of(w, seen);
        held->state = seen ? seen->state : w->now;
        return;
    }
    check_iter(w, held->iter, &held->state);
    if (below(w, 2)) {
        strata_iter_free(held->iter);
        held->iter = NULL;
    }
}

static void check_all(struct world *w)
{
    for (size_t i = 0; i <= LIVE; i++) {
        const struct seen *seen = i < LIVE ? &w->seen[i] : NULL;
        if (seen && !seen->snapshot)
            continue;
        for (size_t n = 0; n < KEYS; n++)
            check_get_at(w, seen, n);
        check_scan(w, seen);
    }
}

/* ---- Operations ------------------------------------------------------------------------------ */

static void write_some(struct world *w)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    char key[64], text[400];

    for (uint64_t left = 1 + rng_below(&w->rng, 4); left; left--) {
        size_t n = rng_below(&w->rng, below(w, 3) ? 4 : KEYS); /* some keys are hot */
        if (below(w, 4)) {
            assert_ok(strata_batch_delete(batch, key_at(n, key), &err), &err);
            w->now.value[n] = NONE;
        } else {
            w->now.value[n] = ++w->next;
            assert_ok(strata_batch_put(batch, key_at(n, key), value_of(w->next, text), &err), &err);
        }
    }
    assert_ok(strata_write(w->db, batch, 0, &err), &err);
    strata_batch_free(batch);
}

static void take(struct world *w, struct seen *seen)
{
    struct strata_error err;

    assert_ok(strata_snapshot_new(w->db, &seen->snapshot, &err), &err);
    seen->state = w->now;
}

static void release(struct seen *seen)
{
    strata_snapshot_free(seen->snapshot);
    seen->snapshot = NULL;
}

static void release_all(struct world *w)
{
    for (size_t i = 0; i < LIVE; i++)
        release(&w->seen[i]);
    for (size_t i = 0; i < ITERS; i++) {
        strata_iter_free(w->held[i].iter);
        w->held[i].iter = NULL;
    }
}

static void reopen(struct world *w)
{
    struct strata_error err;

    release_all(w);
    assert_ok(strata_close(w->db, &err), &err);
    open_it(w);
}

static void upkeep(struct world *w)
{
    struct strata_error err;
    char from[64], to[64];

    switch (rng_below(&w->rng, 5)) {
    case 0:
        assert_ok(strata_compact(w->db, NULL, &err), &err);
        break;
    case 1:
        assert_ok(strata_compact_range(w->db, key_at(rng_below(&w->rng, KEYS), from),
                                       key_at(rng_below(&w->rng, KEYS), to), NULL, &err),
                  &err);
        break;
    case 2:
        assert_ok(strata_verify_deep(w->db, NULL, &err), &err);
        break;
    default:
        assert_ok(strata_flush(w->db, &err), &err);
    }
}

/* What a kill leaves now is the database as it is, and nothing of its snapshots. */
static void check_killed(struct world *w)
{
    struct world killed = {.fs = fs_sim_copy(w->fs), .rng = w->rng, .now = w->now};
    struct strata_error err;

    assert_non_null(killed.fs);
    open_it(&killed);
    assert_ok(strata_verify_deep(killed.db, NULL, &err), &err);
    assert_int_equal(check_stat(killed.db, "snapshots"), 0);
    check_all(&killed);
    assert_ok(strata_compact(killed.db, NULL, &err), &err);
    assert_int_equal(check_stat(killed.db, "snapshot_bytes"), 0);
    check_all(&killed);
    assert_ok(strata_close(killed.db, &err), &err);
    fs_free(killed.fs);
}

static void step(struct world *w)
{
    struct seen *seen = &w->seen[rng_below(&w->rng, LIVE)];
    uint64_t what = rng_below(&w->rng, 100);

    if (what < 70)
        write_some(w);
    else if (what < 78 && !seen->snapshot)
        take(w, seen);
    else if (what < 82)
        release(seen);
    else if (what < 88)
        upkeep(w);
    else if (what < 95)
        check_get_at(w, seen->snapshot ? seen : NULL, rng_below(&w->rng, KEYS));
    else if (what < 98)
        hold_or_check(w, &w->held[rng_below(&w->rng, ITERS)], seen->snapshot ? seen : NULL);
    else
        check_scan(w, seen->snapshot ? seen : NULL);
}

static void begin(struct world *w, const char *who)
{
    memset(w, 0, sizeof *w);
    rng_init_env(&w->rng, who);
    w->fs = fs_sim_new();
    open_it(w);
}

/* Versions stay until a call asks for work: a thread would not wait for us. */
static void begin_alone(struct world *w, const char *who)
{
    struct strata_error err;

    begin(w, who);
    assert_ok(strata_close(w->db, &err), &err);
    open_with(w, 4096, true, 0);
}

static void end(struct world *w)
{
    struct strata_error err;

    release_all(w);
    assert_ok(strata_verify_deep(w->db, NULL, &err), &err);
    assert_ok(strata_close(w->db, &err), &err);
    assert_int_equal(fs_sim_open_files(w->fs), 0);
    fs_free(w->fs);
}

static void snapshots_agree_with_a_model(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "snapshots");
    for (int round = 0; round < (check_quick() ? 12 : 60); round++) {
        for (int steps = 0; steps < 300; steps++)
            step(&w);
        check_all(&w);
        check_killed(&w);
        w.coded += check_stat(w.db, "snapshot_bytes") > 0;
        if (below(&w, 3))
            reopen(&w);
    }
    assert_true(w.coded > 5);
    end(&w);
}

/* ---- What they cost -------------------------------------------------------------------------- */

static void put_all(struct world *w, const char *value)
{
    struct strata_error err;
    char key[16];

    for (int n = 0; n < 400; n++)
        assert_ok(strata_put(w->db, strata_bytes(key, (size_t)sprintf(key, "key %04d", n)),
                             S(value), &err),
                  &err);
    assert_ok(strata_flush(w->db, &err), &err);
}

static uint64_t table_bytes(struct world *w)
{
    struct strata_error err;
    uint64_t bytes;

    assert_ok(strata_compact(w->db, NULL, &err), &err);
    assert_ok(strata_approximate_size(w->db, S(""), S(""), &bytes, &err), &err);
    return bytes;
}

#define FIRST "the first value of this key, which has some more bytes than a version's number"

static void snapshot_released_gives_its_space_back(void **state)
{
    struct strata_snapshot *first, *second;
    struct strata_error err;
    struct world w;
    uint64_t one, bytes;

    (void)state;
    begin(&w, "space");
    put_all(&w, FIRST);
    one = table_bytes(&w);
    assert_int_equal(check_stat(w.db, "snapshots"), 0);
    assert_int_equal(check_stat(w.db, "snapshot_oldest"), 0);
    assert_ok(strata_snapshot_new(w.db, &first, &err), &err);
    assert_ok(strata_snapshot_new(w.db, &second, &err), &err);
    assert_int_equal(check_stat(w.db, "snapshots"), 2);
    assert_int_equal(check_stat(w.db, "snapshot_oldest"), 400);
    assert_int_equal(table_bytes(&w), one); /* nothing was written since */
    assert_int_equal(check_stat(w.db, "snapshot_bytes"), 0);
    for (int round = 0; round < 5;
         round++) /* of these the last is kept, for nobody else sees one */
        put_all(&w, "and another value of the key, which has more bytes than a version's number");
    bytes = table_bytes(&w);
    assert_in_range(bytes, one * 3 / 2, one * 3);
    assert_int_equal(check_stat(w.db, "snapshot_bytes"),
                     400 * (5 + 2 * 12 + strlen(FIRST))); /* chain.c */
    strata_snapshot_free(first);
    assert_in_range(table_bytes(&w), one * 3 / 2, one * 3);
    strata_snapshot_free(second);
    assert_in_range(table_bytes(&w), one * 9 / 10, one * 13 / 10);
    assert_int_equal(check_stat(w.db, "snapshot_bytes"), 0);
    end(&w);
}

/* Writes so many bytes of other keys, about. */
static void write_others(struct world *w, uint64_t bytes)
{
    static const char value[] = "of some bytes, so that a few hundred of them are many";
    struct strata_error err;
    char key[32];

    for (uint64_t done = 0; done < bytes; done += sizeof value + 20) {
        struct strata_slice name =
            strata_bytes(key, (size_t)sprintf(key, "other %012u", ++w->next));
        assert_ok(strata_put(w->db, name, S(value), &err), &err);
    }
}

/* A write that finds no debt does not take back what the release asked for. */
static void snapshot_released_is_compacted_beside_writes(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        struct strata_snapshot *snapshot;
        struct strata_error err;
        struct tree *tree;
        struct world w;
        uint64_t bytes;
        begin(&w, "steps of what is released");
        assert_ok(strata_close(w.db, &err), &err);
        open_with(&w, 4 << 20, true, seed);
        put_all(&w, FIRST);
        assert_ok(strata_snapshot_new(w.db, &snapshot, &err), &err);
        put_all(&w, "a second value");
        bytes = table_bytes(&w);
        assert_true(check_stat(w.db, "snapshot_bytes") > 0);
        write_others(&w, bytes);
        tree = w.db->self;
        tree->stale = false;  /* the last one was due by itself, */
        tree->pace_bytes = 0; /* and the next write looks at the debt */
        strata_snapshot_free(snapshot);
        write_others(&w, 2 * bytes);
        assert_int_equal(check_stat(w.db, "snapshot_bytes"), 0);
        end(&w);
    }
}

/* No call asks for it, and no memtable is flushed: the release itself makes the tables due, and
 * writes rewrite as many bytes of them as are written. */
static void snapshot_released_is_compacted_while_others_write(void **state)
{
    struct strata_snapshot *first, *second;
    struct strata_error err;
    struct world w;
    uint64_t bytes, flushes, before;

    (void)state;
    begin(&w, "pace of what is released");
    assert_ok(strata_close(w.db, &err), &err);
    open_with(&w, 4 << 20, true, 0);
    put_all(&w, FIRST);
    assert_ok(strata_snapshot_new(w.db, &first, &err), &err);
    put_all(&w, "a second value");
    assert_ok(strata_snapshot_new(w.db, &second, &err), &err);
    bytes = table_bytes(&w);
    flushes = check_stat(w.db, "flushes");
    before = check_stat(w.db, "snapshot_bytes");
    write_others(&w, 2 * bytes);
    strata_snapshot_free(second); /* the first one needs all of it */
    write_others(&w, 2 * bytes);
    assert_int_equal(check_stat(w.db, "snapshot_bytes"), before);
    strata_snapshot_free(first);
    write_others(&w, bytes / 4);
    assert_in_range(check_stat(w.db, "snapshot_bytes"), before / 2, before);
    write_others(&w, 2 * bytes);
    assert_int_equal(check_stat(w.db, "snapshot_bytes"), 0);
    assert_int_equal(check_stat(w.db, "flushes"), flushes);
    assert_get(w.db, "key 0007", "a second value");
    end(&w);
}

/* What a handle's snapshots left is due when the database is opened again. */
static void snapshot_of_an_earlier_handle_gives_its_space_back(void **state)
{
    struct strata_snapshot *snapshot;
    struct strata_error err;
    struct world w;

    (void)state;
    begin_alone(&w, "space of an earlier handle");
    put_all(&w, FIRST);
    assert_ok(strata_snapshot_new(w.db, &snapshot, &err), &err);
    put_all(&w, "a second value");
    strata_snapshot_free(snapshot);
    assert_ok(strata_close(w.db, &err), &err);
    open_with(&w, 4096, true, 0);
    assert_true(check_stat(w.db, "snapshot_bytes") > 0);
    assert_ok(strata_flush(w.db, &err), &err); /* all that is due */
    assert_int_equal(check_stat(w.db, "snapshot_bytes"), 0);
    end(&w);
}

struct counted {
    uint64_t deletes, versioned;
};

static void count_table(void *arg, const struct strata_table *table)
{
    struct counted *counted = arg;

    counted->deletes += table->tombstones;
    counted->versioned += table->versioned;
}

/* What a snapshot keeps is no delete. */
static void keys_with_versions_are_not_counted_as_deletes(void **state)
{
    struct strata_snapshot *snapshot;
    struct counted counted = {0};
    struct strata_error err;
    struct world w;

    (void)state;
    begin(&w, "counts");
    assert_put(w.db, "a", "old");
    assert_put(w.db, "b", "old");
    assert_ok(strata_snapshot_new(w.db, &snapshot, &err), &err);
    assert_put(w.db, "a", "new");
    assert_put(w.db, "c", "new");
    assert_ok(strata_flush(w.db, &err), &err);
    assert_ok(strata_tables(w.db, count_table, &counted, &err), &err);
    assert_int_equal(counted.deletes, 0);
    assert_int_equal(counted.versioned, 2);
    strata_snapshot_free(snapshot);
    end(&w);
}

/* ---- Copies and repairs ---------------------------------------------------------------------- */

/* A database whose tables have chains; it is closed. */
static void make_chains(struct world *w)
{
    struct strata_snapshot *snapshot;
    struct strata_error err;

    put_all(w, "older");
    assert_ok(strata_snapshot_new(w->db, &snapshot, &err), &err);
    put_all(w, "newer");
    assert_true(check_stat(w->db, "snapshot_bytes") > 0);
    assert_ok(strata_backup(w->db, "copy", NULL, &err), &err);
    strata_snapshot_free(snapshot);
    assert_ok(strata_close(w->db, &err), &err);
}

/* How many of the keys have their newest value; any other value is wrong. */
static int count_newest(struct strata_fs *fs, const char *dir)
{
    struct strata_options options;
    struct strata_error err;
    struct strata_iter *iter;
    struct strata *db;
    int count = 0, rc;

    subject_options(&options, fs, false);
    assert_ok(strata_open(dir, &options, &db, &err), &err);
    assert_ok(strata_verify_deep(db, NULL, &err), &err);
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        struct strata_slice value;
        assert_ok(strata_iter_value(iter, &value, &err), &err);
        assert_bytes(value, S("newer"));
        count++;
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    strata_iter_free(iter);
    assert_ok(strata_close(db, &err), &err);
    return count;
}

static void end_closed(struct world *w)
{
    open_it(w);
    end(w);
}

/* The copy has the versions, and nobody sees them. */
static void backup_with_chains_is_the_database(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "backup");
    make_chains(&w);
    assert_int_equal(count_newest(w.fs, "copy"), 400);
    assert_int_equal(count_newest(w.fs, DIR), 400);
    end_closed(&w);
}

/* Damages the first table with chains: its properties, or a byte of its first block. */
static void damage(struct strata_fs *fs, bool properties)
{
    struct fs_names names;
    bool done = false;

    assert_int_equal(fs_sim_paths(fs, DIR, &names), 0);
    for (size_t i = 0; !done && i < names.count; i++) {
        struct strata_buffer bytes = {0};
        char path[100];
        size_t size;
        if (!strstr(names.names[i], ".table"))
            continue;
        snprintf(path, sizeof path, DIR "/%s", names.names[i]);
        assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
        size = bytes.size;
        if (bytes.data[size - 14] == 1) { /* coded, in its footer */
            bytes.data[properties ? size - 30 : 60] ^= 1;
            assert_int_equal(fs_sim_put(fs, path, strata_buffer_slice(&bytes)), 0);
            done = true;
        }
        strata_buffer_free(&bytes);
    }
    assert_true(done);
    fs_names_free(&names);
}

/* Whatever is left of a damaged table, its chains are chains, and its newest versions are seen. */
static void repair_of_a_table_with_chains_keeps_the_newest(void **state)
{
    (void)state;
    for (int properties = 0; properties < 2; properties++) {
        struct strata_repair_sum sum;
        struct strata_options options;
        struct strata_error err;
        struct world w;
        int left;
        begin_alone(&w, "repair");
        make_chains(&w);
        damage(w.fs, properties);
        subject_options(&options, w.fs, false);
        assert_ok(strata_repair(DIR, &options, 0, NULL, &sum, &err), &err);
        assert_int_equal(sum.tables_salvaged, 1);
        left = count_newest(w.fs, DIR);
        assert_in_range(left, 350, properties ? 400 : 399);
        end_closed(&w);
    }
}

static int repair_as(struct world *w, unsigned stage, struct strata_error *err)
{
    struct strata_repair_sum sum;
    struct strata_options options;

    subject_options(&options, w->fs, false);
    options.stage = stage;
    return strata_repair(DIR, &options, 0, NULL, &sum, err);
}

/* Stage 9 has the same formats, and cannot read these tables: it is neither advised nor repaired
 * as. */
static void lost_marker_beside_chains_is_of_stage_10_or_later(void **state)
{
    struct strata_buffer none = {0};
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    struct world w;

    (void)state;
    begin_alone(&w, "marker");
    make_chains(&w);
    assert_ok(fs_remove(w.fs, DIR "/STRATA", &err), &err);
    strata_options_init(&options);
    options.fs = w.fs;
    assert_code(strata_open(DIR, &options, &db, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "(10 or ");
    assert_code(repair_as(&w, 9, &err), STRATA_ERR_WRONG_STAGE, &err);
    assert_err_says(&err, "10_concurrency");
    assert_int_not_equal(fs_sim_get(w.fs, DIR "/STRATA", &none), 0);
    assert_ok(repair_as(&w, 10, &err), &err);
    assert_int_equal(count_newest(w.fs, DIR), 400);
    end_closed(&w);
}

/* ---- Threads --------------------------------------------------------------------------------- */

struct pairs {
    struct strata *db;
    _Atomic bool over;
    _Atomic unsigned wrong, read;
};

static bool read_both(struct strata_snapshot *snapshot, struct strata_buffer values[2])
{
    struct strata_error err;
    return strata_snapshot_get(snapshot, S("left"), &values[0], &err) == 0 &&
           strata_snapshot_get(snapshot, S("right"), &values[1], &err) == 0;
}

/* Both values are of one batch, and stay what they are. */
static void *read_pairs(void *arg)
{
    struct strata_buffer values[2] = {{0}}, again[2] = {{0}};
    struct pairs *p = arg;

    while (!atomic_load(&p->over)) {
        struct strata_snapshot *snapshot;
        if (strata_snapshot_new(p->db, &snapshot, NULL) < 0) {
            p->wrong++;
            continue;
        }
        bool whole = read_both(snapshot, values) && read_both(snapshot, again);
        if (!whole ||
            strata_compare(strata_buffer_slice(&values[0]), strata_buffer_slice(&values[1])) != 0 ||
            strata_compare(strata_buffer_slice(&values[0]), strata_buffer_slice(&again[0])) != 0)
            p->wrong++;
        p->read++;
        strata_snapshot_free(snapshot);
    }
    for (int i = 0; i < 2; i++) {
        strata_buffer_free(&values[i]);
        strata_buffer_free(&again[i]);
    }
    return NULL;
}

static void write_pair(struct strata *db, int number)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    char value[100];
    size_t size = (size_t)sprintf(value, "%080d", number);

    assert_ok(strata_batch_put(batch, S("left"), strata_bytes(value, size), &err), &err);
    assert_ok(strata_batch_put(batch, S("right"), strata_bytes(value, size), &err), &err);
    assert_ok(strata_write(db, batch, 0, &err), &err);
    strata_batch_free(batch);
}

/* While memtables are flushed and tables merged. */
static void snapshots_of_threads_see_whole_batches(void **state)
{
    struct pairs p = {.db = NULL};
    pthread_t readers[2];
    struct world w;

    (void)state;
    begin(&w, "threads");
    p.db = w.db;
    write_pair(w.db, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_pairs, &p), 0);
    for (int n = 1; n < 3000 || atomic_load(&p.read) < 20; n++)
        write_pair(w.db, n);
    atomic_store(&p.over, true);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    assert_int_equal(atomic_load(&p.wrong), 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshots_agree_with_a_model),
        cmocka_unit_test(snapshot_released_gives_its_space_back),
        cmocka_unit_test(snapshot_released_is_compacted_beside_writes),
        cmocka_unit_test(snapshot_released_is_compacted_while_others_write),
        cmocka_unit_test(snapshot_of_an_earlier_handle_gives_its_space_back),
        cmocka_unit_test(keys_with_versions_are_not_counted_as_deletes),
        cmocka_unit_test(backup_with_chains_is_the_database),
        cmocka_unit_test(repair_of_a_table_with_chains_keeps_the_newest),
        cmocka_unit_test(lost_marker_beside_chains_is_of_stage_10_or_later),
        cmocka_unit_test(snapshots_of_threads_see_whole_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
