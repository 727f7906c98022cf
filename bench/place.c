/* place.c: directories of the driver's own: a temporary one, and removing what it made. */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
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
