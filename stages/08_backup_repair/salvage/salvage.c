/* salvage.c: see salvage.h.
 *
 * 8.I4: an entry is taken only if its block's checksum was right, and if it is after all entries
 *       before it and within the table's keys. */
#define FS_NO_SITES /* tests/stages/08_repair_test.c cuts a repair at each of its calls */
#include "08_backup_repair/salvage/salvage.h"
#include "base/bytes.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* ---- Opening --------------------------------------------------------------------------------- */

static int open_file(struct salvage *s, struct strata_error *err)
{
    struct strata_error why;
    int rc = fs_open(s->table->fs, s->table->path, FS_READ, &s->file, &why);

    if (rc == STRATA_ERR_IO && why.sys == ENOENT)
        return sstable_corrupt(s->table, STRATA_NO_OFFSET, "the table is missing", err);
    if (rc < 0 && err)
        *err = why;
    if (rc == 0)
        s->blocks_end = s->table->bytes = s->file->end;
    return rc;
}

static int read_parts(struct salvage *s, struct strata_error *why, struct strata_error *err)
{
    int rc = s->kind->read_parts(s, why);

    assert(!s->indexed || s->knows_properties);
    assert(s->blocks_end <= s->table->bytes);
    if (rc < 0 && rc != STRATA_ERR_CORRUPT && err)
        *err = *why;
    return rc == STRATA_ERR_CORRUPT ? 0 : rc;
}

int salvage_open(const struct salvage_kind *kind, const struct strata_env *env, uint64_t number,
                 struct salvage **out, struct strata_error *why, struct strata_error *err)
{
    struct salvage *s = calloc(1, kind->bytes);
    int rc;

    *out = NULL;
    *why = (struct strata_error){0};
    if (!s || !(s->table = calloc(1, kind->table_bytes))) {
        free(s);
        return strata_fail_memory(err, kind->bytes + kind->table_bytes);
    }
    s->kind = kind;
    rc = sstable_init(s->table, kind->table, env, number, err);
    if (rc == 0)
        rc = open_file(s, err);
    if (rc == 0)
        rc = read_parts(s, why, err);
    if (rc < 0)
        salvage_close(s);
    else
        *out = s;
    return rc;
}

void salvage_close(struct salvage *s)
{
    s->kind->free_parts(s);
    fs_close(s->file, NULL); /* it was only read */
    sstable_free(s->table);
    block_finder_free(&s->finder);
    strata_buffer_free(&s->contents);
    strata_buffer_free(&s->block);
    free(s);
}

/* ---- The next block -------------------------------------------------------------------------- */

/* One that cannot be read makes a gap. */
static int load_next(struct salvage *s, bool *gap, struct strata_error *err)
{
    int rc = STRATA_ERR_CORRUPT;
    struct strata_error why;

    while (rc == STRATA_ERR_CORRUPT && s->n < s->indexed) {
        rc = s->kind->load(s, s->n++, &why);
        *gap |= rc == STRATA_ERR_CORRUPT;
    }
    if (rc < 0 && rc != STRATA_ERR_CORRUPT && err)
        *err = why;
    return rc == STRATA_ERR_CORRUPT ? STRATA_NOT_FOUND : rc;
}

static int begin_search(struct salvage *s, struct strata_error *err)
{
    size_t size = (size_t)s->blocks_end;
    int rc;

    if (buffer_reserve(&s->contents, size + 1) < 0)
        return strata_fail_memory(err, size);
    rc = fs_read_at(s->file, 0, s->contents.data, size, &s->contents.size, err);
    if (rc == 0 && s->contents.size < size)
        rc = sstable_corrupt(s->table, s->contents.size, "the file ends before it did", err);
    s->finder = (struct block_finder){.file = strata_buffer_slice(&s->contents),
                                      .number = s->table->number,
                                      .classify = s->kind->classify,
                                      .arg = s};
    return rc < 0 ? rc : block_finder_init(&s->finder, err);
}

/* What is skipped at the end may be the index: the table's largest key says if entries are missing.
 */
static int find_next(struct salvage *s, bool *gap, struct strata_error *err)
{
    bool skipped = false;
    int rc = s->contents.data ? 0 : begin_search(s, err);

    if (rc == 0)
        rc = block_finder_next(&s->finder, &s->block, &skipped, err);
    assert(rc != 0 || s->block.size);
    *gap |= rc == 0 && skipped;
    return rc;
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct reading {
    struct strata_slice smallest, largest;
    struct strata_buffer last; /* key of the last entry that was taken */
    bool taken;                /* one was */
    bool gap;                  /* something is missing after it */
};

static bool in_order(const struct reading *r, struct strata_slice key)
{
    int order = strata_compare(key, r->taken ? strata_buffer_slice(&r->last) : r->smallest);

    return (r->taken ? order > 0 : order >= 0) && strata_compare(key, r->largest) <= 0;
}

static void report_gap(struct reading *r, const struct salvage_sink *to, struct strata_slice before)
{
    struct strata_slice after = r->taken ? strata_buffer_slice(&r->last) : r->smallest;

    assert(!r->taken || strata_compare(after, before) <= 0);
    to->gap(to->arg, after, before);
    r->gap = false;
}

static int take(struct reading *r, const struct salvage_sink *to, const struct salvage_entry *entry,
                struct strata_error *err)
{
    int rc;

    if (!entry->type || !in_order(r, entry->key)) {
        r->gap = true;
        return 0;
    }
    if (!r->taken && strata_compare(entry->key, r->smallest) != 0)
        r->gap = true;
    if (r->gap)
        report_gap(r, to, entry->key);
    assert(!r->taken || strata_compare(strata_buffer_slice(&r->last), entry->key) < 0); /* 8.I4 */
    rc = to->entry(to->arg, entry->type, entry->key, entry->value, err);
    if (rc < 0)
        return rc;
    r->taken = true;
    return buffer_set(&r->last, entry->key, err);
}

static int read_block(struct salvage *s, struct reading *r, const struct salvage_sink *to,
                      struct strata_error *err)
{
    struct salvage_entry entry;
    int rc = s->indexed ? load_next(s, &r->gap, err) : find_next(s, &r->gap, err);

    if (rc == 0)
        rc = s->kind->enter(s, err);
    if (rc != 0)
        return rc;
    while (rc == 0) {
        rc = s->kind->next(s, &entry, err);
        if (rc == 0)
            rc = take(r, to, &entry, err);
    }
    return rc < 0 ? rc : 0;
}

int salvage_read(struct salvage *s, struct strata_slice smallest, struct strata_slice largest,
                 const struct salvage_sink *to, struct strata_error *err)
{
    struct reading r = {.smallest = smallest, .largest = largest};
    int rc = 0;

    assert(!s->n && !s->contents.data); /* it is read once */
    while (rc == 0)
        rc = read_block(s, &r, to, err);
    /* The end is missing if the largest key is; and an entry that is left out is reported, too. */
    if (rc >= 0 &&
        (r.gap || !r.taken || strata_compare(strata_buffer_slice(&r.last), largest) != 0))
        report_gap(&r, to, largest);
    strata_buffer_free(&r.last);
    return rc < 0 ? rc : 0;
}
