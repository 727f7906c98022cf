/* snapshots.c: see snapshots.h. A new snapshot is the newest, so adding is O(1), and so is removing
 * one from a list that is linked both ways. */
#include "snapshots.h"

#include <assert.h>

void snapshots_add(struct snapshots *list, struct snapshot *snapshot, uint64_t number)
{
    assert(!list->newest || list->newest->number <= number);
    *snapshot = (struct snapshot){number, list->newest, NULL};
    *(list->newest ? &list->newest->newer : &list->oldest) = snapshot;
    list->newest = snapshot;
    list->count++;
}

void snapshots_remove(struct snapshots *list, struct snapshot *snapshot)
{
    assert(list->count);
    *(snapshot->older ? &snapshot->older->newer : &list->oldest) = snapshot->newer;
    *(snapshot->newer ? &snapshot->newer->older : &list->newest) = snapshot->older;
    list->count--;
}

uint64_t snapshots_oldest(const struct snapshots *list)
{
    return list->oldest ? list->oldest->number : UINT64_MAX;
}

size_t snapshots_copy(const struct snapshots *list, uint64_t *numbers)
{
    size_t count = 0;

    for (const struct snapshot *s = list->oldest; s; s = s->newer)
        if (!count || numbers[count - 1] < s->number)
            numbers[count++] = s->number;
    return count;
}
