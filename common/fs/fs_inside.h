/* fs_inside.h: what fs.c and fs_names.c share. */
#ifndef STRATA_COMMON_FS_INSIDE_H
#define STRATA_COMMON_FS_INSIDE_H

#include "fs/fs.h"

static inline void fs_count(struct strata_fs *fs, enum fs_call call)
{
    atomic_fetch_add_explicit(&fs->calls[call], 1, memory_order_relaxed);
}

/* The error of a call that failed and changed nothing. ENOMEM becomes STRATA_ERR_NO_MEMORY. */
int fs_refused(struct strata_error *err, int sys, const char *path, uint64_t offset,
               const char *doing);

#endif
