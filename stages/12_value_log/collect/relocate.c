/* relocate.c: the cursor of a compaction that meets values in files with much garbage:
 *
 *   entry      a: -> 5 @24      b: chain of 9: -> 5 @90, 0: x      c: -> 7 @24      garbage: 5
 *   shown      a: -> 12 @24     b: chain of 9: -> 12 @60, 0: x     c: -> 7 @24
 *   file 12    [a | value] [b | value]
 *
 * 12.I5: a relocated value is checked as it is read, and written with its key: the new file can be
 *        read record by record, as a log. Its file is durable before the cursor is at its end, so
 *        before the edit that names what points into it.
 * 12.I6: types, numbers, and the order of versions stay: a chain goes on whole.
 * 12.I9: values are part of a compaction's work by their bytes: one that is relocated counts as so
 *        many entries as are as large, in the compaction's progress and in its size.
 * 12.I7: a value that cannot be read stays where it is, its file is not collected any more, and
 *        a get of the value returns the error. */
#include "collect.h"
#include "10_concurrency/snapshot/chain.h"
#include "12_value_log/values/live.h"
#include "base/array.h"
#include "base/bytes.h"

#include <assert.h>
#include <stdlib.h>

#define WRITE_BACK ((uint64_t)1 << 20) /* bytes */

struct relocate {
    struct cursor base;
    struct compaction *c;
    struct cursor *from;
    uint64_t *numbers; /* of the files with much garbage, ascending */
    size_t count;
    struct value_set *set;
    struct fs_file *file; /* that is written; or NULL */
    uint64_t number, written_back;
    uint64_t *made; /* numbers of the files that were written, which are held */
    size_t made_count, made_room;
    uint64_t entry_bytes; /* of an entry of the inputs, about (12.I9) */
    struct strata_buffer value, coded, pointers;
    struct chain_version *versions;
    size_t version_count, version_room;
};

static bool is_garbage(const struct relocate *r, uint64_t number)
{
    size_t at = 0, n = r->count;

    while (n) {
        size_t half = n / 2;
        bool before = r->numbers[at + half] < number;
        at += before ? half + 1 : 0;
        n = before ? n - half - 1 : half;
    }
    return at < r->count && r->numbers[at] == number;
}

/* ---- The file that they go to ---------------------------------------------------------------- */

/* What is not held the next open removes. */
static int hold_made(struct relocate *r, struct strata_error *err)
{
    uint64_t *place = array_add(&r->made, &r->made_count, &r->made_room, sizeof *place, err);
    int rc =
        place ? value_set_hold(r->set, r->number, VALUES_SUFFIX, NULL, err) : STRATA_ERR_NO_MEMORY;

    if (rc == 0)
        *place = r->number;
    else
        r->made_count -= place != NULL;
    return rc;
}

static int begin_file(struct relocate *r, struct strata_error *err)
{
    const struct strata_env *env = r->c->of.env;
    char *path;
    int rc;

    r->number = (*r->c->of.next)++;
    r->written_back = 0;
    path = fs_join_number(env->dir, r->number, VALUES_SUFFIX);
    rc = path ? fs_open(env->fs, path, FS_WRITE | FS_CREATE | FS_TRUNCATE, &r->file, err)
              : strata_fail_memory(err, 64);
    free(path);
    if (rc == 0)
        rc = record_start_kind(r->file, VALUES_MAGIC, r->number, err);
    return rc == 0 ? hold_made(r, err) : rc;
}

/* 12.I5. */
static int end_file(struct relocate *r, struct strata_error *err)
{
    int rc = r->file ? fs_sync(r->file, err) : 0;

    if (rc == 0 && r->file) {
        value_set_ended(r->set, r->number, r->file->end);
        rc = fs_close(r->file, err);
        r->file = NULL;
    }
    return rc;
}

/* 12.I9. */
static void count_work(struct relocate *r, uint64_t bytes)
{
    r->c->seen += bytes / r->entry_bytes;
    r->c->written += bytes;
}

static int write_value(struct relocate *r, struct strata_slice key, struct pointer *pointer,
                       struct strata_error *err)
{
    uint8_t head[RECORD_HEAD];
    struct strata_slice value = strata_buffer_slice(&r->value);
    struct strata_slice parts[3] = {{head, sizeof head}, key, value};
    int rc = 0;

    if (r->file && r->file->end >= value_log_bytes(r->c->of.env->options))
        rc = end_file(r, err);
    if (rc == 0 && !r->file)
        rc = begin_file(r, err);
    if (rc < 0)
        return rc;
    pointer->number = r->number;
    pointer->offset = r->file->end;
    record_head(r->number, r->file->end, STRATA_OP_PUT, key, value, head);
    pointer->check = load_u32(head + RECORD_HEAD - 4);
    rc = fs_append(r->file, parts, 3, err);
    if (rc < 0)
        return rc;
    fs_write_back_since(r->file, &r->written_back, WRITE_BACK);
    count_work(r, value.size);
    atomic_fetch_add_explicit(&r->set->relocated, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->set->relocated_bytes, value.size, memory_order_relaxed);
    return 0;
}

/* ---- Pointers -------------------------------------------------------------------------------- */

/* `coded` becomes where the value is now. NOT_FOUND: it stays as it is. */
static int relocate_pointer(struct relocate *r, struct strata_slice key, struct strata_slice *coded,
                            struct strata_error *err)
{
    struct pointer pointer;
    uint8_t bytes[POINTER_BYTES];
    int rc;

    pointer_decode(*coded, &pointer);
    if (!is_garbage(r, pointer.number))
        return STRATA_NOT_FOUND;
    rc = value_set_read(r->set, &pointer, key, &r->value, err);
    if (rc == STRATA_ERR_CORRUPT) { /* 12.I7 */
        strata_env_warn(r->c->of.env, err, "a value is not relocated");
        value_set_blame(r->set, pointer.number);
        return STRATA_NOT_FOUND;
    }
    if (rc == 0)
        rc = write_value(r, key, &pointer, err);
    if (rc < 0)
        return rc;
    pointer_encode(&pointer, bytes);
    if (strata_buffer_append(&r->pointers, bytes, sizeof bytes) < 0)
        return strata_fail_memory(err, sizeof bytes);
    *coded = strata_bytes(r->pointers.data + r->pointers.size - POINTER_BYTES, POINTER_BYTES);
    return 0;
}

/* As many pointers as there are versions fit: those that were appended stay where they are. */
static int take_versions(struct relocate *r, struct strata_slice coded, struct strata_error *err)
{
    struct chain_version v, *place;
    struct chain chain;

    r->version_count = 0;
    for (chain_open(&chain, coded); chain_next(&chain, &v);) {
        place = array_add(&r->versions, &r->version_count, &r->version_room, sizeof v, err);
        if (!place)
            return STRATA_ERR_NO_MEMORY;
        *place = v;
    }
    if (buffer_reserve(&r->pointers, r->version_count * POINTER_BYTES) < 0)
        return strata_fail_memory(err, r->version_count * POINTER_BYTES);
    return 0;
}

/* 12.I6. */
static int relocate_chain(struct relocate *r, struct strata_slice *coded, struct strata_error *err)
{
    int rc = take_versions(r, *coded, err);
    bool moved = false;

    for (size_t i = 0; rc >= 0 && i < r->version_count; i++) {
        if (r->versions[i].type != SSTABLE_CODED)
            continue;
        rc = relocate_pointer(r, r->from->iter.key, &r->versions[i].value, err);
        moved |= rc == 0;
    }
    if (rc < 0 || !moved)
        return rc < 0 ? rc : STRATA_NOT_FOUND;
    strata_buffer_clear(&r->coded);
    rc = chain_encode(r->versions, r->version_count, &r->coded, err);
    *coded = strata_buffer_slice(&r->coded);
    return rc;
}

/* ---- As a cursor ----------------------------------------------------------------------------- */

static int show(struct relocate *r, int rc, struct strata_error *err)
{
    struct cursor *from = r->from;
    struct strata_slice value;

    if (rc == STRATA_NOT_FOUND && end_file(r, err) < 0)
        return err->code;
    if (rc == 0)
        rc = cursor_value(from, &value, err);
    if (rc != 0)
        return rc;
    strata_buffer_clear(&r->pointers);
    if (from->type == SSTABLE_CODED)
        rc = chain_is(value) ? relocate_chain(r, &value, err)
                             : relocate_pointer(r, from->iter.key, &value, err);
    r->base.iter.key = from->iter.key;
    r->base.iter.value = value;
    r->base.iter.has_value = true;
    r->base.sequence = from->sequence;
    r->base.type = from->type;
    return rc < 0 ? rc : 0;
}

static int relocate_seek(struct strata_iter *iter, struct strata_slice key,
                         struct strata_error *err)
{
    struct relocate *r = (struct relocate *)iter;
    return show(r, cursor_seek(r->from, key, err), err);
}

static int relocate_next(struct strata_iter *iter, struct strata_error *err)
{
    struct relocate *r = (struct relocate *)iter;
    return show(r, cursor_next(r->from, err), err);
}

/* A file that no version has is to go; but not while it is not known which version is durable. */
static void relocate_free(struct strata_iter *iter)
{
    struct relocate *r = (struct relocate *)iter;
    const struct tree *tree = r->c->of.keeper;

    fs_close(r->file, NULL);
    for (size_t i = 0; i < r->made_count; i++) {
        if (!tree->versions.uncertain)
            value_set_give_up(r->set, r->made[i]);
        value_set_release(r->set, r->made[i]);
    }
    free(r->made);
    cursor_free(r->from);
    free(r->numbers);
    free(r->versions);
    strata_buffer_free(&r->value);
    strata_buffer_free(&r->coded);
    strata_buffer_free(&r->pointers);
    cursor_end(&r->base);
}

uint64_t collect_bytes_in(const struct sstable *table, const uint64_t *numbers, size_t count)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += live_of(&table->user, numbers[i]).bytes;
    return bytes;
}

/* 12.I9: with entries as large as compact.c takes them for. */
static void add_work(struct relocate *r)
{
    const struct pick *pick = &r->c->pick;

    r->entry_bytes = pick->bytes / (pick->records + 1) + 1;
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < pick->inputs[level].count; i++)
            r->c->beside += collect_bytes_in(pick->inputs[level].tables[i], r->numbers, r->count);
}

int relocate_begin(struct compaction *c, uint64_t *numbers, size_t count, struct strata_error *err)
{
    static const struct strata_iter_ops ops = {relocate_seek,    NULL,         relocate_next, NULL,
                                               cursor_has_value, relocate_free};
    struct relocate *r = calloc(1, sizeof *r);

    if (!r) {
        free(numbers);
        cursor_free(c->from);
        c->from = NULL;
        return strata_fail_memory(err, sizeof *r);
    }
    r->base.iter.ops = &ops;
    r->c = c;
    r->from = c->from;
    r->numbers = numbers;
    r->count = count;
    r->set = value_set_of(c->of.common);
    add_work(r);
    c->from = &r->base;
    return 0;
}
