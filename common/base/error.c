/* error.c: the error record. It is filled once, where the error is detected, and allocates nothing:
 * its texts are arrays inside it; a text that does not fit is cut. */
#include "strata_engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *strata_fate_name(enum strata_fate fate)
{
    static const char *const names[] = {"kept", "salvaged", "lost", "unused", "made"};
    return (size_t)fate < sizeof names / sizeof *names ? names[fate] : "unknown";
}

const char *strata_code_name(int code)
{
    switch (code) {
    case STRATA_OK:
        return "ok";
    case STRATA_NOT_FOUND:
        return "not found";
    case STRATA_CONFLICT:
        return "conflict";
    case STRATA_DEADLOCK:
        return "deadlock";
    case STRATA_TIMEOUT:
        return "timeout";
    case STRATA_ERR_INVALID:
        return "invalid argument";
    case STRATA_ERR_CORRUPT:
        return "corrupt";
    case STRATA_ERR_IO:
        return "I/O error";
    case STRATA_ERR_NOT_SUPPORTED:
        return "not supported";
    case STRATA_ERR_NO_MEMORY:
        return "out of memory";
    case STRATA_ERR_LOCKED:
        return "locked";
    case STRATA_ERR_READ_ONLY:
        return "read-only";
    case STRATA_ERR_ABSENT:
        return "no database";
    case STRATA_ERR_EXISTS:
        return "already there";
    case STRATA_ERR_WRONG_STAGE:
        return "wrong stage";
    case STRATA_ERR_BUSY:
        return "busy";
    }
    return "unknown code";
}

/* A path that is too long is cut at its beginning: its end says more. */
static void copy_path(char *to, size_t capacity, const char *path)
{
    size_t size = strlen(path);
    if (size < capacity)
        memcpy(to, path, size + 1);
    else
        snprintf(to, capacity, "...%s", path + size - (capacity - 4));
}

static void fill(struct strata_error *err, int code, int sys, const char *file, uint64_t offset)
{
    err->code = code;
    err->sys = sys;
    err->offset = offset;
    copy_path(err->file, sizeof err->file, file ? file : "");
    err->message[0] = '\0';
}

int strata_fail(struct strata_error *err, int code, const char *file, uint64_t offset,
                const char *format, ...)
{
    if (err) {
        va_list args;
        fill(err, code, 0, file, offset);
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
    }
    return code;
}

int strata_fail_sys(struct strata_error *err, int sys, const char *file, uint64_t offset,
                    const char *doing)
{
    if (err) {
        char why[128];
        if (strerror_r(sys, why, sizeof why) != 0)
            snprintf(why, sizeof why, "errno %d", sys);
        fill(err, STRATA_ERR_IO, sys, file, offset);
        snprintf(err->message, sizeof err->message, "%s: %s", doing, why);
    }
    return STRATA_ERR_IO;
}

int strata_fail_memory(struct strata_error *err, size_t bytes)
{
    return strata_fail(err, STRATA_ERR_NO_MEMORY, NULL, STRATA_NO_OFFSET, "no room for %zu bytes",
                       bytes);
}

int strata_error_sys(const struct strata_error *err)
{
    return err->sys ? err->sys : err->code == STRATA_ERR_NO_MEMORY ? ENOMEM : EIO;
}

int strata_fail_with(int rc, const struct strata_error *why, struct strata_error *err)
{
    if (rc < 0 && err)
        *err = *why;
    return rc;
}

void strata_error_prefix(struct strata_error *err, const char *format, ...)
{
    struct strata_error old;
    size_t used;
    va_list args;

    if (!err)
        return;
    old = *err;
    va_start(args, format);
    used = (size_t)vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (used < sizeof err->message)
        snprintf(err->message + used, sizeof err->message - used, "%s", old.message);
    else /* a prefix that leaves no room for the cause is worth less than the cause */
        *err = old;
}

char *strata_error_text(const struct strata_error *err, char *to, size_t capacity)
{
    char where[32] = "";
    if (capacity == 0)
        return to;
    if (err->offset != STRATA_NO_OFFSET)
        snprintf(where, sizeof where, "%s@%" PRIu64, err->file[0] ? " " : "", err->offset);
    snprintf(to, capacity, "%s: %s%s%s%s", strata_code_name(err->code), err->file, where,
             err->file[0] || where[0] ? ": " : "", err->message);
    return to;
}
