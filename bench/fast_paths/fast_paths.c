/* fast_paths.c: the table of techniques, and measuring: see fast_paths.h. */
#include "fast_paths.h"
#include "04_memtable_sstable/memtable/memtable.h"
#include "05_blocks_bloom/table/table.h"
#include "06_leveled_compaction/version/version.h"
#include "09_fast_paths/fast_parts.h"
#include "09_fast_paths/table/pax_table_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MOST 15
#define DIR_MOST 500

struct technique {
    const char *name, *plain; /* "B+tree memtable", "skip list (04)" */
    const char *operation;
    const char *unit; /* "ns": the work is measured between measure_begin and measure_end */
    work *work;
    unsigned share; /* the work is done with a so-manieth of the keys */
    /* Makes the side from the fast parts. */
    void (*set)(struct side *side, bool after);
    bool passing; /* it is time that passes, not CPU time: threads, or a child */
};

/* ---- The sides ------------------------------------------------------------------------------- */

static void set_memtable(struct side *side, bool after)
{
    side->options.memtable_bytes = (size_t)512 << 20;
    if (!after)
        side->parts.memtable = &memtable_skip;
}

static void set_log(struct side *side, bool after)
{
    side->options.memtable_bytes = (size_t)512 << 20;
    if (!after)
        side->parts.log = NULL;
}

static void set_memory(struct side *side, bool after)
{
    side->options.memtable_bytes = (size_t)4 << 20;
    if (!after) {
        side->parts.memory_new = NULL;
        side->parts.memory_free = NULL;
    }
}

/* Both are read by the plain merge and get, and nothing is noted in them. */
static void set_table(struct side *side, bool after)
{
    side->parts.merge = level_merge_new;
    side->parts.get = version_get;
    side->parts.properties = NULL;
    if (!after) {
        side->parts.table = &table_kind;
        side->parts.open = NULL;
        side->parts.index = NULL;
        side->parts.tables_asked = NULL;
    }
}

static void set_levels(struct side *side)
{
    side->options.memtable_bytes = side->options.table_bytes = (size_t)256 << 10;
    side->options.level_bytes = (size_t)512 << 10;
}

static void set_get(struct side *side, bool after)
{
    set_levels(side);
    if (!after)
        side->parts.get = version_get;
}

static void set_merge(struct side *side, bool after)
{
    set_levels(side);
    if (!after)
        side->parts.merge = level_merge_new;
}

static void set_mapped(struct side *side, bool after)
{
    side->options.cache_bytes = (size_t)256 << 10;
    side->options.mapped_reads = after;
}

static int common_without_readahead(const struct strata_env *env, void **common,
                                    struct strata_error *err)
{
    int rc = pax_table_kind.common_new(env, common, err);

    if (rc == 0)
        ((struct pax_table_common *)*common)->readahead_bytes = 0;
    return rc;
}

static void set_readahead(struct side *side, bool after)
{
    static struct sstable_kind kind;

    side->options.cache_bytes = (size_t)256 << 10;
    if (after)
        return;
    kind = pax_table_kind;
    kind.common_new = common_without_readahead;
    side->parts.table = &kind;
}

static void set_recovery(struct side *side, bool after)
{
    side->parts.deferred_recovery = after;
}

static void set_delay(struct side *side, bool after)
{
    if (!after)
        side->parts.delay = NULL;
}

static void set_nothing(struct side *side, bool after)
{
    (void)side;
    (void)after;
}

static const struct technique techniques[] = {
    {"B+tree memtable", "skip list (04)", "put, random keys", "ns", put_random, 1, set_memtable, 0},
    {"single-operation batches", "frames (03)", "put, sorted keys", "ns", put_sorted, 1, set_log,
     0},
    {"", "", "log, a put", "bytes", log_bytes, 10, set_log, 0},
    {"huge pages, kept", "malloc (04)", "put, memtables of 4 MiB", "ns", put_flushed, 1, set_memory,
     0},
    {"group commit's delay", "none (03)", "put, 4 threads, synced", "syncs", synced_puts, 200,
     set_delay, 0},
    {"", "", "put, 4 threads, synced", "ns", synced_put_times, 50, set_delay, 1},
    {"deferred recovery", "at open (07)", "open after a kill, one get", "ns", open_killed, 1,
     set_recovery, 1},
    {"columnar blocks, hash tags", "restart points (05)", "get, cached", "ns", get_cached, 1,
     set_table, 0},
    {"", "", "scan, cached", "ns", scan_cached, 1, set_table, 0},
    {"", "", "table files, an entry", "bytes", disk_bytes, 1, set_table, 0},
    {"filters asked in batches", "one by one (06)", "get, missing", "ns", get_missing, 1, set_get,
     0},
    {"merge by key prefixes", "heap (04)", "scan of several levels", "ns", scan_runs, 1, set_merge,
     0},
    {"lock-free cache", "LRU and mutex (05)", "hit", "ns", cache_hit, 1, set_nothing, 0},
    {"", "", "hit, two threads at once", "ns", cache_shared, 1, set_nothing, 1},
    {"mapped reads", "pread (05)", "get, small cache", "ns", get_uncached, 1, set_mapped, 0},
    {"read-ahead", "block by block (05)", "scan, small cache", "ns", scan_uncached, 1,
     set_readahead, 0},
};
#define TECHNIQUES (sizeof techniques / sizeof *techniques)

/* ---- Running --------------------------------------------------------------------------------- */

static struct bench run(const struct technique *t, const char *root, uint64_t keys, bool after)
{
    static unsigned databases;
    char dir[DIR_MOST + 20], doing[40];
    struct side side = {.parts = fast_parts};
    struct bench bench = {.side = &side, .dir = dir, .keys = keys / t->share, .after = after};
    struct strata_error err;

    snprintf(dir, sizeof dir, "%s/%u", root, ++databases);
    snprintf(doing, sizeof doing, "destroy %u", databases);
    strata_options_init(&side.options);
    side.options.sync = STRATA_SYNC_NEVER;
    t->set(&side, after);
    t->work(&bench);
    if (strata_destroy(dir, NULL, NULL, NULL, &err) < 0 && err.code != STRATA_ERR_ABSENT)
        must(err.code, &err, doing);
    return bench;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

/* In turns: before, after, before, ... */
static void measure(const struct technique *t, const char *root, uint64_t keys, unsigned runs)
{
    double values[2][RUNS_MOST];
    uint64_t operations = 0;

    for (unsigned i = 0; i < runs; i++)
        for (int after = 0; after < 2; after++) {
            struct bench bench = run(t, root, keys, after);
            values[after][i] = bench.value;
            operations = bench.operations;
        }
    printf("%s\t%s\t%s\t%s\t%.1f\t%.1f\t%lu\t%d\n", t->name, t->plain, t->operation, t->unit,
           median(values[0], runs), median(values[1], runs), (unsigned long)operations, t->passing);
    fflush(stdout);
}

static int usage(void)
{
    fputs("usage: strata-fast-paths DIR DEVICE_DIR KEYS RUNS\n\n"
          "Measures each technique of stage 9 beside its plain form, in new databases below DIR\n"
          "(where syncs count: below DEVICE_DIR), and prints a line for each: technique, plain "
          "form, operation, unit, before, after,\n"
          "operations, 1 where it is time that passes; by tabs. Medians of RUNS, at most 15.\n"
          "make fast-paths makes a table of it, with instructions.\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t keys = argc == 5 ? strtoull(argv[3], NULL, 10) : 0;
    unsigned long runs = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;

    if (keys < 100 || !runs || runs > RUNS_MOST || strlen(argv[1]) > DIR_MOST ||
        strlen(argv[2]) > DIR_MOST)
        return usage();
    for (size_t i = 0; i < TECHNIQUES; i++)
        measure(
            &techniques[i],
            argv[1 + (techniques[i].work == synced_puts || techniques[i].work == synced_put_times)],
            keys, (unsigned)runs);
    return 0;
}
