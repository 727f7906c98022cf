/* specimen.h: a closed database to be damaged: what a script left on an fs_sim, file by file, and
 * where the records in each file begin. Knows nothing of cmocka; ends the program when the script
 * fails. */
#ifndef STRATA_TESTS_SPECIMEN_H
#define STRATA_TESTS_SPECIMEN_H

#include "fs_sim.h"
#include "script.h"

#define SPECIMEN_DIR "disk/db"

/* One file with bytes in it (an empty one, as the lock is, has nothing to damage). */
struct part {
    char *path;
    const char *name; /* the end of `path` */
    struct strata_buffer bytes;
    struct strata_buffer older; /* as it was in the middle of the script; no bytes: not there */
    const struct strata_format *format;
    uint64_t *sections; /* offsets where its records and other parts begin, as inspect tells */
    size_t section_count;
};

struct specimen {
    struct strata_fs *fs;        /* in which all is closed */
    const struct script *script; /* borrowed */
    struct part *parts;
    size_t count;
};

/* Runs the script with the stage under test. */
void specimen_init(struct specimen *specimen, const struct script *script);
void specimen_free(struct specimen *specimen);

/* A copy in which a file has other bytes; ended by fs_free. */
struct strata_fs *specimen_with(const struct specimen *specimen, const struct part *part,
                                struct strata_slice bytes);

/* Where the section of a file that holds byte `at` ends. */
uint64_t part_section_end(const struct part *part, uint64_t at);
/* Does the annotated dump of that file, as it is in `fs`, tell of damage or of a torn tail? */
bool part_is_damaged(const struct part *part, struct strata_fs *fs);

#endif
