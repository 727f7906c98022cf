/* fs_posix.c: struct fs_ops over the system's calls. Raw: fs.c handles short and interrupted calls.
 */
#define _GNU_SOURCE
#include "fs/fs_posix.h"
#include "fs/fs_window.h"
#include "fs/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#define PARTS_MAX 8
#define PAGE 4096
/* Linux moves at most 0x7ffff000 bytes a call; other systems refuse more than INT_MAX. */
#define BYTES_MAX ((size_t)1 << 30)

struct posix_file {
    struct fs_file base;
    int fd;
    bool locked; /* by lock_take */
    bool mapped; /* FS_MAPPED, on a file system where allocated room is guaranteed (see keeps_room)
                  */
    bool filled; /* FS_AHEAD without it, on such a file system: room is filled with zeros */
    struct fs_window window; /* for appends, if it is mapped or filled */
};

#define AHEAD ((uint64_t)1 << 20)

/* Relative paths start at the working directory of fs_posix_new: a database opens files later, and
 * must find its files also after a chdir. */
struct posix_fs {
    struct strata_fs fs;
    int root;
};

static int root_of(struct strata_fs *fs)
{
    return ((struct posix_fs *)fs)->root;
}

static int fd_of(const struct fs_file *file)
{
    return ((const struct posix_file *)file)->fd;
}

/* 0 and positive results pass; -1 becomes -errno. */
static ssize_t result(ssize_t rc)
{
    return rc < 0 ? -errno : rc;
}

/* Allocated room must still exist when a store goes to it; else the process gets SIGBUS. The file
 * systems listed here overwrite the allocated blocks; copy-on-write file systems (btrfs, ZFS, f2fs)
 * write elsewhere and may find no space; about others nothing is known. */
static bool keeps_room(int fd)
{
    struct statfs status;
    if (fstatfs(fd, &status) < 0)
        return false;
    return status.f_type == 0xef53 /* ext2 to ext4 */ || status.f_type == 0x58465342 /* XFS */ ||
           status.f_type == 0x01021994 /* tmpfs */;
}

static int new_file(int fd, struct fs_file **out)
{
    struct posix_file *file = calloc(1, sizeof *file);
    if (!file) {
        lock_close(fd);
        return -ENOMEM;
    }
    file->fd = fd;
    *out = &file->base;
    return 0;
}

/* A process may have closed its standard streams; then the next file gets one of their numbers, and
 * a message printed to standard error would be written into the file. So files avoid descriptors 0
 * to 2. */
static int open_high(struct strata_fs *fs, const char *path, int how)
{
    int fd = openat(root_of(fs), path, how, 0666), high;

    if (fd < 0 || fd > 2)
        return fd;
    high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return high;
}

/* O_NONBLOCK: a pipe instead of a file must not block the open. It has no effect on regular files,
 * the only ones accepted. */
static int posix_open(struct strata_fs *fs, const char *path, unsigned flags, struct fs_file **out)
{
    int how = O_CLOEXEC | O_NONBLOCK | (flags & FS_WRITE ? O_RDWR : O_RDONLY), fd, sys;
    struct stat status;

    how |= flags & FS_CREATE ? O_CREAT : 0;
    how |= flags & FS_EXCLUSIVE ? O_EXCL : 0;
    how |= flags & FS_TRUNCATE ? O_TRUNC : 0;
    fd = open_high(fs, path, how);
    if (fd < 0)
        return -errno;
    sys = fstat(fd, &status) < 0    ? errno
          : S_ISREG(status.st_mode) ? 0
          : S_ISDIR(status.st_mode) ? EISDIR
                                    : EINVAL;
    if (sys) {
        close(fd);
        return -sys;
    }
    sys = new_file(fd, out);
    if (sys == 0 && flags & FS_AHEAD && keeps_room(fd)) {
        ((struct posix_file *)*out)->mapped = flags & FS_MAPPED;
        ((struct posix_file *)*out)->filled = !(flags & FS_MAPPED);
    }
    return sys;
}

static ssize_t posix_read_at(struct fs_file *file, uint64_t offset, void *to, size_t size)
{
    return result(pread(fd_of(file), to, size < BYTES_MAX ? size : BYTES_MAX, (off_t)offset));
}

static ssize_t posix_write_at(struct fs_file *file, uint64_t offset, const void *from, size_t size)
{
    return result(pwrite(fd_of(file), from, size < BYTES_MAX ? size : BYTES_MAX, (off_t)offset));
}

static ssize_t write_parts(struct fs_file *file, const struct strata_slice *parts, size_t count)
{
    struct iovec vector[PARTS_MAX];
    size_t bytes = 0, used = 0;

    if (count == 1)
        return posix_write_at(file, file->end, parts->data, parts->size);
    for (; used < count && used < PARTS_MAX && bytes < BYTES_MAX; used++) {
        size_t room = BYTES_MAX - bytes, size = parts[used].size;
        vector[used].iov_base = (void *)(uintptr_t)parts[used].data;
        vector[used].iov_len = size < room ? size : room;
        bytes += vector[used].iov_len;
    }
    return result(pwritev(fd_of(file), vector, (int)used, (off_t)file->end));
}

static ssize_t posix_append(struct fs_file *file, const struct strata_slice *parts, size_t count)
{
    struct posix_file *posix = (struct posix_file *)file;
    uint64_t size = 0;
    ssize_t written;

    if (!posix->mapped && !posix->filled)
        return write_parts(file, parts, count);
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    if (posix->filled) {
        fs_window_fill(&posix->window, posix->fd, file->end, size);
        return write_parts(file, parts, count);
    }
    if (fs_window_store(&posix->window, posix->fd, file->end, parts, count, size))
        return (ssize_t)size;
    written = write_parts(file, parts, count);
    if (written > 0)
        fs_window_pass(&posix->window, file->end + (uint64_t)written);
    return written;
}

static int posix_sync(struct fs_file *file)
{
    ((struct posix_file *)file)->window.synced = true;
    return (int)result(fdatasync(fd_of(file)));
}

/* Whole pages only, or whole pieces of a window: a page that is still being filled would be written
 * twice. A device error is not reported here, but it is not lost either: the call does not wait,
 * and the next fdatasync reports the error. */
static void posix_write_back(struct fs_file *file, uint64_t offset, uint64_t size)
{
#ifdef SYNC_FILE_RANGE_WRITE
    uint64_t unit = ((struct posix_file *)file)->mapped ? FS_WINDOW_PIECE : PAGE;
    uint64_t begin = offset / unit * unit, end = (offset + size) / unit * unit;
    if (begin < end)
        sync_file_range(fd_of(file), (off_t)begin, (off_t)(end - begin), SYNC_FILE_RANGE_WRITE);
#else
    (void)file, (void)offset, (void)size;
#endif
}

static int posix_truncate(struct fs_file *file, uint64_t size)
{
    fs_window_drop(&((struct posix_file *)file)->window);
    return (int)result(ftruncate(fd_of(file), (off_t)size));
}

static int posix_allocate(struct fs_file *file, uint64_t size)
{
    struct posix_file *posix = (struct posix_file *)file;
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && size > limit.rlim_cur)
        return -EFBIG; /* else the process would get SIGXFSZ, for bytes that nobody wrote */
    if (fallocate(posix->fd, 0, (off_t)file->end, (off_t)(size - file->end)) < 0)
        return -errno;
    posix->window.room = size;
    return 0;
}

static int posix_size(struct fs_file *file, uint64_t *size)
{
    struct stat status;
    if (fstat(fd_of(file), &status) < 0)
        return -errno;
    *size = (uint64_t)status.st_size;
    return 0;
}

static int posix_links(struct fs_file *file, uint64_t *count)
{
    struct stat status;
    if (fstat(fd_of(file), &status) < 0)
        return -errno;
    *count = (uint64_t)status.st_nlink;
    return 0;
}

static int posix_map(struct fs_file *file, uint64_t size, const uint8_t **bytes)
{
    void *map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd_of(file), 0);

    if (map == MAP_FAILED)
        return -errno;
    *bytes = map;
    return 0;
}

static void posix_unmap(struct strata_fs *fs, const uint8_t *bytes, uint64_t size)
{
    (void)fs;
    munmap((void *)(uintptr_t)bytes, (size_t)size);
}

static int posix_close(struct fs_file *file)
{
    struct posix_file *posix = (struct posix_file *)file;
    int rc;

    fs_window_drop(&posix->window);
    rc = posix->locked ? lock_close(posix->fd) : (int)result(close(posix->fd));
    free(file);
    return rc;
}

static int posix_rename(struct strata_fs *fs, const char *from, const char *to)
{
    return (int)result(renameat(root_of(fs), from, root_of(fs), to));
}

static int posix_link(struct strata_fs *fs, const char *from, const char *to)
{
    return (int)result(linkat(root_of(fs), from, root_of(fs), to, 0));
}

static int posix_remove(struct strata_fs *fs, const char *path)
{
    return (int)result(unlinkat(root_of(fs), path, 0));
}

static int posix_mkdir(struct strata_fs *fs, const char *path)
{
    return (int)result(mkdirat(root_of(fs), path, 0777));
}

static int posix_list(struct strata_fs *fs, const char *path, struct fs_names *names)
{
    int fd = openat(root_of(fs), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        rc = -errno;
        if (fd >= 0)
            close(fd);
        return rc;
    }
    while (rc == 0 && (errno = 0, entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = fs_names_add(names, entry->d_name);
    if (rc == 0 && errno)
        rc = -errno;
    closedir(dir);
    return rc;
}

static int posix_sync_dir(struct strata_fs *fs, const char *path)
{
    int fd = openat(root_of(fs), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

    if (fd < 0)
        return -errno;
    rc = (int)result(fsync(fd));
    close(fd);
    return rc;
}

/* A shared lock opens the file for reading only, so that a database in a read-only directory can be
 * read. */
static int posix_lock(struct strata_fs *fs, const char *path, enum fs_lock kind,
                      struct fs_file **out)
{
    int how = kind == FS_LOCK_SHARED ? O_RDONLY : O_RDWR, fd, rc;

    how |= kind == FS_LOCK_EXCLUSIVE ? O_CREAT : 0;
    fd = open_high(fs, path, how | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    rc = lock_take(fd, kind != FS_LOCK_SHARED);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    rc = new_file(fd, out);
    if (rc == 0)
        ((struct posix_file *)*out)->locked = true;
    return rc;
}

static uint64_t posix_now(struct strata_fs *fs)
{
    struct timespec now;
    (void)fs;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The kernel's random generator; if it fails, the clock in nanoseconds and the process id are still
 * hard to guess. */
static uint64_t posix_random(struct strata_fs *fs)
{
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) == (ssize_t)sizeof number)
        return number;
    return (posix_now(fs) ^ (uint64_t)getpid() << 40) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Linux has a random boot id of 36 characters; on systems without one the boot is not known. */
static uint64_t posix_boot(struct strata_fs *fs)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    char text[36];
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text);

    (void)fs;
    if (fd >= 0)
        close(fd);
    return got == (ssize_t)sizeof text ? XXH3_64bits(text, sizeof text) : 0;
}

static size_t posix_open_max(struct strata_fs *fs)
{
    struct rlimit limit;
    (void)fs;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 256;
    return limit.rlim_cur < 65536 ? (size_t)limit.rlim_cur : 65536;
}

static void posix_free(struct strata_fs *fs)
{
    if (root_of(fs) >= 0)
        close(root_of(fs));
    free(fs);
}

static const struct fs_ops posix_ops = {
    .name = "posix",
    .open = posix_open,
    .read_at = posix_read_at,
    .append = posix_append,
    .write_at = posix_write_at,
    .sync = posix_sync,
    .write_back = posix_write_back,
    .truncate = posix_truncate,
    .allocate = posix_allocate,
    .size = posix_size,
    .links = posix_links,
    .map = posix_map,
    .unmap = posix_unmap,
    .close = posix_close,
    .rename = posix_rename,
    .link = posix_link,
    .remove = posix_remove,
    .mkdir = posix_mkdir,
    .list = posix_list,
    .sync_dir = posix_sync_dir,
    .lock = posix_lock,
    .now = posix_now,
    .random = posix_random,
    .boot = posix_boot,
    .free = posix_free,
    .open_max = posix_open_max,
};

struct strata_fs *fs_posix_new(void)
{
    struct posix_fs *fs = calloc(1, sizeof *fs);
    if (!fs)
        return NULL;
    fs->fs.ops = &posix_ops;
    fs->fs.ahead = AHEAD;
    fs->root = AT_FDCWD;
    fs->root = open_high(&fs->fs, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fs->root < 0)
        fs->root = AT_FDCWD; /* the directory was removed, or no descriptor is left */
    return &fs->fs;
}
