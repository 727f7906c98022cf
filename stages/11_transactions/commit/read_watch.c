/* read_watch.c: see read_watch.h. */
#include "11_transactions/commit/read_watch.h"
#include "11_transactions/commit/validate.h"

#include <assert.h>

uint64_t read_watch_begin(struct txn *txn)
{
    struct txn_shared *shared = txn_shared_of(txn->tree);
    struct write_path *path = &txn->tree->tree.path;
    uint64_t last;

    assert(!txn->watch.set);
    read_set_sort(&txn->depends);
    sync_lock(&path->group.mutex);
    txn->watch = (struct read_watch){.next = shared->watches, .set = &txn->depends};
    shared->watches = &txn->watch;
    last = path->sequence - 1; /* 11.I11 */
    sync_unlock(&path->group.mutex);
    return last;
}

void read_watch_end(struct txn *txn)
{
    struct read_watch **link = &txn_shared_of(txn->tree)->watches;
    struct group *group = &txn->tree->tree.path.group;

    if (!txn->watch.set)
        return;
    sync_lock(&group->mutex);
    while (*link != &txn->watch)
        link = &(*link)->next;
    *link = txn->watch.next;
    sync_unlock(&group->mutex);
    txn->watch.set = NULL;
}

static bool is_long(const struct read_set *set)
{
    size_t keys = 0;

    while (keys < set->count && read_range_is_key(&set->all[keys]))
        keys++;
    return keys < set->count || keys > READ_WATCH_KEYS;
}

int read_watch_validate(struct txn *txn, struct strata_error *err)
{
    struct validate_span span = {.first = UINT64_MAX};

    if (!txn->at || !is_long(&txn->depends))
        return 0;
    span.from = txn->at->number;
    span.to = read_watch_begin(txn);
    return validate(txn->tree, &txn->depends, &span, err);
}

void read_watch_mark(struct read_watch *all, const struct group_commit *list)
{
    for (struct read_watch *watch = all; watch; watch = watch->next)
        for (const struct group_commit *c = list; c; c = c->next)
            for (size_t i = 0; c->rc == 0 && i < c->count; i++)
                watch->hit |= read_set_has(watch->set, c->ops[i].key);
}
