/* version_index.h: what is kept beside a version's tables to find one fast: the heads of their
 * bounds (heads.h), attached to the version; a get and a scan that use them. */
#ifndef STRATA_09_VERSION_INDEX_H
#define STRATA_09_VERSION_INDEX_H

#include "06_leveled_compaction/version.h"
#include "run_cursor.h"

struct version_index {
    struct strata_slice prefix; /* all keys begin with it; borrowed from a table */
    const uint64_t *lows;       /* of the smallest keys of version->all, behind the prefix */
    uint64_t heads[];           /* of their largest keys, and then of their smallest */
};

/* Attaches it to a version that nobody reads yet. NO_MEMORY. */
int version_index_new(struct version *version, struct strata_error *err);
static inline const struct version_index *version_index_of(const struct version *version)
{
    return version->index;
}

/* As version_find, of the level of this number. */
size_t version_index_find(const struct version *version, unsigned level, struct strata_slice key);
/* As version_get (version_get.c). */
int version_index_get(struct version *version, struct strata_slice key, unsigned *type,
                      struct strata_buffer *value, struct strata_error *err);

/* How many sorted runs all of it is: tables of level 0, and deeper levels that have tables. */
size_t version_run_count(const struct version *version);
/* Tells them, the newest first. They borrow the version. */
void version_runs(const struct version *version, struct run *out);

#endif
