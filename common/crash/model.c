/* model.c: see model.h. */
#include "crash/model.h"

#include "inspect/inspect.h"
#include "crash/need.h"
#include "text/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct strata_slice copy_bytes(struct strata_slice from)
{
    uint8_t *to = need(malloc(from.size + 1)); /* never NULL, so that ASan sees an overrun */
    if (from.size)
        memcpy(to, from.data, from.size);
    return strata_bytes(to, from.size);
}

static void free_bytes(struct strata_slice bytes)
{
    free((void *)(uintptr_t)bytes.data);
}

static bool same(struct strata_slice a, struct strata_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

size_t model_seek(const struct model *model, struct strata_slice key)
{
    size_t low = 0, high = model->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strata_compare(model->entries[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct model_entry *model_get(const struct model *model, struct strata_slice key)
{
    size_t at = model_seek(model, key);
    return at < model->count && same(model->entries[at].key, key) ? &model->entries[at] : NULL;
}

void model_put(struct model *model, struct strata_slice key, struct strata_slice value)
{
    size_t at = model_seek(model, key);

    if (at < model->count && same(model->entries[at].key, key)) {
        struct strata_slice old = model->entries[at].value;
        model->entries[at].value = copy_bytes(value);
        free_bytes(old);
        return;
    }
    if (model->count == model->capacity) {
        model->capacity = model->capacity ? 2 * model->capacity : 16;
        model->entries = need(realloc(model->entries, model->capacity * sizeof *model->entries));
    }
    memmove(model->entries + at + 1, model->entries + at,
            (model->count - at) * sizeof *model->entries);
    model->entries[at] = (struct model_entry){copy_bytes(key), copy_bytes(value)};
    model->count++;
}

bool model_delete(struct model *model, struct strata_slice key)
{
    size_t at = model_seek(model, key);

    if (at == model->count || !same(model->entries[at].key, key))
        return false;
    free_bytes(model->entries[at].key);
    free_bytes(model->entries[at].value);
    model->count--;
    memmove(model->entries + at, model->entries + at + 1,
            (model->count - at) * sizeof *model->entries);
    return true;
}

void model_apply(struct model *model, const struct strata_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ops[i].type == STRATA_OP_PUT)
            model_put(model, ops[i].key, ops[i].value);
        else
            model_delete(model, ops[i].key);
}

bool model_equal(const struct model *a, const struct model *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same(a->entries[i].key, b->entries[i].key) ||
            !same(a->entries[i].value, b->entries[i].value))
            return false;
    return true;
}

void model_copy(struct model *to, const struct model *from)
{
    model_free(to);
    for (size_t i = 0; i < from->count; i++)
        model_put(to, from->entries[i].key, from->entries[i].value);
}

void model_free(struct model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        free_bytes(model->entries[i].key);
        free_bytes(model->entries[i].value);
    }
    free(model->entries);
    *model = (struct model){0};
}

/* ---- For people ------------------------------------------------------------------------ */

/* Appended to a string of `capacity` bytes. A longer one than `most`: its size. */
static void put_bytes(struct strata_slice bytes, size_t most, char *to, size_t capacity)
{
    size_t used = strlen(to);

    if (bytes.size == 0)
        snprintf(to + used, capacity - used, "''");
    else if (bytes.size > most)
        snprintf(to + used, capacity - used, "<%zu bytes>", bytes.size);
    else
        to[used + text_encode(TEXT_ESCAPED, &bytes, (uint8_t *)to + used, capacity - used - 1)] = 0;
}

char *model_text(const struct model *model, char *to, size_t capacity)
{
    char entry[2 * (MODEL_SHOWN * TEXT_UNIT + TEXT_UNIT)];
    size_t used = 0;

    *to = '\0';
    for (size_t i = 0; i < model->count; i++) {
        snprintf(entry, sizeof entry, "%s", i ? " " : "");
        put_bytes(model->entries[i].key, MODEL_SHOWN, entry, sizeof entry);
        strcat(entry, "=");
        put_bytes(model->entries[i].value, MODEL_SHOWN, entry, sizeof entry);
        if (used + strlen(entry) + sizeof " ..." > capacity) {
            snprintf(to + used, capacity - used, " ...");
            break;
        }
        used += (size_t)snprintf(to + used, capacity - used, "%s", entry);
    }
    return to;
}

/* ---- Against a database ---------------------------------------------------------------- */

int model_read(struct model *model, struct strata *db, struct strata_error *err)
{
    struct strata_iter *iter;
    int rc = strata_iter_new(db, &iter, err);

    model_free(model);
    if (rc < 0)
        return rc;
    for (rc = strata_iter_first(iter, err); rc == 0; rc = strata_iter_next(iter, err)) {
        struct strata_slice value;
        rc = strata_iter_value(iter, &value, err);
        if (rc < 0)
            break;
        model_put(model, strata_iter_key(iter), value);
    }
    strata_iter_free(iter);
    return rc < 0 ? rc : 0;
}

struct verdict {
    char *why;
    size_t capacity;
};

static int failed(struct verdict *verdict, const char *doing, const struct strata_error *err)
{
    char text[600];
    snprintf(verdict->why, verdict->capacity, "%s: %s", doing,
             strata_error_text(err, text, sizeof text));
    return 1;
}

static int differs(struct verdict *verdict, const char *doing, const char *what,
                   struct strata_slice key)
{
    char text[80];
    snprintf(verdict->why, verdict->capacity, "%s: %s: key \"%s\"", doing, what,
             inspect_text(key, 16, text, sizeof text));
    return 1;
}

/* The iterator is positioned: is its entry `want`? */
static int compare_entry(const struct model_entry *want, struct strata_iter *iter, bool backwards,
                         const char *doing, struct verdict *verdict)
{
    struct strata_error err = {0};
    struct strata_slice value;
    int order = strata_compare(strata_iter_key(iter), want->key);

    if (order != 0)
        return differs(verdict, doing,
                       (order < 0) != backwards ? "not in the model" : "one was skipped",
                       strata_iter_key(iter));
    if (strata_iter_value(iter, &value, &err) != 0)
        return failed(verdict, doing, &err);
    return same(value, want->value) ? 0 : differs(verdict, doing, "another value", want->key);
}

static int compare_scan(const struct model *model, struct strata_iter *iter, bool backwards,
                        struct verdict *verdict)
{
    const char *doing = backwards ? "scan backwards" : "scan";
    struct strata_error err = {0};
    int rc = backwards ? strata_iter_last(iter, &err) : strata_iter_first(iter, &err);

    for (size_t i = 0; i < model->count; i++) {
        const struct model_entry *want = &model->entries[backwards ? model->count - 1 - i : i];
        if (rc < 0)
            return failed(verdict, doing, &err);
        if (rc > 0)
            return differs(verdict, doing, "ends before", want->key);
        if (compare_entry(want, iter, backwards, doing, verdict))
            return 1;
        rc = backwards ? strata_iter_prev(iter, &err) : strata_iter_next(iter, &err);
    }
    if (rc < 0)
        return failed(verdict, doing, &err);
    return rc == 0 ? differs(verdict, doing, "continues after the end", strata_iter_key(iter)) : 0;
}

static int compare_gets(const struct model *model, struct strata *db, struct verdict *verdict)
{
    struct strata_buffer value = {0};
    struct strata_error err = {0};
    int bad = 0;

    for (size_t i = 0; i < model->count && !bad; i++) {
        const struct model_entry *want = &model->entries[i];
        int rc = strata_get(db, want->key, &value, &err);
        if (rc < 0)
            bad = failed(verdict, "get", &err);
        else if (rc > 0)
            bad = differs(verdict, "get", "not found", want->key);
        else if (!same(strata_buffer_slice(&value), want->value))
            bad = differs(verdict, "get", "another value", want->key);
    }
    strata_buffer_free(&value);
    return bad;
}

int model_compare(const struct model *model, struct strata *db, char *why, size_t capacity)
{
    struct verdict verdict = {why, capacity};
    struct strata_error err = {0};
    struct strata_iter *iter;
    int bad;

    if (strata_iter_new(db, &iter, &err) < 0)
        return failed(&verdict, "iterator", &err);
    bad = compare_scan(model, iter, false, &verdict) || compare_scan(model, iter, true, &verdict);
    strata_iter_free(iter);
    return bad || compare_gets(model, db, &verdict);
}
