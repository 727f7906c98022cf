/* shell_history.c: the file that keeps the lines of the shell. */
#include "shell_history.h"

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

char *shell_history_file(const struct cli *cli, bool *asked_for)
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
