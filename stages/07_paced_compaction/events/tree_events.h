/* tree_events.h: what a tree does, told to its event log. As the leader, the mutex free, all of
 * them. */
#ifndef STRATA_07_TREE_EVENTS_H
#define STRATA_07_TREE_EVENTS_H

#include "07_paced_compaction/tree/tree.h"

/* The event with this moment's time and the present levels, if it has none. */
void tree_notify(struct tree *tree, struct strata_event event);
/* A flush or a compaction: what it reads, and what it made. */
void tree_notify_begun(struct tree *tree, const struct compact *work);
void tree_notify_ended(struct tree *tree, const struct compact *work);
void tree_notify_given_up(struct tree *tree, const struct compact *work);
void tree_notify_moves(struct tree *tree, const struct pick *pick);
void tree_notify_stall(struct tree *tree, uint64_t took_ns);
/* Only if anything else was told. */
void tree_notify_close(struct tree *tree);

#endif
