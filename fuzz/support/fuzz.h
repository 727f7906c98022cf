/* fuzz.h: what every fuzz target includes: its own entry, and a way to say that an invariant does
 * not hold. */
#ifndef STRATA_FUZZ_FUZZ_H
#define STRATA_FUZZ_FUZZ_H

#include "strata.h"

/* Takes any bytes and always returns 0. What is wrong ends the program, so that every fuzzer
 * keeps the bytes: a failed `require`, a sanitizer, a signal. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Called once, before the first input; loads a learner's engine (STRATA_ENGINE). */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* The learner's engine, which targets of files open databases with; NULL: none was given. Where it
 * does not open what the stage of this build wrote, it has a format of its own: the program ends
 * with this exit code, and says so. */
const struct strata_engine *fuzz_engine(void);
#define FUZZ_NOT_ADOPTED 77

/* `condition` must hold; the rest says more, as for printf. */
#define require(condition, ...)                                                                    \
    ((condition) ? (void)0 : fuzz_violated(__FILE__, __LINE__, #condition, __VA_ARGS__))

_Noreturn void fuzz_violated(const char *file, int line, const char *condition, const char *format,
                             ...) __attribute__((format(printf, 4, 5)));

/* Some checks are made for a share of the inputs only, as they cost more than all others; with
 * this, as the plain main says, for each. */
extern bool fuzz_thorough;

/* Between these, edges are no news to AFL++: what is done for a share of the inputs only is chosen
 * by their hash, and what it reaches tells nothing of them; what is made once is made with the
 * first input of a process. They nest. */
void fuzz_uncounted_begin(void);
void fuzz_uncounted_end(void);

/* The error as a line of text, ours until the next call. */
const char *fuzz_text(const struct strata_error *err);

#endif
