/* 09_version_test.c: the tests of stage 7's versions and compactions, with stage 9's parts. */
#include "09_fast_paths/fast_parts.h"

#define PARTS fast_parts

static struct cursor *run_cursor(const struct version *version, const struct version_level *run)
{
    struct fast_run fast = version_index_run(version, run);
    return run_cursor_new(&fast, version_index(version)->prefix, false);
}

#include "07_version_test.c"
