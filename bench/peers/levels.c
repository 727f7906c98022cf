/* levels.c: strata-levels: one engine does the works of make bench-levels once. bench/levels.sh
 * runs it in turns with other engines and makes tables.
 *
 *   load     every key once, in random order, each put timed; then what is owed is done, which
 *            counts: an engine that leaves work for later does not have it for nothing
 *   reads    of the tree as the load has left it, not compacted
 *   compact  all of it, after a tenth of it was put once more
 *
 * Prints raw figures, a line each: name, number, seconds of the clock, seconds of the processor;
 * the last two are 0 where nothing was timed. What is made of them (rates, amplifications, ratios)
 * is made in one place, by levels.sh. */
#include "../histogram.h"
#include "turn.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CACHE ((uint64_t)256 << 20)

static uint64_t cache = CACHE;
static bool histogram; /* of the puts, to standard error */

/* ---- Telling --------------------------------------------------------------------------------- */

static void tell(struct turn *t, const char *name, uint64_t number)
{
    turn_tell(t, name, number, &(struct watch){0, 0});
}

/* The database's directory, on the device. */
static int tell_disk(struct turn *t, const char *name)
{
    char path[4096];
    uint64_t bytes, named;
    int sys;

    snprintf(path, sizeof path, "%.4000s/db", t->root);
    sys = os_disk(path, &bytes, &named);
    if (sys)
        return turn_say(path, strerror(sys));
    tell(t, name, bytes);
    return 0;
}

/* More than the program itself needs, its list of keys among it. */
static struct os_memory own_memory;

static uint64_t above(uint64_t bytes, uint64_t own)
{
    return bytes > own ? bytes - own : 0;
}

static void tell_memory(struct turn *t, const char *most, const char *now, const char *mapped)
{
    struct os_memory memory;

    os_memory(&memory);
    tell(t, most, above(memory.most, own_memory.resident));
    tell(t, now, above(memory.resident, own_memory.resident));
    tell(t, mapped, above(memory.mapped, own_memory.mapped));
}

/* ---- What operations cost, in the engine's own counts ------------------------------------------
 */

static struct engine_counts counted; /* up to now */

static int count(struct turn *t)
{
    if (!t->engine->counts || t->engine->counts(t->db, &counted, &t->err) == 0)
        return 0;
    return turn_fail(t, "stats");
}

/* What was counted since count(), under "WORK.comparisons" and so on. */
static int tell_counts(struct turn *t, const char *work)
{
    struct engine_counts before = counted;
    char name[64];
    const struct {
        const char *name;
        uint64_t value;
    } * list;
    int rc = t->engine->counts ? count(t) : 0;

    if (rc < 0 || !t->engine->counts)
        return rc;
    list = (const __typeof__(*list)[]){
        {"comparisons", counted.comparisons - before.comparisons},
        {"filter_probes", counted.filter_probes - before.filter_probes},
        {"blocks", counted.blocks - before.blocks},
        {"blocks_loaded", counted.blocks_loaded - before.blocks_loaded}};
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s.%s", work, list[i].name);
        tell(t, name, list[i].value);
    }
    return 0;
}

/* ---- Loading --------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The end of one put is the beginning of the next: making the key, some nanoseconds, is in it. */
static int put_all(struct turn *t, struct histogram *h)
{
    uint8_t key[KEY_BYTES + 1];
    uint64_t last = now_ns(), now;
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < t->num; i++, last = now) {
        uint64_t number = t->order[i];
        rc = turn_put(t, turn_key(number, false, key), turn_value(t, number));
        now = now_ns();
        histogram_add(h, now - last);
        if (i % TICK == 0) {
            turn_tick(t, TICK);
            now = now_ns();
        }
    }
    return rc;
}

static void tell_latencies(struct turn *t, const struct histogram *h)
{
    static const struct {
        const char *name;
        double share;
    } list[] = {{"put_p50_ns", 0.5}, {"put_p99_ns", 0.99}, {"put_p999_ns", 0.999}};

    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        tell(t, list[i].name, histogram_percentile(h, list[i].share));
    tell(t, "put_max_ns", h->max_ns);
    if (histogram)
        histogram_print(h, stderr);
}

/* What is owed, to its end; the time that it took to see that nobody works any more is not in it.
 */
static int settle(struct turn *t, const char *name)
{
    struct watch watch = watch_begin();
    int rc = turn_settle(t);
    double quiet = rc == 0 ? os_wait_idle(t->engine->busy, t->db) : 0;

    watch = watch_since(&watch);
    watch.wall -= quiet;
    if (rc == 0 && name)
        turn_tell(t, name, 1, &watch);
    return rc;
}

static int put_and_settle(struct turn *t)
{
    static struct histogram h;
    struct watch watch = watch_begin();
    int rc = put_all(t, &h);

    if (rc < 0)
        return rc;
    watch = watch_since(&watch);
    turn_tell(t, "put", t->num, &watch);
    tell_latencies(t, &h);
    return settle(t, "owed");
}

static int load(struct turn *t)
{
    struct os_io before, after;
    int rc = turn_open(t, "db", true, NULL);

    if (rc == 0)
        rc = count(t);
    os_memory_forget();
    os_io(&before);
    if (rc == 0)
        rc = put_and_settle(t);
    if (rc < 0)
        return rc;
    os_io(&after);
    tell(t, "put_bytes", t->num * (KEY_BYTES + VALUE_BYTES));
    tell(t, "written", after.written - before.written);
    tell(t, "called", after.called - before.called);
    tell_memory(t, "memory_load_most", "memory_load", "memory_load_mapped");
    rc = tell_disk(t, "disk");
    return rc == 0 ? tell_counts(t, "put") : rc;
}

static int reopen(struct turn *t)
{
    int rc = turn_close(t, NULL);
    return rc == 0 ? turn_open(t, "db", false, NULL) : rc;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* A work that ended with `rc`. */
static int counted_as(struct turn *t, int rc, const char *name)
{
    return rc == 0 ? tell_counts(t, name) : rc;
}

/* A scan that does not count fills the cache, and brings files near. */
static int read_all(struct turn *t)
{
    int rc;

    os_memory_forget();
    rc = turn_scan(t, false, NULL);
    if (rc == 0)
        rc = count(t);
    if (rc == 0)
        rc = counted_as(t, turn_scan(t, false, "forward"), "forward");
    if (rc == 0)
        rc = counted_as(t, turn_scan(t, true, "reverse"), "reverse");
    if (rc == 0)
        rc = counted_as(t, turn_get(t, false, "get"), "get");
    if (rc == 0)
        rc = counted_as(t, turn_get(t, true, "missing"), "missing");
    if (rc == 0)
        rc = counted_as(t, turn_seek(t, "seek10"), "seek10");
    tell_memory(t, "memory_read_most", "memory_read", "memory_read_mapped");
    tell(t, "levels", counted.levels);
    tell(t, "runs", counted.runs);
    return rc;
}

/* Strata with mapped reads, as LevelDB reads always. */
static int read_mapped(struct turn *t)
{
    int rc;

    if (t->engine->maps || t->engine != &engine_strata)
        return 0;
    t->options.mapped_reads = true;
    rc = reopen(t);
    if (rc == 0)
        rc = turn_scan(t, false, NULL);
    if (rc == 0)
        rc = turn_get(t, false, "get_mapped");
    if (rc == 0)
        rc = turn_seek(t, "seek10_mapped");
    t->options.mapped_reads = false;
    return rc == 0 ? reopen(t) : rc;
}

/* ---- Compacting ------------------------------------------------------------------------------ */

/* A tenth of the keys once more, all over the key space: else an engine that has everything on one
 * level by then has nothing to do, and another one all of it. */
static int put_tenth(struct turn *t)
{
    uint8_t key[KEY_BYTES + 1];
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < t->num; i += 10)
        rc = turn_put(t, turn_key(t->order[i], false, key), turn_value(t, t->order[i]));
    return rc;
}

static int compact(struct turn *t)
{
    int rc = put_tenth(t);
    struct watch watch = watch_begin();
    double quiet = 0;

    if (rc == 0)
        rc = turn_compact(t);
    if (rc == 0)
        quiet = os_wait_idle(t->engine->busy, t->db);
    watch = watch_since(&watch);
    watch.wall -= quiet;
    if (rc == 0)
        turn_tell(t, "compact", 1, &watch);
    return rc;
}

/* What the database takes that nobody has open. */
static int close_and_tell(struct turn *t, const char *disk)
{
    int rc = turn_close(t, NULL);
    return rc == 0 ? tell_disk(t, disk) : rc;
}

static int run_works(struct turn *t)
{
    int rc = turn_begin(t, 5 * t->num + 3 * t->gets + t->gets / 2);

    t->options.cache_bytes = (size_t)cache;
    os_memory(&own_memory);
    if (rc == 0)
        rc = load(t);
    if (rc == 0)
        rc = close_and_tell(t, "disk_closed");
    if (rc == 0) /* with a cache that the load has not filled */
        rc = turn_open(t, "db", false, NULL);
    if (rc == 0)
        rc = read_all(t);
    if (rc == 0)
        rc = read_mapped(t);
    if (rc == 0)
        rc = compact(t);
    if (rc == 0)
        rc = turn_scan(t, false, NULL); /* nothing was lost to it */
    if (rc == 0)
        rc = close_and_tell(t, "disk_compacted");
    turn_end(t);
    return rc;
}

/* ---- The command line ------------------------------------------------------------------------ */

static void help(void)
{
    fputs(
        "usage: strata-levels [OPTION]... ENGINE DIR\n\n"
        "Lets ENGINE, \"leveldb\", \"rocksdb\" or the number of a stage, take a random load, be "
        "read\n"
        "and compacted: keys of 16 bytes, each once, values of 100, half compressible, one "
        "thread,\n"
        "memtable 64 MiB, bloom 10 bits a key, nothing synced. make bench-levels runs it in turns\n"
        "with others. The database is DIR/db; it stays there, compacted.\n\n" TURN_OPTIONS
        "  --cache=BYTES  of blocks (default 268435456)\n"
        "  --histogram    the puts' latencies, to standard error\n\n"
        "Prints a line a figure: name, number, seconds of the clock, seconds of the processor (0\n"
        "where nothing was timed).\n\n"
        "  put owed            every key; and what was owed then, until nobody works any more\n"
        "  put_p50_ns ..       of a put: p50, p99, p999, max\n"
        "  put_bytes           of keys and values\n"
        "  written called      bytes written by the process while it loaded: pages that became\n"
        "                      dirty (/proc/self/io, write_bytes), and by calls (wchar)\n"
        "  disk disk_closed disk_compacted\n"
        "                      bytes on the device when nothing is owed; after a close; after all\n"
        "                      was compacted, and closed\n"
        "  memory_load_most ..  resident bytes beyond the program's own: at most, at the end, and\n"
        "                      of these mapped files; likewise memory_read\n"
        "  forward reverse     every entry, by an iterator\n"
        "  get missing         random keys that are there, and keys between those\n"
        "  seek10              a new iterator, a seek and ten nexts\n"
        "  get_mapped seek10_mapped  Strata again, reading by mapped files\n"
        "  compact             of everything, after a tenth of the keys was put once more\n"
        "  levels runs         of Strata: levels that have tables, and sorted runs\n"
        "  WORK.comparisons .filter_probes .blocks .blocks_loaded\n"
        "                      of Strata: counted while the work was done\n\n"
        "Exit status: 0 ok, 2 usage, 7 other failure, or ENGINE is not in this build\n\nExample\n"
        "  strata-levels --num=10000 --gets=1000 6 .\n",
        stdout);
}

static bool take_option(struct turn *t, const char *arg)
{
    (void)t;
    if (strncmp(arg, "--cache=", 8) == 0)
        return take_number(arg + 8, 1, UINT64_C(1) << 40, &cache);
    return strcmp(arg, "--histogram") == 0 && (histogram = true);
}

int main(int argc, char **argv)
{
    static struct turn t = {.num = 1000000, .gets = 500000};
    return turn_main(&t, argc, argv, help, take_option, run_works);
}
