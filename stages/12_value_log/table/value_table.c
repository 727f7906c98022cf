/* value_table.c: see value_table.h. A table's notes begin with how much it needs of which value
 * files (values/live.h): the writer counts as entries are added.
 *
 * 12.I4: what a table notes of a value file is the sum over the pointers in it, each version of a
 *        chain counted; `verify` adds them up again. So what is live is exact. */
#include "value_table.h"
#include "10_concurrency/snapshot/chain.h"
#include "12_value_log/values/live.h"
#include "base/bytes.h"

/* ---- Coded values ---------------------------------------------------------------------------- */

static const char *check(struct strata_slice coded, uint64_t last)
{
    return chain_is(coded) ? chain_check_nested(coded, last, pointer_check) : pointer_check(coded);
}

const struct pax_table_coding value_coding = {
    .check = check, .read = chain_read, .old_bytes = chain_old_bytes};

/* Calls `each` for each pointer of an entry. */
static int each_pointer(struct strata_slice coded,
                        int (*each)(void *arg, const struct pointer *pointer,
                                    struct strata_error *err),
                        void *arg, struct strata_error *err)
{
    struct chain_version v;
    struct pointer pointer;
    struct chain chain;
    int rc = 0;

    if (!chain_is(coded)) {
        pointer_decode(coded, &pointer);
        return each(arg, &pointer, err);
    }
    for (chain_open(&chain, coded); rc == 0 && chain_next(&chain, &v);)
        if (v.type == SSTABLE_CODED) {
            pointer_decode(v.value, &pointer);
            rc = each(arg, &pointer, err);
        }
    return rc;
}

/* ---- Writing --------------------------------------------------------------------------------- */

struct counting {
    struct strata_buffer *notes;
    size_t key_size;
};

static int count(void *arg, const struct pointer *pointer, struct strata_error *err)
{
    struct counting *c = arg;
    return live_add(c->notes, pointer->number, pointer_record(pointer, c->key_size), err);
}

static int writer_add(struct sstable_writer *writer, unsigned type, struct strata_slice key,
                      struct strata_slice value, struct strata_error *err)
{
    struct counting counting = {&writer->user, key.size};
    int rc = 0;

    if (type == SSTABLE_CODED) {
        writer->sum.old_bytes += chain_old_bytes(value);
        rc = each_pointer(value, count, &counting, err);
    }
    return rc < 0 ? rc : pax_table_writer_add(writer, type, key, value, err);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static void release(struct sstable *table, size_t count)
{
    struct value_set *set = value_set_of(pax_table_of(table)->common);

    for (size_t i = 0; i < count; i++)
        value_set_release(set, live_at(&table->user, i).number);
}

static void value_table_close(struct sstable *table)
{
    release(table, live_count(&table->user));
    pax_table_close(table);
}

/* 12.I1. The table is open, and nobody else has it. */
static int hold_files(struct sstable **out, int rc, struct strata_error *err)
{
    struct sstable *table = *out;
    const char *wrong;
    size_t count, at = 0;

    if (rc < 0)
        return rc;
    wrong = live_check(&table->user);
    count = wrong ? 0 : live_count(&table->user);
    rc = wrong ? sstable_corrupt(table, STRATA_NO_OFFSET, wrong, err) : 0;
    for (; rc == 0 && at < count; at += rc == 0)
        rc = value_set_hold(value_set_of(pax_table_of(table)->common),
                            live_at(&table->user, at).number, VALUES_SUFFIX, NULL, err);
    if (rc < 0) {
        release(table, at);
        pax_table_close(table);
        *out = NULL;
    }
    return rc;
}

static int value_table_open(const struct strata_env *env, void *common, uint64_t number,
                            struct sstable **out, struct strata_error *err)
{
    return hold_files(out, pax_table_open(env, common, number, out, err), err);
}

int value_table_open_later(const struct strata_env *env, void *common, uint64_t number,
                           struct sstable **out, struct strata_error *err)
{
    return hold_files(out, pax_table_open_later(env, common, number, out, err), err);
}

bool value_table_needs(const struct sstable *table, uint64_t number)
{
    return live_of(&table->user, number).values > 0;
}

/* ---- Verification ---------------------------------------------------------------------------- */

struct verifying {
    struct value_set *set;
    struct strata_slice key;
    struct strata_buffer value, notes; /* the list as it must be */
};

static int verify_pointer(void *arg, const struct pointer *pointer, struct strata_error *err)
{
    struct verifying *v = arg;
    int rc = value_set_read(v->set, pointer, v->key, &v->value, err);

    if (rc == 0)
        rc = live_add(&v->notes, pointer->number, pointer_record(pointer, v->key.size), err);
    return rc;
}

static int verify_entries(struct cursor *cursor, struct verifying *v, struct strata_error *err)
{
    int rc = cursor_first(cursor, err);

    for (; rc == 0; rc = cursor_next(cursor, err)) {
        struct strata_slice value;
        if (cursor->type != SSTABLE_CODED)
            continue;
        rc = cursor_value(cursor, &value, err);
        v->key = cursor->iter.key;
        if (rc == 0)
            rc = each_pointer(value, verify_pointer, v, err);
        if (rc < 0)
            break;
    }
    return rc < 0 ? rc : 0;
}

/* 12.I4. */
static int compare_lists(const struct sstable *table, const struct strata_buffer *notes,
                         struct strata_error *err)
{
    size_t size = notes->size;

    if (live_count(&table->user) != live_count(notes) ||
        (size && memcmp(table->user.data, notes->data, size) != 0))
        return sstable_corrupt(table, STRATA_NO_OFFSET,
                               "what the table notes of value files is not what its pointers say",
                               err);
    return 0;
}

static int value_table_verify(struct sstable *table, struct strata_error *err)
{
    struct verifying v = {.set = value_set_of(pax_table_of(table)->common)};
    struct cursor *cursor;
    int rc = pax_table_verify(table, err);

    if (rc < 0 || !pax_table_of(table)->coded)
        return rc;
    rc = pax_table_need(pax_table_of(table), err);
    cursor = rc == 0 ? pax_table_cursor(table, true) : NULL;
    if (rc == 0)
        rc = cursor ? verify_entries(cursor, &v, err) : strata_fail_memory(err, sizeof *cursor);
    if (cursor)
        cursor_free(cursor);
    if (rc == 0)
        rc = compare_lists(table, &v.notes, err);
    strata_buffer_free(&v.value);
    strata_buffer_free(&v.notes);
    return rc;
}

/* ---- The kind -------------------------------------------------------------------------------- */

static int common_new(const struct strata_env *env, void **out, struct strata_error *err)
{
    struct pax_table_common *common;
    struct value_set *set;
    int rc = pax_table_common_new(env, out, err);

    if (rc < 0)
        return rc;
    common = *out;
    common->kind = &value_table_kind;
    common->coding = &value_coding;
    rc = value_set_new(env, common->files, common->cache, &set, err);
    if (rc < 0) {
        pax_table_common_del(common);
        *out = NULL;
    } else
        common->user = set;
    return rc;
}

static void stats(void *common, void (*each)(void *arg, const struct strata_stat *stat), void *arg)
{
    pax_table_stats(common, each, arg);
    value_set_stats(value_set_of(common), each, arg);
}

static void common_del(void *common)
{
    value_set_del(value_set_of(common));
    pax_table_common_del(common);
}

const struct sstable_kind value_table_kind = {
    .suffix = PAX_TABLE_SUFFIX,
    .magic = PAX_TABLE_MAGIC,
    .common_new = common_new,
    .common_del = common_del,
    .common_check = pax_table_common_check,
    .stats = stats,
    .open = value_table_open,
    .close = value_table_close,
    .get = pax_table_get,
    .offset = pax_table_offset,
    .cursor = pax_table_cursor,
    .verify = value_table_verify,
    .writer_new = pax_table_writer_new,
    .writer_add = writer_add,
    .writer_finish = pax_table_writer_finish,
    .writer_del = pax_table_writer_del,
};

/* ---- Salvage --------------------------------------------------------------------------------- */

struct trying {
    struct value_set *set;
    struct strata_slice key;
    struct strata_buffer value;
};

static int try_pointer(void *arg, const struct pointer *pointer, struct strata_error *err)
{
    struct trying *t = arg;
    int rc = value_set_hold(t->set, pointer->number, VALUES_SUFFIX, NULL, err);

    if (rc < 0)
        return rc;
    rc = value_set_read(t->set, pointer, t->key, &t->value, err);
    value_set_release(t->set, pointer->number);
    return rc;
}

static bool can_read(void *common, struct strata_slice key, struct strata_slice coded)
{
    struct trying t = {.set = value_set_of(common), .key = key};
    struct strata_error err;
    int rc = each_pointer(coded, try_pointer, &t, &err);

    strata_buffer_free(&t.value);
    return rc == 0;
}

const struct salvage_kind value_salvage = {
    .table = &value_table_kind, PAX_SALVAGE_SLOTS, .check_coded = check, .can_read = can_read};
