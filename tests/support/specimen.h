/* specimen.h: a database to be damaged: what a script left on an fs_sim, file by file, and where
 * the records in each file begin. Knows nothing of cmocka; ends the program when the script fails.
 */
#ifndef STRATA_TESTS_SPECIMEN_H
#define STRATA_TESTS_SPECIMEN_H

#include "crash/sim/fs_sim.h"
#include "crash/script.h"

#define SPECIMEN_DIR "disk/db"

/* One file with bytes in it (an empty one, as the lock is, has nothing to damage). */
struct part {
    char *path;
    const char *name; /* the end of `path` */
    struct strata_buffer bytes;
    struct strata_buffer *older; /* as it was after earlier steps, each content once */
    size_t older_count;
    const struct strata_format *format;
    uint64_t *sections; /* offsets where its records and other parts begin, as inspect tells */
    size_t section_count;
};

enum specimen_end {
    SPECIMEN_CLOSED,  /* cleanly */
    SPECIMEN_KILLED,  /* after the last write */
    SPECIMEN_UNSYNCED /* likewise, and nothing was synced but when the script said so */
};

struct specimen {
    struct strata_fs *fs;        /* in which all is closed */
    const struct script *script; /* borrowed */
    enum specimen_end end;
    /* So many writes are known to be on the device, by what the database itself has recorded:
     * damage below that is told from a tail that a power cut tore. 0 at stages that do not sync. */
    uint64_t floor;
    struct part *parts;
    size_t count;
};

/* Runs the script with the stage under test. An unsynced one is to be looked at with
 * subject_leave_unsynced(true). */
void specimen_init(struct specimen *specimen, const struct script *script, enum specimen_end end);
void specimen_free(struct specimen *specimen);

/* A copy in which a file has other bytes; ended by fs_free. */
struct strata_fs *specimen_with(const struct specimen *specimen, const struct part *part,
                                struct strata_slice bytes);

/* Where the section of a file that holds byte `at` ends. */
uint64_t part_section_end(const struct part *part, uint64_t at);
/* Does the annotated dump of that file, as it is in `fs`, tell of damage or of a torn tail? True
 * where there is none. */
bool part_is_damaged(const struct part *part, struct strata_fs *fs);

#endif
