/* bits.c: the program behind `make bits`: see bits_loop.h. */
#include "bits_loop.h"

#include "crash/subject.h"
#include "work.h"
#include "wrote.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "bits: damages every file of a small database that holds every type of record, in every way\n"
    "of a list, one damage after another, and asks the database everything each time.\n"
    "\n"
    "  bits [--step N]\n"
    "\n"
    "  --step N  of bits: one in N (default 1: all)\n"
    "\n"
    "  STRATA_STAGE=N      the stage under test (default: the newest)\n"
    "  STRATA_ENGINE=FILE  a shared object with an engine of your own in its place\n"
    "\n"
    "  databases  closed    cleanly\n"
    "             killed    after the last write\n"
    "             unsynced  likewise, with nothing synced but once; only stages that sync\n"
    "\n"
    "  detected  an error, and no wrong answer     harmless  every answer is right\n"
    "  prefix    as after an earlier write         wrong     anything else\n"
    "  bad       wrong; or a prefix where more was recorded as synced, an error that does not say\n"
    "            where, damage that verify or inspect does not see, a file left open\n"
    "\n"
    "Ends with one line: bits: stage=... tried=... detected=... harmless=... prefix=... wrong=...\n"
    "bad=...\n"
    "Exit code: 0; 1 something is bad; 2 bad usage; 4 no room for the table.\n"
    "\n"
    "Example: make bits STAGE=3\n";

static int usage(const char *what)
{
    fprintf(stderr, "bits: %s: see bits --help\n", what);
    return 2;
}

/* 0, or the exit code + 1. */
static int take_options(char **args, struct bits_loop *loop)
{
    for (; *args; args++) {
        if (strcmp(*args, "--help") == 0) {
            fputs(help, stdout);
            return 1;
        }
        if (strcmp(*args, "--step") != 0)
            return 1 + usage(*args);
        loop->step = (unsigned)strtoul(*++args ? *args : "", NULL, 10);
        if (!loop->step)
            return 1 + usage("--step needs a number, 1 or more");
    }
    return 0;
}

/* Of all files of a database. */
static struct bits_row sums[3][BITS_KINDS];

static void add(struct bits_row *to, const struct bits_row *more)
{
    to->tried += more->tried;
    to->bad += more->bad;
    for (int i = 0; i < OUTCOMES; i++)
        to->outcomes[i] += more->outcomes[i];
}

static void print_counts(const struct bits_row *row)
{
    printf(" %6" PRIu64, row->tried);
    for (int i = 0; i < OUTCOMES; i++)
        printf(" %8" PRIu64, row->outcomes[i]);
    printf(" %4" PRIu64 "\n", row->bad);
    fflush(stdout);
}

static void print_heads(const char *file)
{
    printf("%-9s %-25s %-17s %6s", "database", file, "damage", "tried");
    for (int i = 0; i < OUTCOMES; i++)
        printf(" %8s", outcome_name((enum outcome)i));
    printf(" %4s\n", "bad");
}

static void print_row(const struct specimen *s, const struct part *part, enum bits_kind kind,
                      const struct bits_row *row)
{
    printf("%-9s %-18s %6zu %-17s", bits_end_name(s->end), part->name, part->bytes.size,
           bits_kind_name(kind));
    print_counts(row);
    add(&sums[s->end][kind], row);
}

static void run_specimen(struct bits_loop *loop, const struct specimen *s)
{
    for (size_t i = 0; i < s->count; i++)
        for (int kind = 0; kind < BITS_KINDS; kind++) {
            struct bits_row row;
            if (kind == BITS_WHILE_OPEN && s->end != SPECIMEN_CLOSED)
                continue; /* opening one that was killed changes its files */
            bits_run(loop, s, &s->parts[i], (enum bits_kind)kind, &row);
            if (row.tried)
                print_row(s, &s->parts[i], (enum bits_kind)kind, &row);
        }
}

int main(int argc, char **argv)
{
    struct bits_loop loop = {.step = 1};
    struct script script = {0};
    int code = take_options(argv + 1, &loop);

    (void)argc;
    if (code)
        return code - 1;
    loop.progress = isatty(2) ? stderr : NULL;
    work_records(&script);
    subject_under_way(true);
    print_heads("file                bytes");
    for (int end = SPECIMEN_CLOSED; end <= SPECIMEN_UNSYNCED; end++) {
        struct specimen s;
        if (end == SPECIMEN_UNSYNCED && !subject_promises(STRATA_PROMISE_POWER_CUT))
            continue;
        specimen_init(&s, &script, (enum specimen_end)end);
        run_specimen(&loop, &s);
        specimen_free(&s);
    }
    subject_under_way(false);
    script_free(&script);
    printf("\n");
    print_heads("");
    for (int end = SPECIMEN_CLOSED; end <= SPECIMEN_UNSYNCED; end++)
        for (int kind = 0; kind < BITS_KINDS; kind++)
            if (sums[end][kind].tried) {
                printf("%-9s %-25s %-17s", bits_end_name((enum specimen_end)end), "all files",
                       bits_kind_name((enum bits_kind)kind));
                print_counts(&sums[end][kind]);
            }
    if (loop.totals.bad)
        printf("\nBAD: %s\n", loop.what);
    printf("\nbits: stage=%u tried=%" PRIu64, subject_info()->stage, loop.totals.tried);
    for (int i = 0; i < OUTCOMES; i++)
        printf(" %s=%" PRIu64, outcome_name((enum outcome)i), loop.totals.outcomes[i]);
    printf(" bad=%" PRIu64 "\n", loop.totals.bad);
    return wrote_all("bits", loop.totals.bad ? 1 : 0);
}
