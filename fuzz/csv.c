/* csv.c: the bytes are CSV (common/text/csv.h), in both forms of text; what must hold is in
 * lines.h. */
#include "fuzz.h"
#include "lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lines_check(ENTRIES_CSV, TEXT_ESCAPED, strata_bytes(data, size));
    lines_check(ENTRIES_CSV, TEXT_HEX, strata_bytes(data, size));
    return 0;
}
