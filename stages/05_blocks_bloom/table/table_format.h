/* table_format.h: the parts of a table file that are no blocks of entries: the properties and the
 * footer. Drawn in table_format.c. */
#ifndef STRATA_05_TABLE_FORMAT_H
#define STRATA_05_TABLE_FORMAT_H

#include "04_memtable_sstable/run/sstable.h"

#define TABLE_FOOTER 40 /* bytes */

/* What a table says of itself. The slices are borrowed. */
struct table_properties {
    struct sstable_sum sum;
    uint64_t raw_bytes;                    /* of all data blocks, uncompressed */
    struct strata_slice smallest, largest; /* keys */
    struct strata_slice user; /* of the writer's caller, for its own use; may be empty */
};

/* Appends them. NO_MEMORY. */
int table_properties_put(struct strata_buffer *to, const struct table_properties *properties,
                         struct strata_error *err);
/* NULL: done. Else what is wrong with the bytes. */
const char *table_properties_get(struct strata_slice bytes, struct table_properties *properties);

/* Where the parts of a table begin. Each ends where the next one begins. */
struct table_footer {
    uint64_t index;      /* the data blocks end here */
    uint64_t filter;     /* no filter: there, the properties begin */
    uint64_t properties; /* end where the footer begins */
};

/* Of file `number`, to be at `offset`. */
void table_footer_put(const struct table_footer *footer, uint64_t number, uint64_t offset,
                      uint8_t to[TABLE_FOOTER]);
/* Likewise, from there. NULL: done, and the parts follow each other and lie within the file. */
const char *table_footer_get(const uint8_t from[TABLE_FOOTER], uint64_t number, uint64_t offset,
                             struct table_footer *footer);

#endif
