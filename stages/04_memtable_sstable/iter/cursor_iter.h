/* cursor_iter.h: a cursor, with what it reads from held until then, as the iterator of an engine.
 */
#ifndef STRATA_04_CURSOR_ITER_H
#define STRATA_04_CURSOR_ITER_H

#include "04_memtable_sstable/iter/cursor.h"

/* Takes the cursor, and what is held for it, which is released behind it; both at once when it
 * fails. NO_MEMORY. */
int cursor_iter_new(struct cursor *cursor, void *held, void (*release)(void *held),
                    struct strata_iter **out, struct strata_error *err);

#endif
