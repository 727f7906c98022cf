/* fs_sim_trace.c: a growing array of records.
 *
 * Bytes written are kept once: an append's record looks into the blob of the file it went to,
 * which is safe as a blob with several holders never changes below its size (fs_sim_bytes.c, I1).
 * What overwrites has a blob of its own. */
#include "crash/sim/fs_sim_trace.h"

#include <errno.h>
#include <stdlib.h>

void fs_sim_record_free(struct fs_sim_record *record)
{
    fs_sim_text_release(record->path);
    fs_sim_text_release(record->to);
    fs_sim_blob_release(record->blob);
    for (unsigned i = 0; i < record->change_count; i++)
        fs_sim_text_release(record->changes[i].name);
}

int fs_sim_trace_init(struct fs_sim_trace *trace, const struct fs_sim_tree *tree)
{
    int rc;
    *trace = (struct fs_sim_trace){0};
    rc = fs_sim_tree_copy(tree, false, &trace->start);
    if (rc < 0)
        fs_sim_trace_free(trace);
    return rc;
}

void fs_sim_trace_free(struct fs_sim_trace *trace)
{
    for (size_t i = 0; i < trace->count; i++)
        fs_sim_record_free(&trace->records[i]);
    free(trace->records);
    fs_sim_tree_free(&trace->start);
    *trace = (struct fs_sim_trace){0};
}

int fs_sim_trace_reserve(struct fs_sim_trace *trace, size_t more)
{
    size_t capacity = trace->capacity ? trace->capacity : 32;
    struct fs_sim_record *records;

    if (more <= trace->capacity - trace->count)
        return 0;
    while (capacity < trace->count + more)
        capacity *= 2;
    records = realloc(trace->records, capacity * sizeof *records);
    if (!records)
        return -ENOMEM;
    trace->records = records;
    trace->capacity = capacity;
    return 0;
}

void fs_sim_marks_take(struct fs_sim_marks *marks, const struct fs_sim_record *mark)
{
    if (mark->kind == FS_SIM_START)
        marks->issued = mark->n;
    if (mark->kind == FS_SIM_ACK)
        marks->acked = mark->n;
    if (mark->kind == FS_SIM_ACK && mark->synced)
        marks->synced = mark->n;
}

void fs_sim_trace_push(struct fs_sim_trace *trace, const struct fs_sim_record *record)
{
    struct fs_sim_record *to = &trace->records[trace->count++];
    *to = *record;
    to->call_number = trace->calls + 1;
    trace->calls += to->kind == FS_SIM_CALL;
}

/* A file that holds exactly what the blob holds before the write only looks further into it. */
static bool looks_further(const struct fs_sim_record *record, const struct fs_sim_bytes *bytes)
{
    return record->at == record->offset && bytes->have == record->offset &&
           bytes->size == record->offset && (bytes->have == 0 || bytes->blob == record->blob);
}

static int apply_write(const struct fs_sim_record *record, uint64_t size,
                       struct fs_sim_bytes *bytes)
{
    if (size == 0)
        return 0;
    if (!looks_further(record, bytes))
        return fs_sim_bytes_write(bytes, record->offset, record->blob->data + record->at,
                                  (size_t)size);
    if (bytes->blob != record->blob) {
        fs_sim_blob_release(bytes->blob);
        bytes->blob = record->blob;
        record->blob->refs++;
    }
    bytes->have = bytes->size = record->offset + size;
    bytes->hashed = false;
    return 0;
}

int fs_sim_record_apply(const struct fs_sim_record *record, uint64_t prefix,
                        struct fs_sim_bytes *bytes)
{
    uint64_t size = prefix < record->size ? prefix : record->size;

    if (record->effect != FS_SIM_WRITES && record->effect != FS_SIM_RESIZES)
        return 0;
    fs_sim_bytes_shape(bytes, record->effect, record->offset, size);
    if (record->effect == FS_SIM_WRITES)
        return apply_write(record, size, bytes);
    fs_sim_bytes_resize(bytes, record->size);
    return 0;
}
