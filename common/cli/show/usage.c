/* usage.c: see usage.h. Only names and sizes are read: no lock is needed. */
#include "cli/show/usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void add(struct usage *usage, const char *name, const struct stat *status)
{
    const char *dot = strrchr(name, '.');
    uint64_t bytes = (uint64_t)status->st_size;

    usage->files++;
    usage->bytes += bytes;
    if (dot && strcmp(dot, ".log") == 0) {
        usage->logs++;
        usage->log_bytes += bytes;
    }
    if (status->st_mtime > usage->written)
        usage->written = status->st_mtime;
}

int usage_of(const char *dir, struct usage *usage)
{
    DIR *files = opendir(dir);
    struct dirent *entry;
    struct stat status;

    *usage = (struct usage){0};
    if (!files)
        return errno;
    while ((entry = readdir(files)))
        if (fstatat(dirfd(files), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode))
            add(usage, entry->d_name, &status);
    closedir(files);
    return 0;
}
