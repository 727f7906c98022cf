/* block_table.c: a table of stage 5 (stages/05_blocks_bloom/table_layout.c), with its blocks, index
 * and filter, by itself: what must hold stands in sorted_file.h. */
#include "05_blocks_bloom/table.h"
#include "database.h"
#include "fuzz.h"
#include "sorted_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sorted_file file = {
        &table_kind, &table_format, DATABASE_DIR "/000002.table", 5, false, 512};

    sorted_file_check(&file, strata_bytes(data, size));
    return 0;
}
