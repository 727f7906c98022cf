/* current.h: DIR/CURRENT: which manifest counts, and how much of it is known to be there. */
#ifndef STRATA_06_CURRENT_H
#define STRATA_06_CURRENT_H

#include "fs/fs.h"
#include "strata_engine.h"

#define CURRENT_NAME "CURRENT"
#define CURRENT_MAGIC "STRATCUR"
#define CURRENT_BYTES 32

struct current {
    uint64_t number; /* of the manifest */
    uint64_t known;  /* so many of its bytes are on the device, at least */
};

/* Replaces the file, durably. IO: it is the old one or the new one. NO_MEMORY: the old one. */
int current_write(const struct strata_env *env, const struct current *current,
                  struct strata_error *err);
/* CORRUPT, also when it is missing; IO, NO_MEMORY. */
int current_read(const struct strata_env *env, struct current *current, struct strata_error *err);
/* The same of an open file. */
int current_check(struct fs_file *file, struct current *current, struct strata_error *err);

extern const struct strata_format current_format; /* inspect.c */

#endif
