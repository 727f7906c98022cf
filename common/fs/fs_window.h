/* fs_window.h: room allocated ahead (FS_AHEAD), prepared for use a piece at a time; and appends
 * stored into that room through a mapping (FS_MAPPED) of a window of the file. Stored bytes are in
 * the kernel's page cache at once: they survive the process as written bytes do, every other handle
 * sees them, and a sync writes them.
 *
 * Threads: as those of the file. */
#ifndef STRATA_COMMON_FS_WINDOW_H
#define STRATA_COMMON_FS_WINDOW_H

#include "strata.h"

/* Bytes of a piece. A page fault for a store costs ten times the store; with pages prepared in
 * pieces of this size, a fourth of that. Larger pieces gain little, and a sync has to write the
 * whole piece that is being filled. */
#define FS_WINDOW_PIECE ((uint64_t)64 << 10)

/* All zero is a valid one: nothing is mapped, and there is no room. Offsets are those of the file.
 */
struct fs_window {
    uint64_t room;     /* the file has its blocks up to here */
    uint8_t *bytes;    /* NULL, or bytes [from, to) of the file */
    uint64_t from, to; /* from: the beginning of a page */
    uint64_t ready;    /* stores before this offset cause no page fault; zeros from `end` to it */
    bool synced;       /* since the last piece was made ready */
};

/* Stores the parts, `size` bytes together, at `end`. False: nothing was stored, use a write call:
 * there is no room, it cannot be mapped, a store would raise SIGBUS, or the parts are so large that
 * a call is cheaper. */
bool fs_window_store(struct fs_window *window, int fd, uint64_t end,
                     const struct strata_slice *parts, size_t count, uint64_t size);
/* Call it before `size` bytes are appended, with a write call, into the room of a file that is not
 * mapped: fills the rest of their last piece with zeros. The first sync of blocks that are only
 * allocated must also write metadata that marks them as used; later syncs just overwrite them. */
void fs_window_fill(struct fs_window *window, int fd, uint64_t end, uint64_t size);
/* Bytes up to `end` were written by a call. */
void fs_window_pass(struct fs_window *window, uint64_t end);
/* Ends the mapping and forgets the room: before the file is truncated or closed. */
void fs_window_drop(struct fs_window *window);

#endif
