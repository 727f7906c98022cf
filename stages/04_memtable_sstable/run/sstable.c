/* sstable.c: what all kinds of tables have alike: a name, users, and a writer's file.
 *
 * A table is written from its beginning to its end, through a buffer, and gets its name when it is
 * whole and on the device: NAME.tmp is no table, and is removed by the next open.
 *
 * 4.I13: a table's file is there as long as anybody reads it, by its name: so it may be closed and
 *        opened again meanwhile. What a crash leaves of it the next open removes. */
#include "04_memtable_sstable/run/sstable.h"
#include "01_append_log/record.h"
#include "base/bytes.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)64 << 10) /* bytes of one call */
#define WRITE_BACK 16            /* pieces that are written back together */

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

int sstable_add_size(struct sstable *table, struct strata_slice from, struct strata_slice to,
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

int sstable_writer_begin(struct sstable_writer *w, const char *suffix, const char *magic,
                         const struct strata_env *env, uint64_t number, struct strata_error *err)
{
    int rc;

    w->env = env;
    w->number = number;
    w->piece_bytes = PIECE;
    w->path = fs_join_number(env->dir, number, suffix);
    w->temporary = w->path ? malloc(strlen(w->path) + 5) : NULL;
    if (!w->temporary)
        return strata_fail_memory(err, strlen(env->dir) + 32);
    sprintf(w->temporary, "%s.tmp", w->path);
    rc = fs_open(env->fs, w->temporary, FS_WRITE | FS_CREATE | FS_TRUNCATE, &w->file, err);
    return rc < 0 ? rc : record_start_kind(w->file, magic, number, err);
}

uint64_t sstable_writer_place(const struct sstable_writer *w)
{
    return w->file->end + w->bytes.size;
}

int sstable_writer_flush(struct sstable_writer *w, struct strata_error *err)
{
    struct strata_slice bytes = strata_buffer_slice(&w->bytes);
    int rc = fs_append(w->file, &bytes, 1, err);

    if (rc < 0)
        return rc;
    strata_buffer_clear(&w->bytes);
    fs_write_back_since(w->file, &w->written_back, WRITE_BACK * w->piece_bytes);
    return 0;
}

/* Up to a place that is a multiple of a call's bytes: what is written so, the system keeps in pages
 * as large as that, and finds again in less time. */
int sstable_writer_flush_due(struct sstable_writer *w, struct strata_error *err)
{
    size_t unit = w->piece_bytes, due = unit - (size_t)(w->file->end % unit);
    struct strata_slice rest;
    int rc;

    if (w->bytes.size < due)
        return 0;
    due += (w->bytes.size - due) / unit * unit;
    rest = slice_behind(strata_buffer_slice(&w->bytes), due);
    w->bytes.size = due;
    rc = sstable_writer_flush(w, err);
    if (rc < 0)
        return rc;
    memmove(w->bytes.data, rest.data, rest.size);
    w->bytes.size = rest.size;
    return 0;
}

int sstable_writer_publish(struct sstable_writer *w, struct strata_error *err)
{
    int rc = fs_sync(w->file, err); /* before it has a name that counts */

    if (rc == 0) {
        rc = fs_close(w->file, err);
        w->file = NULL;
    }
    if (rc == 0)
        rc = fs_rename(w->env->fs, w->temporary, w->path, err);
    w->published = rc == 0;
    return rc;
}

void sstable_writer_free(struct sstable_writer *w, bool keep)
{
    fs_close(w->file, NULL);
    if (!keep && w->temporary) /* else, or if that fails, the next open removes it */
        fs_remove(w->env->fs, w->published ? w->path : w->temporary, NULL);
    strata_buffer_free(&w->bytes);
    free(w->temporary);
    free(w->path);
    free(w);
}
