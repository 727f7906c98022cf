/* options.h: sets of options, which the table of commands is written with. */
#ifndef STRATA_COMMON_CLI_OPTIONS_H
#define STRATA_COMMON_CLI_OPTIONS_H

#include "cli/cli.h"

#define O(id) (UINT64_C(1) << (id))
#define DB_OPTIONS (O(CLI_STAGE) | O(CLI_CACHE) | O(CLI_MAPPED) | O(CLI_FIXED_LEVELS))
#define WRITE_OPTIONS (O(CLI_MEMTABLE) | O(CLI_SYNC) | O(CLI_COMPACTION))

#endif
