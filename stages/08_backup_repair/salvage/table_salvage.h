/* table_salvage.h: damaged tables of stage 5's kind (05_blocks_bloom/table/table.h). */
#ifndef STRATA_08_TABLE_SALVAGE_H
#define STRATA_08_TABLE_SALVAGE_H

#include "08_backup_repair/salvage/salvage.h"

extern const struct salvage_kind table_salvage;

#endif
