/* version_report.h: figures of a tree of levels, and its tables, for an engine's slots.
 *
 *   write amplification   bytes that were written, by the bytes of keys and values that came in
 *   read amplification    tables whose range has the key that a get looked at, until it was found;
 *                         a filter may have answered for one
 *   space amplification   bytes of all tables by those of the deepest level that has any, as if
 *                         everything above replaced something there: an estimate, too large for new
 *                         keys, too small where much was deleted. Right after a full compaction: 1
 */
#ifndef STRATA_06_VERSION_REPORT_H
#define STRATA_06_VERSION_REPORT_H

#include "version.h"

/* Since open. */
struct version_figures {
    uint64_t bytes_in; /* keys and values that were written */
    uint64_t flushes, flushed_bytes;
    struct {
        uint64_t compactions, moves;        /* to this level */
        uint64_t read_bytes, written_bytes; /* by those compactions */
    } levels[LEVELS];
    uint64_t gets, looked_in; /* gets, and tables that they have searched */
    /* Bytes that were written to logs, to tables, to manifests, and to other files. */
    uint64_t log_bytes, table_bytes, manifest_bytes, other_bytes;
};

typedef void version_each_stat(void *arg, const struct strata_stat *stat);

/* The figures that all trees have; of the levels, those of the version. */
void version_report(const struct version *version, const struct version_figures *figures,
                    version_each_stat *each, void *arg);
/* One figure. `level`: "level2_" is put before its name; LEVELS: nothing is. */
void version_report_one(version_each_stat *each, void *arg, unsigned level,
                        struct strata_stat stat);
void version_report_tables(const struct version *version,
                           void (*each)(void *arg, const struct strata_table *table), void *arg);

#endif
