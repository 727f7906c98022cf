/* array.c: see array.h. */
#include "base/array.h"
#include "strata_engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 16 /* elements */

void *array_insert(void *items, size_t *count, size_t *room, size_t size, size_t at,
                   struct strata_error *err)
{
    size_t more = *room ? 2 * *room : FIRST;
    char *array, *element;

    assert(at <= *count && *count <= *room);
    memcpy(&array, items, sizeof array); /* a pointer to any type */
    if (*count == *room) {
        char *bigger = more <= SIZE_MAX / size ? realloc(array, more * size) : NULL;
        if (!bigger) {
            strata_fail_memory(err, more * size);
            return NULL;
        }
        array = bigger;
        *room = more;
        memcpy(items, &array, sizeof array);
    }
    element = array + at * size;
    memmove(element + size, element, (*count - at) * size);
    memset(element, 0, size);
    *count += 1;
    return element;
}

void *array_add(void *items, size_t *count, size_t *room, size_t size, struct strata_error *err)
{
    return array_insert(items, count, room, size, *count, err);
}
