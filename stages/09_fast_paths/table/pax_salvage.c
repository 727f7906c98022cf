/* pax_salvage.c: see pax_salvage.h. Its filter is not needed, and not read. */
#include "09_fast_paths/table/pax_salvage.h"
#include "09_fast_paths/table/pax_table_inside.h"
#include "base/bytes.h"

struct pax_reading {
    struct salvage base;
    struct pax_table_block loaded;
    struct pax_block block;   /* the present one, opened */
    uint32_t at;              /* the next entry in it */
    struct strata_buffer key; /* of the present one */
};

static int read_parts(struct salvage *s, struct strata_error *err)
{
    struct pax_table *t = pax_table_of(s->table);
    int rc;

    t->file.file = s->file;
    rc = pax_table_read_properties(t, err);
    if (rc < 0)
        return rc;
    s->knows_properties = true;
    s->blocks_end = t->blocks_end;
    rc = pax_table_read_index(t, err);
    s->indexed = rc == 0 ? t->fence.count : 0;
    return rc;
}

static int load(struct salvage *s, uint32_t n, struct strata_error *err)
{
    struct pax_reading *r = (struct pax_reading *)s;
    struct strata_buffer bytes = s->block;
    int rc = pax_table_read_block(pax_table_of(s->table), n, &r->loaded, err);

    s->block = r->loaded.bytes;
    r->loaded.bytes = bytes;
    return rc;
}

static int classify(void *arg, struct strata_slice bytes, uint64_t offset, struct strata_error *err)
{
    struct pax_block block;
    struct strata_error why;

    (void)arg;
    (void)offset;
    (void)err;
    return pax_block_open(&block, bytes, &why) == 0 ? BLOCK_ENTRIES : BLOCK_OTHER;
}

static int enter(struct salvage *s, struct strata_error *err)
{
    struct pax_reading *r = (struct pax_reading *)s;

    r->at = 0;
    return pax_block_open(&r->block, strata_buffer_slice(&s->block), err);
}

static int next(struct salvage *s, struct salvage_entry *entry, struct strata_error *err)
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
    r->at++;
    return 0;
}

static void free_parts(struct salvage *s)
{
    struct pax_reading *r = (struct pax_reading *)s;
    struct pax_table *t = pax_table_of(s->table);

    fence_free(&t->fence);
    strata_buffer_free(&t->notes);
    pax_table_block_free(&r->loaded);
    strata_buffer_free(&r->key);
}

const struct salvage_kind pax_salvage = {&pax_table_kind,
                                         sizeof(struct pax_reading),
                                         sizeof(struct pax_table),
                                         read_parts,
                                         load,
                                         classify,
                                         enter,
                                         next,
                                         free_parts};
