/* suggest.c: the command that a mistyped name is nearest to.
 *
 * The distance is the number of characters inserted, dropped, replaced, or swapped with their
 * neighbour: the restricted Damerau-Levenshtein distance. */
#include "cli/cli.h"

#include <string.h>

#define NAME_MOST 24u /* bytes: no command is longer */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Of two names of at most NAME_MOST bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t d[NAME_MOST + 1][NAME_MOST + 1], m = strlen(a), n = strlen(b);

    for (size_t i = 0; i <= m; i++)
        for (size_t j = 0; j <= n; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1,
                            d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[m][n];
}

const struct cli_command *cli_command_like(const struct cli_command *const *commands,
                                           const char *name, bool in_shell)
{
    const struct cli_command *c;
    const struct cli_command *found = NULL;
    size_t size = strlen(name), best = size > 4 ? 3 : 2; /* a distance below it counts */

    if (size < 2 || size > NAME_MOST)
        return NULL;
    for (size_t i = 0; (c = commands[i]) != NULL; i++) {
        size_t away = strncmp(c->name, name, size) == 0 ? 1 : distance(name, c->name);
        if (cli_command_fits(c, in_shell) && away < best) {
            found = c;
            best = away;
        }
    }
    return found;
}
