/* leveled_stats.c: figures of a tree, and its tables. */
#include "leveled.h"

#include <stdio.h>

typedef void each_stat(void *arg, const struct strata_stat *stat);

static void tell(each_stat *each, void *arg, const char *name, const char *unit, const char *help,
                 uint64_t value)
{
    struct strata_stat stat = {name, unit, help, value};
    each(arg, &stat);
}

static void tell_of_level(each_stat *each, void *arg, unsigned level, const char *what,
                          const char *unit, const char *help, uint64_t value)
{
    char name[40];

    snprintf(name, sizeof name, "level%u_%s", level, what);
    tell(each, arg, name, unit, help, value);
}

static uint64_t packed_of(const struct version_level *l)
{
    uint64_t packed = 0;

    for (size_t i = 0; i < l->count; i++)
        packed += l->tables[i]->packed;
    return packed;
}

static void tell_level(const struct version *v, const struct tree_figures *figures, unsigned level,
                       each_stat *each, void *arg)
{
    const struct version_level *l = &v->levels[level];

    tell_of_level(each, arg, level, "files", "files", "tables of this level", l->count);
    tell_of_level(each, arg, level, "bytes", "bytes", "in them", l->bytes);
    tell_of_level(each, arg, level, "packed", "files", "of them whose blocks are packed",
                  packed_of(l));
    tell_of_level(each, arg, level, "compactions", "compactions", "into it since open",
                  figures->levels[level].compactions);
    if (level)
        tell_of_level(each, arg, level, "moves", "tables", "that went there as they were",
                      figures->levels[level].moves);
    tell_of_level(each, arg, level, "read", "bytes", "of tables that were compacted into it",
                  figures->levels[level].read_bytes);
    tell_of_level(each, arg, level, "written", "bytes", "of tables that were made of them",
                  figures->levels[level].written_bytes);
}

static uint64_t records_of(const struct version *v)
{
    uint64_t records = 0;

    for (size_t i = 0; i < v->count; i++)
        records += v->all[i]->sum.records;
    return records;
}

int leveled_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                  struct strata_error *err)
{
    struct tree *tree = self;
    struct tree_figures figures;
    struct super *super;
    uint64_t sequence, commits, groups, memory, spared;

    (void)err;
    super = leveled_take(tree, &sequence);
    pthread_mutex_lock(&tree->group.mutex);
    figures = tree->figures;
    commits = tree->group.commits;
    groups = tree->group.leads;
    memory = memtable_bytes(tree->super->memtable);
    spared = tree->spared.count;
    pthread_mutex_unlock(&tree->group.mutex);
    tell(each, arg, "sequence", "", "number of the next operation", sequence + 1);
    tell(each, arg, "commits", "batches", "committed since open", commits);
    tell(each, arg, "groups", "groups", "appends that they were gathered into", groups);
    tell(each, arg, "memtable_bytes", "bytes", "of memory in use by the memtable", memory);
    tell(each, arg, "sealed_bytes", "bytes", "of the one that is being flushed",
         super->sealed ? memtable_bytes(super->sealed) : 0);
    tell(each, arg, "tables", "files", "sorted ones", super->version->count);
    tell(each, arg, "table_records", "records", "in them", records_of(super->version));
    tell(each, arg, "bytes_in", "bytes", "of keys and values written since open", figures.bytes_in);
    tell(each, arg, "flushes", "tables", "written from a memtable since open", figures.flushes);
    tell(each, arg, "flushed_bytes", "bytes", "in them", figures.flushed_bytes);
    tell(each, arg, "tables_left_alone", "files", "that a compaction could not read", spared);
    for (unsigned level = 0; level < LEVELS; level++)
        tell_level(super->version, &figures, level, each, arg);
    tell(each, arg, "stalls", "writes", "that did some of the work", figures.stalls);
    tell(each, arg, "stall_ns", "ns", "that they took for it", figures.stall_ns);
    tell(each, arg, "stall_longest_ns", "ns", "that one of them took", figures.longest_ns);
    tell(each, arg, "open_replayed", "bytes", "of log that opening read", tree->opened.end);
    tell(each, arg, "open_dropped", "bytes", "of a torn tail that opening dropped",
         tree->opened.dropped);
    super_unref(super);
    if (tree->kind->stats)
        tree->kind->stats(tree->common, each, arg);
    return 0;
}

int leveled_tables(void *self, void (*each)(void *arg, const struct strata_table *table), void *arg,
                   struct strata_error *err)
{
    uint64_t sequence;
    struct super *super = leveled_take(self, &sequence);

    (void)err;
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < super->version->levels[level].count; i++) {
            const struct sstable *t = super->version->levels[level].tables[i];
            struct strata_table table = {.level = level,
                                         .number = t->number,
                                         .smallest = strata_buffer_slice(&t->smallest),
                                         .largest = strata_buffer_slice(&t->largest),
                                         .bytes = t->bytes,
                                         .records = t->sum.records,
                                         .tombstones = t->sum.tombstones};
            each(arg, &table);
        }
    super_unref(super);
    return 0;
}
