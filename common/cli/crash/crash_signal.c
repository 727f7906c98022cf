/* crash_signal.c: an engine that raises a signal (division by zero, a wild pointer) ends the
 * program. Before that a message names the state in which it happened. */
#define _XOPEN_SOURCE 700 /* sigaltstack */
#include "cli/crash/crash.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#ifdef STRATA_COVERAGE
extern void __gcov_dump(void); /* what a signal leaves out */
#else
static void __gcov_dump(void)
{
}
#endif

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define SIGNALS (sizeof signals / sizeof *signals)

static struct sigaction before[SIGNALS]; /* a sanitizer has its own */
static struct crash *under_way;

/* The program ends anyway, so this calls functions that are not async-signal-safe; if one of them
 * blocks on a lock, the alarm ends the program. */
static void report(int number)
{
    struct crash *c = under_way;
    const struct workload *named = crash_workload_of(c, explore_now.script);
    struct explore_case k = {.place = explore_now.place};
    char place[100];

    alarm(5);
    progress_clear(&c->cli->progress);
    cli_say(c->cli, "signal %d (%s), %s%s", number, strsignal(number),
            k.place.call ? "in what was left by state " : "before anything had crashed",
            k.place.call ? explore_place_text(&k.place, place) : "");
    if (!explore_now.script)
        return;
    fputs("again, for a debugger (gdb --args):\n", c->cli->log);
    if (named && strcmp(named->name, "-") == 0)
        named = NULL;
    crash_put_command(c, c->cli->log, c->model, &k, named, named ? NULL : explore_now.script, NULL);
}

/* Returns: the signal is raised again, or abort continues, and ends the program as usual. */
static void on_signal(int number)
{
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &before[i], NULL);
    report(number);
    __gcov_dump();
}

void crash_tell_signals(struct crash *c)
{
    static char stack[64 * 1024]; /* the engine may have overflowed its own */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

    under_way = c;
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &action, &before[i]);
}
