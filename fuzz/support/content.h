/* content.h: what a database holds, in a few bytes: two are the same iff their contents are equal.
 * Keeps no keys or values, so it costs no memory that would be counted. */
#ifndef STRATA_FUZZ_CONTENT_H
#define STRATA_FUZZ_CONTENT_H

#include "strata.h"

/* All zero is an empty database. */
struct content {
    uint64_t entries;
    uint64_t sum; /* of the entries' hashes: their order does not matter */
};

void content_add(struct content *content, struct strata_slice key, struct strata_slice value);
void content_take(struct content *content, struct strata_slice key, struct strata_slice value);
bool content_equal(const struct content *a, const struct content *b);

/* Scans forwards: every call works and the keys ascend strictly. */
struct content content_scan(struct strata *db);
/* The database holds `content`, by a scan. */
void content_expect(struct strata *db, const struct content *content);
/* The database holds `content`, whichever way it is asked: scans both ways, seeks, gets of some
 * of the keys and of others. */
void content_check(struct strata *db, const struct content *content);

#endif
