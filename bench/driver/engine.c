/* engine.c: what the files of the engines share. */
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int engine_fail(struct strata_error *err, const char *what, const char *why)
{
    *err = (struct strata_error){.code = STRATA_ERR_IO, .offset = STRATA_NO_OFFSET};
    snprintf(err->message, sizeof err->message, "%s: %s", what, why);
    return err->code;
}

int engine_no_memory(struct strata_error *err)
{
    *err = (struct strata_error){.code = STRATA_ERR_NO_MEMORY, .offset = STRATA_NO_OFFSET};
    return err->code;
}

int engine_mkdir(const struct engine_options *options, struct strata_error *err)
{
    if (options->create && mkdir(options->dir, 0777) < 0)
        return engine_fail(err, options->dir, strerror(errno));
    return 0;
}
