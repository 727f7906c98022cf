/* memtables.c: stage 4's skip list beside a B+tree and an unsorted log: what an insertion, a get
 * and a scan cost. docs/memtables.md tells what comes of it.
 *
 * Times are of the thread's own work (CLOCK_THREAD_CPUTIME_ID): what else the machine does counts
 * only by the caches it takes. The structures take turns, so that a slow minute meets all. That
 * each of them holds the same is checked on the way: a get's value, a scan's sum. */
#include "04_memtable_sstable/memtable/memtable.h"
#include "misses.h"
#include "base/prng.h"
#include "cli/output/progress.h"
#include "shape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY_BYTES 16
#define VALUE_BYTES 100
#define RUNS_MOST 99
#define SIZES_MOST 8
#define SCAN_GETS 64 /* gets of a structure that looks at every entry for each */

enum exits { OK = 0, USAGE = 2, OTHER = 7 };
enum figure { RANDOM, SEQUENTIAL, GET, MISSING, SCAN, FIGURES };

static const struct shape *const shapes[] = {&shape_skip, &shape_btree, &shape_append, &shape_log};
#define SHAPES (sizeof shapes / sizeof *shapes)

struct settings {
    uint64_t sizes[SIZES_MOST]; /* MiB */
    size_t size_count;
    uint64_t runs, gets;
};

/* What one run of one figure gave, for an operation. */
struct cost {
    double ns, misses;
};

struct bench {
    struct settings settings;
    bool counts_misses;
    struct progress progress;
    uint64_t steps, steps_done;
    uint64_t entries;
    uint32_t *order; /* a permutation of 0 .. entries - 1 */
    size_t memory[SHAPES];
    struct cost costs[SHAPES][FIGURES][RUNS_MOST];
};

static int say(int code, const char *what, const char *more)
{
    fprintf(stderr, "strata-memtables: %s%s\n", what, more);
    return code;
}

/* ---- Keys and values --------------------------------------------------------------------- */

static struct strata_slice key_of(uint64_t number, uint8_t to[KEY_BYTES])
{
    for (int i = KEY_BYTES; i-- > 0; number /= 10)
        to[i] = (uint8_t)('0' + number % 10);
    return strata_bytes(to, KEY_BYTES);
}

static struct strata_slice value_of(uint64_t number, uint8_t to[VALUE_BYTES])
{
    memset(to, (int)(number % 251), VALUE_BYTES);
    memcpy(to, &number, sizeof number);
    return strata_bytes(to, VALUE_BYTES);
}

/* Numbers that are there are even. */
static uint64_t number_of(const struct bench *b, uint64_t i, bool in_order)
{
    return 2 * (in_order ? i : b->order[i]);
}

static void shuffle(struct bench *b)
{
    struct prng prng = {301};

    for (uint64_t i = 0; i < b->entries; i++)
        b->order[i] = (uint32_t)i;
    for (uint64_t i = b->entries; i-- > 1;) {
        uint64_t j = prng_next(&prng) % (i + 1);
        uint32_t kept = b->order[i];
        b->order[i] = b->order[j];
        b->order[j] = kept;
    }
}

/* So many as stage 4's memtable holds of them in `bytes`. */
static uint64_t entries_in(uint64_t bytes)
{
    void *skip = shape_skip.make();
    uint8_t key[KEY_BYTES], value[VALUE_BYTES];
    uint64_t count = 0;
    bool fits = skip != NULL;

    while (fits && shape_skip.bytes(skip) < bytes) {
        fits = shape_skip.add(skip, count + 1, key_of(2 * count, key), value_of(0, value));
        count += fits;
    }
    if (skip)
        shape_skip.free(skip);
    return fits ? count : 0;
}

/* ---- Measuring --------------------------------------------------------------------------- */

struct watch {
    struct timespec begun;
    uint64_t misses;
};

static struct watch begin(void)
{
    struct watch watch = {.misses = misses_now()};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &watch.begun);
    return watch;
}

static struct cost end(const struct watch *watch, uint64_t operations)
{
    struct timespec now;
    double ns, count = (double)(operations ? operations : 1);

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    ns = (double)(now.tv_sec - watch->begun.tv_sec) * 1e9 +
         (double)(now.tv_nsec - watch->begun.tv_nsec);
    return (struct cost){ns / count, (double)(misses_now() - watch->misses) / count};
}

static void tick(struct bench *b)
{
    struct progress_state state = {++b->steps_done, b->steps, 0, 0, "steps"};
    progress_tick(&b->progress, &state);
}

static bool fill(const struct bench *b, const struct shape *shape, void *self, bool in_order,
                 struct cost *cost)
{
    uint8_t key[KEY_BYTES], value[VALUE_BYTES];
    struct watch watch = begin();
    bool fits = true;

    for (uint64_t i = 0; fits && i < b->entries; i++) {
        uint64_t number = number_of(b, i, in_order);
        fits = shape->add(self, i + 1, key_of(number, key), value_of(number, value));
    }
    *cost = end(&watch, b->entries);
    return fits;
}

/* Gets in another random order; of keys between those that are there with `missing`. */
static bool get(const struct bench *b, const struct shape *shape, void *self, bool missing,
                struct cost *cost)
{
    uint8_t key[KEY_BYTES], wanted[VALUE_BYTES];
    uint64_t gets = shape == &shape_log ? SCAN_GETS : b->settings.gets;
    struct prng prng = {99};
    struct watch watch = begin();
    bool right = true;

    for (uint64_t i = 0; right && i < gets; i++) {
        uint64_t number = 2 * (prng_next(&prng) % b->entries);
        struct strata_slice value;
        bool found = shape->get(self, key_of(number + missing, key), &value);
        right = found == !missing;
        if (right && found)
            right = strata_compare(value, value_of(number, wanted)) == 0;
    }
    *cost = end(&watch, gets);
    return right;
}

struct sum {
    uint64_t entries, sum;
};

static void add_up(void *arg, struct strata_slice key, struct strata_slice value)
{
    struct sum *sum = arg;
    uint64_t number;

    memcpy(&number, value.data, sizeof number);
    sum->sum = sum->sum * 31 + number + key.data[KEY_BYTES - 1]; /* the order counts */
    sum->entries++;
}

static bool scan(const struct bench *b, const struct shape *shape, void *self, struct cost *cost)
{
    struct sum is = {0, 0}, wanted = {0, 0};
    struct watch watch = begin();
    bool done = shape->walk(self, add_up, &is);

    *cost = end(&watch, b->entries);
    for (uint64_t i = 0; i < b->entries; i++) {
        uint8_t key[KEY_BYTES], value[VALUE_BYTES];
        add_up(&wanted, key_of(2 * i, key), value_of(2 * i, value));
    }
    return done && is.entries == wanted.entries && is.sum == wanted.sum;
}

static int measure(struct bench *b, size_t s, uint64_t run)
{
    const struct shape *shape = shapes[s];
    void *self = shape->make();
    struct cost of[FIGURES];
    bool right = self != NULL;

    right = right && fill(b, shape, self, true, &of[SEQUENTIAL]);
    if (self)
        shape->free(self);
    tick(b);
    self = right ? shape->make() : NULL;
    right = self && fill(b, shape, self, false, &of[RANDOM]);
    tick(b);
    right = right && get(b, shape, self, false, &of[GET]);
    right = right && get(b, shape, self, true, &of[MISSING]);
    tick(b);
    right = right && scan(b, shape, self, &of[SCAN]);
    tick(b);
    if (right) {
        b->memory[s] = shape->bytes(self);
        for (int f = 0; f < FIGURES; f++)
            b->costs[s][f][run] = of[f];
    }
    if (self)
        shape->free(self);
    return right ? OK
                 : say(OTHER, "out of memory, or it does not hold what went in: ", shape->name);
}

/* ---- The table --------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const struct bench *b, size_t s, enum figure f, bool misses)
{
    double values[RUNS_MOST] = {0};
    uint64_t runs = b->settings.runs;

    for (uint64_t i = 0; i < runs; i++)
        values[i] = misses ? b->costs[s][f][i].misses : b->costs[s][f][i].ns;
    qsort(values, runs, sizeof *values, compare);
    return values[runs / 2];
}

static void print_rows(const struct bench *b, bool misses)
{
    for (size_t s = 0; s < SHAPES; s++) {
        printf("| %-13s | %5.1f |", shapes[s]->name, (double)b->memory[s] / (1 << 20));
        for (int f = 0; f < FIGURES; f++)
            printf(misses ? " %11.1f |" : " %11.0f |", median(b, s, (enum figure)f, misses));
        putchar('\n');
    }
}

static void print_table(const struct bench *b, uint64_t mib)
{
    static const char head[] =
        "|               |   MiB |      insert |  sequential |         get | "
        "get missing | scan, entry |\n"
        "|---------------|------:|------------:|------------:|------------:|-"
        "-----------:|------------:|\n";

    printf("\n%" PRIu64 " MiB: %" PRIu64 " entries; ns each, of the thread's own time\n\n%s", mib,
           b->entries, head);
    print_rows(b, false);
    if (b->counts_misses) {
        printf("\nCache misses each\n\n%s", head);
        print_rows(b, true);
    }
}

static int measure_size(struct bench *b, uint64_t mib)
{
    int code = OK;

    b->entries = entries_in(mib << 20);
    b->order = b->entries ? malloc(b->entries * sizeof *b->order) : NULL;
    if (!b->order)
        return say(OTHER, "out of memory", "");
    shuffle(b);
    for (uint64_t run = 0; code == OK && run < b->settings.runs; run++)
        for (size_t s = 0; code == OK && s < SHAPES; s++)
            code = measure(b, s, run);
    free(b->order);
    progress_clear(&b->progress);
    if (code == OK)
        print_table(b, mib);
    return code;
}

/* ---- The command line -------------------------------------------------------------------- */

static void help(void)
{
    fputs("usage: strata-memtables [--sizes=MIB,...] [--runs=N] [--gets=N]\n\n"
          "Compares memtables: entries with keys of 16 bytes and values of 100, as many as stage\n"
          "4's holds in each of the sizes. Inserts them in random and in sequential order, gets\n"
          "some that are there and some that are not, and scans them all.\n\n"
          "  --sizes=MIB,...  default 4,64; at most 8 of them, each from 1 to 1024\n"
          "  --runs=N         each this often, in turns; medians are printed (default 3, at most\n"
          "                   99)\n"
          "  --gets=N         of each kind (default 200000); the unsorted log gets 64\n\n",
          stdout);
    for (size_t s = 0; s < SHAPES; s++)
        printf("  %-15s  %s\n", shapes[s]->name, shapes[s]->about);
    fputs("\nThe times are of the thread alone, so that other work on the machine counts only by\n"
          "the caches that it takes. Cache misses are counted where perf_event_open(2) allows it.\n"
          "\nExit status: 0 ok, 2 usage, 7 other failure\n\nExample\n"
          "  strata-memtables --sizes=1 --runs=1 --gets=1000\n",
          stdout);
}

/* Digits up to `most`, from 1; what is after them into *rest. */
static bool take_number(const char *text, uint64_t most, uint64_t *value, const char **rest)
{
    *value = 0;
    *rest = text;
    for (; **rest >= '0' && **rest <= '9' && *value <= most; (*rest)++)
        *value = *value * 10 + (uint64_t)(**rest - '0');
    return *rest > text && *value >= 1 && *value <= most;
}

static bool take_sizes(struct settings *s, const char *text)
{
    for (s->size_count = 0; s->size_count < SIZES_MOST; text++) {
        if (!take_number(text, 1024, &s->sizes[s->size_count++], &text))
            return false;
        if (*text != ',')
            return *text == '\0';
    }
    return false;
}

static bool take_option(struct settings *s, const char *arg)
{
    const char *rest;

    if (strncmp(arg, "--sizes=", 8) == 0)
        return take_sizes(s, arg + 8);
    if (strncmp(arg, "--runs=", 7) == 0)
        return take_number(arg + 7, RUNS_MOST, &s->runs, &rest) && !*rest;
    if (strncmp(arg, "--gets=", 7) == 0)
        return take_number(arg + 7, 1000000000, &s->gets, &rest) && !*rest;
    return false;
}

int main(int argc, char **argv)
{
    static struct bench b = {.settings = {{4, 64}, 2, 3, 200000}};
    const char *why;
    int code = OK;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return help(), OK;
        if (!take_option(&b.settings, argv[i]))
            return say(USAGE, "no option, or no value for it: ", argv[i]);
    }
    b.counts_misses = misses_open(&why);
    if (b.counts_misses)
        puts("Cache misses are counted, of the last level.");
    else
        printf("Cache misses: not counted here (perf_event_open: %s).\n", why);
    b.steps = b.settings.size_count * b.settings.runs * SHAPES * 4;
    progress_init(&b.progress, stderr, "memtables");
    for (size_t i = 0; code == OK && i < b.settings.size_count; i++)
        code = measure_size(&b, b.settings.sizes[i]);
    misses_close();
    if (fflush(stdout) != 0 && code == OK)
        code = say(OTHER, "standard output: ", strerror(errno));
    return code;
}
