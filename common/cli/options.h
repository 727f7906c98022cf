/* options.h: sets of options and of exit statuses, which the rows of the commands are written with.
 */
#ifndef STRATA_COMMON_CLI_OPTIONS_H
#define STRATA_COMMON_CLI_OPTIONS_H

#include "cli/cli.h"

#define O(id) (UINT64_C(1) << (id))
#define DB_OPTIONS (O(CLI_STAGE) | O(CLI_CACHE) | O(CLI_MAPPED) | O(CLI_FIXED_LEVELS))
#define WRITE_OPTIONS (O(CLI_MEMTABLE) | O(CLI_SYNC) | O(CLI_COMPACTION) | O(CLI_VALUE_BYTES))
#define RECORD_OPTIONS (DB_OPTIONS | O(CLI_HEX))
#define FORMAT_OPTIONS (RECORD_OPTIONS | O(CLI_FORMAT) | O(CLI_HEADER))
/* What every command that opens a database may end with. */
#define DB_EXITS                                                                                   \
    (O(CLI_OK) | O(CLI_USAGE) | O(CLI_CORRUPT) | O(CLI_IO) | O(CLI_NOT_SUPPORTED) |                \
     O(CLI_LOCKED) | O(CLI_OTHER))

#endif
