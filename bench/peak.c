/* peak.c: runs a command and tells on stderr how much memory it had at most, and how long it took:
 *
 *   peak FILE COMMAND...      "71.2 12.50" into FILE: MiB resident, seconds
 *
 * Resident is what the kernel counts as such: the program, its heap, and the pages of files that it
 * has mapped. Ends as the command does; 127: it cannot be run. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *what)
{
    fprintf(stderr, "peak: %s: %s\n", what, strerror(errno));
    return 127;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    double begun = now();
    struct rusage usage;
    int status;
    FILE *to;
    pid_t pid;

    if (argc < 3)
        return fprintf(stderr, "usage: peak FILE COMMAND...\n"), 2;
    pid = fork();
    if (pid < 0)
        return fail("fork");
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        _exit(fail(argv[2]));
    }
    if (wait4(pid, &status, 0, &usage) < 0)
        return fail("wait");
    to = fopen(argv[1], "w");
    if (!to || fprintf(to, "%.1f %.2f\n", (double)usage.ru_maxrss / 1024, now() - begun) < 0 ||
        fclose(to) != 0)
        return fail(argv[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
