/* limits.c: the program: measures all limits, in three turns each, and prints them. See limits.h.
 *
 * What does not wait for a device is measured by the time of the processor, so that another program
 * beside it does not make the machine look slower. A limit is what the best turn reached. */
#include "limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TURNS 3
#define MEGABYTES ((size_t)256)

enum { DONE = 0, USAGE = 2, FAILED_IO = 4, FAILED = 7 };

static volatile uint64_t used;

void limit_use(uint64_t number)
{
    used = number;
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double limit_now(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double limit_cpu(void)
{
    return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

double limit_each(void (*some)(uint64_t count), const struct limit_size *size)
{
    for (uint64_t count = 1;; count *= 2) {
        double begun = limit_cpu(), took;
        some(count);
        took = limit_cpu() - begun;
        if (took >= size->seconds)
            return took * 1e9 / (double)count;
    }
}

/* ---- Measuring and telling ------------------------------------------------------------- */

struct figure {
    double best, median, worst;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure(const struct limit *limit, const struct limit_size *size, struct figure *figure)
{
    double values[TURNS] = {0};
    int sys = limit->begin ? limit->begin(size) : 0;

    for (int i = 0; i < TURNS && sys == 0; i++)
        sys = limit->measure(size, &values[i]);
    if (limit->end)
        limit->end();
    qsort(values, TURNS, sizeof values[0], by_value);
    *figure = (struct figure){values[0], values[TURNS / 2], values[TURNS - 1]};
    if (strcmp(limit->unit, "ns") != 0)
        *figure = (struct figure){figure->worst, figure->median, figure->best};
    return sys;
}

static void tell(const struct limit *limit, const struct figure *figure, bool json, bool first)
{
    if (json)
        printf("%s    {\"limit\": \"%s\", \"unit\": \"%s\", \"best\": %.6g, "
               "\"median\": %.6g, \"worst\": %.6g, \"about\": \"%s\"}",
               first ? "" : ",\n", limit->name, limit->unit, figure->best, figure->median,
               figure->worst, limit->about);
    else
        printf("| %-16s | %9.0f | %9.0f | %9.0f | %-4s | %s |\n", limit->name, figure->best,
               figure->median, figure->worst, limit->unit, limit->about);
    fflush(stdout);
}

static int fail(const struct limit *limit, const char *dir, int sys)
{
    fprintf(stderr, "strata-limits: %s, in %s: %s\n", limit->name, dir, strerror(sys));
    return sys == ENOMEM ? FAILED : FAILED_IO;
}

static int measure_all(const struct limit_size *size, bool json)
{
    const struct limit *const lists[] = {limits_of_memory, limits_of_blocks, limits_of_files};
    struct figure figure;
    bool first = true;

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (const struct limit *limit = lists[i]; limit->name; limit++, first = false) {
            int sys = measure(limit, size, &figure);
            if (sys)
                return fail(limit, size->dir, sys);
            tell(limit, &figure, json, first);
        }
    return DONE;
}

static int measure_as(const struct limit_size *size, bool json)
{
    int code;

    if (json)
        puts("{\n  \"limits\": [");
    else
        puts("| limit            |      best |    median |     worst | unit | what is done |\n"
             "|------------------|----------:|----------:|----------:|------|--------------|");
    code = measure_all(size, json);
    if (json && code == DONE)
        puts("\n  ]\n}");
    return code;
}

/* ---- The command line ------------------------------------------------------------------ */

static int help(void)
{
    puts(
        "usage: strata-limits [--json] [--size=MIB] [--seconds=S] [DIR]\n\n"
        "What this machine can do at best, by the simplest program that does it: copies and\n"
        "dependent loads in memory; a checksum, LZ4; reads, writes, syncs and stores of a file in\n"
        "DIR (default: $TMPDIR, or /tmp). Each three times, all within half a minute; one thread.\n"
        "What does not wait for the device is timed by the processor's clock.\n\n"
        "  --json       for programs: a list \"limits\"\n"
        "  --size=MIB   of the memory and the file (default 256): more than all caches hold\n"
        "  --seconds=S  of one measurement at least (default 0.1)\n\n"
        "make bench-limits tells how far each workload is from its limit.\n\n"
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
    double megabytes = MEGABYTES;

    if (strcmp(argument, "--json") == 0)
        return *json = true;
    if (strncmp(argument, "--seconds=", 10) == 0)
        return take_number(argument + 10, 0.0001, 60, &size->seconds);
    if (strncmp(argument, "--size=", 7) == 0 && take_number(argument + 7, 2, 65536, &megabytes)) {
        size->bytes = (size_t)megabytes << 20;
        return true;
    }
    size->dir = argument;
    return argument[0] != '-' && *argument;
}

int main(int argc, char **argv)
{
    const char *dir = getenv("TMPDIR");
    struct limit_size size = {
        .bytes = MEGABYTES << 20, .seconds = 0.1, .dir = dir && *dir ? dir : "/tmp"};
    bool json = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return help();
        if (!take(argv[i], &size, &json))
            return usage(argv[i]);
    }
    return measure_as(&size, json);
}
