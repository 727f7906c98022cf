/* contract_thread_test.c: threads: one a handle at every stage; any number on one handle where the
 * stage promises it. cmocka knows one thread, so the others count what went wrong. */
#include "test.h"

#include "place.h"
#include "rng.h"
#include "strata_engine.h"
#include "crash/subject.h"
#include "tmpdir.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITERS 4
#define READERS 2
#define KEYS 20 /* of each writer */

struct worker {
    pthread_t thread;
    struct strata *db;
    unsigned number;
    uint64_t seed;
    struct model model;    /* what this writer's keys must hold in the end */
    char first_wrong[300]; /* "" while all is well */
    _Atomic bool *stop;    /* for readers */
    unsigned done;         /* operations */
};

static void wrong(struct worker *worker, const char *what, const struct strata_error *err)
{
    char text[200] = "";
    if (worker->first_wrong[0])
        return;
    snprintf(worker->first_wrong, sizeof worker->first_wrong, "%s: %s", what,
             err && err->code ? strata_error_text(err, text, sizeof text) : "a wrong answer");
}

/* A key of writer `writer`, and a value that says whose it is and of which key. */
static struct strata_slice key_of(char to[32], unsigned writer, uint64_t number)
{
    snprintf(to, 32, "w%u/%02u", writer, (unsigned)number);
    return strata_string(to);
}

static bool belongs(struct strata_slice key, struct strata_slice value)
{
    return value.size > key.size && memcmp(value.data, key.data, key.size) == 0 &&
           value.data[key.size] == '=';
}

static void *write_own_keys(void *arg)
{
    struct worker *worker = arg;
    struct strata_error err = {0};
    struct rng rng;

    rng_init(&rng, worker->seed);
    for (; worker->done < 150; worker->done++) {
        char text[32], filled[200];
        struct strata_slice key = key_of(text, worker->number, rng_below(&rng, KEYS)), value;
        int rc;
        snprintf(filled, sizeof filled, "%s=%u%.*s", text, worker->done, (int)rng_below(&rng, 100),
                 "........................................"
                 "............................................");
        value = strata_string(filled);
        if (rng_below(&rng, 4)) {
            rc = strata_put(worker->db, key, value, &err);
            model_put(&worker->model, key, value);
        } else {
            rc = strata_delete(worker->db, key, &err);
            model_delete(&worker->model, key);
        }
        if (rc < 0)
            wrong(worker, "write", &err);
        if (worker->done % 40 == 39 && strata_verify(worker->db, NULL, &err) < 0)
            wrong(worker, "verify", &err);
    }
    return NULL;
}

/* A scan is sorted, and each value belongs to its key. */
static void scan(struct worker *worker)
{
    struct strata_error err = {0};
    struct strata_iter *iter;
    struct strata_slice value;
    char before[32] = "";
    int rc;

    if (strata_iter_new(worker->db, &iter, &err) < 0) {
        wrong(worker, "iterator", &err);
        return;
    }
    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        struct strata_slice key = strata_iter_key(iter);
        if (key.size >= sizeof before || strata_compare(strata_string(before), key) >= 0)
            wrong(worker, "order of a scan", NULL);
        snprintf(before, sizeof before, "%.*s", (int)key.size, (const char *)key.data);
        if (strata_iter_value(iter, &value, &err) < 0)
            wrong(worker, "value", &err);
        else if (!belongs(key, value))
            wrong(worker, "value of another key", NULL);
    }
    if (rc < 0)
        wrong(worker, "scan", &err);
    strata_iter_free(iter);
}

static void *read_all_keys(void *arg)
{
    struct worker *worker = arg;
    struct strata_buffer value = {0};
    struct rng rng;

    rng_init(&rng, worker->seed);
    do {
        struct strata_error err = {0};
        char text[32];
        struct strata_slice key =
            key_of(text, (unsigned)rng_below(&rng, WRITERS), rng_below(&rng, KEYS));
        int rc = strata_get(worker->db, key, &value, &err);
        if (rc < 0)
            wrong(worker, "get", &err);
        else if (rc == 0 && !belongs(key, strata_buffer_slice(&value)))
            wrong(worker, "get of another key", NULL);
        if (worker->done++ % 8 == 0)
            scan(worker);
    } while (!*worker->stop);
    strata_buffer_free(&value);
    return NULL;
}

static void start(struct worker *worker, void *(*work)(void *arg))
{
    assert_int_equal(pthread_create(&worker->thread, NULL, work, worker), 0);
}

static void finish(struct worker *worker)
{
    assert_int_equal(pthread_join(worker->thread, NULL), 0);
    if (worker->first_wrong[0])
        fail_msg("thread %u: %s", worker->number, worker->first_wrong);
    assert_true(worker->done > 0);
}

static void merge(struct model *all, struct model *part)
{
    for (size_t i = 0; i < part->count; i++)
        model_put(all, part->entries[i].key, part->entries[i].value);
    model_free(part);
}

static void skip_unless_promised(void)
{
    if (!subject_promises(STRATA_PROMISE_THREADS)) {
        check_skipping("the stage promises one thread a handle");
        skip();
    }
}

/* Races between reading, flushing and merging are seen only where all three are done. (A stage that
 * has no memtable has no such statistic.) */
static void assert_flushed_and_merged(struct strata *db)
{
    uint64_t flushes, merges = 0, one;

    if (strata_property(db, "flushes", &flushes, NULL) != 0)
        return;
    assert_true(flushes > 1);
    if (strata_property(db, "merges", &one, NULL) == 0)
        merges += one;
    for (unsigned level = 0; level < 8; level++) {
        char name[32];
        snprintf(name, sizeof name, "level%u_compactions", level);
        if (strata_property(db, name, &one, NULL) == 0)
            merges += one;
    }
    assert_true(merges > 0);
}

static void thread_many_on_one_handle_agree_with_the_model(void **state)
{
    struct worker workers[WRITERS + READERS] = {{.number = 0}};
    _Atomic bool stop = false;
    struct model all = {0};
    struct strata *db;
    struct rng rng;

    skip_unless_promised();
    rng_init_env(&rng, __func__);
    db = place_open(*state, true);
    for (unsigned i = 0; i < WRITERS + READERS; i++) {
        workers[i].db = db;
        workers[i].number = i;
        workers[i].seed = rng_next(&rng);
        workers[i].stop = &stop;
        start(&workers[i], i < WRITERS ? write_own_keys : read_all_keys);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        finish(&workers[i]);
    stop = true;
    for (unsigned i = WRITERS; i < WRITERS + READERS; i++)
        finish(&workers[i]);
    for (unsigned i = 0; i < WRITERS; i++)
        merge(&all, &workers[i].model);
    assert_true(all.count > WRITERS);
    assert_flushed_and_merged(db);
    assert_model(&all, db);
    place_close(db);
    db = place_open(*state, false);
    assert_model(&all, db);
    place_close(db);
    model_free(&all);
}

/* Small enough for some flushes and merges of GROWTH keys, and not for hundreds. */
static void set_sizes(struct strata_options *options)
{
    options->segment_bytes = 1 << 20;
    options->memtable_bytes = 64 << 10;
    options->table_bytes = 64 << 10;
    options->level_bytes = 256 << 10;
}

/* ---- One writes, the others find what it says is there ---------------------------------- */

#define GROWTH 20000u /* keys: tables in memory grow many times meanwhile */

struct growth {
    pthread_t thread;
    struct strata *db;
    uint64_t seed;
    _Atomic unsigned *there; /* so many keys are acknowledged */
    unsigned asked;
    char first_wrong[400]; /* "" while all is well */
};

static void *find_what_is_there(void *arg)
{
    struct growth *g = arg;
    struct strata_buffer value = {0};
    struct rng rng;
    unsigned there;

    rng_init(&rng, g->seed);
    while ((there = *g->there) < GROWTH && !g->first_wrong[0]) {
        struct strata_error err = {0};
        char key[16];
        if (there == 0)
            continue;
        snprintf(key, sizeof key, "%08u", (unsigned)rng_below(&rng, there));
        if (strata_get(g->db, strata_string(key), &value, &err) != 0 || value.size != 8 ||
            memcmp(value.data, key, 8) != 0)
            snprintf(g->first_wrong, sizeof g->first_wrong, "key %s, which is there: %s", key,
                     err.code ? err.message : "not found, or another value");
        g->asked++;
    }
    strata_buffer_free(&value);
    return NULL;
}

static void thread_readers_find_what_was_acknowledged(void **state)
{
    struct growth readers[READERS] = {{.asked = 0}};
    struct strata_options options;
    struct strata_error err = {0};
    struct place *place = *state;
    _Atomic unsigned there = 0;
    struct strata *db;
    struct rng rng;

    skip_unless_promised();
    rng_init_env(&rng, __func__);
    subject_options(&options, place->fs, true);
    set_sizes(&options);
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    for (unsigned i = 0; i < READERS; i++) {
        readers[i].db = db;
        readers[i].seed = rng_next(&rng);
        readers[i].there = &there;
        assert_int_equal(pthread_create(&readers[i].thread, NULL, find_what_is_there, &readers[i]),
                         0);
    }
    for (unsigned i = 0; i < GROWTH; i++) {
        char key[16];
        snprintf(key, sizeof key, "%08u", i);
        if (strata_put(db, strata_string(key), strata_string(key), &err) < 0)
            break;
        there = i + 1;
        snprintf(key, sizeof key, "%08u", i / 2); /* once more, so that tables overlap */
        if (i % 8 == 0 && strata_put(db, strata_string(key), strata_string(key), &err) < 0)
            break;
    }
    there = GROWTH; /* the readers end */
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
    assert_int_equal(err.code, 0);
    for (unsigned i = 0; i < READERS; i++)
        if (readers[i].first_wrong[0])
            fail_msg("reader %u: %s", i, readers[i].first_wrong);
    assert_flushed_and_merged(db);
    place_close(db);
}

/* ---- One writes, a copy is made meanwhile ------------------------------------------------ */

struct copying {
    pthread_t thread;
    struct place *place;
    struct growth growth; /* as a reader's; `asked` is how many copies were looked at */
};

/* What is written after a copy was begun lies before and behind where it reads by then: the even
 * numbers come before the odd ones. */
static void name_number(char key[16], unsigned number)
{
    snprintf(key, 16, "%c%08u", number % 2 ? 'b' : 'a', number);
}

/* So many keys, 0, 1, 2, ..., are in the copy, and no others: CORRUPT. */
static int count_copied(struct strata *copy, unsigned *count, struct strata_error *err)
{
    unsigned next[2] = {0, 1};
    struct strata_iter *iter;
    int rc = strata_iter_new(copy, &iter, err);

    if (rc < 0)
        return rc;
    for (rc = strata_iter_first(iter, err); rc == 0; rc = strata_iter_next(iter, err)) {
        unsigned odd = strata_compare(strata_iter_key(iter), strata_string("b")) > 0;
        char key[16];
        name_number(key, next[odd]);
        if (strata_compare(strata_iter_key(iter), strata_string(key)) != 0)
            break;
        next[odd] += 2;
    }
    strata_iter_free(iter);
    *count = next[0] < next[1] ? next[0] : next[1];
    if (rc == 0 || (rc > 0 && next[0] + next[1] != 2 * *count + 1))
        rc = strata_fail(err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                         "not of one time: the first even key missing is %u, the first odd one %u",
                         next[0], next[1]);
    return rc < 0 ? rc : 0;
}

static int look_at_copy(struct copying *c, const char *to, unsigned *count,
                        struct strata_error *err)
{
    struct strata *copy;
    int rc = strata_backup(c->growth.db, to, NULL, err), closed;

    if (rc == 0)
        rc = subject_open(c->place->fs, to, false, &copy, err);
    if (rc < 0)
        return rc;
    rc = count_copied(copy, count, err);
    if (rc == 0)
        rc = strata_verify(copy, NULL, err);
    closed = strata_close(copy, rc == 0 ? err : NULL);
    return rc < 0 ? rc : closed;
}

static void *make_copies(void *arg)
{
    struct copying *c = arg;
    struct growth *g = &c->growth;
    unsigned before, count;

    while (g->asked < 4 && !g->first_wrong[0]) {
        struct strata_error err = {0};
        char *to = tmpdir_path(c->place->root, "copy%u", g->asked);
        int rc;
        while ((before = *g->there) < (g->asked + 1) * (GROWTH / 5)) /* of some size */
            sched_yield();
        rc = look_at_copy(c, to, &count, &err);
        if (rc < 0 || count < before)
            snprintf(g->first_wrong, sizeof g->first_wrong,
                     "copy %u has %u keys, %u were there: %s", g->asked, rc < 0 ? 0 : count, before,
                     rc < 0 ? err.message : "some are lost");
        g->asked++;
        free(to);
    }
    return NULL;
}

static void thread_copy_made_meanwhile_is_of_one_time(void **state)
{
    struct copying copying = {.place = *state};
    struct strata_options options;
    struct strata_error err = {0};
    _Atomic unsigned there = 0;

    skip_unless_promised();
    subject_options(&options, copying.place->fs, true);
    set_sizes(&options);
    assert_ok(strata_open(copying.place->dir, &options, &copying.growth.db, &err), &err);
    copying.growth.there = &there;
    assert_int_equal(pthread_create(&copying.thread, NULL, make_copies, &copying), 0);
    for (unsigned i = 0; i < GROWTH; i++) {
        char key[16];
        name_number(key, i);
        if (strata_put(copying.growth.db, strata_string(key), strata_string(key), &err) < 0)
            break;
        there = i + 1;
    }
    there = GROWTH; /* no copy waits any longer */
    assert_int_equal(pthread_join(copying.thread, NULL), 0);
    assert_int_equal(err.code, 0);
    if (copying.growth.first_wrong[0])
        fail_msg("%s", copying.growth.first_wrong);
    assert_int_equal(copying.growth.asked, 4);
    assert_flushed_and_merged(copying.growth.db);
    place_close(copying.growth.db);
}

/* Writes and reads a database of its own. */
static void *use_own_database(void *arg)
{
    struct worker *worker = arg;

    write_own_keys(worker);
    scan(worker);
    return NULL;
}

static void thread_one_a_handle_disturbs_no_other(void **state)
{
    struct place *place = *state;
    struct worker workers[WRITERS] = {{.number = 0}};
    struct strata_error err;
    struct rng rng;

    rng_init_env(&rng, __func__);
    for (unsigned i = 0; i < WRITERS; i++) {
        char *dir = tmpdir_path(place->root, "db%u", i);
        assert_ok(subject_open(place->fs, dir, true, &workers[i].db, &err), &err);
        free(dir);
        workers[i].number = i;
        workers[i].seed = rng_next(&rng);
        start(&workers[i], use_own_database);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        finish(&workers[i]);
        assert_model(&workers[i].model, workers[i].db);
        place_close(workers[i].db);
        model_free(&workers[i].model);
    }
}

#define thread_test(f) cmocka_unit_test_setup_teardown(f, place_setup_sim, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        thread_test(thread_many_on_one_handle_agree_with_the_model),
        thread_test(thread_readers_find_what_was_acknowledged),
        thread_test(thread_copy_made_meanwhile_is_of_one_time),
        thread_test(thread_one_a_handle_disturbs_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
