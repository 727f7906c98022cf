/* fs_window.h: room that was made ahead (FS_AHEAD), made fit for use a piece at a time. Appends
 * stored through a mapping into it (FS_MAPPED), a window of the file at a time. What is stored is
 * in the kernel's pages at once: it survives the process as written bytes do, every other handle
 * sees it, and a sync writes it.
 *
 * Threads: as those of the file. */
#ifndef STRATA_COMMON_FS_WINDOW_H
#define STRATA_COMMON_FS_WINDOW_H

#include "strata.h"

/* A page that the kernel makes for a store costs ten times what the store does; made by this many
 * at a time, a fourth. Larger pieces gain little, and a sync has to write all of the piece that is
 * being filled. */
#define FS_WINDOW_PIECE ((uint64_t)64 << 10)

/* All zero is a valid one: nothing is mapped, and there is no room. Offsets are those of the file.
 */
struct fs_window {
    uint64_t room;     /* the file has its blocks up to here */
    uint8_t *bytes;    /* NULL, or bytes [from, to) of the file */
    uint64_t from, to; /* from: the beginning of a page */
    uint64_t ready;    /* before it a store meets no page fault, and there are zeros behind `end` */
    bool synced;       /* since the last piece was made ready */
};

/* Stores the parts, `size` bytes together, from `end` on. False: nothing was stored, and they are
 * to be written by a call: there is no room, none can be mapped, a store would end the process, or
 * they are so many that a call is cheaper. */
bool fs_window_store(struct fs_window *window, int fd, uint64_t end,
                     const struct strata_slice *parts, size_t count, uint64_t size);
/* Before `size` bytes are appended by a call into room of a file that is not mapped: what is
 * left of their last piece is filled with zeros. Blocks that are only reserved have to be noted as
 * used by the sync that writes them first; what was written before is written over. */
void fs_window_fill(struct fs_window *window, int fd, uint64_t end, uint64_t size);
/* Bytes up to `end` were written by a call. */
void fs_window_pass(struct fs_window *window, uint64_t end);
/* The mapping ends, and there is no room any more: before the file is cut shorter or closed. */
void fs_window_drop(struct fs_window *window);

#endif
