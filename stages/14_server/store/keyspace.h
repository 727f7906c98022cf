/* keyspace.h: the database as the commands of the server use it: by one thread, which collects
 * writes into batches; or in a transaction, for MULTI. */
#ifndef STRATA_14_KEYSPACE_H
#define STRATA_14_KEYSPACE_H

#include "strata.h"

struct keyspace {
    struct strata *db;          /* borrowed */
    struct strata_batch *batch; /* writes that the database has not seen yet */
    struct strata_txn *txn;     /* commands run in it; NULL: in none */
    bool synced;                /* keyspace_settle makes the writes durable */
    bool asked;                 /* so it does next time, as a command wants it */
    bool dirty;                 /* there were writes since then */
    uint32_t sync_ms;           /* if it does not: keyspace_sync is due so long after; 0: never */
    bool has_hashes;            /* perhaps; see entry.h, as of `name` */
    struct strata_buffer name;  /* of a record */
    uint64_t due_ns;            /* when it is (sync_now); 0: it is not */
    struct strata_error lost;   /* why a batch of this round was not written; code 0: all were */
};

int keyspace_init(struct keyspace *store, struct strata *db, bool synced, uint32_t sync_ms,
                  struct strata_error *err);
void keyspace_free(struct keyspace *store);

/* As strata_get. */
int keyspace_get(struct keyspace *store, struct strata_slice key, struct strata_buffer *value,
                 struct strata_error *err);
/* The same with the time when it expires; 0: never. */
int keyspace_get_until(struct keyspace *store, struct strata_slice key, struct strata_buffer *value,
                       uint64_t *until, struct strata_error *err);
int keyspace_put(struct keyspace *store, struct strata_slice key, struct strata_slice value,
                 uint64_t until, struct strata_error *err);
int keyspace_delete(struct keyspace *store, struct strata_slice key, struct strata_error *err);
/* As strata_merge. The caller has seen to it that the result is valid. */
int keyspace_merge(struct keyspace *store, enum strata_op_type how, struct strata_slice key,
                   struct strata_slice operand, struct strata_error *err);
int keyspace_iter(struct keyspace *store, struct strata_iter **out, struct strata_error *err);

/* Hands the batch to the database. */
int keyspace_flush(struct keyspace *store, struct strata_error *err);
/* The same; then all writes are as durable as replies promise. Fails, too, if a flush since the
 * last one has failed: replies may say that its writes were made. */
int keyspace_settle(struct keyspace *store, struct strata_error *err);
/* Makes all writes durable. */
int keyspace_sync(struct keyspace *store, struct strata_error *err);
/* Runs what follows in a transaction, until keyspace_commit or keyspace_abandon. */
int keyspace_begin(struct keyspace *store, struct strata_error *err);
int keyspace_commit(struct keyspace *store, struct strata_error *err);
/* Runs `run` in a transaction, and commits it if that returns 0; in that of MULTI, if there is one.
 * It may be run several times. Returns what it or the commit returned. */
int keyspace_whole(struct keyspace *store, int (*run)(void *arg, struct strata_error *err),
                   void *arg, struct strata_error *err);
void keyspace_abandon(struct keyspace *store);

#endif
