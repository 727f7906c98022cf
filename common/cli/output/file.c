/* file.c: an answer into a file that is new.
 *
 * It is written under another name beside it, FILE.PID.tmp, and gets its own when all of it is on
 * the device. So a file of the name that was asked for is whole, whatever ends the program; a
 * signal that can be caught removes the other one. The name is given by a link, which fails where
 * there is a file already: nothing is overwritten, though it came there in the meantime.
 *
 * A pipe or a device (/dev/null, /dev/stdout, what a shell makes of >(...)) is written to as it
 * is. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SHOWN 200 /* bytes of FILE in the other name: a name has at most 255 */
#define SUFFIX_MOST 64

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

/* ---- The temporary file -------------------------------------------------------------------- */

static char *volatile temporary; /* what a signal removes; NULL: nothing */

static void remove_and_die(int number)
{
    if (temporary)
        unlink(temporary);
    cli_clear_screen();
    raise(number); /* SA_RESETHAND put the default back */
}

/* Signals that others handle or ignore stay as they are. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = remove_and_die, .sa_flags = (int)SA_RESETHAND};

    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
        struct sigaction old;
        if (sigaction(deadly[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(deadly[i], &action, NULL);
    }
}

static void release_signals(void)
{
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
        struct sigaction old;
        if (sigaction(deadly[i], NULL, &old) == 0 && old.sa_handler == remove_and_die)
            signal(deadly[i], SIG_DFL);
    }
}

/* No signal comes while `path`, a name or NULL, becomes the one that signals remove. `flags` not 0:
 * it is opened, too; what open returned. */
static int set_temporary(char *path, int flags)
{
    sigset_t block, before;
    int fd = -1, sys;

    sigemptyset(&block);
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
        sigaddset(&block, deadly[i]);
    sigprocmask(SIG_BLOCK, &block, &before);
    if (flags)
        fd = open(path, flags, 0666);
    sys = errno;
    if (!flags || fd >= 0)
        temporary = path;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = sys;
    return fd;
}

static char *temporary_name(const char *path, unsigned attempt)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t shown = strnlen(name, NAME_SHOWN), size = (size_t)(name - path) + shown + SUFFIX_MOST;
    char *to = malloc(size);

    if (to)
        snprintf(to, size, attempt ? "%.*s.%ld-%u.tmp" : "%.*s.%ld.tmp",
                 (int)((size_t)(name - path) + shown), path, (long)getpid(), attempt);
    return to;
}

/* Opens a new file, whose name goes to `*name`. Its descriptor, or -1 and errno. */
static int open_temporary(const char *path, char **name)
{
    for (unsigned attempt = 0; attempt < 100; attempt++) { /* a process of that number was killed */
        int fd, sys;
        *name = temporary_name(path, attempt);
        if (!*name) {
            errno = ENOMEM;
            return -1;
        }
        fd = set_temporary(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC);
        if (fd >= 0)
            return fd;
        sys = errno;
        free(*name);
        *name = NULL;
        errno = sys;
        if (sys != EEXIST)
            break;
    }
    return -1;
}

/* ---- From the one name to the other -------------------------------------------------------- */

static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* 0, or errno. */
static int sync_parent(const char *path)
{
    char *dir = strdup(path), *slash;
    int fd, sys = 0;

    if (!dir)
        return ENOMEM;
    slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = '\0';
    fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    if (fd < 0)
        return errno == EACCES ? 0 : errno; /* a directory may be written to and not read */
    if (fsync(fd) < 0 && errno != EINVAL)   /* some file systems have no such thing */
        sys = errno;
    close(fd);
    return sys;
}

/* 0, or errno. Where there are no hard links it is looked first whether the name is free. */
static int give_name(const char *from, const char *path)
{
    if (link(from, path) == 0)
        return unlink(from) < 0 ? errno : sync_parent(path);
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
        return errno;
    if (is_there(path))
        return EEXIST;
    return rename(from, path) < 0 ? errno : sync_parent(path);
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* Returns `code`, or logs the failure and returns CLI_IO: the first failure counts. */
static int close_stream(struct cli_stream *stream, bool sync, int code)
{
    int sys = 0;

    if (fflush(stream->to) != 0 || (sync && fsync(fileno(stream->to)) < 0))
        sys = errno;
    if (fclose(stream->to) != 0 && !sys)
        sys = errno;
    return sys && code == CLI_OK ? cli_fail_sys(stream->cli, stream->path, sys) : code;
}

static int write_stream(struct cli_stream *stream, int fd, bool sync,
                        int (*work)(struct cli_stream *stream, void *arg), void *arg)
{
    struct cli *cli = stream->cli;
    int code;

    stream->to = fdopen(fd, "w");
    if (!stream->to) {
        code = cli_fail_sys(cli, stream->path, errno);
        close(fd);
        return code;
    }
    cli_begin_progress(cli);
    code = close_stream(stream, sync, work(stream, arg));
    progress_clear(&cli->progress);
    return code;
}

static int write_new(struct cli_stream *stream, int (*work)(struct cli_stream *stream, void *arg),
                     void *arg)
{
    char *name;
    int code, sys, fd;

    if (is_there(stream->path)) /* fail before all the work */
        return cli_fail_sys(stream->cli, stream->path, EEXIST);
    catch_signals();
    fd = open_temporary(stream->path, &name);
    if (fd < 0) {
        code = cli_fail_sys(stream->cli, stream->path, errno);
    } else {
        code = write_stream(stream, fd, true, work, arg);
        sys = code == CLI_OK ? give_name(name, stream->path) : 0;
        if (sys)
            code = cli_fail_sys(stream->cli, stream->path, sys);
        if (code != CLI_OK && unlink(name) < 0 && errno != ENOENT)
            cli_fail_sys(stream->cli, name, errno);
        set_temporary(NULL, 0);
        free(name);
    }
    release_signals();
    return code;
}

static int write_as_it_is(struct cli_stream *stream,
                          int (*work)(struct cli_stream *stream, void *arg), void *arg)
{
    int fd = open(stream->path, O_WRONLY | O_CLOEXEC);

    return fd < 0 ? cli_fail_sys(stream->cli, stream->path, errno)
                  : write_stream(stream, fd, false, work, arg);
}

int cli_write_file(struct cli *cli, const char *path,
                   int (*work)(struct cli_stream *stream, void *arg), void *arg)
{
    struct cli_stream stream = {cli, cli->out, path};
    struct stat status;

    if (!path || strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0) {
        stream.path = NULL;
        return work(&stream, arg);
    }
    if (stat(path, &status) == 0 && (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode)))
        return write_as_it_is(&stream, work, arg);
    return write_new(&stream, work, arg);
}
