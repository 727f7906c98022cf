/* lock.c: one opener of a database, over all handles, processes and forks.
 *
 * The lock between processes is flock(2): it belongs to the open file, so closing another
 * descriptor of the same file does not drop it (POSIX's record locks do: leveldb #126). Inside
 * the process there is also a table of device and inode, because some file systems (NFS) implement
 * flock with record locks and would let the same process in twice.
 *
 * I1: a file is in the table iff this process holds its lock.
 * I2: a lock is released only by closing; never by LOCK_UN, which in a forked child would
 *     drop the parent's.
 * I3: a forked child holds no lock: its copies of the descriptors are closed at the fork, so
 *     that the parent's close is the last one and releases the lock.
 * I4: a lock on a file that has no name any more excludes nobody, so it is refused: strata_destroy
 *     removes the lock file while it holds the lock, and another opener may have opened that file
 *     before. */
#define _DEFAULT_SOURCE
#include "fs/lock.h"
#include "threads/sync.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct held {
    struct held *next;
    dev_t device;
    ino_t inode;
    int fd;
    bool exclusive;
};

static struct sync_mutex mutex = SYNC_MUTEX_INIT;
static struct sync_once once = SYNC_ONCE_INIT;
static struct held *table;              /* guarded by mutex */
static struct held *volatile ancestors; /* entries of the process that forked: so that they
                                         * do not count as leaked; never read */

unsigned long lock_forks_now; /* changes only in the child of a fork, before it runs */

static void before_fork(void)
{
    sync_lock(&mutex);
}

static void after_fork_in_parent(void)
{
    sync_unlock(&mutex);
}

static void after_fork_in_child(void)
{
    lock_forks_now++;
    for (struct held *held = table; held; held = held->next)
        close(held->fd);
    ancestors = table; /* freeing is not safe here; the entries are few */
    table = NULL;
    sync_unlock(&mutex);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

unsigned long lock_forks(void)
{
    sync_once(&once, watch_forks);
    return lock_forks_now;
}

static bool in_the_way(const struct stat *file, bool exclusive)
{
    for (const struct held *held = table; held; held = held->next)
        if (held->device == file->st_dev && held->inode == file->st_ino &&
            (exclusive || held->exclusive))
            return true;
    return false;
}

int lock_take(int fd, bool exclusive)
{
    struct held *held = malloc(sizeof *held);
    struct stat file;
    int rc = 0;

    if (!held)
        return -ENOMEM;
    sync_once(&once, watch_forks);
    sync_lock(&mutex);
    if (flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0 || fstat(fd, &file) < 0)
        rc = -errno;
    else if (!file.st_nlink || in_the_way(&file, exclusive)) /* I4 */
        rc = -EWOULDBLOCK;
    if (rc == 0) {
        *held = (struct held){table, file.st_dev, file.st_ino, fd, exclusive};
        table = held;
    }
    sync_unlock(&mutex);
    if (rc < 0)
        free(held);
    return rc;
}

int lock_close(int fd)
{
    struct held **at, *gone = NULL;
    int rc;

    sync_lock(&mutex);
    for (at = &table; *at && (*at)->fd != fd; at = &(*at)->next)
        ;
    if (*at) {
        gone = *at;
        *at = gone->next;
    }
    rc = close(fd) < 0 ? -errno : 0;
    sync_unlock(&mutex);
    free(gone);
    return rc;
}
