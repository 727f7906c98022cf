/* allocations.h: every allocation of a program that is linked with -Wl,--wrap=malloc and the like
 * (crash.mk) comes through here: counted, and failed on request. The C library's own do not; those
 * of a shared object do once allocations_reach was called. Threads may allocate at once; the fields
 * are set while no other thread does. */
#ifndef STRATA_TESTS_ALLOCATIONS_H
#define STRATA_TESTS_ALLOCATIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct allocations {
    _Atomic bool on;         /* a call of the library is under way: they may fail */
    _Atomic uint64_t at;     /* the how manieth allocation from now fails; 0: none */
    bool for_ever;           /* and all after it */
    _Atomic uint64_t failed; /* how many have */
    _Atomic int64_t living;  /* made and not freed */
    _Atomic size_t largest;  /* that was asked for, in bytes; who reads it clears it */
};
extern struct allocations allocations;

/* What --wrap puts in their places. */
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t max);
void __wrap_free(void *old);

/* Leads the calls of malloc and the like of a shared object (what dlopen gave) here too. How many
 * of them it has; NULL has none. Before it allocates. */
unsigned allocations_reach(void *object);

#endif
