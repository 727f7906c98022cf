/* repair_table.h: repair (repair.h) of a table of stage 5. */
#ifndef STRATA_FUZZ_REPAIR_TABLE_H
#define STRATA_FUZZ_REPAIR_TABLE_H

#include "repair.h"

void repair_table(uint8_t *data, size_t size, enum repair what);

#endif
