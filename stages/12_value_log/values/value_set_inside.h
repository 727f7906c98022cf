/* value_set_inside.h: what the files of the set have in common. */
#ifndef STRATA_12_VALUE_SET_INSIDE_H
#define STRATA_12_VALUE_SET_INSIDE_H

#include "value_set.h"

void value_file_del(struct value_file *file);
/* NULL: it is not known. The mutex is held. */
struct value_file *value_file_of(const struct value_set *set, uint64_t number);
/* The same without it; the file is held by somebody, or not used. */
struct value_file *value_file_known(struct value_set *set, uint64_t number);
/* A log, of either kind, or what a collection wrote. CORRUPT, IO. */
int value_file_check(struct fs_file *file, uint64_t number, struct strata_error *err);

#endif
