/* apply_edit.h: versions one after the other. */
#ifndef STRATA_TESTS_APPLY_EDIT_H
#define STRATA_TESTS_APPLY_EDIT_H

#include "06_leveled_compaction/version/version.h"

/* The version that the edit makes of *version takes its place; after an error it is as it was. */
static inline int apply_edit(struct version **version, const struct edit *edit,
                             struct strata_error *err)
{
    struct version *next;
    int rc = version_apply(*version, edit, &next, err);

    if (rc < 0)
        return rc;
    version_unref(*version);
    *version = next;
    return 0;
}

#endif
