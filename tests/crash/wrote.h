/* wrote.h: the end of the programs behind `make bits`, `faults` and `kill`. */
#ifndef STRATA_TESTS_WROTE_H
#define STRATA_TESTS_WROTE_H

#include <stdio.h>

/* The exit code: `code`, or 4 when the table did not get to where it was sent. */
static inline int wrote_all(const char *program, int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "%s: not everything could be written to standard output\n", program);
    return 4;
}

#endif
