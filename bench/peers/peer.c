/* peer.c: strata-peer: one engine does the comparison's work once, in a process of its own, so that
 * what the system counts of the process is that engine's alone, its threads included.
 * bench/peers.sh runs it in turns with other engines and makes a table.
 *
 * For each work a line: its name, operations, seconds of the clock, seconds of the processor; for
 * files their bytes instead of operations. That every engine gave what went in is checked outside
 * of the time. */
#include "peer.h"
#include "prng.h"
#include "progress.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define KEY_BYTES 16
#define VALUE_BYTES 100
#define POOL_BYTES ((size_t)1 << 20)
#define LARGE_CACHE ((size_t)256 << 20)
#define SMALL_CACHE ((size_t)8 << 20)
#define SEEK_ENTRIES 11 /* the one that is sought, and ten nexts */
#define TICK 4096       /* operations between two looks at the clock */

enum exits { OK = 0, USAGE = 2, OTHER = 7 };

struct run {
    const struct peer *peer;
    struct peer_options options;
    uint64_t num, gets;
    bool fills, about; /* only the fills; only a line about the engine */
    const char *label; /* of the progress line, or NULL */
    const char *root;
    void *db;
    uint32_t *order;          /* a permutation of 0 .. num - 1 */
    uint8_t pool[POOL_BYTES]; /* values are cut out of it */
    struct progress progress;
    uint64_t done, all; /* operations of the whole run */
};

int peer_say(const char *what, const char *why)
{
    fprintf(stderr, "strata-peer: %s: %s\n", what, why);
    return -1;
}

/* ---- Keys and values ----------------------------------------------------------------------- */

/* Half compressible: of 100 bytes 50 are drawn, and stand there twice. */
static void fill_pool(struct run *r)
{
    struct prng prng = {301};

    for (size_t i = 0; i < POOL_BYTES; i++)
        r->pool[i] = i % 100 < 50 ? (uint8_t)(' ' + prng_below(&prng, 95)) : r->pool[i - 50];
}

static struct strata_slice value_of(const struct run *r, uint64_t number)
{
    return (struct strata_slice){r->pool + number * 2654435761u % (POOL_BYTES - VALUE_BYTES),
                                 VALUE_BYTES};
}

/* Digits; a missing key stands between two that are there. */
static struct strata_slice key_of(uint64_t number, bool missing, uint8_t to[KEY_BYTES + 1])
{
    for (int i = KEY_BYTES; i-- > 0; number /= 10)
        to[i] = (uint8_t)('0' + number % 10);
    to[KEY_BYTES] = '.';
    return (struct strata_slice){to, KEY_BYTES + missing};
}

static bool shuffle(struct run *r)
{
    struct prng prng = {99};

    r->order = malloc(r->num * sizeof *r->order);
    for (uint64_t i = 0; r->order && i < r->num; i++)
        r->order[i] = (uint32_t)i;
    for (uint64_t i = r->num; r->order && i-- > 1;) {
        uint64_t j = prng_below(&prng, i + 1);
        uint32_t kept = r->order[i];
        r->order[i] = r->order[j];
        r->order[j] = kept;
    }
    return r->order;
}

/* ---- Measuring ----------------------------------------------------------------------------- */

struct watch {
    double wall, cpu; /* seconds */
};

static double clock_of(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct watch begin(void)
{
    return (struct watch){clock_of(CLOCK_MONOTONIC), clock_of(CLOCK_PROCESS_CPUTIME_ID)};
}

static void tell(struct run *r, const char *work, uint64_t operations, const struct watch *since)
{
    struct watch now = begin();

    progress_clear(&r->progress);
    printf("%s %" PRIu64 " %.9f %.9f\n", work, operations, now.wall - since->wall,
           now.cpu - since->cpu);
    fflush(stdout);
}

static void tick(struct run *r, uint64_t operations)
{
    struct progress_state state = {r->done += operations, r->all, 0, 0, "operations"};
    progress_tick(&r->progress, &state);
}

static int compare_sums(const struct peer_sum *is, const struct peer_sum *wanted, const char *work)
{
    return is->entries == wanted->entries && is->sum == wanted->sum
               ? 0
               : peer_say(work, "what came out is not what went in");
}

/* ---- Opening and filling --------------------------------------------------------------------- */

static int open_db(struct run *r, const char *name, bool create, size_t cache_bytes,
                   const char *work)
{
    struct peer_options o = r->options;
    struct watch watch;
    char path[4096];
    int rc;

    if (snprintf(path, sizeof path, "%s/%s", r->root, name) >= (int)sizeof path)
        return peer_say(r->root, "too long a path");
    o.dir = path;
    o.create = create;
    o.cache_bytes = cache_bytes;
    watch = begin();
    rc = r->peer->open(&o, &r->db);
    if (rc < 0)
        r->db = NULL;
    else if (work)
        tell(r, work, 1, &watch);
    return rc;
}

static int close_db(struct run *r, const char *work)
{
    struct watch watch = begin();
    int rc = r->db ? r->peer->close(r->db) : 0;

    r->db = NULL;
    if (rc == 0 && work)
        tell(r, work, 1, &watch);
    return rc;
}

static int fill(struct run *r, bool in_order, const char *work)
{
    struct watch watch = begin();
    uint8_t key[KEY_BYTES + 1];
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < r->num; i++) {
        uint64_t number = in_order ? i : r->order[i];
        rc = r->peer->put(r->db, key_of(number, false, key), value_of(r, number));
        if (i % TICK == 0)
            tick(r, TICK);
    }
    if (rc == 0)
        tell(r, work, r->num, &watch);
    return rc;
}

/* The first database: filled in order, closed, opened as the close has left it. */
static int fill_in_order(struct run *r)
{
    int rc = open_db(r, "seq", true, LARGE_CACHE, NULL);

    if (rc == 0)
        rc = fill(r, true, "fillseq");
    if (rc == 0)
        rc = close_db(r, "close");
    if (rc == 0)
        rc = open_db(r, "seq", false, LARGE_CACHE, "open");
    return rc == 0 ? close_db(r, NULL) : rc;
}

static int compact(struct run *r)
{
    struct watch watch = begin();
    int rc = r->peer->compact(r->db);

    if (rc == 0)
        tell(r, "compact", 1, &watch);
    return rc;
}

static int tell_files(struct run *r)
{
    char path[4096 + 300];
    uint64_t bytes = 0;
    struct dirent *entry;
    struct stat status;
    DIR *dir;

    snprintf(path, sizeof path, "%.4000s/random", r->root);
    dir = opendir(path);
    if (!dir)
        return peer_say(path, strerror(errno));
    while ((entry = readdir(dir))) {
        snprintf(path, sizeof path, "%.4000s/random/%s", r->root, entry->d_name);
        if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
            bytes += (uint64_t)status.st_size;
    }
    closedir(dir);
    progress_clear(&r->progress);
    printf("files %" PRIu64 " 0 0\n", bytes);
    return 0;
}

/* The second: filled in random order, merged into few tables. */
static int fill_at_random(struct run *r)
{
    int rc = open_db(r, "random", true, LARGE_CACHE, NULL);

    if (rc == 0)
        rc = fill(r, false, "fillrandom");
    if (rc == 0)
        rc = compact(r);
    if (rc == 0)
        rc = close_db(r, NULL);
    return rc == 0 ? tell_files(r) : rc;
}

/* ---- Reading -----------------------------------------------------------------------------------
 */

/* Each block of them enters the cache. */
static int warm(struct run *r)
{
    struct peer_sum sum = {0, 0};
    uint8_t key[KEY_BYTES + 1];
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < r->num; i++) {
        rc = r->peer->get(r->db, key_of(i, false, key), &sum);
        if (i % TICK == 0)
            tick(r, TICK);
    }
    return rc > 0 ? peer_say("get", "a key is missing") : rc;
}

static int get(struct run *r, bool missing, const char *work)
{
    struct peer_sum is = {0, 0}, wanted = {0, 0};
    struct prng prng = {7};
    struct watch watch = begin();
    uint8_t key[KEY_BYTES + 1];
    int rc = 0;

    for (uint64_t i = 0; rc >= 0 && i < r->gets; i++) {
        rc = r->peer->get(r->db, key_of(prng_next(&prng) % r->num, missing, key), &is);
        if (i % TICK == 0)
            tick(r, TICK);
    }
    if (rc < 0)
        return rc;
    tell(r, work, r->gets, &watch);
    prng = (struct prng){7};
    for (uint64_t i = 0; !missing && i < r->gets; i++) {
        uint64_t number = prng_next(&prng) % r->num;
        peer_add(&wanted, key_of(number, false, key), value_of(r, number));
    }
    return compare_sums(&is, &wanted, work);
}

static int scan(struct run *r, bool backwards, const char *work)
{
    struct peer_sum is = {0, 0}, wanted = {0, 0};
    struct watch watch = begin();
    uint8_t key[KEY_BYTES + 1];

    if (r->peer->scan(r->db, backwards, &is) < 0)
        return -1;
    tell(r, work, r->num, &watch);
    tick(r, r->num);
    for (uint64_t i = 0; i < r->num; i++) {
        uint64_t number = backwards ? r->num - 1 - i : i;
        peer_add(&wanted, key_of(number, false, key), value_of(r, number));
    }
    return compare_sums(&is, &wanted, work);
}

static int seek(struct run *r, const char *work)
{
    struct peer_sum is = {0, 0}, wanted = {0, 0};
    struct prng prng = {8};
    uint64_t seeks = r->gets / 4;
    struct watch watch = begin();
    uint8_t key[KEY_BYTES + 1];
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < seeks; i++) {
        struct strata_slice from = key_of(prng_next(&prng) % r->num, false, key);
        rc = r->peer->seek(r->db, from, SEEK_ENTRIES, &is);
        if (i % TICK == 0)
            tick(r, TICK);
    }
    if (rc < 0)
        return rc;
    tell(r, work, seeks, &watch);
    prng = (struct prng){8};
    for (uint64_t i = 0; i < seeks; i++) {
        uint64_t first = prng_next(&prng) % r->num;
        for (uint64_t n = first; n < r->num && n < first + SEEK_ENTRIES; n++)
            peer_add(&wanted, key_of(n, false, key), value_of(r, n));
    }
    return compare_sums(&is, &wanted, work);
}

static int read_cached(struct run *r)
{
    int rc = open_db(r, "random", false, LARGE_CACHE, NULL);

    if (rc == 0)
        rc = warm(r);
    if (rc == 0)
        rc = get(r, false, "get");
    if (rc == 0)
        rc = get(r, true, "missing");
    if (rc == 0)
        rc = scan(r, false, "forward");
    if (rc == 0)
        rc = scan(r, true, "reverse");
    if (rc == 0)
        rc = seek(r, "seek10");
    return rc == 0 ? close_db(r, NULL) : rc;
}

static int read_uncached(struct run *r)
{
    int rc = open_db(r, "random", false, SMALL_CACHE, NULL);

    if (rc == 0)
        rc = get(r, false,
                 r->peer != &peer_strata || r->options.mapped_reads ? "get8mapped" : "get8");
    return rc == 0 ? close_db(r, NULL) : rc;
}

/* LevelDB has but one way: by mapped files. */
static int read_uncached_both_ways(struct run *r)
{
    int rc = 0;

    if (r->peer == &peer_strata) {
        rc = read_uncached(r);
        r->options.mapped_reads = true;
    }
    if (rc == 0)
        rc = read_uncached(r);
    r->options.mapped_reads = false;
    return rc;
}

static int run_works(struct run *r)
{
    char what[80];
    int rc;

    if (!shuffle(r))
        return peer_say("keys", "out of memory");
    fill_pool(r);
    snprintf(what, sizeof what, "%s", r->label ? r->label : r->peer->name);
    r->all = 2 * r->num + (r->fills ? 0 : 3 * r->num + 4 * r->gets + r->gets / 4);
    progress_init(&r->progress, stderr, what);
    rc = fill_in_order(r);
    if (rc == 0)
        rc = fill_at_random(r);
    if (rc == 0 && !r->fills)
        rc = read_cached(r);
    if (rc == 0 && !r->fills)
        rc = read_uncached_both_ways(r);
    close_db(r, NULL);
    progress_clear(&r->progress);
    free(r->order);
    return rc;
}

/* ---- The command line --------------------------------------------------------------------------
 */

static void help(void)
{
    fputs(
        "usage: strata-peer [OPTION]... ENGINE DIR\n\n"
        "Lets ENGINE, \"leveldb\" or the number of a stage, do the work of the comparison once:\n"
        "keys of 16 bytes, values of 100, half compressible, one thread, memtable 64 MiB, block\n"
        "cache 256 MiB and 8 MiB, bloom 10 bits a key, nothing synced. make bench-peers runs it\n"
        "in turns with others. The databases are DIR/seq and DIR/random; they stay there.\n\n"
        "  --num=N        keys (default 1000000)\n"
        "  --gets=N       of each kind; seeks are a quarter (default 500000)\n"
        "  --fills        the fills alone\n"
        "  --check_reads  LevelDB checks what it reads, as Strata always does\n"
        "  --label=TEXT   in front of the line that tells how far it is\n"
        "  --about        a line about ENGINE, and nothing is done (DIR may be missing)\n\n"
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

static bool take_number(const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
    *value = 0;
    for (; *text >= '0' && *text <= '9' && *value <= most; text++)
        *value = *value * 10 + (uint64_t)(*text - '0');
    return !*text && *value >= least && *value <= most;
}

static bool take_option(struct run *r, const char *arg)
{
    if (strncmp(arg, "--num=", 6) == 0)
        return take_number(arg + 6, 100, 1000000000, &r->num);
    if (strncmp(arg, "--gets=", 7) == 0)
        return take_number(arg + 7, 100, 1000000000, &r->gets);
    if (strncmp(arg, "--label=", 8) == 0)
        return *(r->label = arg + 8);
    if (strcmp(arg, "--fills") == 0)
        return r->fills = true;
    if (strcmp(arg, "--check_reads") == 0)
        return r->options.check_reads = true;
    if (strcmp(arg, "--about") == 0)
        return r->about = true;
    return false;
}

static bool is_stage(uint64_t number)
{
    struct strata_stage_info info;

    for (size_t i = 0; strata_stage_at(i, &info) == 0; i++)
        if (info.stage == number)
            return true;
    return false;
}

static int take_engine(struct run *r, const char *name)
{
    uint64_t stage;

    if (strcmp(name, "leveldb") == 0) {
#ifdef PEER_LEVELDB
        r->peer = &peer_leveldb;
        return OK;
#else
        peer_say(name, "not in this build: install libleveldb-dev and build again");
        return OTHER;
#endif
    }
    if (!take_number(name, 1, 1000, &stage) || !is_stage(stage)) {
        peer_say(name, "neither leveldb nor the number of a stage of this build; see --help");
        return USAGE;
    }
    r->peer = &peer_strata;
    r->options.stage = (unsigned)stage;
    return OK;
}

static int take_arguments(struct run *r, int argc, char **argv)
{
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++)
        if (!take_option(r, argv[i])) {
            peer_say(argv[i], "no option, or no value for it; see --help");
            return USAGE;
        }
    if (argc - i != 2 && !(r->about && argc - i == 1)) {
        peer_say("arguments", "an engine and a directory are wanted; see --help");
        return USAGE;
    }
    r->root = argv[i + 1];
    return take_engine(r, argv[i]);
}

int main(int argc, char **argv)
{
    static struct run r = {.num = 1000000, .gets = 500000};
    int code;

    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return help(), OK;
    code = take_arguments(&r, argc, argv);
    if (code != OK)
        return code;
    if (r.about)
        r.peer->about(&r.options, stdout);
    else if (run_works(&r) < 0)
        return OTHER;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        peer_say("standard output", strerror(errno));
        return OTHER;
    }
    return OK;
}
