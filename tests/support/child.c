/* child.c: see child.h. */
#include "child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(const char *what)
{
    perror(what);
    exit(99);
}

void child_start(struct child *child, int (*work)(struct child *self, void *arg), void *arg)
{
    int down[2], up[2];

    if (pipe(down) < 0 || pipe(up) < 0)
        end("pipe");
    fflush(NULL);
    child->pid = fork();
    if (child->pid < 0)
        end("fork");
    if (child->pid == 0) {
        close(down[1]);
        close(up[0]);
        child->from = down[0];
        child->to = up[1];
        _exit(work(child, arg)); /* no exit handlers: they are the parent's */
    }
    close(down[0]);
    close(up[1]);
    child->to = down[1];
    child->from = up[0];
}

int child_wait(struct child *child)
{
    int status;

    close(child->to);
    while (waitpid(child->pid, &status, 0) < 0)
        if (errno != EINTR)
            end("waitpid");
    close(child->from);
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
    if (write(child->to, &word, 1) != 1)
        end("child_say");
}

char child_hear(struct child *child)
{
    char word = 0;
    return read(child->from, &word, 1) == 1 ? word : '\0';
}
