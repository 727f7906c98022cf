/* database.h: a database in fs_sim in which one file has any bytes, and what must hold of it:
 *
 *   - opened read-only and to be written it gives the same answer: the same content, or the same
 *     refusal, with file, offset and reason;
 *   - reading changes no byte of the directory, and neither does a refused opening;
 *   - with a call or an allocation that fails, somewhere on the way, it tells so, or the same
 * content or refusal as without, and nothing is lost for the next opening; nor is it another for
 * who does not ask for the reason;
 *   - memory and bytes read are bounded by what is there (memory.h, WORK in database.c);
 *   - what opens holds what it shows (content.h), verifies, takes a put, is compacted where the
 *     stage can, and still has it all when opened again; nothing stays open.
 *
 * A target makes one, asks for what its format promises, and frees it. */
#ifndef STRATA_FUZZ_DATABASE_H
#define STRATA_FUZZ_DATABASE_H

#include "content.h"
#include "crash/sim/fs_sim.h"
#include "inspect/inspect.h"
#include "strata_engine.h"

#define DATABASE_DIR "db"

struct database {
    struct strata_fs *fs; /* with the input's bytes in place */
    const char *path;     /* of the file that has them */
    size_t bytes;         /* of all files in the directory */
    size_t uncompressed;  /* bytes that they may be uncompressed to; 0: not limited by a target */
    uint64_t hash;        /* of the input */
    int rc;               /* what opening returned, and its error */
    int write_rc;         /* ... and what it does to write, where calls are made to fail */
    struct strata_error err;
    bool read_only;         /* ... and whether it was to read only */
    bool dropped;           /* opening reported a torn tail that it dropped, or ignored */
    struct content content; /* when it opened */
    const char *stat_name;  /* a figure of strata_stats to be read after opening; NULL: none */
    uint64_t stat;
};

/* A copy of `base`, which stays as it is to the end of the program, in which the file `path` has
 * these bytes. */
void database_init(struct database *db, struct strata_fs *base, const char *path,
                   struct strata_slice bytes);
/* A copy of another one, in which its file has these bytes instead. */
void database_init_from(struct database *db, const struct database *other,
                        struct strata_slice bytes);
void database_free(struct database *db);

/* One input in sixteen, always the same ones (all of them with fuzz_thorough): what is not asked of
 * the others costs more than all that is. */
bool database_is_deep(const struct database *db);
/* The same; if so, what follows up to database_deep_end is not counted as coverage. */
bool database_deep_begin(const struct database *db);
void database_deep_end(void);

/* Opens it read-only and scans it; a deep one is asked for everything in every way, and verified.
 * Returns whether it opened. */
bool database_read(struct database *db);
/* Opens a deep one, which database_read has read, in order to write; if it opens, puts, compacts,
 * closes, and opens again. */
void database_write(struct database *db);

/* The file gets these bytes while a deep database that has opened is open: verifying tells, if the
 * database had anything; nothing else is surprised. */
void database_change(const struct database *db, struct strata_slice bytes);
/* The same: nothing is left of it but its first `keep` bytes. */
void database_lose(const struct database *db, size_t keep);

/* The file's annotated dump, into nothing. Says whether it is damaged or torn. */
struct inspect database_inspect(struct database *db, const struct strata_format *format);

/* An empty database of that stage, closed; the caller's. Ends the program where a learner's engine
 * does not open it. */
struct strata_fs *database_new(unsigned stage);
/* The same of a database that holds `content`. */
void database_adopt(struct strata_fs *fs, const struct content *content);

#endif
