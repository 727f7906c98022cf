/* fuzz.c: see fuzz.h. */
#include "fuzz.h"
#include "crash/subject.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool fuzz_thorough;

#ifdef __AFL_COVERAGE                /* afl-clang-fast has it, but not as a prototype */
extern int __afl_selective_coverage; /* 1: the two that follow do something */
int __afl_selective_coverage = 1;
void __afl_coverage_off(void);
void __afl_coverage_on(void);
#define COUNT(on) ((on) ? __afl_coverage_on() : __afl_coverage_off())
#else
#define COUNT(on) ((void)(on))
#endif

static unsigned uncounted;

void fuzz_uncounted_begin(void)
{
    if (uncounted++ == 0)
        COUNT(false);
}

void fuzz_uncounted_end(void)
{
    if (--uncounted == 0)
        COUNT(true);
}

const char *fuzz_text(const struct strata_error *err)
{
    static char text[600];
    return strata_error_text(err, text, sizeof text);
}

const struct strata_engine *fuzz_engine(void)
{
    const char *path = getenv("STRATA_ENGINE");
    return path && *path ? subject_engine() : NULL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_engine();
    return 0;
}

void fuzz_violated(const char *file, int line, const char *condition, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s:%d: violated: %s: ", file, line, condition);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}
