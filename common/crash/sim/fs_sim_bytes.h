/* fs_sim_bytes.h: what a simulated file holds, shared by every file, record and state that has
 * the same bytes; and shared names. Inside fs_sim only.
 * Not thread-safe: see "Threads" in fs_sim.h. */
#ifndef STRATA_COMMON_FS_SIM_BYTES_H
#define STRATA_COMMON_FS_SIM_BYTES_H

#include "crash/sim/fs_sim.h"

/* Bytes with a count of their holders. */
struct fs_sim_blob {
    _Atomic size_t refs; /* file systems that share it may have threads of their own */
    size_t size, capacity;
    uint8_t *data;
};

/* One file's content: the first `have` bytes of the blob, then zeros up to `size`. All zero is
 * an empty file; fs_sim_bytes_free ends it. */
struct fs_sim_bytes {
    struct fs_sim_blob *blob; /* may be NULL when have is 0 */
    uint64_t have;            /* <= blob->size, <= size */
    uint64_t size;
    struct fs_sim_hash hash; /* of the content, when hashed */
    bool hashed;
    uint64_t shape; /* where the recorded writes that made it went, whatever their bytes */
};

/* Another holder of the same content, at no cost. */
struct fs_sim_bytes fs_sim_bytes_share(const struct fs_sim_bytes *bytes);
void fs_sim_bytes_free(struct fs_sim_bytes *bytes); /* empty */
/* Returns how many bytes there were to read. */
size_t fs_sim_bytes_read(const struct fs_sim_bytes *bytes, uint64_t offset, void *to, size_t size);
/* Makes sure that a write of these bytes, whole or in pieces, has its memory. */
int fs_sim_bytes_reserve(struct fs_sim_bytes *bytes, uint64_t offset, uint64_t size);
/* Writes in or beyond the content, of which other holders keep what they had. */
int fs_sim_bytes_write(struct fs_sim_bytes *bytes, uint64_t offset, const void *from, size_t size);
/* Cuts off, or adds zeros. */
void fs_sim_bytes_resize(struct fs_sim_bytes *bytes, uint64_t size);
/* Depends on the content only, not on how it came to be; kept in `bytes`. */
struct fs_sim_hash fs_sim_bytes_hash(struct fs_sim_bytes *bytes);

/* Adds a step to the shape. */
void fs_sim_bytes_shape(struct fs_sim_bytes *bytes, uint64_t what, uint64_t offset, uint64_t size);

void fs_sim_blob_release(struct fs_sim_blob *blob); /* one holder less; NULL is fine */

/* A string with a count of its holders. */
struct fs_sim_text {
    _Atomic size_t refs;
    char string[];
};
struct fs_sim_text *fs_sim_text_new(const char *string, size_t length); /* NULL: out of memory */
struct fs_sim_text *fs_sim_text_share(struct fs_sim_text *text);
void fs_sim_text_release(struct fs_sim_text *text); /* NULL is fine */

#endif
