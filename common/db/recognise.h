/* recognise.h: finds the stage that wrote the files of a directory by their names and first bytes,
 * when there is no marker. */
#ifndef STRATA_COMMON_RECOGNISE_H
#define STRATA_COMMON_RECOGNISE_H

#include "fs/fs.h"
#include "strata_engine.h"

/* Has a stage of this build files of that name, or `asked`, unless that is NULL? */
bool recognise_name(const struct strata_engine *asked, const char *name);

/* 0: the directory has files, and all of them are files of `engine`. A file whose first bytes no
 * stage knows is damaged, and is ignored. ABSENT       there are no files of any stage WRONG_STAGE
 * one is not a file of `engine`, or the one that names the others is missing and another stage
 * needs none: the message names it IO */
int recognise_check(struct strata_fs *fs, const char *dir, const struct strata_engine *engine,
                    struct strata_error *err);
/* The stages for which that is so: bit N for stage N. Several have the same formats. With `asked`
 * not NULL its stage or none. */
uint64_t recognise_stages(struct strata_fs *fs, const char *dir, const struct strata_engine *asked);

#endif
