/* lock.h: what this process has locked, for fs_posix.c. See lock.c. */
#ifndef STRATA_COMMON_LOCK_H
#define STRATA_COMMON_LOCK_H

#include <stdbool.h>

/* Locks the open file `fd`. 0, or -EWOULDBLOCK when this process or another holds it or it was
 * removed, or another -errno. A locked fd must be closed by lock_close. */
int lock_take(int fd, bool exclusive);
/* Closes `fd`, locked or not, and so gives the lock back. 0 or -errno. */
int lock_close(int fd);

/* How many forks lie between the first process that asked and this one: a handle that remembers
 * another number than today's was opened by an ancestor. */
unsigned long lock_forks(void);
/* The same, once somebody has asked: one load, for every call of a handle. */
extern unsigned long lock_forks_now;

#endif
