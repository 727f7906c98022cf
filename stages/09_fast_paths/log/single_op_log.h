/* single_op_log.h: a log kind that writes a batch of one put or delete as one record, without a
 * frame's head. Of a put of 16 and 100 bytes a head is a fourth. */
#ifndef STRATA_09_SINGLE_OP_LOG_H
#define STRATA_09_SINGLE_OP_LOG_H

#include "03_wal/wal.h"

#define SINGLE_OP_MAGIC "STRATWL2"
#define SINGLE_OP_PUT 10 /* record types; 7 to 9 are in other files */
#define SINGLE_OP_DELETE 11

extern const struct wal_kind single_op_log;
/* Its slots, for a later stage's kind. */
#define SINGLE_OP_SLOTS                                                                            \
    .magic = SINGLE_OP_MAGIC, .min_type = SINGLE_OP_PUT, .max_type = SINGLE_OP_DELETE,             \
    .add = single_op_add, .decode = single_op_decode, .op_type = single_op_type
bool single_op_add(struct wal_group *group, const struct strata_op *ops, size_t count,
                   uint64_t synced, bool last);
int single_op_decode(const struct fs_file *file, const struct record *record,
                     struct wal_frame *frame, struct strata_error *err);
unsigned single_op_type(unsigned type);
extern const struct strata_format single_op_log_format; /* single_op_inspect.c */

#endif
