/* single_op_log.h: a log kind that writes a batch of one put or delete as one record, without a
 * frame's head. Of a put of 16 and 100 bytes a head is a fourth. */
#ifndef STRATA_09_SINGLE_OP_LOG_H
#define STRATA_09_SINGLE_OP_LOG_H

#include "03_wal/wal.h"

#define SINGLE_OP_MAGIC "STRATWL2"
#define SINGLE_OP_PUT 10 /* record types; 7 to 9 are in other files */
#define SINGLE_OP_DELETE 11

extern const struct wal_kind single_op_log;
extern const struct strata_format single_op_log_format; /* single_op_inspect.c */

#endif
