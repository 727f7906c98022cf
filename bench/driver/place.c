/* place.c: directories of the driver's own: a temporary one, and removing what it made. */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *place_temporary(void)
{
    const char *parent = getenv("TMPDIR");
    char *path = fs_join(parent && *parent ? parent : "/tmp", "strata-bench.XXXXXX");

    if (!path)
        bench_fail_memory();
    else if (!mkdtemp(path)) {
        bench_fail_sys(path, errno);
        free(path);
        path = NULL;
    }
    return path;
}

bool place_exists(const char *path)
{
    struct stat unused;
    return lstat(path, &unused) == 0;
}

static void remove_entries(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char *child;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        child = fs_join(path, entry->d_name);
        if (child)
            place_remove(child);
        free(child);
    }
    if (dir)
        closedir(dir);
}

/* A link is removed, never followed. */
void place_remove(const char *path)
{
    struct stat status;

    if (lstat(path, &status) < 0)
        return;
    if (S_ISDIR(status.st_mode))
        remove_entries(path);
    remove(path);
}

static bool matches(const char *name, const char *const *patterns)
{
    while (*patterns && fnmatch(*patterns, name, 0) != 0)
        patterns++;
    return *patterns;
}

static int move_entry(const char *from, const char *to, const char *name)
{
    char *old = fs_join(from, name), *new = fs_join(to, name);
    int code = old && new ? BENCH_OK : bench_fail_memory();

    if (code == BENCH_OK && rename(old, new) < 0)
        code = bench_fail_sys(old, errno);
    free(old);
    free(new);
    return code;
}

int place_move(const char *from, const char *to, const char *const *patterns)
{
    DIR *dir = opendir(from);
    struct dirent *entry;
    int code = BENCH_OK;

    if (!dir)
        return bench_fail_sys(from, errno);
    if (mkdir(to, 0777) < 0 && errno != EEXIST)
        code = bench_fail_sys(to, errno);
    while (code == BENCH_OK && (entry = readdir(dir)))
        if (matches(entry->d_name, patterns))
            code = move_entry(from, to, entry->d_name);
    closedir(dir);
    return code;
}
