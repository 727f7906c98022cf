/* striped.c: see striped.h. */
#include "threads/striped.h"

_Thread_local unsigned striped_thread;
static _Atomic unsigned threads;

unsigned striped_thread_new(void)
{
    do /* after 2^32 threads 0 would come again */
        striped_thread = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) + 1;
    while (!striped_thread);
    return striped_thread;
}

uint64_t striped_sum(const struct striped *s, unsigned which)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < STRIPED_STRIPES; i++)
        sum += atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&s->stripes[i].counts[which],
                                    memory_order_relaxed);
    return sum;
}
