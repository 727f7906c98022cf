/* arena.c: a list of chunks; pieces are cut from the newest.
 *
 *   newest chunk                                older chunks
 *   +------+-------+-------+----------------+   +------+-----------------+---+
 *   | head | piece | piece |  left          |-->| head | pieces          | - |--> ...
 *   +------+-------+-------+----------------+   +------+-----------------+---+
 *                          ^ at                            never used again ^
 *
 * I1: a piece never moves and is never given back alone.
 * I2: what was reserved fits into what is left of the newest chunk, or into the spare chunk. The
 *       spare becomes the newest when a piece does not fit: so who reserves much more than is taken
 *       in the end holds one chunk too many, and not one more each time. */
#include "base/arena.h"
#include "strata_engine.h"

#include <assert.h>
#include <stdlib.h>

#define SMALL ((size_t)32 * 1024)
#define HEAD ((sizeof(struct arena_chunk) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN)

struct arena_chunk {
    struct arena_chunk *next;
    size_t bytes; /* with this head */
};

static struct arena_chunk *chunk_new(const struct arena *arena, size_t bytes)
{
    struct arena_source *source = arena->source;
    struct arena_chunk *chunk = source ? source->get(source, &bytes) : malloc(bytes);

    if (chunk)
        *chunk = (struct arena_chunk){.bytes = bytes};
    return chunk;
}

static void chunk_del(const struct arena *arena, struct arena_chunk *chunk)
{
    if (arena->source)
        arena->source->put(arena->source, chunk, chunk->bytes);
    else
        free(chunk);
}

/* Pieces come from it now. What is left of the chunk before is lost. */
static void use_spare(struct arena *arena)
{
    struct arena_chunk *chunk = arena->spare;

    assert(chunk); /* I2 */
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->spare = NULL;
    arena->at = (uint8_t *)chunk + HEAD;
    arena->left = chunk->bytes - HEAD;
}

int arena_reserve(struct arena *arena, size_t bytes, struct strata_error *err)
{
    size_t usual = arena->chunk_bytes ? arena->chunk_bytes : SMALL, size;
    struct arena_chunk *chunk;

    if (!arena->chunks && usual > SMALL && bytes <= SMALL - HEAD)
        usual = SMALL; /* the memtable of a database that is only read stays this small */
    if (bytes <= arena->left || (arena->spare && bytes <= arena->spare->bytes - HEAD))
        return 0;
    if (bytes > SIZE_MAX / 2)
        return strata_fail_memory(err, bytes);
    size = bytes + HEAD > usual ? bytes + HEAD : usual;
    chunk = chunk_new(arena, size);
    if (!chunk)
        return strata_fail_memory(err, size);
    if (arena->spare) { /* it is too small */
        arena->taken -= arena->spare->bytes;
        chunk_del(arena, arena->spare);
    }
    arena->taken += chunk->bytes;
    arena->spare = chunk; /* I2 */
    if (!arena->chunks)
        use_spare(arena);
    return 0;
}

void *arena_take(struct arena *arena, size_t size)
{
    uint8_t *piece;

    size = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    if (size > arena->left)
        use_spare(arena);
    assert(size <= arena->left); /* I2 */
    piece = arena->at;
    arena->at += size;
    arena->left -= size;
    arena->used += size;
    return piece;
}

void arena_free(struct arena *arena)
{
    struct arena_chunk *next;

    if (arena->spare)
        use_spare(arena);
    for (struct arena_chunk *chunk = arena->chunks; chunk; chunk = next) {
        next = chunk->next;
        chunk_del(arena, chunk);
    }
    *arena = (struct arena){.source = arena->source, .chunk_bytes = arena->chunk_bytes};
}
