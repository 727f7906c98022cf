/* listener.h: who is called for what a tree does, as RocksDB's EventListener: the event log
 * (event_log.c) and the statistics (tree_report.c) are listeners. */
#ifndef STRATA_07_LISTENER_H
#define STRATA_07_LISTENER_H

#include "06_leveled_compaction/version/version_report.h"

struct tree;
struct compact;
struct pick;

/* Called one at a time, by the leader, who is alone with the tree, or who does a step of `work`;
 * the mutex is free. Beside the leader another thread may do steps: a listener pins what it reads
 * of the tree's memtables and tables. With what the event is about: its type, time, levels, bytes
 * and records. `work`: the flush or compaction, or NULL. It fails nothing.
 *
 * Types: OPEN and CLOSE; SEAL; FLUSH_BEGIN and COMPACT_BEGIN, when its inputs are open; FLUSH_END
 * and COMPACT_END, when an edit names its outputs; GIVEN_UP; MOVE, for each table; STALL, for each
 * write that did a quota of work, with the time that it took. */
typedef void tree_listener(struct tree *tree, const struct strata_event *event,
                           const struct compact *work);

extern tree_listener tree_log_event; /* event_log.c */
extern tree_listener tree_count_event;

/* Calls every listener; an event without a time gets the present one. Times do not go back. */
void tree_notify(struct tree *tree, struct strata_event event, const struct compact *work);
/* The event of this type, of a flush or a compaction: levels, inputs, bytes, records. */
struct strata_event tree_event_of(const struct compact *work, enum strata_event_type flush,
                                  enum strata_event_type compaction);
void tree_notify_begun(struct tree *tree, const struct compact *work);
void tree_notify_ended(struct tree *tree, const struct compact *work);
/* A write did a quota of work, or waited, from that time until now. */
void tree_notify_stall(struct tree *tree, uint64_t began_ns);
void tree_notify_moves(struct tree *tree, const struct pick *pick);

/* ---- Statistics (tree_report.c) -------------------------------------------------------------- */

#define TREE_DELAYS 3

/* Since open. */
struct tree_stats {
    struct version_figures of; /* without gets, the present log and the present version */
    uint64_t paced_writes, paced_ns, paced_longest_ns; /* that did a quota of work, and how long */
    uint64_t delayed[TREE_DELAYS];                     /* of them, by 1, 10 and 100 ms or more */
};

/* ---- Slots of an engine (tree_report.c); `self` is a tree ------------------------------------ */

int tree_report_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat),
                      void *arg, struct strata_error *err);
int tree_report_tables(void *self, void (*each)(void *arg, const struct strata_table *table),
                       void *arg, struct strata_error *err);
int tree_report_events(void *self, void (*each)(void *arg, const struct strata_event *event),
                       void *arg, struct strata_error *err);
int tree_approximate_size(void *self, struct strata_slice from, struct strata_slice to,
                          uint64_t *bytes, struct strata_error *err);

#endif
