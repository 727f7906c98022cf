/* collect.h: garbage collection of value files, by compactions: one that meets a value in a file
 * with much garbage writes it to another value file. Nothing is written through the front door: no
 * operation gets a number, and nobody who writes meanwhile can be overtaken. */
#ifndef STRATA_12_COLLECT_H
#define STRATA_12_COLLECT_H

#include "12_value_log/value_tree.h"

/* Parts of a tree. */
int collect_keep(struct compaction *c, const struct level_merge *of, struct strata_error *err);
int collect_pick(struct tree *tree, struct version *version, struct pick *pick,
                 struct strata_error *err);

/* Is there something to collect, if it is not a compaction's anyway? `installing` is held, or
 * nobody else is there. */
bool collect_is_due(const struct tree *tree, const struct version *version);

/* relocate.c: bytes of values that a table points to in these files. */
uint64_t collect_bytes_in(const struct sstable *table, const uint64_t *numbers, size_t count);

/* Takes c->from, and makes it a cursor that relocates what is in these files, numbers
 * that it takes, too. NO_MEMORY: both are freed, and c->from is NULL. */
int relocate_begin(struct compaction *c, uint64_t *numbers, size_t count, struct strata_error *err);

#endif
