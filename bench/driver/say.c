/* say.c: what is said on stderr, the clock, and signals. */
#include "bench.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

/* ---- What is said ---------------------------------------------------------------------- */

int bench_say(int code, const char *format, ...)
{
    va_list args;

    fputs("strata-bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

int bench_fail(const struct strata_error *err, const char *doing)
{
    char text[600];
    return bench_say(err->code == STRATA_ERR_IO ? BENCH_IO : BENCH_OTHER, "%s: %s", doing,
                     strata_error_text(err, text, sizeof text));
}

int bench_fail_sys(const char *path, int sys)
{
    return bench_say(BENCH_IO, "%s: %s", path, strerror(sys));
}

int bench_fail_memory(void)
{
    return bench_say(BENCH_OTHER, "out of memory");
}

uint64_t bench_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- Signals --------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted; /* the signal, or 0 */
static volatile pid_t forwarded;          /* the process that works, or 0 */

static void note_signal(int number)
{
    interrupted = number;
    if (forwarded > 0)
        kill(forwarded, number);
}

void bench_forward(pid_t child)
{
    forwarded = child;
}

bool bench_interrupted(void)
{
    return interrupted != 0;
}

/* What was made is removed before the signal ends the process. A reader of the results that went
 * away is noticed when they are written. */
void bench_catch_signals(void)
{
    struct sigaction note = {.sa_handler = note_signal}, ignore = {.sa_handler = SIG_IGN};
    const int signals[] = {SIGINT, SIGTERM, SIGHUP};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction old;
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(signals[i], &note, NULL);
    }
    sigaction(SIGPIPE, &ignore, NULL);
}

void bench_end_by_signal(void)
{
    if (!interrupted)
        return;
    signal(interrupted, SIG_DFL);
    raise(interrupted);
}
