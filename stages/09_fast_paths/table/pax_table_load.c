/* pax_table_load.c: what of a table is kept in memory: properties, index, filter.
 *
 * 9.I25: index and filter are read by one thread, under the mutex that all tables share, and do
 *        not change after `loaded` is set. A thread that could not read them leaves nothing, and
 *        the next one tries again. */
#include "base/bytes.h"
#include "base/coding.h"
#include "pax_table_inside.h"

#include <stdlib.h>

#define TAIL 512 /* bytes: how a file ends; most properties are smaller */

/* ---- Properties ------------------------------------------------------------------------------ */

static int take_properties(struct pax_table *t, const struct pax_table_properties *p,
                           struct strata_error *err)
{
    t->base.sum = p->sum;
    t->blocks = p->blocks;
    t->block_bytes = p->block_bytes;
    t->blocks_end = p->index;
    t->filter_offset = p->filter;
    t->probes = p->probes;
    if (strata_buffer_append(&t->base.smallest, p->smallest.data, p->smallest.size) < 0 ||
        strata_buffer_append(&t->base.largest, p->largest.data, p->largest.size) < 0 ||
        strata_buffer_append(&t->base.user, p->notes.data, p->notes.size) < 0)
        return strata_fail_memory(err, p->smallest.size + p->largest.size + p->notes.size);
    return 0;
}

int pax_table_refuse_coded(const struct sstable *t, struct strata_error *err)
{
    return strata_fail(
        err, STRATA_ERR_WRONG_STAGE, t->path, STRATA_NO_OFFSET,
        "the table has coded values (several versions of a key): a later stage wrote "
        "it, which this one cannot read");
}

/* The file's number is in its header (stage 1's). */
bool pax_table_is_plain(struct fs_file *file)
{
    uint8_t header[RECORD_FILE_HEADER], footer[PAX_TABLE_FOOTER];
    uint64_t offset = file->end - sizeof footer, properties;
    struct decoder d;
    bool coded;
    size_t got;

    if (file->end < sizeof header + sizeof footer ||
        fs_read_at(file, 0, header, sizeof header, &got, NULL) < 0 || got < sizeof header ||
        fs_read_at(file, offset, footer, sizeof footer, &got, NULL) < 0 || got < sizeof footer)
        return true;
    decoder_init(&d, strata_bytes(header + 12, 8));
    return pax_table_get_footer(footer, get_u64(&d), offset, &properties, &coded) || !coded;
}

/* Footer and properties, by one read where the properties are small. */
int pax_table_read_properties(struct pax_table *t, struct strata_error *err)
{
    size_t size = t->base.bytes < TAIL ? (size_t)t->base.bytes : TAIL;
    uint64_t begin = t->base.bytes - size, offset = t->base.bytes - PAX_TABLE_FOOTER;
    struct strata_buffer bytes = {0};
    struct pax_table_properties p;
    uint8_t tail[TAIL];
    const char *wrong;
    int rc;

    if (size < PAX_TABLE_FOOTER)
        return sstable_corrupt(&t->base, size, "the file ends before a table could", err);
    rc = fs_pooled_read(&t->file, begin, tail, size, err);
    if (rc < 0)
        return rc;
    wrong = pax_table_get_footer(tail + size - PAX_TABLE_FOOTER, t->base.number, offset,
                                 &t->properties, &t->coded);
    if (wrong)
        return sstable_corrupt(&t->base, offset, wrong, err);
    if (t->coded && t->common && !t->common->coding)
        return pax_table_refuse_coded(&t->base, err);
    rc = pax_table_read_section(t, t->properties, offset,
                                t->properties < begin ? NULL : tail + (t->properties - begin),
                                &bytes, err);
    if (rc == 0) {
        wrong = pax_table_get_properties(strata_buffer_slice(&bytes), t->properties, t->coded, &p);
        rc = wrong ? sstable_corrupt(&t->base, t->properties, wrong, err)
                   : take_properties(t, &p, err);
    }
    strata_buffer_free(&bytes);
    return rc;
}

/* ---- Index and filter ------------------------------------------------------------------------ */

int pax_table_read_index(struct pax_table *t, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    struct strata_error why;
    uint64_t offset = t->blocks_end;
    int rc = pax_table_read_section(t, offset, t->filter_offset, NULL, &bytes, err);

    if (rc == 0) {
        rc = fence_open(&t->fence, &bytes, t->blocks, RECORD_FILE_HEADER, offset,
                        strata_buffer_slice(&t->base.smallest),
                        strata_buffer_slice(&t->base.largest), &why);
        rc = pax_table_blame(t, offset, rc, &why, err);
    }
    strata_buffer_free(&bytes);
    return rc;
}

/* It is never compressed: it is read to where it stays. */
static int read_filter(struct pax_table *t, struct strata_error *err)
{
    size_t size = (size_t)(t->properties - t->filter_offset);
    struct stored_block section;
    struct strata_error why;
    int rc;

    if (!t->probes)
        return 0;
    t->filter = aligned_alloc(BLOOM_LINE, (size + BLOOM_LINE - 1) / BLOOM_LINE * BLOOM_LINE);
    if (!t->filter)
        return strata_fail_memory(err, size);
    rc = fs_pooled_read(&t->file, t->filter_offset, t->filter, size, err);
    if (rc < 0)
        return rc;
    rc = stored_block_open(&section, strata_bytes(t->filter, size), t->base.number,
                           t->filter_offset, &why);
    if (rc == 0 && section.compression != STORED_BLOCK_PLAIN)
        rc = strata_fail(&why, STRATA_ERR_CORRUPT, NULL, t->filter_offset, "a compressed filter");
    if (rc == 0)
        rc = bloom_open(&t->bloom, section.stored, t->probes, &why);
    return pax_table_blame(t, t->filter_offset, rc, &why, err);
}

int pax_table_read_rest(struct pax_table *t, struct strata_error *err)
{
    int rc = pax_table_read_index(t, err);
    return rc < 0 ? rc : read_filter(t, err);
}

void pax_table_unload(struct pax_table *t)
{
    free(t->filter);
    t->filter = NULL;
    fence_free(&t->fence);
}

/* 9.I25. */
int pax_table_load(struct pax_table *t, struct strata_error *err)
{
    int rc = 0;

    sync_lock(&t->common->reading);
    if (!pax_table_is_loaded(t)) {
        rc = pax_table_read_rest(t, err);
        if (rc == 0)
            rc = clock_cache_directory_init(&t->directory, t->fence.count, err);
        if (rc == 0)
            atomic_store_explicit(&t->loaded, true, memory_order_release);
        else
            pax_table_unload(t);
    }
    sync_unlock(&t->common->reading);
    return rc;
}
