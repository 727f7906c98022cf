/* pointer.h: what a memtable or a table has in place of a large value: where it is. The bytes are
 * drawn in pointer.c. */
#ifndef STRATA_12_POINTER_H
#define STRATA_12_POINTER_H

#include "01_append_log/record.h"

#define POINTER_BYTES 25u

struct pointer {
    uint64_t number; /* of the value file */
    uint64_t offset; /* of the record, which has key and value (01_append_log/record.c) */
    uint32_t size;   /* of the value, bytes */
    uint32_t check;  /* of key and value, as in the record's head */
};

void pointer_encode(const struct pointer *pointer, uint8_t to[POINTER_BYTES]);
/* NULL: the bytes are one. Else what is wrong. */
const char *pointer_check(struct strata_slice bytes);
/* Of checked bytes. */
void pointer_decode(struct strata_slice bytes, struct pointer *out);

/* Bytes of its record. */
static inline uint64_t pointer_record(const struct pointer *pointer, size_t key_size)
{
    return RECORD_HEAD + (uint64_t)key_size + pointer->size;
}

#endif
