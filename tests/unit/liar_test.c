/* liar_test.c: an engine that lies once: each of its answers in turn is another one, by each way to
 * lie there is. Those who judge databases for the other tests (model.h, judge.h) must notice every
 * time. */
#include "test.h"

#include "engine_fake.h"
#include "crash/judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define ROWS 3

static const char *const keys[ROWS] = {"a", "b", "c"};
static const char *const values[ROWS] = {"1", "2", "3"};

/* ---- The lies -------------------------------------------------------------------------- */

enum lie {
    HONEST,
    MISSING,    /* "not found" of what is there */
    FOUND,      /* something where nothing is */
    VALUE,      /* another value */
    KEY,        /* another key: a later one */
    EARLIER,    /* the same: an earlier one */
    LEFT,       /* "not found", and a value all the same */
    ERROR,      /* an error, and it says so: no lie, but no answer either */
    BARE_ERROR, /* an error that says nothing */
    LIES
};
enum answer { GET, MOVE, OPEN_ITER, ROW_VALUE, VERIFY };

static struct {
    enum lie kind;
    unsigned at; /* which of the answers that it can be told for; 1: the next */
    bool told;
} liar;

static bool can_be_told(enum lie lie, enum answer answer, bool found)
{
    switch (lie) {
    case MISSING:
    case LEFT:
        return found && (answer == GET || (answer == MOVE && lie == MISSING));
    case FOUND:
        return !found && (answer == GET || answer == MOVE);
    case VALUE:
        return found && (answer == GET || answer == ROW_VALUE);
    case KEY:
    case EARLIER:
        return found && answer == MOVE;
    default:
        return lie != HONEST;
    }
}

static enum lie lie_for(enum answer answer, bool found)
{
    if (liar.told || !can_be_told(liar.kind, answer, found) || --liar.at > 0)
        return HONEST;
    liar.told = true;
    return liar.kind;
}

static int error_of(enum lie lie, struct strata_error *err)
{
    return lie == ERROR ? strata_fail_sys(err, EIO, "file", 0, "read") : STRATA_ERR_IO;
}

/* ---- The engine ------------------------------------------------------------------------ */

static int liar_get(void *self, struct strata_slice key, struct strata_buffer *value,
                    struct strata_error *err)
{
    const char *text = NULL;
    enum lie lie;

    (void)self;
    for (size_t i = 0; i < ROWS; i++)
        if (strata_compare(key, S(keys[i])) == 0)
            text = values[i];
    lie = lie_for(GET, text != NULL);
    if (lie == ERROR || lie == BARE_ERROR)
        return error_of(lie, err);
    if (lie == FOUND || lie == VALUE || lie == LEFT)
        text = "a lie";
    strata_buffer_clear(value);
    if (!text || lie == MISSING)
        return STRATA_NOT_FOUND;
    strata_buffer_append(value, text, strlen(text));
    return lie == LEFT ? STRATA_NOT_FOUND : 0;
}

struct liar_iter {
    struct strata_iter base;
    size_t at;
};

static int stand(struct strata_iter *iter, size_t at, struct strata_error *err)
{
    struct liar_iter *it = (struct liar_iter *)iter;
    enum lie lie = lie_for(MOVE, at < ROWS);

    if (lie == ERROR || lie == BARE_ERROR)
        return error_of(lie, err);
    if (lie == MISSING || (at >= ROWS && lie != FOUND))
        return STRATA_NOT_FOUND;
    it->at = at < ROWS ? at : ROWS - 1;
    iter->key = S(lie == KEY ? "z" : lie == EARLIER ? "" : lie == FOUND ? "y" : keys[it->at]);
    iter->has_value = false;
    return 0;
}

static int liar_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    size_t at = 0;
    while (at < ROWS && strata_compare(S(keys[at]), key) < 0)
        at++;
    return stand(iter, at, err);
}

static int liar_last(struct strata_iter *iter, struct strata_error *err)
{
    return stand(iter, ROWS - 1, err);
}

static int liar_next(struct strata_iter *iter, struct strata_error *err)
{
    return stand(iter, ((struct liar_iter *)iter)->at + 1, err);
}

static int liar_prev(struct strata_iter *iter, struct strata_error *err)
{
    return stand(iter, ((struct liar_iter *)iter)->at - 1, err); /* 0 - 1 is none too */
}

static int liar_value(struct strata_iter *iter, struct strata_error *err)
{
    enum lie lie = lie_for(ROW_VALUE, true);

    if (lie == ERROR || lie == BARE_ERROR)
        return error_of(lie, err);
    iter->value = S(lie == VALUE ? "a lie" : values[((struct liar_iter *)iter)->at]);
    iter->has_value = true;
    return 0;
}

static void liar_free(struct strata_iter *iter)
{
    free(iter);
}

static int liar_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    static const struct strata_iter_ops ops = {liar_seek, liar_last,  liar_next,
                                               liar_prev, liar_value, liar_free};
    enum lie lie = lie_for(OPEN_ITER, true);
    struct liar_iter *iter = lie == HONEST ? calloc(1, sizeof *iter) : NULL;

    (void)self;
    if (!iter)
        return error_of(lie, err);
    iter->base.ops = &ops;
    *out = &iter->base;
    return 0;
}

static int liar_verify(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    enum lie lie = lie_for(VERIFY, true);
    (void)self, (void)progress;
    return lie == HONEST ? 0 : error_of(lie, err);
}

/* ---- The judges ------------------------------------------------------------------------ */

struct court {
    struct strata *db;
    struct history history;
    struct model model;
};

static void open_court(struct court *court, struct strata_fs *fs, struct strata_engine *table)
{
    *table = engine_fake_table;
    table->get = liar_get;
    table->iter = liar_iter;
    table->verify = liar_verify;
    court->db = engine_fake_open(fs, table);
    court->history = (struct history){0};
    court->model = (struct model){0};
    for (size_t i = 0; i < ROWS; i++)
        history_put(&court->history, S(keys[i]), S(values[i]));
    history_put(&court->history, S("gone"), S("value")); /* "not found" is an answer too */
    history_delete(&court->history, S("gone"));
    history_model(&court->history, court->history.count, &court->model);
}

static void close_court(struct court *court)
{
    engine_fake_close(court->db);
    history_free(&court->history);
    model_free(&court->model);
}

static void set_lie(enum lie kind, unsigned at)
{
    liar.kind = kind;
    liar.at = at;
    liar.told = false;
}

static void model_compare_notices_every_lie(void **state)
{
    struct strata_engine table;
    struct court court;
    char why[300];

    open_court(&court, *state, &table);
    set_lie(HONEST, 0);
    assert_int_equal(model_compare(&court.model, court.db, why, sizeof why), 0);
    for (enum lie lie = HONEST + 1; lie < LIES; lie++)
        for (unsigned at = 1;; at++) {
            int rc;
            why[0] = '\0';
            set_lie(lie, at);
            rc = model_compare(&court.model, court.db, why, sizeof why);
            if (!liar.told) {
                assert_int_equal(rc, 0);
                assert_true(at > 1);
                break;
            }
            assert_int_equal(rc, 1);
            assert_true(why[0]);
        }
    close_court(&court);
}

static void model_read_passes_an_error_on(void **state)
{
    struct strata_engine table;
    struct model model = {0};
    struct strata_error err;
    struct court court;

    open_court(&court, *state, &table);
    for (unsigned at = 1;; at++) {
        set_lie(ERROR, at);
        check_clear(&err);
        if (model_read(&model, court.db, &err) == 0)
            break;
        assert_int_equal(err.code, STRATA_ERR_IO);
    }
    assert_false(liar.told);
    assert_true(model_equal(&model, &court.model));
    model_free(&model);
    close_court(&court);
}

/* An error is an honest answer if it says what it is. */
static void judge_all_notices_every_lie(void **state)
{
    struct strata_engine table;
    struct court court;

    open_court(&court, *state, &table);
    for (enum lie lie = HONEST; lie < LIES; lie++)
        for (unsigned at = 1;; at++) {
            struct answers answers = {0};
            set_lie(lie, at);
            judge_all(court.db, &court.history, &court.model, &answers);
            if (!liar.told) {
                assert_int_equal(answers.wrong + answers.errors, 0);
                assert_true(answers.right >= 4 + 2 + 1);
                break;
            }
            assert_int_equal(answers.wrong > 0, lie != ERROR);
            assert_int_equal(answers.errors > 0, lie == ERROR);
            assert_int_equal(answers.first_wrong[0] != '\0', lie != ERROR);
        }
    close_court(&court);
}

/* What is not promised is no error. */
static void judge_all_passes_over_a_verify_that_is_not_there(void **state)
{
    struct answers answers = {0};
    struct strata_engine table;
    struct court court;

    open_court(&court, *state, &table);
    table.verify = NULL;
    set_lie(HONEST, 0);
    judge_all(court.db, &court.history, &court.model, &answers);
    assert_int_equal(answers.wrong + answers.errors, 0);
    assert_int_equal(answers.right, 4 + 2);
    close_court(&court);
}

/* An error must be the one that its record tells of, and must say something. */
static void judge_call_notices_an_error_that_is_reported_badly(void **state)
{
    static const struct {
        int rc, code;
        const char *message;
        bool wrong;
    } calls[] = {{STRATA_ERR_IO, STRATA_ERR_IO, "read", false},
                 {STRATA_ERR_IO, STRATA_ERR_IO, "", true},
                 {STRATA_ERR_IO, STRATA_ERR_CORRUPT, "read", true},
                 {STRATA_ERR_IO, 0, "", true},
                 {STRATA_NOT_FOUND, 0, "", true}};

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct strata_error err = {.code = calls[i].code};
        struct answers answers = {0};
        strcpy(err.message, calls[i].message);
        judge_call(calls[i].rc, &err, &answers);
        assert_int_equal(answers.right, 0);
        assert_int_equal(answers.wrong, calls[i].wrong);
        assert_int_equal(answers.errors, !calls[i].wrong);
        assert_int_equal(answers.first_wrong[0] != '\0', calls[i].wrong);
        assert_int_equal(answers.first_error.code, calls[i].wrong ? 0 : STRATA_ERR_IO);
    }
}

#define FAKED(test) cmocka_unit_test_setup_teardown(test, engine_fake_setup, engine_fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKED(model_compare_notices_every_lie),
        FAKED(model_read_passes_an_error_on),
        FAKED(judge_all_notices_every_lie),
        FAKED(judge_all_passes_over_a_verify_that_is_not_there),
        cmocka_unit_test(judge_call_notices_an_error_that_is_reported_badly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
