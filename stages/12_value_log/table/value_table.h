/* value_table.h: stage 10's tables, with pointers to values. A table that has none is the same as
 * at stage 10, byte for byte. */
#ifndef STRATA_12_VALUE_TABLE_H
#define STRATA_12_VALUE_TABLE_H

#include "09_fast_paths/table/pax_salvage.h"
#include "12_value_log/values/value_set.h"

extern const struct sstable_kind value_table_kind;
extern const struct pax_table_coding value_coding;
extern const struct salvage_kind value_salvage;

/* As `open` of a tree's parts: index and filter are read when they are needed. */
int value_table_open_later(const struct strata_env *env, void *common, uint64_t number,
                           struct sstable **out, struct strata_error *err);

/* It has pointers into this value file. */
bool value_table_needs(const struct sstable *table, uint64_t number);

/* Of what the tables of a tree have in common. */
static inline struct value_set *value_set_of(const void *common)
{
    return ((const struct pax_table_common *)common)->user;
}

/* Shows the pointers, too. (value_inspect.c) */
extern const struct strata_format value_table_format;

#endif
