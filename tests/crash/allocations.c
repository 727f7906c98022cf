/* allocations.c: see allocations.h. */
#include "allocations.h"

#include <stdlib.h>
#include <string.h>

struct allocations allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *old);

static void note_size(size_t size)
{
    size_t largest = allocations.largest;

    while (size > largest && !atomic_compare_exchange_weak(&allocations.largest, &largest, size))
        ;
}

static bool fails(void)
{
    uint64_t at = allocations.at;

    while (allocations.on && at) {
        uint64_t next = at > 1 ? at - 1 : allocations.for_ever; /* 1: the next one too */
        if (!atomic_compare_exchange_weak(&allocations.at, &at, next))
            continue;
        allocations.failed += at == 1;
        return at == 1;
    }
    return false;
}

static void *counted(void *made)
{
    allocations.living += made != NULL;
    return made;
}

void *__wrap_malloc(size_t size)
{
    note_size(size);
    return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    note_size(size && count > SIZE_MAX / size ? SIZE_MAX : count * size);
    return fails() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    void *made;

    note_size(size);
    made = fails() ? NULL : __real_realloc(old, size);
    allocations.living += made && !old;
    return made;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

char *__wrap_strndup(const char *text, size_t max)
{
    size_t size = strnlen(text, max);
    char *made = __wrap_malloc(size + 1);
    if (made) {
        memcpy(made, text, size);
        made[size] = '\0';
    }
    return made;
}

char *__wrap_strdup(const char *text)
{
    return __wrap_strndup(text, strlen(text));
}

void __wrap_free(void *old)
{
    allocations.living -= old != NULL;
    __real_free(old);
}
