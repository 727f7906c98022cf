/* model.h: what a database should hold: a sorted array of keys and values, so simple that it is
 * obviously right. The oracle of every model-checked test. It knows nothing of cmocka, and ends
 * the program when memory runs out. */
#ifndef STRATA_COMMON_CRASH_MODEL_H
#define STRATA_COMMON_CRASH_MODEL_H

#include "strata.h"

struct model_entry {
    struct strata_slice key, value; /* owned by the model */
};

/* All zero is a valid empty model; model_free ends it. */
struct model {
    struct model_entry *entries; /* keys strictly ascending */
    size_t count, capacity;
};

void model_put(struct model *model, struct strata_slice key, struct strata_slice value);
bool model_delete(struct model *model, struct strata_slice key); /* was it there? */
void model_apply(struct model *model, const struct strata_op *ops, size_t count);

/* The entry of `key`, or NULL; ours until the model changes. */
const struct model_entry *model_get(const struct model *model, struct strata_slice key);
/* Index of the first entry whose key is >= `key`; `count` if there is none. */
size_t model_seek(const struct model *model, struct strata_slice key);

bool model_equal(const struct model *a, const struct model *b);
void model_copy(struct model *to, const struct model *from); /* `to` is freed first */
void model_free(struct model *model);

/* Makes `model` what a scan of `db` from first to last finds. < 0 as the scan. */
int model_read(struct model *model, struct strata *db, struct strata_error *err);

/* Writes "apple=red plum=blue" to `to`, with escapes; values of more than MODEL_SHOWN bytes as
 * their size, "...": there are more than fit. */
#define MODEL_SHOWN 12
char *model_text(const struct model *model, char *to, size_t capacity);

/* Is `db` exactly `model`: by a scan forwards, one backwards, and a get of every key? Returns
 * 0; or 1 and says in `why` (a line, capacity bytes) what differs or which call failed. */
int model_compare(const struct model *model, struct strata *db, char *why, size_t capacity);

#endif
