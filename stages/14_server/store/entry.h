/* entry.h: what a key holds: a string or a hash, and where that is in the database. */
#ifndef STRATA_14_ENTRY_H
#define STRATA_14_ENTRY_H

#include "14_server/store/keyspace.h"

#define ENTRY_RESERVED "\xffhash" /* no key of a client begins so */
#define ENTRY_RESERVED_SIZE 5u
#define ENTRY_WRONG_TYPE (-100) /* a code of errors: the key holds the other kind */

enum entry_kind { ENTRY_NONE, ENTRY_STRING, ENTRY_HASH };
const char *entry_kind_name(enum entry_kind kind); /* "none", "string", "hash" */

struct entry {
    enum entry_kind kind;
    uint64_t until;  /* 0: for ever */
    uint64_t fields; /* of a hash; not 0 */
};

bool entry_is_reserved(struct strata_slice key);
/* Looks for hashes that are there. */
int entry_init(struct keyspace *store, struct strata_error *err);
/* 0, or NOT_FOUND: of kind ENTRY_NONE. CORRUPT. */
int entry_find(struct keyspace *store, struct strata_slice key, struct entry *entry,
               struct strata_error *err);
/* WRONG_TYPE, unless it is of that kind or not there: then NOT_FOUND. */
int entry_find_kind(struct keyspace *store, struct strata_slice key, enum entry_kind kind,
                    struct entry *entry, struct strata_error *err);
/* Whatever it holds. */
int entry_delete(struct keyspace *store, struct strata_slice key, struct strata_error *err);
/* Makes it expire then, 0: never. NOT_FOUND. */
int entry_expire(struct keyspace *store, struct strata_slice key, uint64_t until,
                 struct strata_error *err);

/* ---- Strings --------------------------------------------------------------------------------- */

/* As keyspace_get and keyspace_get_until; WRONG_TYPE. */
int string_get(struct keyspace *store, struct strata_slice key, struct strata_buffer *value,
               struct strata_error *err);
int string_get_until(struct keyspace *store, struct strata_slice key, struct strata_buffer *value,
                     uint64_t *until, struct strata_error *err);
/* Also in place of a hash. */
int string_put(struct keyspace *store, struct strata_slice key, struct strata_slice value,
               uint64_t until, struct strata_error *err);

/* ---- Hashes ---------------------------------------------------------------------------------- */

/* The name of the record of a hash, and of a field; valid until the next call of either. */
struct strata_slice hash_name(struct keyspace *store, struct strata_slice key);
struct strata_slice hash_field(struct keyspace *store, struct strata_slice key,
                               struct strata_slice field);
/* Changes the record: so many fields; none: it is deleted. */
int hash_put(struct keyspace *store, struct strata_slice key, const struct entry *entry,
             struct strata_error *err);

/* ---- All keys -------------------------------------------------------------------------------- */

/* These move an iterator of the database to records that stand for keys; `key` and `kind` are of
 * the record that it is at. */
struct keys {
    struct strata_iter *iter;
    struct strata_slice key; /* as the client knows it; valid until the next move */
    enum entry_kind kind;
    struct strata_buffer name; /* of what is looked for */
};

int keys_open(struct keyspace *store, struct keys *keys, struct strata_error *err);
void keys_close(struct keys *keys);
/* To the first key whose record has this name or a later one. */
int keys_seek(struct keys *keys, struct strata_slice name, struct strata_error *err);
int keys_next(struct keys *keys, struct strata_error *err);

#endif
