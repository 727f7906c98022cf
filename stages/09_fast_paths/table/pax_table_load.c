/* pax_table_load.c: what of a table is kept in memory: properties, index, filter.
 *
 * 9.I25: index and filter are read by one thread, under the mutex that all tables share, and do
 *        not change after `loaded` is set. A thread that could not read them leaves nothing, and
 *        the next one tries again. */
#include "base/bytes.h"
#include "base/pages.h"
#include "pax_table_inside.h"

#include <stdlib.h>

#define FILTER_MAPPED (PAGES_HUGE / 2) /* bytes of a filter from which on huge pages pay */

/* ---- Properties ------------------------------------------------------------------------------ */

int pax_table_read_properties(struct pax_table *t, struct pax_table_properties *p,
                              struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    struct strata_error why;
    uint8_t footer[PAX_TABLE_FOOTER];
    uint64_t offset = t->base.bytes - PAX_TABLE_FOOTER;
    int rc;

    if (t->base.bytes < PAX_TABLE_FOOTER)
        return sstable_corrupt(&t->base, t->base.bytes, "the file ends before a table could", err);
    rc = pax_table_read_at(t, offset, footer, sizeof footer, err);
    if (rc < 0)
        return rc;
    rc = pax_table_get_footer(footer, t->base.number, offset, &t->properties, &why);
    if (rc < 0)
        return pax_table_blame(t, offset, rc, &why, err);
    rc = pax_table_read_section(t, t->properties, offset, &bytes, err);
    if (rc == 0) {
        rc = pax_table_get_properties(strata_buffer_slice(&bytes), t->properties, p, &why);
        rc = pax_table_blame(t, t->properties, rc, &why, err);
    }
    strata_buffer_free(&bytes);
    return rc;
}

int pax_table_read_ends(struct pax_table *t, struct strata_error *err)
{
    struct pax_table_properties p = {0};
    int rc = pax_table_read_properties(t, &p, err);

    if (rc == 0) {
        t->base.sum = p.sum;
        t->base.smallest = p.smallest;
        t->base.largest = p.largest;
        t->notes = p.notes;
        p.smallest = p.largest = p.notes = (struct strata_buffer){0};
        t->blocks = p.blocks;
        t->block_bytes = p.block_bytes;
        t->blocks_end = p.index;
        t->filter_offset = p.filter;
        t->probes = p.probes;
    }
    pax_table_properties_free(&p);
    return rc;
}

/* ---- Index and filter ------------------------------------------------------------------------ */

int pax_table_read_index(struct pax_table *t, uint64_t blocks, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    struct strata_error why;
    uint64_t offset = t->blocks_end;
    int rc = pax_table_read_section(t, offset, t->filter_offset, &bytes, err);

    if (rc == 0) {
        rc = fence_open(&t->fence, &bytes, RECORD_FILE_HEADER, offset,
                        strata_buffer_slice(&t->base.smallest),
                        strata_buffer_slice(&t->base.largest), &why);
        rc = pax_table_blame(t, offset, rc, &why, err);
    }
    strata_buffer_free(&bytes);
    if (rc == 0 && t->fence.count != blocks)
        rc = sstable_corrupt(&t->base, offset, "the index has another number of blocks", err);
    return rc;
}

static int take_filter(struct pax_table *t, size_t size, struct strata_error *err)
{
    t->filter_mapped = size >= FILTER_MAPPED;
    t->filter_bytes = t->filter_mapped ? (size + PAGES_HUGE - 1) / PAGES_HUGE * PAGES_HUGE
                                       : (size + BLOOM_LINE - 1) / BLOOM_LINE * BLOOM_LINE;
    t->filter =
        t->filter_mapped ? pages_map(t->filter_bytes) : aligned_alloc(BLOOM_LINE, t->filter_bytes);
    return t->filter ? 0 : strata_fail_memory(err, t->filter_bytes);
}

/* It is never packed: it is read to where it stays. */
static int read_filter(struct pax_table *t, struct strata_error *err)
{
    size_t size = (size_t)(t->properties - t->filter_offset);
    struct stored_block section;
    struct strata_error why;
    int rc;

    if (!t->probes)
        return 0;
    rc = take_filter(t, size, err);
    if (rc == 0)
        rc = pax_table_read_at(t, t->filter_offset, t->filter, size, err);
    if (rc < 0)
        return rc;
    rc = stored_block_open(&section, strata_bytes(t->filter, size), t->base.number,
                           t->filter_offset, &why);
    if (rc == 0 && section.compression != STORED_BLOCK_PLAIN)
        rc = strata_fail(&why, STRATA_ERR_CORRUPT, NULL, t->filter_offset, "a packed filter");
    if (rc == 0)
        rc = bloom_open(&t->bloom, section.stored, t->probes, &why);
    return pax_table_blame(t, t->filter_offset, rc, &why, err);
}

static int read_rest(struct pax_table *t, struct strata_error *err)
{
    int rc = pax_table_read_index(t, t->blocks, err);
    return rc < 0 ? rc : read_filter(t, err);
}

int pax_table_open_loaded(struct pax_table *t, struct strata_error *err)
{
    int rc = pax_table_read_ends(t, err);
    return rc < 0 ? rc : read_rest(t, err);
}

void pax_table_unload(struct pax_table *t)
{
    if (t->filter_mapped)
        pages_unmap(t->filter, t->filter_bytes);
    else
        free(t->filter);
    t->filter = NULL;
    fence_free(&t->fence);
}

/* 9.I25. */
int pax_table_load(struct pax_table *t, struct strata_error *err)
{
    int rc = 0;

    pthread_mutex_lock(&t->common->reading);
    if (!pax_table_is_loaded(t)) {
        rc = read_rest(t, err);
        if (rc == 0)
            rc = clock_cache_directory_init(&t->directory, t->fence.count, err);
        if (rc == 0)
            atomic_store_explicit(&t->loaded, true, memory_order_release);
        else
            pax_table_unload(t);
    }
    pthread_mutex_unlock(&t->common->reading);
    return rc;
}
