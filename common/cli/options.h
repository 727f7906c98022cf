/* options.h: lists of options and sets of exit statuses, which the rows of the commands are written
 * with. */
#ifndef STRATA_COMMON_CLI_OPTIONS_H
#define STRATA_COMMON_CLI_OPTIONS_H

#include "cli/cli.h"

/* A list of options, for a row. */
#define OPTIONS(...) ((const enum cli_option_id[]){__VA_ARGS__, CLI_OPTIONS})
#define DB_OPTIONS CLI_STAGE, CLI_CACHE, CLI_MAPPED, CLI_FIXED_LEVELS
#define WRITE_OPTIONS CLI_MEMTABLE, CLI_SYNC, CLI_COMPACTION, CLI_VALUE_BYTES
#define RECORD_OPTIONS DB_OPTIONS, CLI_HEX
#define FORMAT_OPTIONS RECORD_OPTIONS, CLI_FORMAT, CLI_HEADER
/* An exit status, as a bit. */
#define O(status) (UINT64_C(1) << (status))
/* What every command that opens a database may end with. */
#define DB_EXITS                                                                                   \
    (O(CLI_OK) | O(CLI_USAGE) | O(CLI_CORRUPT) | O(CLI_IO) | O(CLI_NOT_SUPPORTED) |                \
     O(CLI_LOCKED) | O(CLI_OTHER))

#endif
