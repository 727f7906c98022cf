/* contract_model_test.c: random sequences of operations against a sorted map. Many short ones over
 * few keys find what depends on order; a few long ones over many keys find what depends on size.
 * A failure prints the seed of its sequence: STRATA_SEED=that runs it first. */
#include "test.h"

#include "inspect/inspect.h"
#include "place.h"
#include "rng.h"
#include "crash/subject.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIEWS 3 /* iterators open at a time */

/* An open iterator with what it must see. */
struct view {
    struct strata_iter *iter; /* NULL: none */
    struct model model;
    size_t at; /* the entry it stands on; model.count or more: nowhere */
};

struct shape {
    size_t steps;
    size_t keys;       /* in the key space; 0: any short strings of few letters */
    size_t key_size;   /* one key in 16 is about that long */
    size_t value_size; /* most bytes of a usual value */
    size_t large_size; /* one value in 50 is up to that */
};

struct run {
    struct place *place;
    char *dir; /* the place's own; each sequence has another */
    struct shape shape;
    struct strata *db;
    struct model model;
    struct view views[VIEWS];
    struct rng rng;
    uint64_t seed;               /* of this sequence */
    size_t step;                 /* under way, from 1 */
    const char *doing;           /* name of that step's operation */
    uint8_t *value;              /* large_size bytes */
    uint8_t key[STRATA_MAX_KEY]; /* of the step */
    bool ended;
};

static uint64_t below(struct run *run, uint64_t bound)
{
    return rng_below(&run->rng, bound);
}

/* ---- Keys and values -------------------------------------------------------------------- */

/* Few letters, so that many keys begin alike; both ends of the byte's range among them. */
static struct strata_slice any_key(struct run *run)
{
    static const uint8_t letters[] = {0x00, 0xff, 'a', 'b', '\n'};
    size_t size = below(run, 8);

    if (run->shape.keys) {
        uint64_t number = below(run, run->shape.keys);
        size = (size_t)snprintf((char *)run->key, 40, "prefix/%" PRIu64, number);
        if (number % 16 == 0) {
            memset(run->key + size, 'x', run->shape.key_size);
            size += run->shape.key_size;
        }
        return strata_bytes(run->key, size);
    }
    for (size_t i = 0; i < size; i++)
        run->key[i] = letters[below(run, sizeof letters)];
    if (size > 5) /* most keys come up again */
        size = 1;
    return strata_bytes(run->key, size);
}

static struct strata_slice any_value(struct run *run)
{
    bool large = run->shape.large_size && below(run, 50) == 0;
    size_t size = below(run, 1 + (large ? run->shape.large_size : run->shape.value_size));
    rng_fill(&run->rng, run->value, size < 64 ? size : 64);
    return strata_bytes(run->value, size);
}

/* ---- Steps ------------------------------------------------------------------------------ */

static void do_put(struct run *run)
{
    struct strata_slice key = any_key(run), value = any_value(run);
    struct strata_error err;
    assert_ok(strata_put(run->db, key, value, &err), &err);
    model_put(&run->model, key, value);
}

static void do_delete(struct run *run)
{
    struct strata_slice key = any_key(run);
    struct strata_error err;
    assert_ok(strata_delete(run->db, key, &err), &err);
    model_delete(&run->model, key);
}

static void do_batch(struct run *run)
{
    struct strata_batch *batch = strata_batch_new();
    size_t count = subject_promises(STRATA_PROMISE_BATCH) ? below(run, 12) : below(run, 2);
    bool sync = subject_promises(STRATA_PROMISE_POWER_CUT) && below(run, 4) == 0;
    struct strata_error err;

    for (size_t i = 0; i < count; i++)
        if (below(run, 3)) {
            struct strata_slice key = any_key(run);
            assert_ok(strata_batch_put(batch, key, any_value(run), &err), &err);
        } else {
            assert_ok(strata_batch_delete(batch, any_key(run), &err), &err);
        }
    assert_ok(strata_write(run->db, batch, sync ? STRATA_WRITE_SYNC : 0, &err), &err);
    for (size_t i = 0; i < count; i++) {
        struct strata_op op = strata_batch_at(batch, i);
        model_apply(&run->model, &op, 1);
    }
    strata_batch_free(batch);
}

static void do_get(struct run *run)
{
    struct strata_slice key = any_key(run);
    const struct model_entry *want = model_get(&run->model, key);
    struct strata_buffer value = {0};
    struct strata_error err;

    assert_code(strata_get(run->db, key, &value, &err), want ? STRATA_OK : STRATA_NOT_FOUND, &err);
    assert_bytes(strata_buffer_slice(&value), want ? want->value : strata_bytes(NULL, 0));
    strata_buffer_free(&value);
}

static void end_view(struct view *view)
{
    strata_iter_free(view->iter);
    model_free(&view->model);
    view->iter = NULL;
}

static void do_view(struct run *run)
{
    struct view *view = &run->views[below(run, VIEWS)];
    struct strata_error err;

    end_view(view);
    if (below(run, 4) == 0)
        return;
    assert_ok(strata_iter_new(run->db, &view->iter, &err), &err);
    model_copy(&view->model, &run->model);
    view->at = SIZE_MAX;
}

/* One move of a view: its result, and the entry where it must now stand. */
static int move_view(struct run *run, struct view *view, struct strata_error *err)
{
    struct strata_slice key = any_key(run);
    bool positioned = view->at < view->model.count;

    switch (below(run, positioned ? 12 : 4)) {
    case 0:
        view->at = 0;
        return strata_iter_first(view->iter, err);
    case 1:
        view->at = view->model.count - 1;
        return strata_iter_last(view->iter, err);
    case 2:
        view->at = model_seek(&view->model, key);
        return strata_iter_seek(view->iter, key, err);
    case 3:
        view->at = model_seek(&view->model, key) - 1;
        return strata_iter_seek_before(view->iter, key, err);
    case 4:
    case 5:
    case 6:
    case 7:
        view->at++;
        return strata_iter_next(view->iter, err);
    default:
        view->at--;
        return strata_iter_prev(view->iter, err);
    }
}

static void do_move(struct run *run)
{
    struct view *view = &run->views[below(run, VIEWS)];
    struct strata_slice value;
    struct strata_error err = {0};

    if (!view->iter)
        return;
    for (uint64_t moves = 1 + below(run, 4); moves; moves--) {
        int rc = move_view(run, view, &err);
        bool there = view->at < view->model.count;
        check_code(rc, there ? STRATA_OK : STRATA_NOT_FOUND, &err, "a move", __FILE__, __LINE__);
        assert_true(strata_iter_positioned(view->iter) == there);
        if (there) {
            assert_bytes(strata_iter_key(view->iter), view->model.entries[view->at].key);
            if (below(run, 2)) {
                assert_ok(strata_iter_value(view->iter, &value, &err), &err);
                assert_bytes(value, view->model.entries[view->at].value);
            }
        }
    }
}

static void do_compare(struct run *run)
{
    assert_model(&run->model, run->db);
}

/* Of all keys, or of those between two. */
static int compact(struct run *run, struct strata_error *err)
{
    struct strata_buffer from = {0};
    struct strata_slice to;
    int rc;

    if (below(run, 2))
        return strata_compact(run->db, NULL, err);
    to = any_key(run);
    strata_buffer_append(&from, to.data, to.size);
    to = any_key(run);
    rc = strata_compact_range(run->db, strata_buffer_slice(&from), to, NULL, err);
    strata_buffer_free(&from);
    return rc;
}

static void do_upkeep(struct run *run)
{
    struct strata_error err = {0};
    int rc = 0;

    switch (below(run, 4)) {
    case 0:
        assert_ok(strata_verify(run->db, NULL, &err), &err);
        break;
    case 1:
        rc = compact(run, &err);
        assert_int_equal(rc,
                         subject_promises(STRATA_PROMISE_COMPACT) ? 0 : STRATA_ERR_NOT_SUPPORTED);
        break;
    case 2:
        rc = strata_sync(run->db, &err);
        assert_int_equal(rc,
                         subject_promises(STRATA_PROMISE_POWER_CUT) ? 0 : STRATA_ERR_NOT_SUPPORTED);
        break;
    default:
        rc = strata_flush(run->db, &err);
        assert_true(rc == 0 || rc == STRATA_ERR_NOT_SUPPORTED);
    }
}

static void open_for_writing(struct run *run, bool create)
{
    struct strata_options options;
    struct strata_error err;

    subject_options(&options, run->place->fs, create);
    if (subject_promises(STRATA_PROMISE_POWER_CUT))
        options.sync = (enum strata_sync)below(run, 4);
    if (below(run, 4) == 0)
        options.compaction = options.compaction == STRATA_COMPACTION_LEVELED
                                 ? STRATA_COMPACTION_TIERED
                                 : STRATA_COMPACTION_LEVELED;
    assert_ok(strata_open(run->place->dir, &options, &run->db, &err), &err);
}

static void do_reopen(struct run *run)
{
    struct strata_options options;
    struct strata_error err;

    for (size_t i = 0; i < VIEWS; i++)
        end_view(&run->views[i]);
    place_close(run->db);
    run->db = NULL;
    subject_options(&options, run->place->fs, false);
    if (below(run, 2)) {
        options.read_only = true;
        assert_ok(strata_open(run->place->dir, &options, &run->db, &err), &err);
        assert_code(strata_delete(run->db, any_key(run), &err), STRATA_ERR_READ_ONLY, &err);
        assert_model(&run->model, run->db);
        place_close(run->db);
    }
    open_for_writing(run, false);
}

static const struct {
    const char *name;
    unsigned weight;
    void (*step)(struct run *run);
} kinds[] = {
    {"put", 30, do_put},        {"delete", 14, do_delete},    {"batch", 8, do_batch},
    {"get", 14, do_get},        {"new iterator", 8, do_view}, {"move", 20, do_move},
    {"compare", 2, do_compare}, {"upkeep", 2, do_upkeep},     {"reopen", 2, do_reopen},
};

static void one_step(struct run *run)
{
    uint64_t draw = below(run, 100);
    size_t kind = 0;

    for (; draw >= kinds[kind].weight; kind++)
        draw -= kinds[kind].weight;
    run->doing = kinds[kind].name;
    kinds[kind].step(run);
}

static void one_sequence(struct run *run)
{
    rng_init(&run->rng, run->seed);
    open_for_writing(run, true);
    for (run->step = 1; run->step <= run->shape.steps; run->step++)
        one_step(run);
    run->doing = "the last comparison";
    for (int reopened = 0; reopened < 2; reopened++) {
        do_compare(run);
        do_reopen(run);
    }
    place_close(run->db);
    run->db = NULL;
    model_free(&run->model);
}

/* ---- Tests ------------------------------------------------------------------------------ */

static int setup(void **state, int (*place)(void **state))
{
    struct run *run = calloc(1, sizeof *run);
    if (!run || place(state) != 0)
        return -1;
    run->place = *state;
    run->dir = run->place->dir;
    *state = run;
    return 0;
}

static int setup_real(void **state)
{
    return setup(state, place_setup);
}

static int setup_sim(void **state)
{
    return setup(state, place_setup_sim);
}

static int run_teardown(void **state)
{
    struct run *run = *state;
    void *place = run->place;
    int rc;

    if (!run->ended)
        print_error("step %zu (%s) of the sequence: STRATA_SEED=%" PRIu64 " runs it first\n",
                    run->step, run->doing, run->seed);
    free(run->value);
    run->place->dir = run->dir;
    rc = place_teardown(&place);
    free(run);
    return rc;
}

/* `count` sequences, each in a directory of its own, each with a seed of its own. */
static void run_sequences(struct run *run, const char *name, size_t count, struct shape shape)
{
    struct rng seeds;

    run->seed = rng_init_env(&seeds, name);
    run->shape = shape;
    run->value = calloc(1, shape.value_size + shape.large_size + 64);
    assert_non_null(run->value);
    for (size_t i = 0; i < count; i++, run->seed = rng_next(&seeds)) {
        char dir[300];
        snprintf(dir, sizeof dir, "%s%zu", run->dir, i);
        run->place->dir = dir;
        one_sequence(run);
    }
    run->ended = true;
}

/* How many sequences: a sanitizer makes them several times as dear. */
static size_t times(size_t quick, size_t full)
{
    return check_quick() ? quick : check_sanitized() ? (quick + full) / 2 : full;
}

static void model_short_sequences_over_few_keys_agree(void **state)
{
    run_sequences(*state, __func__, times(60, 500), (struct shape){80, 0, 0, 24, 0});
}

static void model_short_sequences_on_the_real_file_system_agree(void **state)
{
    run_sequences(*state, __func__, times(5, 20), (struct shape){80, 0, 0, 24, 0});
}

static void model_long_sequences_over_many_keys_agree(void **state)
{
    run_sequences(*state, __func__, times(1, 3), (struct shape){2500, 250, 100, 60, 0});
}

/* Values around and above what a stage may keep in one window, block or buffer. */
static void model_sequences_with_large_values_agree(void **state)
{
    run_sequences(*state, __func__, times(1, 4), (struct shape){300, 40, 60000, 5000, 400000});
}

/* On a real one each sync has its price, so there is one. */
static void model_sequence_with_large_values_on_the_real_file_system_agrees(void **state)
{
    run_sequences(*state, __func__, 1, (struct shape){150, 40, 60000, 5000, 400000});
}

#define sim_test(f) cmocka_unit_test_setup_teardown(f, setup_sim, run_teardown)
#define real_test(f) cmocka_unit_test_setup_teardown(f, setup_real, run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        sim_test(model_short_sequences_over_few_keys_agree),
        real_test(model_short_sequences_on_the_real_file_system_agree),
        sim_test(model_long_sequences_over_many_keys_agree),
        sim_test(model_sequences_with_large_values_agree),
        real_test(model_sequence_with_large_values_on_the_real_file_system_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
