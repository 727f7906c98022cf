/* tree_events.h: what a tree does, told to its event log. As the leader, the mutex free, all of
 * them. */
#ifndef STRATA_07_TREE_EVENTS_H
#define STRATA_07_TREE_EVENTS_H

#include "tree.h"

/* The event with this moment's time and the present levels, if it has none. */
void tree_tell(struct tree *tree, struct strata_event event);
/* A flush or a compaction: what it reads, and what it made. */
void tree_tell_begun(struct tree *tree, const struct compact *work);
void tree_tell_ended(struct tree *tree, const struct compact *work);
void tree_tell_given_up(struct tree *tree, const struct compact *work);
void tree_tell_moves(struct tree *tree, const struct pick *pick);
void tree_tell_stall(struct tree *tree, uint64_t took_ns);
/* Only if anything else was told. */
void tree_tell_close(struct tree *tree);

#endif
