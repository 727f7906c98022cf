/* single_op_log.c: single-operation batches between the frames of stage 3's log (03_wal/wal.c):
 *
 *   +-----------------------------------------------+---------------------------------------+
 *   | type 6: sequence n, count 2, synced ... | 1|2 | record of type 10 put or 11 delete    |
 *   +-----------------------------------------------+---------------------------------------+
 *   |<-- operations n and n + 1                  -->|<-- operation n + 2                 -->|
 *
 * 9.I34: such a record is valid only directly after a valid frame: reading continues with one, and
 *        never begins with one. So it needs no sequence number and no salt.
 * 9.I35: what was synced is written into the first frame after that sync: a single operation
 * follows only a frame whose `synced` is the present one. 9.I36: of HEAD_EVERY bytes at least one
 * begins a frame with a header: where a record cannot be read, `strata repair` continues with the
 * next header. */
#include "single_op_log.h"
#include "strata_engine.h"

#include <assert.h>
#include <inttypes.h>

#define HEAD_EVERY ((uint64_t)32 << 10) /* bytes */

bool single_op_add(struct wal_group *group, const struct strata_op *ops, size_t count,
                   uint64_t synced, bool last)
{
    const struct wal_frame *frame = &group->frame;
    uint64_t at = group->offset + group->bytes.size;

    if (count != 1 || !frame->salt || frame->synced != synced || at - frame->offset >= HEAD_EVERY)
        return false; /* 9.I35, 9.I36 */
    assert(ops->type == STRATA_OP_PUT || ops->type == STRATA_OP_DELETE);
    wal_frame_add(group, ops->type - STRATA_OP_PUT + SINGLE_OP_PUT, ops->key, ops->value, last);
    return true;
}

int single_op_decode(const struct fs_file *file, const struct record *record,
                     struct wal_frame *frame, struct strata_error *err)
{
    if (!frame->salt)
        return strata_fail(err, STRATA_ERR_CORRUPT, file->path, record->offset,
                           "an operation before the file's first frame"); /* 9.I34 */
    if (record->type == SINGLE_OP_DELETE && record->value_size)
        return strata_fail(err, STRATA_ERR_CORRUPT, file->path, record->offset,
                           "a delete with a value of %" PRIu32 " bytes", record->value_size);
    *frame = (struct wal_frame){.sequence = frame->sequence + frame->count,
                                .synced = frame->synced,
                                .bytes = record->next - record->offset,
                                .count = 1,
                                .salt = frame->salt,
                                .offset = record->offset,
                                .first = record->offset,
                                .end = record->next};
    return 0;
}

unsigned single_op_type(unsigned type)
{
    return type < SINGLE_OP_PUT ? type : type - SINGLE_OP_PUT + STRATA_OP_PUT;
}

const struct wal_kind single_op_log = {SINGLE_OP_SLOTS};
