/* os.h: what the system counts of this process, and what it knows of its files. */
#ifndef STRATA_BENCH_OS_H
#define STRATA_BENCH_OS_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds of the clock, and of the processor for all threads of the process. */
struct watch {
    double wall, cpu;
};
struct watch watch_begin(void);
struct watch watch_since(const struct watch *since);

/* Of this process, as /proc tells; what it does not tell is 0. */
struct os_io {
    uint64_t called;  /* bytes of its calls of write(2) and its like; what is stored into mapped
                       * files is none */
    uint64_t written; /* bytes of pages that it made dirty in files on a device: mapped ones too.
                       * None on a file system in memory. */
    uint64_t read;    /* bytes of its calls of read(2) and its like: not of mapped files */
    uint64_t fetched; /* bytes that were read from a device for it, mapped files too */
};
void os_io(struct os_io *io);

struct os_memory {
    uint64_t resident; /* bytes */
    uint64_t mapped;   /* of these, pages of files, which the kernel can take back */
    uint64_t most;     /* resident at most, since os_memory_forget */
};
void os_memory(struct os_memory *memory);
void os_memory_forget(void);

/* Takes `bytes` of memory, sets a byte of each page, and gives it back: what is taken soon after
 * was at hand. The host of a guest may have taken back what was free for some seconds, and then the
 * first who touches it waits for the host, up to thirty times as long. Where there is less,
 * nothing. */
void os_memory_warm(uint64_t bytes);

/* What the files of a directory take on the device, in bytes, and, in `named`, their sizes. 0, or
 * errno. */
int os_disk(const char *dir, uint64_t *bytes, uint64_t *named);

const char *os_file_system(const char *dir); /* "ext4", or "unknown" */

/* What the processors did since the machine began, in ticks. */
struct os_ticks {
    uint64_t idle, all;
};
/* From such a file as /proc/stat. False: there is none, or it says something else. */
bool os_ticks(const char *path, struct os_ticks *ticks);
/* The part of the time between the two that processors were idle, 0 to 1. */
double os_idle(const struct os_ticks *from, const struct os_ticks *to);
/* Waits until the machine has been quiet for OS_QUIET_SECONDS: the processors idle for
 * OS_QUIET_IDLE of that time; at least once, and no longer than *patience, seconds, from which what
 * it took is taken. How idle they were at last; 1 where the system does not tell. */
double os_wait_quiet(double *patience);
#define OS_QUIET_SECONDS 3
#define OS_QUIET_IDLE 0.85

/* Waits until no other thread of the process runs, or waits for the device, for a fifth of a
 * second: the background work is done. `busy` may be NULL; while it says true of `arg`,
 * the engine has more to do. Seconds since anybody worked last. */
double os_wait_idle(bool (*busy)(void *arg), void *arg);

#endif
