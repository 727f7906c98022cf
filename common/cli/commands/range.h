/* range.h: the entries between two keys, forwards or backwards. */
#ifndef STRATA_COMMON_CLI_RANGE_H
#define STRATA_COMMON_CLI_RANGE_H

#include "cli/cli.h"

struct range {
    struct strata_buffer from, to; /* owned: from <= key, and key < to if has_to */
    bool has_to;
    bool reverse;
};

/* The range that --from, --to, --prefix and --reverse say, into a zeroed *range. CLI_OK, or the
 * error is logged. To be freed in any case. */
int range_of_options(struct cli *cli, struct range *range);
/* Narrows the range to the keys that begin with `prefix`. 0 or STRATA_ERR_NO_MEMORY. */
int range_to_prefix(struct range *range, struct strata_slice prefix);
void range_free(struct range *range);

/* Moves to the first entry of the range, and on: 0 (positioned in the range), STRATA_NOT_FOUND
 * (there is none, or no more) or < 0. */
int range_first(const struct range *range, struct strata_iter *iter, struct strata_error *err);
int range_next(const struct range *range, struct strata_iter *iter, struct strata_error *err);

#endif
