/* harm.h: files of a database in fs_sim: found by how they end, and harmed. */
#ifndef STRATA_TESTS_HARM_H
#define STRATA_TESTS_HARM_H

#include "crash/sim/fs_sim.h"

/* The path of the n-th file in `dir` whose name ends so, in order of names, and "" when there are
 * fewer; ours until the next call. */
const char *harm_file(struct strata_fs *fs, const char *dir, const char *suffix, size_t n);

void harm_flip(struct strata_fs *fs, const char *path, size_t at); /* some bits of that byte */
void harm_cut(struct strata_fs *fs, const char *path, size_t size);
/* Its size without the zeros at its end, which are room made ahead. */
size_t harm_used(struct strata_fs *fs, const char *path);
void harm_remove(struct strata_fs *fs, const char *path);

#endif
