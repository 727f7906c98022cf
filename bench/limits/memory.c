/* memory.c: what copying and finding in memory costs. */
#define _DEFAULT_SOURCE
#include "limits.h"
#include "base/pages.h"
#include "base/prng.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define LINE ((size_t)64)
#define LARGE ((size_t)1 << 25) /* bytes of a large copy; less where there is less memory */

static uint8_t *memory;
static size_t memory_bytes;
static struct prng prng;

/* ---- Memory ---------------------------------------------------------------------------- */

static int take(size_t bytes, bool huge)
{
    memory_bytes = bytes;
    memory = huge ? pages_map(bytes)
                  : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!memory || memory == MAP_FAILED) {
        memory = NULL;
        return ENOMEM;
    }
#ifdef MADV_NOHUGEPAGE
    if (!huge)
        madvise(memory, bytes, MADV_NOHUGEPAGE);
#endif
    memset(memory, 1, bytes);
    return 0;
}

static void give_back(void)
{
    pages_unmap(memory, memory_bytes);
    memory = NULL;
}

static int take_small(const struct limit_size *size)
{
    return take(size->bytes, false);
}

static int take_huge(const struct limit_size *size)
{
    return take(size->bytes, true);
}

/* ---- New memory ------------------------------------------------------------------------ */

/* A host that takes back what a guest has freed makes it anew: what is taken again at once is not
 * that, so the worst turn tells it, which is the first. */
static int measure_touch(const struct limit_size *size, bool huge, double *value)
{
    double began = limit_cpu();
    int sys = take(size->bytes, huge);

    if (sys)
        return sys;
    *value = (limit_cpu() - began) * 1e9 / (double)(memory_bytes / LIMIT_BLOCK);
    give_back();
    return 0;
}

static int measure_small(const struct limit_size *size, double *value)
{
    return measure_touch(size, false, value);
}

static int measure_huge(const struct limit_size *size, double *value)
{
    return measure_touch(size, true, value);
}

/* ---- Copies ---------------------------------------------------------------------------- */

static void copy_blocks(uint64_t count)
{
    static uint8_t to[LIMIT_BLOCK];
    uint64_t blocks = memory_bytes / LIMIT_BLOCK;

    for (uint64_t i = 0; i < count; i++) {
        memcpy(to, memory + prng_below(&prng, blocks) * LIMIT_BLOCK, LIMIT_BLOCK);
        limit_use(to[i % LIMIT_BLOCK]);
    }
}

static int measure_blocks(const struct limit_size *size, double *value)
{
    *value = limit_each(copy_blocks, size);
    return 0;
}

/* From one half to the other. */
static size_t large(void)
{
    return memory_bytes / 2 < LARGE ? memory_bytes / 2 : LARGE;
}

static void copy_large(uint64_t count)
{
    size_t half = memory_bytes / 2, bytes = large(), at = 0;

    for (uint64_t i = 0; i < count; i++) {
        memcpy(memory + half + at, memory + at, bytes);
        limit_use(memory[half + at]);
        at = at + 2 * bytes <= half ? at + bytes : 0;
    }
}

static int measure_large(const struct limit_size *size, double *value)
{
    *value = (double)large() / limit_each(copy_large, size) * 1e3;
    return 0;
}

/* ---- Loads ----------------------------------------------------------------------------- */

static uint64_t *line_at(uint64_t i)
{
    return (uint64_t *)(void *)(memory + i * LINE);
}

/* Each line names another, and all are one circle in random order (Sattolo's shuffle). */
static int make_circle(const struct limit_size *size, bool huge)
{
    uint64_t lines = size->bytes / LINE;
    int sys = take(size->bytes, huge);

    if (sys)
        return sys;
    for (uint64_t i = 0; i < lines; i++)
        *line_at(i) = i;
    for (uint64_t i = lines - 1; i > 0; i--) {
        uint64_t other = prng_below(&prng, i), was = *line_at(i);
        *line_at(i) = *line_at(other);
        *line_at(other) = was;
    }
    return 0;
}

static int circle_of_small(const struct limit_size *size)
{
    return make_circle(size, false);
}

static int circle_of_huge(const struct limit_size *size)
{
    return make_circle(size, true);
}

static void follow(uint64_t count)
{
    uint64_t at = 0;

    while (count--)
        at = *line_at(at);
    limit_use(at);
}

static int measure_loads(const struct limit_size *size, double *value)
{
    *value = limit_each(follow, size);
    return 0;
}

const struct limit limits_of_memory[] = {
    {"touch_huge", "ns", "4 KiB of new memory set for the first time, on huge pages", NULL,
     measure_huge, NULL},
    {"touch_4k", "ns", "the same on pages of 4 KiB", NULL, measure_small, NULL},
    {"memcpy_4k", "ns", "4 KiB from anywhere in memory, copied", take_small, measure_blocks,
     give_back},
    {"memcpy_large", "MB/s", "large pieces copied in memory, on huge pages", take_huge,
     measure_large, give_back},
    {"load", "ns", "a load from anywhere in memory that has to wait for the one before",
     circle_of_small, measure_loads, give_back},
    {"load_huge", "ns", "the same on huge pages", circle_of_huge, measure_loads, give_back},
    {NULL, NULL, NULL, NULL, NULL, NULL}};
