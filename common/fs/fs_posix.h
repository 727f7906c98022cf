/* fs_posix.h: the real file system. */
#ifndef STRATA_COMMON_FS_POSIX_H
#define STRATA_COMMON_FS_POSIX_H

#include "fs/fs.h"

/* A file layer over the system's calls, with counters of its own; ended by fs_free. NULL: out
 * of memory. */
struct strata_fs *fs_posix_new(void);

#endif
