/* sstable.c: what all kinds of tables have alike: a name, users, and a writer's file.
 *
 * A table gets its name when it is whole and on the device (fs/fs_output.h): NAME.tmp is no table,
 * and is removed by the next open.
 *
 * 4.I13: a table's file is there as long as anybody reads it, by its name: so it may be closed and
 *        opened again meanwhile. What a crash leaves of it the next open removes. */
#include "04_memtable_sstable/run/sstable.h"
#include "01_append_log/record.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int sstable_init(struct sstable *table, const struct sstable_kind *kind,
                 const struct strata_env *env, uint64_t number, struct strata_error *err)
{
    table->kind = kind;
    table->refs = 1;
    table->fs = env->fs;
    table->number = number;
    table->path = fs_join_number(env->dir, number, kind->suffix);
    return table->path ? 0 : strata_fail_memory(err, strlen(env->dir) + 32);
}

void sstable_free(struct sstable *table)
{
    strata_buffer_free(&table->smallest);
    strata_buffer_free(&table->largest);
    strata_buffer_free(&table->user);
    free(table->path);
    free(table);
}

int sstable_corrupt(const struct sstable *table, uint64_t offset, const char *what,
                    struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, table->path, offset, "%s", what);
}

int sstable_opened(struct sstable *table, struct fs_file *file, int rc,
                   const struct strata_error *why, struct strata_error *err)
{
    if (rc == STRATA_ERR_IO && why->sys == ENOENT)
        return sstable_corrupt(table, STRATA_NO_OFFSET, "the table is missing", err);
    if (rc < 0)
        return strata_fail_with(rc, why, err);
    table->bytes = file->end;
    return record_check_kind(file, table->kind->magic, table->number, err);
}

void sstable_ref(struct sstable *table)
{
    assert(table->refs > 0);
    atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
}

void sstable_unref(struct sstable *table)
{
    assert(!table || table->refs > 0);
    if (!table || atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (table->obsolete)
        fs_remove(table->fs, table->path, NULL); /* else the next open does it */
    table->kind->close(table);
}

void sstable_remove(struct sstable *table)
{
    if (table)
        table->obsolete = true;
}

int sstable_compare_key(const struct sstable *table, struct strata_slice key)
{
    if (strata_compare(key, strata_buffer_slice(&table->smallest)) < 0)
        return -1;
    return strata_compare(key, strata_buffer_slice(&table->largest)) > 0;
}

int sstable_verify_anew(const struct sstable *table, const struct strata_env *env, void *common,
                        int (*verify)(struct sstable *again, struct strata_error *err),
                        struct strata_error *err)
{
    struct sstable *again;
    int rc = table->kind->open(env, common, table->number, &again, err);

    if (rc < 0)
        return rc;
    rc = verify(again, err);
    if (rc == 0 && (again->bytes != table->bytes || again->sum.digest != table->sum.digest))
        rc = sstable_corrupt(table, 0, "another table than the one that was opened", err);
    sstable_unref(again);
    return rc;
}

int sstable_writer_begin(const char *suffix, const char *magic, size_t bytes,
                         const struct strata_env *env, uint64_t number, struct sstable_writer **out,
                         struct strata_error *err)
{
    struct sstable_writer *w = calloc(1, bytes);
    int rc;

    if (!w)
        return strata_fail_memory(err, bytes);
    w->env = env;
    w->number = number;
    rc = fs_output_open(&w->out, env->fs, env->dir, number, suffix, err);
    if (rc == 0)
        rc = record_start_kind(w->out.file, magic, number, err);
    if (rc < 0)
        sstable_writer_free(w, false);
    else
        *out = w;
    return rc;
}

void sstable_writer_free(struct sstable_writer *w, bool keep)
{
    fs_output_close(&w->out, keep);
    strata_buffer_free(&w->user);
    free(w);
}

/* ---- Of a list of tables --------------------------------------------------------------------- */

int sstable_verify_all(struct sstable *const *tables, size_t count,
                       const struct strata_progress *progress, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i <= count; i++) {
        if (progress)
            progress->tick(progress->arg, i + 1, count + 1);
        if (i < count)
            rc = tables[i]->kind->verify(tables[i], err);
    }
    return rc;
}

void sstable_report_all(struct sstable *const *tables, size_t count, uint32_t level,
                        void (*each)(void *arg, const struct strata_table *table), void *arg)
{
    for (size_t i = 0; i < count; i++) {
        const struct sstable *t = tables[i];
        struct strata_table table = {.level = level,
                                     .number = t->number,
                                     .smallest = strata_buffer_slice(&t->smallest),
                                     .largest = strata_buffer_slice(&t->largest),
                                     .bytes = t->bytes,
                                     .records = t->sum.records,
                                     .tombstones = t->sum.tombstones - t->sum.coded,
                                     .versioned = t->sum.coded};
        each(arg, &table);
    }
}

static int add_size(struct sstable *table, struct strata_slice from, struct strata_slice to,
                    uint64_t *bytes, struct strata_error *err)
{
    struct strata_slice smallest = strata_buffer_slice(&table->smallest);
    uint64_t begin = 0, end = table->bytes;
    int rc = 0;

    if (sstable_compare_key(table, from) > 0 || (to.size && strata_compare(to, smallest) <= 0))
        return 0;
    if (strata_compare(from, smallest) > 0)
        rc = table->kind->offset(table, from, &begin, err);
    if (rc == 0 && to.size && sstable_compare_key(table, to) <= 0)
        rc = table->kind->offset(table, to, &end, err);
    if (rc == 0)
        *bytes += end - begin;
    return rc;
}

int sstable_add_sizes(struct sstable *const *tables, size_t count, struct strata_slice from,
                      struct strata_slice to, uint64_t *bytes, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_size(tables[i], from, to, bytes, err);
    return rc;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

size_t sstable_blamed(struct sstable *const *tables, size_t count, const struct strata_error *err)
{
    size_t i = 0;

    while (i < count && strcmp(name_of(tables[i]->path), name_of(err->file)) != 0)
        i++;
    return i;
}
