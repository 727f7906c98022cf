/* array.h: adds an element to a growable array. The caller declares the array's pointer, its count
 * and its room (capacity). */
#ifndef STRATA_COMMON_ARRAY_H
#define STRATA_COMMON_ARRAY_H

#include "strata.h"

/* Adds an element of `size` bytes, all zero, and returns it. `items` is the address of the array's
 * pointer, `*room` how many elements are allocated; a full array is doubled, so that adding is O(1)
 * on average. Freed by free(). NULL: NO_MEMORY, and nothing was changed. */
void *array_add(void *items, size_t *count, size_t *room, size_t size, struct strata_error *err);
/* The same, before element `at` <= *count. O(n). */
void *array_insert(void *items, size_t *count, size_t *room, size_t size, size_t at,
                   struct strata_error *err);

#endif
