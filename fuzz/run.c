/* run.c: a run of stage 4 (stages/04_memtable_sstable/run/run.c), by itself: what must hold stands
 * in sorted_file.h. */
#include "04_memtable_sstable/run/run.h"
#include "database.h"
#include "fuzz.h"
#include "sorted_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sorted_file file = {.kind = &run_kind,
                                            .format = &run_format,
                                            .path = DATABASE_DIR "/000002.run",
                                            .stage = 4,
                                            .canonical = true};

    sorted_file_check(&file, strata_bytes(data, size));
    return 0;
}
