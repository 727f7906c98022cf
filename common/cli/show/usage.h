/* usage.h: what the files of a database take on the disk. */
#ifndef STRATA_COMMON_CLI_USAGE_H
#define STRATA_COMMON_CLI_USAGE_H

#include <stdint.h>
#include <time.h>

/* Of the plain files in a directory; those that cannot be looked at do not count. */
struct usage {
    uint64_t files, bytes;
    uint64_t logs, log_bytes; /* of them: the files *.log */
    time_t written;           /* the newest of all, by their times of change; 0: there is none */
};

/* 0, or errno: the directory cannot be read; then nothing counts. */
int usage_of(const char *dir, struct usage *usage);

#endif
