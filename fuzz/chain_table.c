/* chain_table.c: a table of stage 10, in which some values are chains of versions
 * (stages/10_concurrency/snapshot/chain.c), by itself: what must hold is in sorted_file.h. A get
 * finds the newest version of a chain. */
#include "10_concurrency/table/chain_table.h"
#include "10_concurrency/snapshot/chain.h"
#include "database.h"
#include "fuzz.h"
#include "sorted_file.h"

static unsigned newest(struct strata_slice coded, struct strata_slice *value)
{
    return chain_read(coded, UINT64_MAX, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* LZ4 makes 255 bytes of one at most, and two blocks are held at once. */
    static const struct sorted_file file = {.kind = &chain_table_kind,
                                            .format = &chain_table_format,
                                            .path = DATABASE_DIR "/000002.table",
                                            .stage = 10,
                                            .unlisted = true,
                                            .ordered = true,
                                            .most_per_byte = 512,
                                            .newest = newest};

    sorted_file_check(&file, strata_bytes(data, size));
    return 0;
}
