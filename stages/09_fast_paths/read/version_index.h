/* version_index.h: the key prefixes (key_prefix.h) of the bounds of a version's tables, side by
 * side: by them a table is found without a look at its keys. Made with the version, and freed with
 * it. */
#ifndef STRATA_09_VERSION_INDEX_H
#define STRATA_09_VERSION_INDEX_H

#include "07_paced_compaction/tree/parts.h"
#include "run_cursor.h"

struct version_index {
    struct strata_slice prefix; /* all keys begin with it; borrowed from a table */
    const uint64_t *lows;       /* of the smallest keys of version->all[] */
    uint64_t key_prefixes[];    /* of the largest, behind the prefix; then the lows */
};

/* Makes version->index. NO_MEMORY. */
int version_index_new(struct version *version, struct strata_error *err);

static inline const struct version_index *version_index(const struct version *version)
{
    return (const struct version_index *)version->index;
}
/* A run of the version, or one of other tables, with the key prefixes that there are. */
struct fast_run version_index_run(const struct version *version, const struct version_level *run);

#endif
