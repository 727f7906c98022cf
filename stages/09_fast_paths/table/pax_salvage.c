/* pax_salvage.c: see pax_salvage.h. Its filter is not needed, and not read. */
#include "09_fast_paths/table/pax_salvage.h"
#include "base/bytes.h"

int pax_salvage_read_parts(struct salvage *s, struct strata_error *err)
{
    struct pax_table *t = pax_table_of(s->table);
    int rc;

    t->file.file = s->file;
    rc = pax_table_read_properties(t, err);
    if (rc == 0 && t->coded && !s->kind->check_coded)
        rc = pax_table_refuse_coded(s->table, err);
    if (rc < 0)
        return rc;
    s->knows_properties = true;
    s->blocks_end = t->blocks_end;
    rc = pax_table_read_index(t, err);
    s->indexed = rc == 0 ? t->fence.count : 0;
    return rc;
}

int pax_salvage_load(struct salvage *s, uint32_t n, struct strata_error *err)
{
    struct pax_reading *r = (struct pax_reading *)s;
    struct strata_buffer bytes = s->block;
    int rc = pax_table_open_block(pax_table_of(s->table), n, NULL, &r->loaded, err);

    s->block = r->loaded.bytes;
    r->loaded.bytes = bytes;
    return rc;
}

int pax_salvage_classify(void *arg, struct strata_slice bytes, uint64_t offset,
                         struct strata_error *err)
{
    struct pax_block block;
    struct strata_error why;

    (void)arg;
    (void)offset;
    (void)err;
    return pax_block_open(&block, bytes, &why) == 0 ? BLOCK_ENTRIES : BLOCK_OTHER;
}

int pax_salvage_enter(struct salvage *s, struct strata_error *err)
{
    struct pax_reading *r = (struct pax_reading *)s;

    r->at = 0;
    return pax_block_open(&r->block, strata_buffer_slice(&s->block), err);
}

/* A coded value's block may be whole, and the value none that anybody wrote. */
static bool is_readable(const struct salvage *s, const struct salvage_entry *entry)
{
    return entry->type != SSTABLE_CODED ||
           (s->kind->check_coded && !s->kind->check_coded(entry->value, s->table->sum.last));
}

int pax_salvage_next(struct salvage *s, struct salvage_entry *entry, struct strata_error *err)
{
    struct pax_reading *r = (struct pax_reading *)s;

    if (r->at == r->block.count)
        return STRATA_NOT_FOUND;
    strata_buffer_clear(&r->key);
    if (buffer_reserve(&r->key, r->block.key_max + PAX_BLOCK_SLACK) < 0)
        return strata_fail_memory(err, r->block.key_max);
    r->key.size = pax_block_key(&r->block, r->at, r->key.data);
    *entry = (struct salvage_entry){pax_block_type(&r->block, r->at), strata_buffer_slice(&r->key),
                                    pax_block_value(&r->block, r->at)};
    if (!is_readable(s, entry))
        entry->type = 0;
    r->at++;
    return 0;
}

void pax_salvage_free_parts(struct salvage *s)
{
    struct pax_reading *r = (struct pax_reading *)s;
    struct pax_table *t = pax_table_of(s->table);

    fence_free(&t->fence);
    pax_table_block_free(&r->loaded);
    strata_buffer_free(&r->key);
}

const struct salvage_kind pax_salvage = {.table = &pax_table_kind, PAX_SALVAGE_SLOTS};
