/* memory.h: how much memory the code under test holds at most. A file must not make a reader ask
 * for more than its own size explains. */
#ifndef STRATA_FUZZ_MEMORY_H
#define STRATA_FUZZ_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* From here on an allocation that makes what is held grow by more than this ends the program,
 * before it is made: the stack then shows who asked. */
void memory_watch(size_t limit_bytes);
/* Ends that. Returns by how much it grew at most, bytes. */
size_t memory_watched(void);

/* The allocation of this number from now on, 1 is the next, returns NULL; 0: none does. Returns
 * whether the one that was to fail before did. */
bool memory_fail(size_t number);

/* 8 bytes for each of the input, and 1 MiB for windows and tables of a fixed size. */
size_t memory_limit(size_t input_bytes);

#endif
