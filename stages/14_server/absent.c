/* absent.c: the server of a program that was built without libuv: it says so. */
#include "strata_server.h"

#ifndef STRATA_UV
#include "strata_engine.h"

bool strata_server_is_built(void)
{
    return false;
}

int strata_server_run(struct strata *db, const struct strata_server_options *options,
                      struct strata_error *err)
{
    (void)db, (void)options;
    return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, NULL, STRATA_NO_OFFSET,
                       "this program was built without libuv");
}
#endif
