/* repair_report.c: what a repair reports of each file, and its sums. */
#include "06_leveled_compaction/manifest/current.h"
#include "08_backup_repair/repair/repair.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void repair_report(struct repair *r, uint64_t number, const char *suffix, enum strata_fate fate,
                   const char *why)
{
    char name[64];

    snprintf(name, sizeof name, "%06" PRIu64 "%s", number, suffix);
    r->to->file(r->to->arg, name, fate, why);
}

void repair_report_table(struct repair *r, const struct repair_table *t, enum strata_fate fate,
                         const char *why)
{
    uint64_t *const counts[] = {&r->sum->tables_kept, &r->sum->tables_salvaged,
                                &r->sum->tables_lost, &r->sum->tables_unused};

    assert((size_t)fate < sizeof counts / sizeof *counts);
    repair_report(r, t->entry.number, r->kind->suffix, fate, why);
    *counts[fate] += 1;
}

void repair_report_range(struct repair *r, const struct repair_table *t,
                         const struct strata_slice *after, const struct strata_slice *before)
{
    char name[64];

    snprintf(name, sizeof name, "%06" PRIu64 "%s", t->entry.number, r->kind->suffix);
    r->to->range(r->to->arg, name, after, before);
    r->sum->ranges++;
    r->sum->lost = true;
}

/* A damaged one that is live is reported when it is salvaged. */
static void report_table(struct repair *r, const struct repair_table *t)
{
    if (t->live && !t->salvaged_as) {
        repair_report_table(r, t, STRATA_FATE_KEPT, t->notes_why.message);
    } else if (!t->live && !t->obsolete && !t->leftover) {
        repair_report_table(r, t, STRATA_FATE_LOST, t->why.message);
        repair_report_range(r, t, t->named ? &t->entry.smallest : NULL,
                            t->named ? &t->entry.largest : NULL);
    } else if (!t->live && t->condition != REPAIR_MISSING) {
        repair_report_table(r, t, STRATA_FATE_UNUSED,
                            t->leftover ? "of a repair that was cut short"
                                        : "nothing relies on it");
    }
}

static void report_log(struct repair *r, const struct repair_log *log)
{
    bool kept = r->keep_logs && log->named;
    enum strata_fate fate = kept            ? STRATA_FATE_KEPT
                            : !log->present ? STRATA_FATE_LOST
                            : log->damaged  ? STRATA_FATE_SALVAGED
                                            : STRATA_FATE_UNUSED;
    char why[500];

    if (!log->present && !r->exact) /* it was live once; missing operations are reported */
        return;
    r->sum->logs += log->present;
    r->sum->operations += kept ? log->operations : log->taken;
    if (!log->present) {
        repair_report(r, log->number, ".log", fate, log->why.message);
        return;
    }
    snprintf(why, sizeof why,
             "read up to @%" PRIu64 ", %" PRIu64 " operations, %" PRIu64 " taken%s%.250s", log->end,
             log->operations, kept ? log->operations : log->taken, log->why.message[0] ? "; " : "",
             log->why.message);
    repair_report(r, log->number, ".log", fate, why);
}

static void report_manifest(struct repair *r)
{
    if (!r->current)
        r->to->file(r->to->arg, CURRENT_NAME, STRATA_FATE_MADE,
                    "it named no manifest that can be read");
    if (r->manifest)
        repair_report(r, r->manifest, ".manifest",
                      r->manifest_whole ? STRATA_FATE_UNUSED : STRATA_FATE_SALVAGED,
                      !r->manifest_whole ? r->why.message
                      : r->exact         ? "read to its end, and replaced"
                                         : "what it names is not what there is");
}

void repair_report_healthy(struct repair *r, const struct version *v)
{
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < v->levels[level].count; i++) {
            repair_report(r, v->levels[level].tables[i]->number, r->kind->suffix, STRATA_FATE_KEPT,
                          "");
            r->sum->tables_kept++;
        }
    for (uint32_t i = 0; i < v->log_count; i++) {
        repair_report(r, v->logs[i].number, ".log", STRATA_FATE_KEPT, "");
        r->sum->logs++;
    }
}

void repair_report_found(struct repair *r)
{
    report_manifest(r);
    for (size_t i = 0; i < r->count; i++)
        report_table(r, &r->tables[i]);
    for (size_t i = 0; i < r->log_count; i++)
        report_log(r, &r->logs[i]);
}
