/* readers.c: see readers.h.
 *
 * 10.I14: super before the number. Whoever has a number, and then loads super, may find one without
 *        the memtable that held what the number sees: a flush keeps the newest version, and what
 *        snapshots see.
 * 10.I15: a node of the memtable that was replaced is used again after a grace period, and when no
 *        iterator that may have begun before it refers to the memtable. */
#include "10_concurrency/work/readers.h"

#include <stdlib.h>

#define OPERATIONS 32u /* between two looks at the sections of all readers */

int readers_new(struct readers **out, struct strata_error *err)
{
    struct readers *readers = *out = calloc(1, sizeof *readers);

    if (readers && epoch_init(&readers->epoch) == 0) {
        readers->ticket = epoch_ticket(&readers->epoch);
        return 0;
    }
    free(readers);
    *out = NULL;
    return strata_fail_memory(err, sizeof *readers);
}

void readers_del(struct readers *readers)
{
    if (readers)
        epoch_free(&readers->epoch);
    free(readers);
}

struct super *readers_pin(struct readers *readers, struct tree *tree, uint64_t *sequence)
{
    struct epoch_section section = epoch_enter(&readers->epoch);
    struct super *super = tree->super; /* 10.I14 */

    super_ref(super);
    sync_point();
    *sequence = tree->path.sequence - 1;
    epoch_leave(section);
    return super;
}

/* An iterator that began before the period has its reference by its end (10.I15). */
void readers_recycle(struct readers *readers, struct tree *tree)
{
    uint64_t now = tree->path.sequence;
    bool is_read;

    if (now - readers->looked < OPERATIONS)
        return;
    readers->looked = now;
    if (!epoch_passed(&readers->epoch, readers->ticket))
        return;
    sync_lock(&tree->reading);
    is_read = super_is_read(tree->super);
    sync_unlock(&tree->reading);
    if (is_read)
        return;
    memtable_recycle(tree->path.memtable);
    readers->ticket = epoch_ticket(&readers->epoch);
}
