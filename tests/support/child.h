/* child.h: another process, for tests of locks, forks and users. */
#ifndef STRATA_TESTS_CHILD_H
#define STRATA_TESTS_CHILD_H

#include <sys/types.h>

struct child {
    pid_t pid;
    int to, from; /* this side's end of a socket pair: one descriptor */
};

/* Forks; the child runs `work` and exits with what it returns (0 to 255). The child talks with
 * the parent through child_say and child_hear on its own copy of `child`. No cmocka assertion
 * may be used in `work`: return a number that tells what went wrong. */
void child_start(struct child *child, int (*work)(struct child *self, void *arg), void *arg);
/* Tells it that no word will follow, and waits for its end: its exit status, or 1000 + the signal
 * that killed it. */
int child_wait(struct child *child);
/* Both at once. */
int child_run(int (*work)(struct child *self, void *arg), void *arg);

void child_say(struct child *child, char word); /* one byte to the other side */
char child_hear(struct child *child);           /* waits for one; 0 when none will come */

#endif
