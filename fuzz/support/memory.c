/* memory.c: counts what malloc and its kin allocate, whichever library has them: the linker sends
 * the calls of the library here (--wrap, see fuzz.mk), with a sanitizer and without. The C
 * library's own allocations are not seen.
 *
 * Threads: none. */
#include "memory.h"
#include "fuzz.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *from);
char *__real_strndup(const char *from, size_t size);
void __real_free(void *memory);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *from);
char *__wrap_strndup(const char *from, size_t size);
void __wrap_free(void *memory);

static bool watching;
static size_t limit;
static ptrdiff_t held, most; /* bytes, since watching began */

void memory_watch(size_t limit_bytes)
{
    limit = limit_bytes;
    held = most = 0;
    watching = true;
}

size_t memory_watched(void)
{
    watching = false;
    return (size_t)most;
}

size_t memory_limit(size_t input_bytes)
{
    return 8 * input_bytes + ((size_t)1 << 20);
}

static size_t to_fail; /* so many allocations from now; 0: none */
static bool failed;

bool memory_fail(size_t number)
{
    bool did = failed;
    to_fail = number;
    failed = false;
    return did;
}

/* Is this the one that fails? */
static bool fails(void)
{
    if (to_fail == 0 || --to_fail > 0)
        return false;
    return failed = true;
}

static void want(size_t size)
{
    size_t now = held > 0 ? (size_t)held : 0;

    if (!watching || (now <= limit && size <= limit - now))
        return;
    watching = false; /* for what the report allocates */
    require(size <= limit && now <= limit - size,
            "an allocation of %zu bytes; %zu are held, %zu are the limit", size, now, limit);
}

static void *count(void *memory)
{
    held += memory ? (ptrdiff_t)malloc_usable_size(memory) : 0;
    most = held > most ? held : most;
    return memory;
}

void *__wrap_malloc(size_t size)
{
    want(size);
    return fails() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size)
{
    want(size && number > SIZE_MAX / size ? SIZE_MAX : number * size);
    return fails() ? NULL : count(__real_calloc(number, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    size_t before = old ? malloc_usable_size(old) : 0;
    void *memory;

    want(size > before ? size - before : 0);
    if (fails())
        return NULL;
    memory = __real_realloc(old, size);
    held -= memory ? (ptrdiff_t)before : 0;
    return count(memory);
}

char *__wrap_strdup(const char *from)
{
    return fails() ? NULL : count(__real_strdup(from));
}

char *__wrap_strndup(const char *from, size_t size)
{
    return fails() ? NULL : count(__real_strndup(from, size));
}

void __wrap_free(void *memory)
{
    held -= memory ? (ptrdiff_t)malloc_usable_size(memory) : 0;
    __real_free(memory);
}
