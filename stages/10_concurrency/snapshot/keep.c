/* keep.c: see keep.h.
 *
 *   versions of a key     90   70   55   40   30        snapshots 60 and 35
 *   go on                 90   -    55   -    30
 *   stored                chain of 90, 55, 0            snapshot 35 is the oldest
 *
 * 10.I3: of two versions one goes on for a snapshot that sees both: the newer one. What no snapshot
 *        tells apart from a newer version is dropped.
 * 10.I4: a version that every snapshot sees loses its number (10.I1). Alone it is stored without a
 *        chain, as without snapshots.
 * 10.I5: a delete that ends a chain is dropped when no older table has the key: there is nothing
 *        left that it hides. Not before: a snapshot that sees it must not find what is below.
 * 10.I6: the snapshots are those that existed when the flush or compaction began. One that is taken
 *        later is newer than all inputs; one that was released meanwhile may cost some versions.
 * 10.I8: a chain that no table could hold (CHAIN_MAX) fails, and the error names an input that has
 *        the key: compactions leave that table alone (7.I14), and go on elsewhere. */
#include "keep.h"
#include "base/array.h"
#include "base/bytes.h"
#include "chain.h"

#include <assert.h>
#include <stdlib.h>

struct keep {
    struct cursor base;
    struct compaction *c;
    struct cursor *from;
    uint64_t *numbers; /* of the snapshots (10.I6) */
    size_t count;
    bool ended;                /* `from` is */
    struct strata_buffer key;  /* the present one, or the one that was shown last */
    struct strata_buffer kept; /* values of its versions, one behind the other */
    struct chain_version *versions;
    size_t version_count, version_room;
    struct strata_buffer coded;
};

/* ---- Which versions -------------------------------------------------------------------------- */

/* Snapshots that do not see operation `number`. */
static size_t snapshots_before(const struct keep *k, uint64_t number)
{
    size_t at = 0, n = number ? k->count : 0;

    while (n) {
        size_t half = n / 2;
        bool sees_it = k->numbers[at + half] >= number;
        at += sees_it ? 0 : half + 1;
        n = sees_it ? half : n - half - 1;
    }
    return at;
}

/* 10.I8. A flush has no table that it could leave alone. */
static int fail_too_large(const struct keep *k, struct strata_error *err)
{
    const struct sstable *table = NULL;

    for (unsigned level = 0; level < LEVELS; level++) {
        const struct version_level *inputs = &k->c->pick.inputs[level];
        for (size_t i = 0; i < inputs->count; i++)
            if (sstable_compare_key(inputs->tables[i], strata_buffer_slice(&k->key)) == 0)
                table = inputs->tables[i];
    }
    return strata_fail(err, table ? STRATA_ERR_NOT_SUPPORTED : STRATA_ERR_NO_MEMORY,
                       table ? table->path : NULL, STRATA_NO_OFFSET,
                       "the versions of a key that snapshots see have more than %u bytes",
                       CHAIN_MAX);
}

/* The value is copied, as it is gone when `from` moves. */
static int add_version(struct keep *k, uint64_t number, struct strata_error *err)
{
    struct chain_version *v =
        array_add(&k->versions, &k->version_count, &k->version_room, sizeof *v, err);
    struct strata_slice value;
    int rc = v ? cursor_value(k->from, &value, err) : STRATA_ERR_NO_MEMORY;

    if (rc < 0)
        return rc;
    *v = (struct chain_version){number, k->from->type, value};
    if (chain_size(k->version_count, k->kept.size + value.size) > CHAIN_MAX)
        return fail_too_large(k, err);
    return strata_buffer_append(&k->kept, value.data, value.size) < 0
               ? strata_fail_memory(err, value.size)
               : 0;
}

static bool is_same_key(const struct keep *k)
{
    return !k->ended && strata_compare(k->from->iter.key, strata_buffer_slice(&k->key)) == 0;
}

static int advance(struct keep *k, struct strata_error *err)
{
    int rc = cursor_next(k->from, err);

    k->ended = rc != 0;
    return rc < 0 ? rc : 0;
}

/* 10.I3, 10.I4. Ends at the first version that every snapshot sees, or behind the key. */
static int collect(struct keep *k, struct strata_error *err)
{
    size_t unserved = k->count; /* snapshots that see none of the versions so far */
    int rc = 0;

    strata_buffer_clear(&k->kept);
    k->version_count = 0;
    while (rc == 0 && is_same_key(k)) {
        uint64_t number = k->from->sequence;
        if (!k->version_count || number <= k->numbers[unserved - 1]) {
            unserved = snapshots_before(k, number);
            rc = add_version(k, unserved ? number : 0, err);
            if (!unserved)
                return rc;
        }
        if (rc == 0)
            rc = advance(k, err);
    }
    return rc;
}

/* 10.I5. */
static void drop_deletes(struct keep *k)
{
    struct chain_version *v = k->versions;

    while (k->version_count && v[k->version_count - 1].type == STRATA_OP_DELETE &&
           !compaction_hides(k->c, strata_buffer_slice(&k->key)))
        k->version_count--;
}

/* ---- The entry ------------------------------------------------------------------------------- */

/* Where their values have been copied to. */
static void place_values(struct keep *k)
{
    const uint8_t *at = k->kept.size ? k->kept.data : (const uint8_t *)"";

    for (size_t i = 0; i < k->version_count; at += k->versions[i++].value.size)
        k->versions[i].value.data = at;
}

static int show(struct keep *k, struct strata_error *err)
{
    const struct chain_version *v = k->versions;
    struct cursor *base = &k->base;
    bool alone = k->version_count == 1 && !v->number;
    int rc = 0;

    place_values(k);
    strata_buffer_clear(&k->coded);
    if (!alone)
        rc = chain_encode(v, k->version_count, &k->coded, err);
    base->iter.key = strata_buffer_slice(&k->key);
    base->iter.value = alone ? v->value : strata_buffer_slice(&k->coded);
    base->type = alone ? v->type : SSTABLE_CODED;
    base->iter.has_value = true;
    return rc;
}

/* From the first version of a key on: the next key that has something to go on. */
static int show_next(struct keep *k, struct strata_error *err)
{
    while (!k->ended) {
        struct strata_slice key = k->from->iter.key;
        int rc = buffer_set(&k->key, key, err);
        if (rc == 0)
            rc = collect(k, err);
        if (rc < 0)
            return rc;
        drop_deletes(k);
        if (k->version_count)
            return show(k, err);
        while (rc == 0 && is_same_key(k))
            rc = advance(k, err);
        if (rc < 0)
            return rc;
    }
    return STRATA_NOT_FOUND;
}

/* ---- As a cursor ----------------------------------------------------------------------------- */

static int keep_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct keep *k = (struct keep *)iter;
    int rc = cursor_seek(k->from, key, err);

    k->ended = rc != 0;
    return rc == 0 ? show_next(k, err) : rc;
}

static int keep_next(struct strata_iter *iter, struct strata_error *err)
{
    struct keep *k = (struct keep *)iter;
    int rc = 0;

    while (rc == 0 && is_same_key(k)) /* what nobody sees */
        rc = advance(k, err);
    return rc == 0 ? show_next(k, err) : rc;
}

static void keep_free(struct strata_iter *iter)
{
    struct keep *k = (struct keep *)iter;

    cursor_free(k->from);
    free(k->numbers);
    free(k->versions);
    strata_buffer_free(&k->key);
    strata_buffer_free(&k->kept);
    strata_buffer_free(&k->coded);
    cursor_end(&k->base);
}

struct cursor *keep_new(struct compaction *c, struct cursor *from, uint64_t *numbers, size_t count)
{
    static const struct strata_iter_ops ops = {keep_seek,        NULL,     keep_next, NULL,
                                               cursor_has_value, keep_free};
    struct keep *k = calloc(1, sizeof *k);

    if (!k) {
        cursor_free(from);
        free(numbers);
        return NULL;
    }
    k->base.iter.ops = &ops;
    k->c = c;
    k->from = from;
    k->numbers = numbers;
    k->count = count;
    return &k->base;
}
