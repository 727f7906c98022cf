/* table.c: a table of stage 5 (stages/05_blocks_bloom/table/table_format.c), with its blocks, index
 * and filter, by itself: what must hold is in sorted_file.h.
 *
 * Beyond that, of one that verifies:
 *   - its properties and its footer make the same bytes when they are written again;
 *   - its properties are valid at no other offset and in no other file. */
#include "05_blocks_bloom/block/stored_block.h"
#include "05_blocks_bloom/table/table.h"
#include "05_blocks_bloom/table/table_format.h"
#include "database.h"
#include "fuzz.h"
#include "sorted_file.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER 2

/* The properties, which are stored there. */
static void check_properties(struct strata_slice stored, uint64_t offset)
{
    struct strata_buffer again = {0};
    struct table_properties p;
    struct stored_block block;
    uint8_t *bytes;

    require(stored_block_open(&block, stored, NUMBER, offset, NULL) == 0, "properties");
    bytes = malloc((size_t)block.size + 1);
    require(bytes && stored_block_uncompress(&block, offset, bytes, NULL) == 0, "uncompress");
    require(!table_properties_get(strata_bytes(bytes, block.size), &p), "other properties");
    require(table_properties_put(&again, &p, NULL) == 0, "no memory");
    require(strata_compare(strata_buffer_slice(&again), strata_bytes(bytes, block.size)) == 0,
            "other properties");
    require(stored_block_open(&block, stored, NUMBER, offset + 1, NULL) < 0 &&
                stored_block_open(&block, stored, NUMBER + 1, offset, NULL) < 0,
            "the properties are valid in other places");
    strata_buffer_free(&again);
    free(bytes);
}

static void check_bytes(struct strata_slice bytes)
{
    uint64_t offset = bytes.size - TABLE_FOOTER;
    struct table_footer footer;
    uint8_t again[TABLE_FOOTER];

    require(!table_footer_get(bytes.data + offset, NUMBER, offset, &footer), "footer");
    table_footer_put(&footer, NUMBER, offset, again);
    require(memcmp(again, bytes.data + offset, TABLE_FOOTER) == 0, "another footer");
    check_properties(
        strata_bytes(bytes.data + footer.properties, (size_t)(offset - footer.properties)),
        footer.properties);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* LZ4 makes 255 bytes of one at most; two blocks are held at once, each being checked with as
     * much scratch memory. */
    static const struct sorted_file file = {.kind = &table_kind,
                                            .format = &table_format,
                                            .path = DATABASE_DIR "/000002.sst",
                                            .stage = 5,
                                            .ordered = true,
                                            .most_per_byte = 1024,
                                            .check_bytes = check_bytes};

    sorted_file_check(&file, strata_bytes(data, size));
    return 0;
}
