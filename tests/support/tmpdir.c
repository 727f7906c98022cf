/* tmpdir.c: see tmpdir.h. */
#define _XOPEN_SOURCE 700
#include "tmpdir.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void *or_end(void *made, const char *what)
{
    if (!made) {
        perror(what);
        exit(99);
    }
    return made;
}

char *tmpdir_path(const char *dir, const char *format, ...)
{
    char name[4096], *path;
    size_t size;
    va_list args;

    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    size = strlen(dir) + strlen(name) + 2;
    path = or_end(malloc(size), "tmpdir_path");
    snprintf(path, size, "%s/%s", dir, name);
    return path;
}

char *tmpdir_new(void)
{
    const char *under = getenv("TMPDIR");
    char *path = tmpdir_path(under && *under ? under : "/tmp", "strata-test-XXXXXX");
    or_end(mkdtemp(path), path);
    return path;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)where;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

static int open_up(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)where;
    if (type == FTW_DNR || (type == FTW_D && (status->st_mode & S_IRWXU) != S_IRWXU))
        chmod(path, S_IRWXU); /* a test of a directory that cannot be written */
    return 0;
}

void tmpdir_del(char *path)
{
    if (!path)
        return;
    nftw(path, open_up, 16, FTW_PHYS);
    if (nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH) != 0)
        perror(path);
    free(path);
}
