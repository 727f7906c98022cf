/* cursor.c: see cursor.h. */
#include "04_memtable_sstable/iter/cursor.h"

#include <stdlib.h>

int cursor_has_value(struct strata_iter *iter, struct strata_error *err)
{
    (void)err;
    iter->has_value = true;
    return 0;
}

void cursor_hold(struct cursor *cursor, void *held, void (*release)(void *held))
{
    cursor->held = held;
    cursor->release = release;
}

void cursor_end(struct cursor *cursor)
{
    void (*release)(void *held) = cursor->release;
    void *held = cursor->held;

    free(cursor);
    if (release)
        release(held);
}
