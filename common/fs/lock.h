/* lock.h: the locks that this process holds, for fs_posix.c. See lock.c. */
#ifndef STRATA_COMMON_LOCK_H
#define STRATA_COMMON_LOCK_H

#include <stdbool.h>

/* Locks the open file `fd`. 0, or -EWOULDBLOCK when this process or another holds it or it was
 * removed, or another -errno. A locked fd must be closed by lock_close. */
int lock_take(int fd, bool exclusive);
/* Closes `fd`, locked or not, and so releases the lock. 0 or -errno. */
int lock_close(int fd);

/* Number of forks between the first process that called this and the current one: a handle that
 * stored another number was opened by an ancestor process. */
unsigned long lock_forks(void);
/* The same, after the first lock_forks: one load, for every call on a handle. */
extern unsigned long lock_forks_now;

#endif
