/* human.h: numbers as people read them. Each writes at most `capacity` > 0 bytes with the final NUL
 * to `to` and returns it. */
#ifndef STRATA_COMMON_HUMAN_H
#define STRATA_COMMON_HUMAN_H

#include <stddef.h>
#include <stdint.h>

#define HUMAN_TEXT 32 /* bytes that hold any of them */

char *human_bytes(double bytes, char *to, size_t capacity);   /* "77 B", "2.6 MB": powers of 1000 */
char *human_count(uint64_t count, char *to, size_t capacity); /* "25,001" */
const char *human_s(uint64_t count); /* "" of 1, else "s": the end of what is counted */
/* "1 record", "25,001 records": `what` is the singular, which takes an s. */
char *human_plural(uint64_t count, const char *what, char *to, size_t capacity);

#endif
