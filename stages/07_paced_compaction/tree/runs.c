/* runs.c: the sorted runs of a version; see parts.h. */
#include "parts.h"

size_t version_run_count(const struct version *version)
{
    size_t count = version->levels[0].count;

    for (unsigned level = 1; level < LEVELS; level++)
        count += version->levels[level].count > 0;
    return count;
}

void version_runs(const struct version *version, struct run *out) /* I1 */
{
    const struct version_level *l = &version->levels[0];
    size_t n = 0;

    for (; n < l->count; n++)
        out[n] = (struct run){l->tables + n, 1};
    for (unsigned level = 1; level < LEVELS; level++) {
        l = &version->levels[level];
        if (l->count)
            out[n++] = (struct run){l->tables, l->count};
    }
}
