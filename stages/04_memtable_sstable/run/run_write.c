/* run_write.c: a run is written record by record. The index can be written only behind the last
 * one. Until then one varint a record is kept, two bytes most of the time, so that ten million
 * records need 20 MB. */
#include "02_hash_index/index.h"
#include "02_hash_index/segment.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "04_memtable_sstable/run/run.h"

#include <assert.h>

struct run_writer {
    struct sstable_writer base;
    uint64_t index;             /* where it begins */
    struct strata_buffer sizes; /* of all records, as varints: of this the index is made */
};

int run_writer_new(const struct strata_env *env, uint64_t number, struct sstable_writer **out,
                   struct strata_error *err)
{
    return sstable_writer_begin(RUN_SUFFIX, RUN_MAGIC, sizeof(struct run_writer), env, number, out,
                                err);
}

/* One record, of any type. */
static int add_record(struct sstable_writer *w, unsigned type, struct strata_slice key,
                      struct strata_slice value, struct strata_error *err)
{
    struct strata_buffer *to = &w->out.bytes;

    if (buffer_reserve(to, RECORD_HEAD + key.size + value.size) < 0)
        return strata_fail_memory(err, RECORD_HEAD + key.size + value.size);
    record_head(w->number, fs_output_end(&w->out), type, key, value, to->data + to->size);
    to->size += RECORD_HEAD;
    strata_buffer_append(to, key.data, key.size);
    strata_buffer_append(to, value.data, value.size);
    return fs_output_flush_due(&w->out, err);
}

int run_writer_add(struct sstable_writer *writer, unsigned type, struct strata_slice key,
                   struct strata_slice value, struct strata_error *err)
{
    struct run_writer *w = (struct run_writer *)writer;
    struct sstable_sum *sum = &writer->sum;

    assert(w->index == 0 && (type == STRATA_OP_PUT || !value.size)); /* no page is there yet */
    if (buffer_put_varint(&w->sizes, RECORD_HEAD + key.size + value.size) < 0)
        return strata_fail_memory(err, w->sizes.capacity * 2);
    sum->records++;
    sum->digest += segment_digest(index_hash(key), fs_output_end(&writer->out), type);
    sum->tombstones += type == STRATA_OP_DELETE;
    return add_record(writer, type, key, value, err);
}

/* The places of all records, page by page. */
static int add_index(struct run_writer *w, struct strata_error *err)
{
    uint64_t left = w->base.sum.records, offset = RECORD_FILE_HEADER;
    struct decoder sizes;
    int rc = 0;

    w->index = fs_output_end(&w->base.out);
    decoder_init(&sizes, strata_buffer_slice(&w->sizes));
    while (rc == 0 && left) {
        uint8_t page[8 * RUN_PAGE], *at = page;
        for (int i = 0; i < RUN_PAGE && left; i++, left--) {
            at = put_u64(at, offset);
            offset += get_varint(&sizes);
        }
        rc = add_record(&w->base, RUN_INDEX, strata_bytes(NULL, 0),
                        strata_bytes(page, (size_t)(at - page)), err);
    }
    return rc;
}

static int add_end(struct run_writer *w, struct strata_error *err)
{
    const struct sstable_sum *sum = &w->base.sum;
    uint8_t bytes[48], *at = bytes;

    at = put_u64(at, sum->records);
    at = put_u64(at, sum->tombstones);
    at = put_u64(at, w->index);
    at = put_u64(at, sum->first);
    at = put_u64(at, sum->last);
    put_u64(at, sum->digest);
    return add_record(&w->base, RUN_END, strata_bytes(NULL, 0), strata_bytes(bytes, sizeof bytes),
                      err);
}

int run_writer_finish(struct sstable_writer *writer, uint64_t first, uint64_t last,
                      struct strata_error *err)
{
    struct run_writer *w = (struct run_writer *)writer;
    int rc;

    assert(writer->sum.records && first <= last && !w->index);
    writer->sum.first = first;
    writer->sum.last = last;
    rc = add_index(w, err);
    if (rc == 0)
        rc = add_end(w, err);
    return rc < 0 ? rc : fs_output_flush(&writer->out, err);
}

void run_writer_del(struct sstable_writer *writer, bool keep)
{
    strata_buffer_free(&((struct run_writer *)writer)->sizes);
    sstable_writer_free(writer, keep);
}
