/* salvage.c: see salvage.h: entries in order, and the gaps between them.
 *
 * 8.I4: an entry is taken only if its block's checksum was right, and if it is after all entries
 *       before it and within the table's keys. */
#define FS_NO_SITES /* tests/stages/08_repair_test.c cuts a repair at each of its calls */
#include "08_backup_repair/salvage/salvage.h"
#include "base/bytes.h"

#include <assert.h>
#include <errno.h>

/* ---- For the kinds ----------------------------------------------------------------------------
 */

int salvage_open_file(struct sstable *table, struct fs_file **out, struct strata_error *err)
{
    struct strata_error why;
    int rc = fs_open(table->fs, table->path, FS_READ, out, &why);

    if (rc == STRATA_ERR_IO && why.sys == ENOENT)
        return sstable_corrupt(table, STRATA_NO_OFFSET, "the table is missing", err);
    if (rc < 0 && err)
        *err = why;
    if (rc == 0)
        table->bytes = (*out)->end;
    return rc;
}

int salvage_read_file(const struct sstable *table, struct fs_file *file, uint64_t size,
                      struct strata_buffer *to, struct strata_error *err)
{
    int rc;

    strata_buffer_clear(to);
    if (buffer_reserve(to, (size_t)size) < 0)
        return strata_fail_memory(err, (size_t)size);
    rc = fs_read_at(file, 0, to->data, (size_t)size, &to->size, err);
    if (rc == 0 && to->size < size)
        rc = sstable_corrupt(table, to->size, "the file ends before it did", err);
    return rc;
}

/* ---- Reading ----------------------------------------------------------------------------------
 */

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
    to->gap(to->arg, r->taken ? strata_buffer_slice(&r->last) : r->smallest, before);
    r->gap = false;
}

static int take(struct reading *r, const struct salvage_sink *to, const struct salvage_entry *entry,
                struct strata_error *err)
{
    int rc;

    r->gap |= entry->gap;
    if (!in_order(r, entry->key)) {
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
    strata_buffer_clear(&r->last);
    if (strata_buffer_append(&r->last, entry->key.data, entry->key.size) < 0)
        return strata_fail_memory(err, entry->key.size);
    return 0;
}

int salvage_read(struct salvage *salvage, struct strata_slice smallest, struct strata_slice largest,
                 const struct salvage_sink *to, struct strata_error *err)
{
    struct reading r = {.smallest = smallest, .largest = largest};
    struct salvage_entry entry = {0};
    int rc;

    while ((rc = salvage->kind->next(salvage, &entry, err)) == 0) {
        rc = take(&r, to, &entry, err);
        if (rc < 0)
            break;
    }
    /* The end is missing if the largest key is; and an entry that is left out is reported, too. */
    if (rc >= 0 &&
        (r.gap || !r.taken || strata_compare(strata_buffer_slice(&r.last), largest) != 0))
        report_gap(&r, to, largest);
    strata_buffer_free(&r.last);
    return rc < 0 ? rc : 0;
}
