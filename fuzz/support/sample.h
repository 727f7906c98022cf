/* sample.h: a real database of stage 2 or 3, for targets whose bytes stand beside a log. It has a
 * closed segment and one that was written to, overwritten and deleted keys in both, two keys with
 * one hash, the empty key, and was closed cleanly. */
#ifndef STRATA_FUZZ_SAMPLE_H
#define STRATA_FUZZ_SAMPLE_H

#include "database.h"

/* The caller's, as the content, which may be NULL. */
struct strata_fs *sample_new(unsigned stage, struct content *content);
/* The same, but `more` keys more. */
struct strata_fs *sample_longer(unsigned stage, unsigned more, struct content *content);

/* For targets whose bytes are a log: they are the only segment of a database, or, if they tell its
 * number, the second one of a sample; there is no other file that helps to read the log. Returns
 * the segment's number, 1 or 2. */
unsigned sample_log(struct database *db, unsigned stage, struct strata_slice bytes);

/* The bytes of segment 1 that opened alone, before the second segment of a sample: there it is
 * closed, so it opens only if it ends with a seal. */
struct rewrite_kind;
void sample_check_closed(const struct database *db, unsigned stage,
                         const struct rewrite_kind *kind);

/* Files beside, which are none of the database's, though their names look like it: with
 * fuzz_thorough, as they cost a fifth of all, and are always the same. */
void sample_litter(struct strata_fs *fs);

/* Removes a file of it that must be there: "TAIL". */
void sample_remove(struct strata_fs *fs, const char *name);

/* 32 bytes each, different ones, with the same hash in the index (02_hash_index/index.h). */
struct strata_slice sample_collision(uint8_t to[32], unsigned which);

/* Another, of that stage: "a" to `last`, all "value", flushed after each of the keys in `flushes`,
 * and compacted after those in `compacts`; closed. What it holds is put into *content. */
struct strata_fs *sample_letters(unsigned stage, char last, const char *flushes,
                                 const char *compacts, struct content *content);

#endif
