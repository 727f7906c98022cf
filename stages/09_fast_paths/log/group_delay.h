/* group_delay.h: holds a synced group back until more batches have come.
 *
 * Threads that were answered together come back one by one. A leader who began with the first of
 * them would have half of them in his group, and the others in the next, for ever: two syncs where
 * one does. So a batch that is to be synced waits until as many are there as the last synced group
 * and its queue had, but for half the time of a sync at most (as PostgreSQL's commit_delay). */
#ifndef STRATA_09_GROUP_DELAY_H
#define STRATA_09_GROUP_DELAY_H

#include "03_wal/group.h"

struct group_wait {
    struct group_delay base;
    const struct group_commit *holder; /* queued; its thread waits at `changed` for more to come */
    size_t expected;                   /* batches that are likely to come together */
    uint64_t began_ns;                 /* the group that is being led */
    uint64_t sync_ns;                  /* the last synced group took, at most 1 ms */
    bool full;                         /* the group is as large as the limit lets it be */
    unsigned vain;                     /* groups that do not wait after the last wait in vain, */
    unsigned at_once;                  /* and so many of them are left */
};

/* Gives a new group such a delay. NO_MEMORY. */
int group_delay_new(struct group *group, struct strata_error *err);

#endif
