/* judge.c: see judge.h. */
#include "crash/judge.h"

#include "inspect/inspect.h"
#include "crash/subject.h"

#include <stdarg.h>
#include <stdio.h>

static void wrong(struct answers *answers, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void wrong(struct answers *answers, const char *format, ...)
{
    va_list args;
    if (answers->wrong++)
        return;
    va_start(args, format);
    vsnprintf(answers->first_wrong, sizeof answers->first_wrong, format, args);
    va_end(args);
}

static bool same(struct strata_slice a, struct strata_slice b)
{
    return strata_compare(a, b) == 0;
}

void judge_call(int rc, const struct strata_error *err, struct answers *answers)
{
    if (rc == 0) {
        answers->right++;
    } else if (rc > 0 || err->code != rc || !err->message[0]) {
        wrong(answers, "a call returned %d, and its error record says %d \"%s\"", rc, err->code,
              err->message);
    } else if (answers->errors++ == 0) {
        answers->first_error = *err;
    }
}

static void judge_get(struct strata *db, struct strata_slice key, const struct model *model,
                      struct answers *answers)
{
    const struct model_entry *want = model_get(model, key);
    struct strata_buffer value = {0};
    struct strata_error err = {0};
    char name[80];
    int rc = strata_get(db, key, &value, &err);

    inspect_text(key, 16, name, sizeof name);
    if (rc < 0)
        judge_call(rc, &err, answers);
    else if (rc == STRATA_NOT_FOUND && want)
        wrong(answers, "get \"%s\": not found", name);
    else if (rc == 0 && !want)
        wrong(answers, "get \"%s\": found, and it should not be there", name);
    else if (rc == 0 && !same(strata_buffer_slice(&value), want->value))
        wrong(answers, "get \"%s\": another value, of %zu bytes", name, value.size);
    else
        answers->right++;
    if (rc != 0 && value.size)
        wrong(answers, "get \"%s\": returned %d and left %zu bytes", name, rc, value.size);
    strata_buffer_free(&value);
}

void judge_gets(struct strata *db, const struct history *history, const struct model *model,
                struct answers *answers)
{
    struct model named = {0}; /* each key once */

    for (size_t i = 0; i < history->op_count; i++)
        model_put(&named, history->ops[i].key, strata_bytes(NULL, 0));
    for (size_t i = 0; i < named.count; i++)
        judge_get(db, named.entries[i].key, model, answers);
    model_free(&named);
}

/* The row at the iterator's position: 0, or < 0 when its value cannot be read. */
static int judge_row(struct strata_iter *iter, const struct model_entry *want, bool *fits,
                     struct strata_error *err)
{
    struct strata_slice value;
    int rc;

    *fits = want && same(strata_iter_key(iter), want->key);
    if (!*fits)
        return 0;
    rc = strata_iter_value(iter, &value, err);
    *fits = rc < 0 || same(value, want->value);
    return rc;
}

/* Damage ends a scan: the iterator is not positioned and cannot move on. */
static void judge_stop(struct strata_iter *iter, int rc, const struct strata_error *err,
                       bool of_a_move, struct answers *answers)
{
    judge_call(rc, err, answers);
    if (of_a_move && (strata_iter_positioned(iter) || strata_iter_key(iter).size ||
                      strata_iter_next(iter, NULL) != STRATA_ERR_INVALID))
        wrong(answers, "a scan continued after an error");
}

void judge_iter(struct strata_iter *iter, const struct model *model, bool backwards,
                struct answers *answers)
{
    const char *how = backwards ? "scan backwards" : "scan";
    struct strata_error err = {0};
    int rc = backwards ? strata_iter_last(iter, &err) : strata_iter_first(iter, &err);
    size_t seen = 0;

    for (; rc == 0; seen++) {
        size_t at = backwards ? model->count - 1 - seen : seen;
        bool fits;
        rc = judge_row(iter, at < model->count ? &model->entries[at] : NULL, &fits, &err);
        if (rc < 0) {
            judge_stop(iter, rc, &err, false, answers);
            return;
        }
        if (!fits) {
            wrong(answers, "%s: row %zu is not the model's", how, seen + 1);
            return;
        }
        rc = backwards ? strata_iter_prev(iter, &err) : strata_iter_next(iter, &err);
    }
    if (rc < 0)
        judge_stop(iter, rc, &err, true, answers);
    else if (seen < model->count)
        wrong(answers, "%s: %zu rows, and there should be %zu", how, seen, model->count);
    else
        answers->right++;
}

void judge_scan(struct strata *db, const struct model *model, bool backwards,
                struct answers *answers)
{
    struct strata_error err = {0};
    struct strata_iter *iter;
    int rc = strata_iter_new(db, &iter, &err);

    if (rc < 0) {
        judge_call(rc, &err, answers);
        return;
    }
    judge_iter(iter, model, backwards, answers);
    strata_iter_free(iter);
}

void judge_verify(struct strata *db, bool deep, struct answers *answers)
{
    struct strata_error err = {0};
    int rc = deep ? strata_verify_deep(db, NULL, &err) : strata_verify(db, NULL, &err);
    if (rc != STRATA_ERR_NOT_SUPPORTED)
        judge_call(rc, &err, answers);
}

void judge_answers(struct strata *db, const struct history *history, const struct model *model,
                   struct answers *answers)
{
    judge_gets(db, history, model, answers);
    judge_scan(db, model, false, answers);
    judge_scan(db, model, true, answers);
}

void judge_all(struct strata *db, const struct history *history, const struct model *model,
               struct answers *answers)
{
    judge_answers(db, history, model, answers);
    judge_verify(db, false, answers);
}

/* ---- Damage ---------------------------------------------------------------------------- */

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[OUTCOMES] = {"detected", "harmless", "prefix", "wrong"};
    return names[outcome];
}

/* Read-only first: it repairs nothing, so both openings see the same bytes. */
static void ask(struct strata_fs *fs, const char *dir, const struct history *history,
                const struct model *model, struct answers *answers)
{
    for (int writing = 0; writing <= 1; writing++) {
        struct strata_options options;
        struct strata_error err = {0};
        struct strata *db;
        int rc;

        subject_options(&options, fs, false);
        options.read_only = !writing;
        rc = strata_open(dir, &options, &db, &err);
        judge_call(rc, &err, answers);
        if (rc < 0)
            continue;
        judge_all(db, history, model, answers);
        rc = strata_close(db, &err);
        judge_call(rc, &err, answers);
    }
}

/* Finds the largest n, less than all, after whose writes a scan would be what it is now. */
static bool find_earlier(struct strata_fs *fs, const char *dir, const struct history *history,
                         size_t *found)
{
    struct model model = {0}, now = {0};
    struct strata *db;
    bool any = false;

    if (subject_open(fs, dir, false, &db, NULL) < 0)
        return false;
    if (model_read(&now, db, NULL) == 0)
        for (size_t n = 0; n < history->count; n++) {
            if (n > 0)
                history_apply(history, n, &model);
            if (model_equal(&model, &now)) {
                *found = n;
                any = true;
            }
        }
    strata_close(db, NULL);
    model_free(&model);
    model_free(&now);
    return any;
}

void judge_dir(struct strata_fs *fs, const char *dir, const struct history *history,
               struct judgement *judgement)
{
    struct answers earlier = {0};
    struct model model = {0};
    size_t n;

    *judgement = (struct judgement){.n = history->count};
    history_model(history, history->count, &model);
    ask(fs, dir, history, &model, &judgement->answers);
    judgement->outcome = judgement->answers.wrong    ? OUTCOME_WRONG
                         : judgement->answers.errors ? OUTCOME_DETECTED
                                                     : OUTCOME_HARMLESS;
    if (judgement->outcome == OUTCOME_WRONG && find_earlier(fs, dir, history, &n)) {
        history_model(history, n, &model);
        ask(fs, dir, history, &model, &earlier);
        if (!earlier.wrong && !earlier.errors) {
            judgement->outcome = OUTCOME_PREFIX;
            judgement->n = n;
        }
    }
    model_free(&model);
}
