/* chain_table.h: stage 9's tables, with values that may be chains
 * (10_concurrency/snapshot/chain.h). A table that has none is the same as at stage 9, byte for
 * byte. */
#ifndef STRATA_10_CHAIN_TABLE_H
#define STRATA_10_CHAIN_TABLE_H

#include "09_fast_paths/table/pax_salvage.h"

extern const struct sstable_kind chain_table_kind;
/* Damaged ones: chains that nobody can have written are left out. */
extern const struct salvage_kind chain_salvage;

/* Shows the versions of each chain, too. (chain_inspect.c) */
extern const struct strata_format chain_table_format;

#endif
