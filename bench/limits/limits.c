/* limits.c: the program: measures all limits and prints them. See limits.h. */
#include "limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DONE = 0, USAGE = 2, FAILED_IO = 4, FAILED = 7 };

struct telling {
    bool json, begun;
};

static void tell(void *arg, const struct limit *limit, const struct limit_figure *figure)
{
    struct telling *t = arg;

    if (t->json)
        printf("%s    {\"limit\": \"%s\", \"unit\": \"%s\", \"best\": %.6g, "
               "\"median\": %.6g, \"worst\": %.6g, \"about\": \"%s\"}",
               t->begun ? ",\n" : "", limit->name, limit->unit, figure->best, figure->median,
               figure->worst, limit->about);
    else
        printf("| %-16s | %9.0f | %9.0f | %9.0f | %-4s | %s |\n", limit->name, figure->best,
               figure->median, figure->worst, limit->unit, limit->about);
    t->begun = true;
    fflush(stdout);
}

static int fail(const struct limit *limit, const char *dir, int sys)
{
    fprintf(stderr, "strata-limits: %s, in %s: %s\n", limit->name, dir, strerror(sys));
    return sys == ENOMEM ? FAILED : FAILED_IO;
}

static int measure_as(const struct limit_size *size, bool json)
{
    struct telling telling = {.json = json};
    const struct limit *at;
    int sys;

    if (json)
        puts("{\n  \"limits\": [");
    else
        puts("| limit            |      best |    median |     worst | unit | what is done |\n"
             "|------------------|----------:|----------:|----------:|------|--------------|");
    sys = limits_measure(size, tell, &telling, &at);
    if (sys)
        return fail(at, size->dir, sys);
    if (json)
        puts("\n  ]\n}");
    return DONE;
}

/* ---- The command line ------------------------------------------------------------------ */

static int help(void)
{
    puts("usage: strata-limits [--json] [--size=MIB] [--seconds=S] [DIR]\n\n"
         "What this machine can do at best, by the simplest program that does it: new pages,\n"
         "copies and dependent loads in memory; a checksum, LZ4; reads, writes, syncs and stores\n"
         "of a file in DIR (default: $TMPDIR, or /tmp). Each three times, all within half a\n"
         "minute; one thread. What does not wait for the device is timed by the processor's\n"
         "clock.\n\n"
         "  --json       for programs: a list \"limits\"\n"
         "  --size=MIB   of the memory and the file (default 256): more than all caches hold\n"
         "  --seconds=S  of one measurement at least (default 0.1)\n\n"
         "strata-bench --limits tells how far each workload is from its limit.\n\n"
         "Exit status: 0 ok, 2 usage, 4 I/O error, 7 other failure\n\nExample\n"
         "  strata-limits --size=16 --seconds=0.01 .");
    return DONE;
}

static int usage(const char *argument)
{
    fprintf(stderr, "strata-limits: \"%s\" is no option, or no value for it; see --help\n",
            argument);
    return USAGE;
}

static bool take_number(const char *text, double least, double most, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return *text >= '0' && *text <= '9' && *end == '\0' && *value >= least && *value <= most;
}

static bool take(const char *argument, struct limit_size *size, bool *json)
{
    double megabytes;

    if (strcmp(argument, "--json") == 0)
        return *json = true;
    if (strncmp(argument, "--seconds=", 10) == 0)
        return take_number(argument + 10, 0.0001, 60, &size->seconds);
    if (strncmp(argument, "--size=", 7) == 0 && take_number(argument + 7, 2, 65536, &megabytes)) {
        size->bytes = size->file_bytes = (size_t)megabytes << 20;
        return true;
    }
    size->dir = argument;
    return argument[0] != '-' && *argument;
}

int main(int argc, char **argv)
{
    const char *dir = getenv("TMPDIR");
    struct limit_size size = {.bytes = LIMIT_BYTES,
                              .file_bytes = LIMIT_BYTES,
                              .seconds = LIMIT_SECONDS,
                              .dir = dir && *dir ? dir : "/tmp"};
    bool json = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return help();
        if (!take(argv[i], &size, &json))
            return usage(argv[i]);
    }
    return measure_as(&size, json);
}
