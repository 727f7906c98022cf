/* manifest.h: the durable log of version edits. CURRENT names the file that it is (current.h). */
#ifndef STRATA_06_MANIFEST_H
#define STRATA_06_MANIFEST_H

#include "current.h"
#include "edit.h"

#define MANIFEST_MAGIC "STRATMAN"
#define MANIFEST_EDIT 9 /* record type of an edit; 1 to 8 are of earlier stages */

struct record_reader;

struct manifest {
    const struct strata_env *env;
    struct fs_file *file;
    char *path;
    uint64_t number;
    uint64_t ordinal;           /* of the last edit in it */
    uint64_t snapshot_bytes;    /* of the file, when it was made */
    uint64_t known;             /* bytes that CURRENT says are there; 0: it was not written yet */
    uint64_t written;           /* bytes, since it was opened or made; CURRENT's too */
    uint64_t torn;              /* bytes of a cut last edit, as it was opened */
    struct strata_buffer bytes; /* of one edit */
};

/* Called with every edit, in order. */
typedef int manifest_apply(void *arg, const struct edit *edit, struct strata_error *err);

/* Makes manifest `number` with one edit, the whole state, and then CURRENT that names it; all
 * durable. To be closed, also when it failed. IO, NO_MEMORY: when manifest->known is still 0,
 * CURRENT was not touched, and the file is removed; else CURRENT names the one or the other, and
 * the caller must not write any more. */
int manifest_create(struct manifest *manifest, const struct strata_env *env, uint64_t number,
                    struct edit *state, struct strata_error *err);
/* Sets the edit's ordinal, appends it and syncs. IO: if the file has failed, the edit may be on the
 * device or not, and nothing can be appended any more; else, for want of space, it is not.
 * NO_MEMORY: it is not. */
int manifest_append(struct manifest *manifest, struct edit *edit, struct strata_error *err);
/* So many edits have gathered that a new manifest is due. */
bool manifest_is_long(const struct manifest *manifest);
/* Writes to CURRENT how far it reaches, at a clean close: from then on it is damage if it does not.
 * IO, NO_MEMORY: it is as good as without. */
int manifest_settle(struct manifest *manifest, struct strata_error *err);
/* Nothing was appended since it was made or settled: as after a clean close. */
bool manifest_is_settled(const struct manifest *manifest);
void manifest_close(struct manifest *manifest);

/* Reads the manifest that CURRENT names and calls `apply` with each edit; its error ends the
 * reading (a CORRUPT one without a file gets the manifest's name and the record's offset).
 * manifest->torn: bytes of a cut last edit, which was dropped: nothing can be appended behind it.
 * To be closed in any case. CORRUPT, also when one of the two is missing; IO, NO_MEMORY.
 *
 * After a crash every file that no edit names was made for an edit that is not there: nothing
 * relies on it, and a log among them has no operation. If one has, the end of the manifest is lost,
 * which is damage. */
int manifest_open(struct manifest *manifest, const struct strata_env *env, manifest_apply *apply,
                  void *arg, struct strata_error *err);
/* The same of an open file, whose number and known bytes are in `manifest`, for its annotated
 * dump. */
int manifest_check(struct manifest *manifest, manifest_apply *apply, void *arg,
                   struct strata_error *err);

/* manifest_tail.c: `reader` is where it got `rc`, which is not 0, and `why`. 0: manifest->torn
 * bytes are to be dropped, if any. CORRUPT, IO, NO_MEMORY. */
int manifest_tail(struct manifest *manifest, struct record_reader *reader, int rc,
                  const struct strata_error *why, struct strata_error *err);

/* "DIR/000001.manifest", on the heap; NULL: no memory. */
char *manifest_path(const struct strata_env *env, uint64_t number);

extern const struct strata_format manifest_format; /* inspect.c */

#endif
