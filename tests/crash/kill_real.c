/* kill_real.c: the program behind `make kill`: see kill_loop.h. */
#include "kill_loop.h"

#include "rng.h"
#include "crash/subject.h"
#include "tmpdir.h"
#include "wrote.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "kill_real: kills a writing process with SIGKILL, again and again, on the real file system,\n"
    "and lets another process check what came back.\n"
    "\n"
    "  kill_real [--times N] [--seed S] [--aimed] [--dir DIR]\n"
    "\n"
    "  --times N   kills (default 20)\n"
    "  --seed S    decides all but the moments of the kills (default: $STRATA_SEED, or the clock)\n"
    "  --aimed     every kill in the middle of a large value, not every other one\n"
    "  --dir DIR   where the databases are made (default: a directory under $TMPDIR or /tmp);\n"
    "              a disk is another experience than a tmpfs\n"
    "\n"
    "  STRATA_STAGE=N      the stage under test (default: the newest)\n"
    "  STRATA_ENGINE=FILE  a shared object with an engine of your own in its place\n"
    "\n"
    "Ends with one line: kill: stage=... times=... acknowledged=... violations=...\n"
    "Exit code: 0; 2 bad usage; 3 a violation: the database is kept, and named.\n"
    "\n"
    "Example: make kill STAGE=1 TIMES=1000\n";

static int usage(const char *what)
{
    fprintf(stderr, "kill_real: %s: see kill_real --help\n", what);
    return 2;
}

static bool take_number(const char *text, uint64_t max, uint64_t *number)
{
    char *end;
    *number = strtoull(text ? text : "", &end, 0);
    return text && *text >= '0' && *text <= '9' && !*end && *number <= max;
}

/* 0, or the exit code + 1. */
static int take_options(char **args, struct kill_loop *loop, bool *seeded)
{
    uint64_t number;
    for (; *args; args++) {
        if (strcmp(*args, "--help") == 0) {
            fputs(help, stdout);
            return 1;
        }
        if (strcmp(*args, "--aimed") == 0) {
            loop->aimed = true;
        } else if (strcmp(*args, "--times") == 0) {
            if (!take_number(*++args, 1000000000, &number) || number == 0)
                return 1 + usage("--times needs a number, 1 or more");
            loop->times = (unsigned)number;
        } else if (strcmp(*args, "--seed") == 0) {
            *seeded = take_number(*++args, UINT64_MAX, &loop->seed);
            if (!*seeded)
                return 1 + usage("--seed needs a number");
        } else if (strcmp(*args, "--dir") == 0) {
            loop->root = *++args;
            if (!loop->root)
                return 1 + usage("--dir needs a directory");
        } else {
            return 1 + usage(*args);
        }
    }
    return 0;
}

static void report(const struct kill_loop *loop)
{
    printf("seed %" PRIu64 " (it decides the writes, not the moments of the kills)\n", loop->seed);
    printf(
        "%u writers killed, %u of them with several threads; %u left a torn tail, which recovery "
        "dropped\n",
        loop->kills, loop->threaded, loop->torn);
    printf("%" PRIu64 " writes acknowledged, %" PRIu64 " recovered: %" PRIu64
           " were complete before their acknowledgement was\n",
           loop->acknowledged, loop->recovered, loop->recovered - loop->acknowledged);
    if (loop->violations)
        printf("VIOLATION: %s\n", loop->what);
    printf("kill: stage=%u times=%u acknowledged=%" PRIu64 " violations=%u\n",
           subject_info()->stage, loop->kills, loop->acknowledged, loop->violations);
}

int main(int argc, char **argv)
{
    struct kill_loop loop = {.times = 20};
    char *temporary = NULL;
    bool seeded = false;
    struct rng rng;
    int code = take_options(argv + 1, &loop, &seeded);

    (void)argc;
    if (code)
        return code - 1;
    if (!seeded)
        loop.seed = rng_init_env(&rng, "kill_real");
    if (!loop.root)
        loop.root = temporary = tmpdir_new();
    loop.progress = isatty(2) ? stderr : NULL;
    subject_under_way(true);
    code = kill_loop_run(&loop) ? 3 : 0;
    subject_under_way(false);
    report(&loop);
    if (code == 0)
        tmpdir_del(temporary);
    else
        free(temporary);
    return wrote_all("kill_real", code);
}
