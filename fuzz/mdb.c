/* mdb.c: the bytes are a dump of LMDB or Berkeley DB (common/text/mdb.h); what must hold is in
 * lines.h.
 */
#include "fuzz.h"
#include "lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lines_check(ENTRIES_MDB, TEXT_ESCAPED, strata_bytes(data, size));
    return 0;
}
