/* cursor.c: see cursor.h. */
#include "04_memtable_sstable/iter/cursor.h"

#include <stdlib.h>

static bool lies_in(struct strata_slice whole, struct strata_slice part)
{
    return (uintptr_t)part.data - (uintptr_t)whole.data < whole.size;
}

int cursor_has_value(struct strata_iter *iter, struct strata_error *err)
{
    (void)err;
    iter->has_value = true;
    return 0;
}

int cursor_keep_key(struct cursor *cursor, struct strata_slice *key, struct strata_error *err)
{
    if (!lies_in(cursor->iter.key, *key) && !lies_in(cursor->iter.value, *key))
        return 0;
    strata_buffer_clear(&cursor->kept);
    if (strata_buffer_append(&cursor->kept, key->data, key->size) < 0)
        return strata_fail_memory(err, key->size);
    *key = strata_buffer_slice(&cursor->kept);
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

    strata_buffer_free(&cursor->kept);
    free(cursor);
    if (release)
        release(held);
}
