/* striped.h: counts that many threads raise, and few read. Each thread adds in a stripe, memory
 * that it shares with few other threads or none: two processors that add to one count would pass
 * its cache line to and fro, which takes longer than a get of a cached block's key. (Linux:
 * percpu_counter; Java: LongAdder.) */
#ifndef STRATA_COMMON_STRIPED_H
#define STRATA_COMMON_STRIPED_H

#include <stdatomic.h>
#include <stdint.h>

#define STRIPED_STRIPES 8u
#define STRIPED_COUNTS 8u

/* Up to STRIPED_COUNTS counts. All zero is a valid one. Wherever it begins, no two stripes have a
 * cache line in common. */
struct striped {
    struct {
        _Atomic uint64_t counts[STRIPED_COUNTS];
        char apart[64];
    } stripes[STRIPED_STRIPES];
};

/* The calling thread's number, from 1, by which it finds its stripe. 0: it has none yet. */
extern _Thread_local unsigned striped_thread __attribute__((tls_model("initial-exec")));
/* Gives it one. */
unsigned striped_thread_new(void);

static inline unsigned striped_me(void)
{
    return striped_thread ? striped_thread : striped_thread_new();
}

static inline void striped_add(struct striped *s, unsigned which, uint64_t many)
{
    atomic_fetch_add_explicit(&s->stripes[striped_me() % STRIPED_STRIPES].counts[which], many,
                              memory_order_relaxed);
}

/* What was added, by all threads. What is added meanwhile may be in it or not. */
uint64_t striped_sum(const struct striped *s, unsigned which);

#endif
