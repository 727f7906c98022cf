/* child.c: see child.h. */
#include "child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef STRATA_COVERAGE
extern void __gcov_dump(void); /* what _exit leaves out */
#else
static void __gcov_dump(void)
{
}
#endif

static void end(const char *what)
{
    perror(what);
    exit(99);
}

void child_start(struct child *child, int (*work)(struct child *self, void *arg), void *arg)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        end("socketpair");
    fflush(NULL);
    child->pid = fork();
    if (child->pid < 0)
        end("fork");
    child->to = child->from = ends[child->pid == 0];
    close(ends[child->pid != 0]);
    if (child->pid == 0) {
        int status = work(child, arg);
        __gcov_dump();
        _exit(status); /* no exit handlers: they are the parent's */
    }
}

int child_wait(struct child *child)
{
    int status;

    /* a word, as other children may hold copies of our end; it may be dead already */
    (void)!send(child->to, "", 1, MSG_NOSIGNAL);
    while (waitpid(child->pid, &status, 0) < 0)
        if (errno != EINTR)
            end("waitpid");
    close(child->to);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int child_run(int (*work)(struct child *self, void *arg), void *arg)
{
    struct child child;
    child_start(&child, work, arg);
    return child_wait(&child);
}

void child_say(struct child *child, char word)
{
    if (send(child->to, &word, 1, MSG_NOSIGNAL) != 1)
        end("child_say");
}

char child_hear(struct child *child)
{
    char word = 0;
    return read(child->from, &word, 1) == 1 ? word : '\0';
}
