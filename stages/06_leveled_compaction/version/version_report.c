/* version_report.c: see version_report.h. */
#include "06_leveled_compaction/version/version_report.h"

#include <stdio.h>

void version_report_one(version_each_stat *each, void *arg, unsigned level, struct strata_stat stat)
{
    char name[40];

    snprintf(name, sizeof name, "level%u_%s", level, stat.name);
    stat.name = level < LEVELS ? name : stat.name;
    each(arg, &stat);
}

static void report_level(const struct version *v, const struct version_figures *f, unsigned level,
                         version_each_stat *each, void *arg)
{
    const struct version_level *l = &v->levels[level];
    const struct strata_stat stats[] = {
        {"files", "files", "tables of this level", l->count},
        {"bytes", "bytes", "in them", l->bytes},
        {"compactions", "compactions", "into it since open", f->levels[level].compactions},
        {"read", "bytes", "of tables that were compacted into it", f->levels[level].read_bytes},
        {"written", "bytes", "of tables that were made of them", f->levels[level].written_bytes},
        {"moves", "tables", "moved there unchanged", f->levels[level].moves},
    };

    for (size_t i = 0; i < (level ? 6 : 5); i++)
        version_report_one(each, arg, level, stats[i]);
}

/* In hundredths: 100 is none. */
static uint64_t percent(uint64_t all, uint64_t part)
{
    return part ? (uint64_t)(100.0 * (double)all / (double)part + 0.5) : 0;
}

void version_report(const struct version *v, const struct version_figures *f,
                    version_each_stat *each, void *arg)
{
    uint64_t written = f->log_bytes + f->manifest_bytes + f->table_bytes + f->other_bytes;
    uint64_t bytes = 0, deepest = 0, records = 0;

    for (unsigned level = 0; level < LEVELS; level++) {
        bytes += v->levels[level].bytes;
        deepest = v->levels[level].count ? v->levels[level].bytes : deepest;
    }
    for (size_t i = 0; i < v->count; i++)
        records += v->all[i]->sum.records;
    const struct strata_stat stats[] = {
        {"tables", "files", "sorted ones", v->count},
        {"table_records", "records", "in them", records},
        {"table_files_bytes", "bytes", "of all tables", bytes},
        {"space_amplification", "%", "of them by the deepest level's: an estimate",
         percent(bytes, deepest)},
        {"bytes_in", "bytes", "of keys and values written since open", f->bytes_in},
        {"flushes", "tables", "written from a memtable since open", f->flushes},
        {"flushed_bytes", "bytes", "in them", f->flushed_bytes},
        {"log_bytes", "bytes", "written to logs and TAIL since open", f->log_bytes},
        {"table_bytes", "bytes", "to tables, also of compactions that failed", f->table_bytes},
        {"manifest_bytes", "bytes", "to manifests and CURRENT", f->manifest_bytes},
        {"written_bytes", "bytes", "to all files", written},
        {"write_amplification", "%", "written_bytes by bytes_in", percent(written, f->bytes_in)},
        {"tables_asked", "tables", "by gets: those that may have the key", f->looked_in},
        {"read_amplification", "%", "tables_asked by gets", percent(f->looked_in, f->gets)},
    };
    for (size_t i = 0; i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
    for (unsigned level = 0; level < LEVELS; level++)
        report_level(v, f, level, each, arg);
}

void version_report_tables(const struct version *v,
                           void (*each)(void *arg, const struct strata_table *table), void *arg)
{
    for (unsigned level = 0; level < LEVELS; level++)
        sstable_report_all(v->levels[level].tables, v->levels[level].count, level, each, arg);
}
