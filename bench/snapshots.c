/* snapshots.c: what long-lived snapshots cost, as a table in Markdown. make bench-parts
 * SET=snapshots.
 *
 *   snapshots [ENTRIES]      default: 200000
 *
 * A database of entries with 16-digit keys and 100-byte values, of which half repeats, and a small
 * memtable (4 MiB). While a number of snapshots are taken and held, as many random entries are
 * overwritten as there are; then they are read, now and as the oldest snapshot has them; then the
 * snapshots are released, and as many are overwritten again. The database is in $TMPDIR. Times are
 * of the processor: waits for the device do not count, nor does what else the machine does. */
#include "base/prng.h"
#include "strata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEY 16
#define VALUE 100

struct bench {
    struct strata *db;
    uint64_t entries, written;
    struct prng random;
};

struct times {
    double each_us, longest_ms;
};

static void must(int rc, const struct strata_error *err)
{
    char text[600];

    if (rc >= 0)
        return;
    fprintf(stderr, "snapshots: %s\n", strata_error_text(err, text, sizeof text));
    exit(1);
}

/* Of the processor, in this thread, which does all the work. */
static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void note_stat(void *arg, const struct strata_stat *stat)
{
    uint64_t *figures = arg;

    if (strcmp(stat->name, "snapshot_bytes") == 0)
        figures[0] = stat->value;
    else if (strcmp(stat->name, "table_files_bytes") == 0)
        figures[1] = stat->value;
}

/* Of old versions, and of all tables. */
static void read_figures(const struct bench *b, uint64_t figures[2])
{
    struct strata_error err;
    must(strata_stats(b->db, note_stat, figures, &err), &err);
}

static struct strata_slice key_of(uint64_t number, char key[KEY])
{
    for (size_t at = KEY; at > 0; at--, number /= 10)
        key[at - 1] = (char)('0' + number % 10);
    return strata_bytes(key, KEY);
}

static void put(struct bench *b, uint64_t number)
{
    struct prng random = {++b->written};
    struct strata_error err;
    char key[KEY];
    uint8_t value[VALUE] = {0};

    for (size_t i = 0; i < VALUE / 2; i += 8) {
        uint64_t some = prng_next(&random);
        memcpy(value + i, &some, 8);
    }
    must(strata_put(b->db, key_of(number, key), strata_bytes(value, VALUE), &err), &err);
}

/* Overwrites as many entries as there are, and takes so many snapshots meanwhile. */
static struct times overwrite(struct bench *b, struct strata_snapshot **list, unsigned count)
{
    double began = now_us(), longest = 0;
    struct strata_error err;
    unsigned taken = 0;

    for (uint64_t i = 0; i < b->entries; i++) {
        double before = now_us(), took;
        while (taken < count && i * count >= taken * b->entries)
            must(strata_snapshot_new(b->db, &list[taken++], &err), &err);
        put(b, prng_next(&b->random) % b->entries);
        took = now_us() - before;
        longest = took > longest ? took : longest;
    }
    return (struct times){(now_us() - began) / (double)b->entries, longest / 1e3};
}

/* NULL: now. */
static double get_us(struct bench *b, struct strata_snapshot *at)
{
    struct strata_buffer value = {0};
    double began = now_us();
    struct strata_error err;
    char key[KEY];

    for (uint64_t i = 0; i < b->entries; i++) {
        struct strata_slice name = key_of(prng_next(&b->random) % b->entries, key);
        must(at ? strata_snapshot_get(at, name, &value, &err)
                : strata_get(b->db, name, &value, &err),
             &err);
    }
    strata_buffer_free(&value);
    return (now_us() - began) / (double)b->entries;
}

static void open_db(struct bench *b, const char *dir)
{
    struct strata_options options;
    struct strata_error err;

    strata_options_init(&options);
    options.stage = 10;
    options.create = true;
    options.sync = STRATA_SYNC_INTERVAL;
    options.memtable_bytes = 4 << 20;
    options.table_bytes = 2 << 20;
    must(strata_open(dir, &options, &b->db, &err), &err);
}

static const char *figure(double value, bool is_there, char to[20])
{
    if (is_there)
        snprintf(to, 20, "%.2f", value);
    else
        snprintf(to, 20, "-");
    return to;
}

static void show_row(struct bench *b, unsigned count)
{
    struct strata_snapshot *list[100];
    struct strata_error err;
    uint64_t held[2] = {0}, after[2] = {0};
    struct times writes, again;
    double get, get_oldest = 0;
    char text[20];

    for (uint64_t i = 0; i < b->entries; i++)
        put(b, i);
    must(strata_compact(b->db, NULL, &err), &err);
    writes = overwrite(b, list, count);
    must(strata_flush(b->db, &err), &err);
    get = get_us(b, NULL);
    if (count)
        get_oldest = get_us(b, list[0]);
    read_figures(b, held);
    for (unsigned i = 0; i < count; i++)
        strata_snapshot_free(list[i]);
    again = overwrite(b, NULL, 0);
    read_figures(b, after);
    printf("| %u | %.2f | %.1f | %.2f | %s | %.1f | %.1f | %.2f | %.1f | %.1f |\n", count,
           writes.each_us, writes.longest_ms, get, figure(get_oldest, count, text),
           (double)held[0] / 1e6, (double)held[1] / 1e6, again.each_us, (double)after[0] / 1e6,
           (double)after[1] / 1e6);
}

/* A counter: 2,000,000 puts of one key while a snapshot is held; and a get of a key with 5,000
 * versions that snapshots see. */
static void show_hot_key(struct bench *b)
{
    static struct strata_snapshot *list[5000];
    struct strata_buffer value = {0};
    struct strata_error err;
    double longest = 0, began;

    must(strata_snapshot_new(b->db, &list[0], &err), &err);
    for (int i = 0; i < 2000000; i++) {
        double before = now_us();
        put(b, 0);
        longest = now_us() - before > longest ? now_us() - before : longest;
    }
    strata_snapshot_free(list[0]);
    for (int i = 0; i < 5000; i++) {
        must(strata_snapshot_new(b->db, &list[i], &err), &err);
        put(b, 0);
    }
    must(strata_compact(b->db, NULL, &err), &err);
    began = now_us();
    for (int i = 0; i < 5000; i++) {
        char key[KEY];
        must(strata_snapshot_get(list[i], key_of(0, key), &value, &err), &err);
    }
    printf(
        "\nOne key: the longest of 2,000,000 puts with a snapshot held took %.1f ms; a get of one "
        "of its 5,000 versions %.2f us.\n",
        longest / 1e3, (now_us() - began) / 5000);
    for (int i = 0; i < 5000; i++)
        strata_snapshot_free(list[i]);
    strata_buffer_free(&value);
}

static void in_a_directory(struct bench *b, const char *parent, void (*run)(struct bench *b))
{
    struct strata_error err;
    char dir[500];

    snprintf(dir, sizeof dir, "%s/strata-snapshots.XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(dir)) {
        perror(dir);
        exit(1);
    }
    open_db(b, dir);
    run(b);
    must(strata_close(b->db, &err), &err);
    must(strata_destroy(dir, NULL, NULL, NULL, &err), &err);
}

static void show_none(struct bench *b)
{
    show_row(b, 0);
}

static void show_one(struct bench *b)
{
    show_row(b, 1);
}

static void show_hundred(struct bench *b)
{
    show_row(b, 100);
}

int main(int argc, char **argv)
{
    struct bench b = {.entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000, .random = {7}};
    void (*const rows[])(struct bench *) = {show_none, show_one, show_hundred, show_hot_key};

    if (!b.entries || argc > 2) {
        fprintf(stderr, "snapshots [ENTRIES]\n");
        return 2;
    }
    puts("| snapshots held | put, us | longest put, ms | get, us | get at the oldest, us | old "
         "versions, MB | tables, MB | released: put, us | old versions, MB | tables, MB |\n"
         "|---|---|---|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        in_a_directory(&b, getenv("TMPDIR"), rows[i]);
        fflush(stdout);
    }
    return 0;
}
