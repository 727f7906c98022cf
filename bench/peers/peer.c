/* peer.c: strata-peer: one engine does the works of make bench-peers once. bench/peers.sh runs it
 * in turns with other engines and makes a table.
 *
 * For each work a line: its name, operations, seconds of the clock, seconds of the processor; for
 * files their bytes instead of operations. That every engine gave what went in is checked outside
 * of the time. */
#include "turn.h"

#include <stdio.h>
#include <string.h>

#define LARGE_CACHE ((size_t)256 << 20)
#define SMALL_CACHE ((size_t)8 << 20)

static bool fills; /* only those */

/* ---- Filling --------------------------------------------------------------------------------- */

static int open_db(struct turn *t, const char *name, bool create, size_t cache_bytes,
                   const char *work)
{
    t->options.cache_bytes = cache_bytes;
    return turn_open(t, name, create, work);
}

static int fill(struct turn *t, bool in_order, const char *work)
{
    struct watch watch = watch_begin();
    uint8_t key[KEY_BYTES + 1];
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < t->num; i++) {
        uint64_t number = in_order ? i : t->order[i];
        rc = turn_put(t, turn_key(number, false, key), turn_value(t, number));
        if (i % TICK == 0)
            turn_tick(t, TICK);
    }
    watch = watch_since(&watch);
    if (rc == 0)
        turn_tell(t, work, t->num, &watch);
    return rc;
}

/* The first database: filled in order, closed, opened as the close has left it. */
static int fill_in_order(struct turn *t)
{
    int rc = open_db(t, "seq", true, LARGE_CACHE, NULL);

    if (rc == 0)
        rc = fill(t, true, "fillseq");
    if (rc == 0)
        rc = turn_close(t, "close");
    if (rc == 0)
        rc = open_db(t, "seq", false, LARGE_CACHE, "open");
    return rc == 0 ? turn_close(t, NULL) : rc;
}

static int compact(struct turn *t)
{
    struct watch watch = watch_begin();
    int rc = turn_compact(t);

    watch = watch_since(&watch);
    if (rc == 0)
        turn_tell(t, "compact", 1, &watch);
    return rc;
}

static int tell_files(struct turn *t)
{
    char path[4096];
    uint64_t allocated, bytes;

    int sys;

    snprintf(path, sizeof path, "%.4000s/random", t->root);
    sys = os_disk(path, &allocated, &bytes);
    if (sys)
        return turn_say(path, strerror(sys));
    turn_tell(t, "files", bytes, &(struct watch){0, 0});
    return 0;
}

/* The second: filled in random order, merged into few tables. */
static int fill_at_random(struct turn *t)
{
    int rc = open_db(t, "random", true, LARGE_CACHE, NULL);

    if (rc == 0)
        rc = fill(t, false, "fillrandom");
    if (rc == 0)
        rc = compact(t);
    if (rc == 0)
        rc = turn_close(t, NULL);
    return rc == 0 ? tell_files(t) : rc;
}

/* ---- Reading -----------------------------------------------------------------------------------
 */

static int read_cached(struct turn *t)
{
    int rc = open_db(t, "random", false, LARGE_CACHE, NULL);

    if (rc == 0)
        rc = turn_warm(t);
    if (rc == 0)
        rc = turn_get(t, false, "get");
    if (rc == 0)
        rc = turn_get(t, true, "missing");
    if (rc == 0)
        rc = turn_scan(t, false, "forward");
    if (rc == 0)
        rc = turn_scan(t, true, "reverse");
    if (rc == 0)
        rc = turn_seek(t, "seek10");
    return rc == 0 ? turn_close(t, NULL) : rc;
}

static int read_uncached(struct turn *t)
{
    int rc = open_db(t, "random", false, SMALL_CACHE, NULL);

    if (rc == 0)
        rc = turn_get(t, false, t->engine->maps || t->options.mapped_reads ? "get8mapped" : "get8");
    return rc == 0 ? turn_close(t, NULL) : rc;
}

/* The peers have but one way. */
static int read_uncached_both_ways(struct turn *t)
{
    int rc = 0;

    if (t->engine == &engine_strata) {
        rc = read_uncached(t);
        t->options.mapped_reads = true;
    }
    if (rc == 0)
        rc = read_uncached(t);
    t->options.mapped_reads = false;
    return rc;
}

static int run_works(struct turn *t)
{
    int rc = turn_begin(t, 2 * t->num + (fills ? 0 : 3 * t->num + 4 * t->gets + t->gets / 4));

    if (rc == 0)
        rc = fill_in_order(t);
    if (rc == 0)
        rc = fill_at_random(t);
    if (rc == 0 && !fills)
        rc = read_cached(t);
    if (rc == 0 && !fills)
        rc = read_uncached_both_ways(t);
    turn_end(t);
    return rc;
}

/* ---- The command line --------------------------------------------------------------------------
 */

static void help(void)
{
    fputs(
        "usage: strata-peer [OPTION]... ENGINE DIR\n\n"
        "Lets ENGINE, \"leveldb\", \"rocksdb\" or the number of a stage, do the work of the\n"
        "comparison once: keys of 16 bytes, values of 100, half compressible, one thread, memtable "
        "64 MiB, block\n"
        "cache 256 MiB and 8 MiB, bloom 10 bits a key, nothing synced. make bench-peers runs it\n"
        "in turns with others. The databases are DIR/seq and DIR/random; they stay "
        "there.\n\n" TURN_OPTIONS "  --fills        the fills alone\n\n"
        "Prints a line a work: name, operations, seconds of the clock, seconds of the processor;\n"
        "and \"files\", with the bytes that they have after compaction.\n\n"
        "  fillseq fillrandom  each key once, in order and in random order\n"
        "  close open          of what fillseq has written\n"
        "  compact             after fillrandom, to as few tables as the engine makes\n"
        "  get missing         random keys that are there, and keys between those; all cached\n"
        "  forward reverse     every entry, by an iterator\n"
        "  seek10              a new iterator, a seek and ten nexts\n"
        "  get8 get8mapped     as get, with 8 MiB of block cache: what is not there is read by\n"
        "                      calls, or from mapped files, which is LevelDB's only way\n\n"
        "Exit status: 0 ok, 2 usage, 7 other failure, or ENGINE is not in this build\n\nExample\n"
        "  strata-peer --num=10000 --gets=1000 5 .\n",
        stdout);
}

static bool take_option(struct turn *t, const char *arg)
{
    (void)t;
    return strcmp(arg, "--fills") == 0 && (fills = true);
}

int main(int argc, char **argv)
{
    static struct turn t = {.num = 1000000, .gets = 500000};
    return turn_main(&t, argc, argv, help, take_option, run_works);
}
