/* value_ahead.h: what a scan reads of a value file beyond the value that it has come to, where the
 * last values lay side by side in the order of the scan: so the next ones need no system call each.
 * (Stage 9's read-ahead of blocks, 09_fast_paths/read/readahead.h.) */
#ifndef STRATA_12_VALUE_AHEAD_H
#define STRATA_12_VALUE_AHEAD_H

#include "fs/fs_pool.h"

/* Of one scan. All zero is a valid empty one. */
struct value_ahead {
    uint64_t number, from, to; /* the record that was read last, and its file's number */
    size_t piece;              /* bytes of the last read; 0: of none in a row */
    uint64_t at;               /* where `bytes` are in that file */
    struct strata_buffer bytes;
};

void value_ahead_free(struct value_ahead *ahead);

/* `record`: its bytes, not checked, borrowed until the next call; its neighbours are read with it.
 * NULL: it is to be read by itself. `end`: the file has so many bytes, the record among them; in
 * what is behind it, or before it, is nothing that the scan sees and that is not written yet.
 *
 * STRATA_ERR_NO_MEMORY. */
int value_ahead_record(struct value_ahead *ahead, const struct fs_pooled *file, uint64_t number,
                       uint64_t offset, uint64_t size, uint64_t end, const uint8_t **record,
                       struct strata_error *err);

#endif
