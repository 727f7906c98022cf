/* misses.c: see perf_event_open(2). The last level's misses, in the program and not in the kernel:
 * each is a load that waited for memory. */
#define _DEFAULT_SOURCE
#include "misses.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/perf_event.h>
#include <sys/syscall.h>
#endif

static int counter = -1;

bool misses_open(const char **why)
{
#ifdef __linux__
    struct perf_event_attr attr;

    memset(&attr, 0, sizeof attr);
    attr.type = PERF_TYPE_HARDWARE;
    attr.size = sizeof attr;
    attr.config = PERF_COUNT_HW_CACHE_MISSES;
    attr.exclude_kernel = 1;
    attr.exclude_hv = 1;
    counter = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
#else
    errno = ENOSYS;
#endif
    *why = counter < 0 ? strerror(errno) : NULL;
    return counter >= 0;
}

uint64_t misses_now(void)
{
    uint64_t count;
    return counter >= 0 && read(counter, &count, sizeof count) == sizeof count ? count : 0;
}

void misses_close(void)
{
    if (counter >= 0)
        close(counter);
    counter = -1;
}
