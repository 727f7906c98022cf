/* shell_history.c: the file that keeps the lines of the shell. */
#include "cli/shell/shell_history.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *join(const char *directory, const char *rest)
{
    size_t size = strlen(directory) + strlen(rest) + 1;
    char *path = malloc(size);

    if (path)
        snprintf(path, size, "%s%s", directory, rest);
    return path;
}

/* Makes the directories above `path`, as far as that is possible; for their owner alone. */
static void make_parents(char *path)
{
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
}

/* By the XDG Base Directory Specification, which ignores a relative path. */
static char *default_file(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char *path = NULL;

    if (state && state[0] == '/')
        path = join(state, "/strata/history");
    else if (home && home[0] == '/')
        path = join(home, "/.local/state/strata/history");
    if (path)
        make_parents(path);
    return path;
}

static char *named_file(const struct cli *cli, bool *asked_for)
{
    const char *name = cli->given[CLI_HISTORY];

    *asked_for = false;
    if (cli->given[CLI_NO_HISTORY])
        return NULL;
    if (!name)
        name = getenv("STRATA_HISTORY");
    if (!name)
        return default_file();
    *asked_for = *name != '\0';
    return *name ? join(name, "") : NULL;
}

/* Begins as libedit begins a history, or is empty. What cannot be read is not judged here. */
static bool is_history(const char *path)
{
    static const char head[] = "_HiStOrY_V2_\n";
    char begin[sizeof head - 1];
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(begin, 1, sizeof begin, file) : 0;

    if (file)
        fclose(file);
    return size == 0 || (size == sizeof begin && memcmp(begin, head, size) == 0);
}

/* libedit writes the file anew with each line and gives it the mode of a private one: any other
 * file would lose what it holds, and a device (/dev/null) its mode. */
char *shell_history_file(struct cli *cli, bool *asked_for)
{
    char *path = named_file(cli, asked_for);
    struct stat status;

    if (!path || stat(path, &status) < 0 || S_ISDIR(status.st_mode))
        return path;
    if (S_ISREG(status.st_mode) && is_history(path))
        return path;
    if (!S_ISCHR(status.st_mode))
        cli_say(cli, "no line is kept in %s: it is no history", path);
    free(path);
    return NULL;
}
