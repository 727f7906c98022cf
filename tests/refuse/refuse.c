/* refuse.c: the program `strata`, one call of which fails: the N-th of a function that cli.mk
 * wraps (-Wl,--wrap), as the environment asks.
 *
 *   REFUSE=malloc:7       the 7th allocation; calloc, realloc, strdup and strndup count as one
 *   REFUSE=fsync:1:5      the first fsync, with errno 5 (EIO, which is what is not named)
 *   REFUSE=read:2+        all from the second on
 *   REFUSED=FILE          is made when a call was refused
 *
 * Only calls that the program makes itself, not the C library's own; and not what comes after
 * main, where coverage is written. For one thread at a time. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    bool on, for_ever;
    char name[32];
    unsigned long left;
    int sys;
} refuse;

static void note(void)
{
    const char *path = getenv("REFUSED");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (fd >= 0)
        close(fd);
}

static bool refused(const char *name)
{
    if (!refuse.on || strcmp(name, refuse.name) != 0 || --refuse.left > 0)
        return false;
    refuse.left = 1;
    refuse.on = false; /* note() may call what is wrapped */
    note();
    refuse.on = refuse.for_ever;
    errno = refuse.sys;
    return true;
}

int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);
int __wrap_main(int argc, char **argv)
{
    const char *wish = getenv("REFUSE");
    char more = 0;
    int code;

    refuse.sys = EIO;
    if (wish && sscanf(wish, "%31[a-z_]:%lu:%d", refuse.name, &refuse.left, &refuse.sys) >= 2) {
        refuse.for_ever = sscanf(wish, "%*[a-z_]:%*u%c", &more) == 1 && more == '+';
        refuse.on = refuse.left > 0;
    }
    code = __real_main(argc, argv);
    refuse.on = false;
    return code;
}

/* clang-format off */
#define WRAP(type, call, name, parameters, arguments, failed) \
    type __real_##call parameters; \
    type __wrap_##call parameters; \
    type __wrap_##call parameters { return refused(name) ? (failed) : __real_##call arguments; }

WRAP(void *, malloc, "malloc", (size_t size), (size), NULL)
WRAP(void *, calloc, "malloc", (size_t count, size_t size), (count, size), NULL)
WRAP(void *, realloc, "malloc", (void *old, size_t size), (old, size), NULL)
WRAP(char *, strdup, "malloc", (const char *text), (text), NULL)
WRAP(char *, strndup, "malloc", (const char *text, size_t size), (text, size), NULL)
WRAP(int, fsync, "fsync", (int fd), (fd), -1)
WRAP(int, fstat64, "fstat", (int fd, struct stat *to), (fd, to), -1)
WRAP(ssize_t, read, "read", (int fd, void *to, size_t size), (fd, to, size), -1)
WRAP(FILE *, fdopen, "fdopen", (int fd, const char *mode), (fd, mode), NULL)
WRAP(int, fflush, "fflush", (FILE *file), (file), EOF)
WRAP(int, unlink, "unlink", (const char *path), (path), -1)
WRAP(ssize_t, getrandom, "getrandom", (void *to, size_t size, unsigned flags), (to, size, flags), -1)
WRAP(int, poll, "poll", (struct pollfd *fds, nfds_t count, int ms), (fds, count, ms), -1)
WRAP(int, pthread_mutex_init, "mutex", (pthread_mutex_t *m, const pthread_mutexattr_t *a), (m, a), ENOMEM)
WRAP(int, pthread_cond_init, "cond", (pthread_cond_t *c, const pthread_condattr_t *a), (c, a), ENOMEM)
/* clang-format on */

int __real_fclose(FILE *file);
int __wrap_fclose(FILE *file);
int __wrap_fclose(FILE *file) /* it is closed either way */
{
    bool bad = refused("fclose");
    int rc = __real_fclose(file);
    if (bad)
        errno = refuse.sys;
    return bad ? EOF : rc;
}
