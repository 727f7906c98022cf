/* fs_sim_states_test.c: the states that a crash leaves, of scripts small enough to write them
 * all down by hand.
 *
 * A state is written as its paths with what is in the files, runs of equal bytes counted, a zero
 * as '.': "db/ db/a=x3.2" is a directory and a file of "xxx" and two zeros; "a=-" is empty. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "rng.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    *state = fs_sim_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    int leaked = fs_sim_open_files(*state) > 0;
    fs_free(*state);
    return leaked;
}

/* ---- Scripts --------------------------------------------------------------------------- */

static struct fs_file *opened(struct strata_fs *fs, const char *path, unsigned flags)
{
    struct strata_error err;
    struct fs_file *file;
    assert_ok(fs_open(fs, path, flags, &file, &err), &err);
    return file;
}

static struct fs_file *created(struct strata_fs *fs, const char *path)
{
    return opened(fs, path, FS_WRITE | FS_CREATE);
}

/* `count` times the byte `c`, in one call. */
static void append(struct fs_file *file, char c, size_t count)
{
    struct strata_slice part;
    struct strata_error err;
    uint8_t *bytes = malloc(count);
    memset(bytes, c, count);
    part = strata_bytes(bytes, count);
    assert_ok(fs_append(file, &part, 1, &err), &err);
    free(bytes);
}

static void write_at(struct fs_file *file, uint64_t offset, char c, size_t count)
{
    struct strata_error err;
    uint8_t *bytes = malloc(count);
    memset(bytes, c, count);
    assert_ok(fs_write_at(file, offset, bytes, count, &err), &err);
    free(bytes);
}

static void put(struct strata_fs *fs, const char *path, char c, size_t count)
{
    uint8_t *bytes = malloc(count + 1);
    memset(bytes, c, count);
    assert_int_equal(fs_sim_put(fs, path, strata_bytes(bytes, count)), 0);
    free(bytes);
}

#define DONE(call) assert_int_equal((call), 0)

/* ---- Collecting states ----------------------------------------------------------------- */

#define STATES_MAX 600

struct collection {
    char *texts[STATES_MAX];
    size_t count;
    uint64_t visits;
    bool print;
};

static void add_content(struct strata_fs *fs, const char *path, char *text, size_t capacity)
{
    struct strata_buffer got = {0};
    assert_int_equal(fs_sim_get(fs, path, &got), 0);
    snprintf(text + strlen(text), capacity - strlen(text), got.size ? "=" : "=-");
    for (size_t i = 0, run; i < got.size; i += run) {
        for (run = 1; i + run < got.size && got.data[i + run] == got.data[i];)
            run++;
        snprintf(text + strlen(text), capacity - strlen(text), "%c%zu",
                 got.data[i] ? got.data[i] : '.', run);
    }
    strata_buffer_free(&got);
}

static void tree_text(struct strata_fs *fs, char *text, size_t capacity)
{
    struct fs_names paths;
    assert_int_equal(fs_sim_paths(fs, "/", &paths), 0);
    text[0] = 0;
    for (size_t i = 0; i < paths.count; i++) {
        const char *path = paths.names[i];
        snprintf(text + strlen(text), capacity - strlen(text), "%s%s", i ? " " : "", path);
        if (path[strlen(path) - 1] != '/')
            add_content(fs, path, text, capacity);
    }
    fs_names_free(&paths);
}

static size_t find(const struct collection *all, const char *text)
{
    size_t i = 0;
    while (i < all->count && strcmp(all->texts[i], text) != 0)
        i++;
    return i;
}

static int collect(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct collection *all = arg;
    struct fs_sim_hash hash = fs_sim_hash_of(state);
    char text[1000];

    assert_true(hash.low == info->hash.low && hash.high == info->hash.high);
    tree_text(state, text, sizeof text);
    all->visits++;
    if (all->print)
        print_message("call %" PRIu64 ".%" PRIu64 " %s: %s\n", info->call, info->ordinal,
                      info->choice, text);
    if (find(all, text) == all->count) {
        assert_true(all->count < STATES_MAX);
        all->texts[all->count++] = strdup(text);
    }
    return 0;
}

static void collection_free(struct collection *all)
{
    for (size_t i = 0; i < all->count; i++)
        free(all->texts[i]);
}

/* The trace's states for cuts at calls `from` to `to` are those wanted, a line each, and no
 * others. */
static void expect_between(struct strata_fs *fs, enum fs_sim_model model, uint64_t from,
                           uint64_t to, const char *const *want, size_t count)
{
    struct fs_sim_plan plan = {.model = model, .from = from, .to = to};
    struct fs_sim_totals totals;
    struct collection all = {.count = 0};
    bool good = true;

    assert_int_equal(fs_sim_states(fs, &plan, collect, &all, &totals), 0);
    assert_int_equal(totals.distinct, all.visits);
    assert_int_equal(totals.states, totals.distinct + totals.duplicates);
    for (size_t i = 0; i < count; i++)
        if (find(&all, want[i]) == all.count) {
            print_error("missing: \"%s\"\n", want[i]);
            good = false;
        }
    for (size_t i = 0; i < all.count; i++) {
        bool wanted = false;
        for (size_t w = 0; w < count; w++)
            wanted |= strcmp(all.texts[i], want[w]) == 0;
        if (!wanted) {
            print_error("not expected: \"%s\"\n", all.texts[i]);
            good = false;
        }
    }
    collection_free(&all);
    assert_true(good);
}

#define LINES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define COUNT(...) (sizeof(LINES(__VA_ARGS__)) / sizeof(const char *))
/* All cuts of the trace; and a cut after it. */
#define EXPECT(fs, model, ...)                                                                     \
    expect_between(fs, model, 0, 0, LINES(__VA_ARGS__), COUNT(__VA_ARGS__))
#define EXPECT_END(fs, model, ...)                                                                 \
    expect_between(fs, model, fs_sim_trace_calls(fs) + 1, 0, LINES(__VA_ARGS__), COUNT(__VA_ARGS__))

static uint64_t distinct_at_end(struct strata_fs *fs, enum fs_sim_model model, unsigned deviating)
{
    struct fs_sim_plan plan = {
        .model = model, .from = fs_sim_trace_calls(fs) + 1, .deviating = deviating};
    struct fs_sim_totals totals;
    struct collection all = {.count = 0};
    assert_int_equal(fs_sim_states(fs, &plan, collect, &all, &totals), 0);
    assert_int_equal(all.count, totals.distinct);
    collection_free(&all);
    return totals.distinct;
}

/* ---- kill ------------------------------------------------------------------------------ */

static void states_kill_keeps_calls_and_any_prefix_of_a_write(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *file;
    DONE(fs_sim_record(fs));
    file = created(fs, "a");
    append(file, 'x', 3);
    DONE(fs_truncate(file, 1, NULL));
    append(file, 'y', 2);
    write_at(file, 0, 'z', 2);
    fs_close(file, NULL);
    DONE(fs_rename(fs, "a", "b", NULL));
    EXPECT(fs, FS_SIM_KILL, "", "a=-", "a=x1", "a=x2", "a=x3", "a=x1y1", "a=x1y2", "a=z1y2",
           "a=z2y1", "b=z2y1");
}

static void states_kill_needs_no_sync(void **state)
{
    struct strata_fs *fs = *state;
    DONE(fs_sim_record(fs));
    DONE(fs_mkdir(fs, "d", NULL));
    fs_close(created(fs, "d/a"), NULL);
    DONE(fs_link(fs, "d/a", "b", NULL));
    DONE(fs_remove(fs, "d/a", NULL));
    EXPECT(fs, FS_SIM_KILL, "", "d/", "d/ d/a=-", "b=- d/ d/a=-", "b=- d/");
}

static void states_kill_of_a_failed_or_short_write_is_what_was_done(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_SHORT, .at = 1};
    struct strata_fs *fs = *state;
    struct fs_file *file;
    put(fs, "a", 'o', 1);
    DONE(fs_sim_record(fs));
    file = opened(fs, "a", FS_WRITE);
    fs_sim_fail(fs, &fault);
    assert_int_equal(fs->ops->write_at(file, 1, "xxxx", 4), 2);
    fault.kind = FS_SIM_EIO;
    fs_sim_fail(fs, &fault);
    assert_int_equal(fs->ops->write_at(file, 3, "yyyy", 4), -EIO);
    fs_close(file, NULL);
    EXPECT(fs, FS_SIM_KILL, "a=o1", "a=o1x1", "a=o1x2");
}

static void states_kill_samples_prefixes_of_long_writes(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_sim_plan plan = {.model = FS_SIM_KILL, .prefix_limit = 4096};
    struct fs_sim_totals totals;
    struct collection all = {.count = 0};
    struct fs_file *file;
    DONE(fs_sim_record(fs));
    file = created(fs, "a");
    append(file, 'x', 100000);
    fs_close(file, NULL);
    assert_int_equal(fs_sim_states(fs, &plan, collect, &all, &totals), 0);
    for (int n = 1; n <= 64; n++) {
        char text[20];
        snprintf(text, sizeof text, "a=x%d", n);
        assert_true(find(&all, text) < all.count);
        snprintf(text, sizeof text, "a=x%d", 100000 - n);
        assert_true(find(&all, text) < all.count);
    }
    assert_in_range(all.count, 180, 200);
    collection_free(&all);
    plan.prefix_limit = 100000;
    plan.stride = 1000;
    all = (struct collection){.count = 0};
    assert_int_equal(fs_sim_states(fs, &plan, collect, &all, &totals), 0);
    assert_in_range(totals.states, 50, 200); /* of 100,002 */
    collection_free(&all);
}

static void states_end_of_writes_into_a_removed_file_is_nothing(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *file = created(fs, "a");
    DONE(fs_sim_record(fs));
    DONE(fs_remove(fs, "a", NULL));
    append(file, 'x', 3);
    DONE(fs_sync(file, NULL));
    append(file, 'y', 3);
    fs_close(file, NULL);
    EXPECT(fs, FS_SIM_KILL, "a=-", "");
    EXPECT(fs, FS_SIM_ORDERED, "a=-", "a=x3", "a=.3", "a=x1", ""); /* its sync syncs the removal */
    EXPECT_END(fs, FS_SIM_POSIX, "a=x3", "a=x3y3", "a=x3.3", "a=x3y1", ""); /* it may reappear */
    DONE(fs_sync_dir(fs, "/", NULL));
    EXPECT_END(fs, FS_SIM_POSIX, "");
}

/* ---- Names ----------------------------------------------------------------------------- */

static void states_synced_file_without_a_synced_name_may_vanish(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *file;
    DONE(fs_sim_record(fs));
    file = created(fs, "a");
    append(file, 'x', 3);
    DONE(fs_sync(file, NULL));
    fs_close(file, NULL);
    EXPECT_END(fs, FS_SIM_POSIX, "", "a=x3");
    EXPECT_END(fs, FS_SIM_ORDERED, "a=x3");
    DONE(fs_sync_dir(fs, ".", NULL));
    EXPECT_END(fs, FS_SIM_POSIX, "a=x3");
}

static void states_names_come_in_order_or_as_any_subset(void **state)
{
    struct strata_fs *fs = *state;
    DONE(fs_sim_record(fs));
    fs_close(created(fs, "a"), NULL);
    fs_close(created(fs, "b"), NULL);
    EXPECT_END(fs, FS_SIM_ORDERED, "", "a=-", "a=- b=-");
    EXPECT_END(fs, FS_SIM_POSIX, "", "a=-", "b=-", "a=- b=-");
}

static void states_any_sync_makes_earlier_names_durable_in_ordered(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *file;
    put(fs, "x", 'x', 1);
    DONE(fs_sim_record(fs));
    DONE(fs_mkdir(fs, "d", NULL));
    fs_close(created(fs, "d/a"), NULL);
    file = opened(fs, "x", FS_WRITE);
    DONE(fs_sync(file, NULL));
    fs_close(file, NULL);
    fs_close(created(fs, "d/b"), NULL);
    EXPECT_END(fs, FS_SIM_ORDERED, "d/ d/a=- x=x1", "d/ d/a=- d/b=- x=x1");
    DONE(fs_sync_dir(fs, "/", NULL)); /* another directory than b's */
    EXPECT_END(fs, FS_SIM_ORDERED, "d/ d/a=- d/b=- x=x1");
    EXPECT_END(fs, FS_SIM_POSIX, "d/ x=x1", "d/ d/a=- x=x1", "d/ d/b=- x=x1",
               "d/ d/a=- d/b=- x=x1");
}

static void states_new_directory_needs_its_parent_synced(void **state)
{
    struct strata_fs *fs = *state;
    DONE(fs_sim_record(fs));
    DONE(fs_mkdir(fs, "d", NULL));
    fs_close(created(fs, "d/a"), NULL);
    DONE(fs_sync_dir(fs, "d", NULL));
    EXPECT_END(fs, FS_SIM_POSIX, "", "d/ d/a=-");
    EXPECT_END(fs, FS_SIM_ORDERED, "d/ d/a=-");
    DONE(fs_sync_dir(fs, "/", NULL));
    EXPECT_END(fs, FS_SIM_POSIX, "d/ d/a=-");
}

static void states_rename_in_a_directory_is_one_step(void **state)
{
    struct strata_fs *fs = *state;
    put(fs, "a", 'n', 1);
    put(fs, "b", 'o', 1);
    DONE(fs_sim_record(fs));
    DONE(fs_rename(fs, "a", "b", NULL));
    EXPECT(fs, FS_SIM_POSIX, "a=n1 b=o1", "b=n1");
    EXPECT(fs, FS_SIM_ORDERED, "a=n1 b=o1", "b=n1");
}

static void states_rename_between_directories_is_two_steps_in_posix(void **state)
{
    struct strata_fs *fs = *state;
    put(fs, "d/a", 'x', 1);
    put(fs, "e/b", 'y', 1);
    DONE(fs_sim_record(fs));
    DONE(fs_rename(fs, "d/a", "e/a", NULL));
    EXPECT_END(fs, FS_SIM_ORDERED, "d/ d/a=x1 e/ e/b=y1", "d/ e/ e/a=x1 e/b=y1");
    EXPECT_END(fs, FS_SIM_POSIX, "d/ d/a=x1 e/ e/b=y1", "d/ e/ e/a=x1 e/b=y1",
               "d/ d/a=x1 e/ e/a=x1 e/b=y1", "d/ e/ e/b=y1");
    DONE(fs_sync_dir(fs, "d", NULL)); /* the old name is gone for sure, the new one is not there */
    EXPECT_END(fs, FS_SIM_POSIX, "d/ e/ e/a=x1 e/b=y1", "d/ e/ e/b=y1");
    DONE(fs_sync_dir(fs, "e", NULL));
    EXPECT_END(fs, FS_SIM_POSIX, "d/ e/ e/a=x1 e/b=y1");
}

static void states_moved_directory_is_met_once(void **state)
{
    struct strata_fs *fs = *state;
    put(fs, "d/s/a", 'x', 1);
    DONE(fs_sim_put_directory(fs, "e"));
    DONE(fs_sim_record(fs));
    DONE(fs_rename(fs, "d/s", "e/s", NULL));
    /* with both names on the device, a check of the file system keeps one: here the first */
    EXPECT_END(fs, FS_SIM_POSIX, "d/ d/s/ d/s/a=x1 e/", "d/ e/ e/s/ e/s/a=x1", "d/ e/");
}

static void states_removed_name_may_come_back(void **state)
{
    struct strata_fs *fs = *state;
    put(fs, "a", 'x', 2);
    put(fs, "b", 'y', 1);
    DONE(fs_sim_record(fs));
    DONE(fs_link(fs, "b", "c", NULL));
    DONE(fs_remove(fs, "a", NULL));
    DONE(fs_remove(fs, "b", NULL));
    EXPECT_END(fs, FS_SIM_ORDERED, "a=x2 b=y1", "a=x2 b=y1 c=y1", "b=y1 c=y1", "c=y1");
    EXPECT_END(fs, FS_SIM_POSIX, "a=x2 b=y1", "a=x2 b=y1 c=y1", "b=y1 c=y1", "c=y1", "b=y1", "a=x2",
               "a=x2 c=y1", "");
}

static void states_many_names_are_prefixes_single_ones_and_all_but_one(void **state)
{
    struct strata_fs *fs = *state;
    char name[] = "a";
    DONE(fs_sim_record(fs));
    for (int i = 0; i < 6; i++, name[0]++)
        fs_close(created(fs, name), NULL);
    /* 7 prefixes, 6 alone, 6 all but one; "a" is a prefix, as is all but the last */
    assert_int_equal(distinct_at_end(fs, FS_SIM_POSIX, 1), 7 + 6 + 6 - 2);
    assert_int_equal(distinct_at_end(fs, FS_SIM_ORDERED, 1), 7);
    DONE(fs_sync_dir(fs, "/", NULL));
    assert_int_equal(distinct_at_end(fs, FS_SIM_POSIX, 1), 1);
}

/* ---- Bytes ----------------------------------------------------------------------------- */

static void states_unsynced_append_is_nothing_all_zeros_or_half(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *file;
    DONE(fs_sim_record(fs));
    file = created(fs, "a");
    append(file, 'x', 4);
    fs_close(file, NULL);
    EXPECT(fs, FS_SIM_POSIX, "", "a=-", "a=x4", "a=.4", "a=x2");
    EXPECT(fs, FS_SIM_ORDERED, "", "a=-", "a=x4", "a=.4", "a=x2");
}

static void states_first_operations_alone_are_left_when_few_are_pending(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *file;
    put(fs, "a", 'o', 1);
    DONE(fs_sim_record(fs));
    file = opened(fs, "a", FS_WRITE);
    append(file, 'x', 2);
    append(file, 'y', 4);
    fs_close(file, NULL);
    EXPECT_END(fs, FS_SIM_ORDERED, "a=o1", "a=o1x2y4", "a=o1.6", "a=o1x2y1", "a=o1x2", "a=o1x2.4");
}

static void states_long_tail_is_torn_at_sectors(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *file = created(fs, "a");
    DONE(fs_sim_record(fs));
    for (int i = 0; i < 5; i++)
        append(file, (char)('a' + i), 300);
    fs_close(file, NULL);
    EXPECT_END(fs, FS_SIM_POSIX, "a=-",  /* nothing */
               "a=a300b300c300d300e300", /* all */
               "a=.1500",                /* zeros at the new size */
               "a=a300b212",             /* torn at the first sector */
               "a=a300b212.988",         /* ... then zeros */
               "a=a300b300c150",         /* half */
               "a=.512b88c300d300e300"); /* a hole, then data */
}

static void states_sectors_are_counted_from_the_start_of_the_file(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *file;
    put(fs, "a", 'o', 500);
    DONE(fs_sim_record(fs));
    file = opened(fs, "a", FS_WRITE);
    append(file, 'x', 1000); /* sectors 0 (12 bytes of it), 1, 2 */
    fs_close(file, NULL);
    EXPECT_END(fs, FS_SIM_POSIX, "a=o500", "a=o500x1000", "a=o500.1000", "a=o500x12",
               "a=o500x12.988", "a=o500x500", "a=o500.12x988",
               /* few operations: each subset of the three sectors */
               "a=o500.12x512.476", "a=o500x12.512x476", "a=o500.524x476", "a=o500x524.476");
}

static void states_overwritten_sectors_are_old_or_new(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *file;
    put(fs, "a", 'o', 1024);
    DONE(fs_sim_record(fs));
    file = opened(fs, "a", FS_WRITE);
    write_at(file, 100, 'n', 800);
    fs_close(file, NULL);
    EXPECT_END(fs, FS_SIM_POSIX, "a=o1024", "a=o100n800o124", "a=o100n412o512", "a=o512n388o124");
    EXPECT_END(fs, FS_SIM_ORDERED, "a=o1024", "a=o100n800o124", "a=o100n412o512", "a=o512n388o124");
}

static void states_preallocated_pages_come_in_any_order(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *file = created(fs, "a");
    DONE(fs_allocate(file, 2048, NULL));
    DONE(fs_sync(file, NULL));
    DONE(fs_sim_record(fs));
    write_at(file, 0, 'x', 600);
    write_at(file, 600, 'y', 600);
    fs_close(file, NULL);
    EXPECT_END(fs, FS_SIM_POSIX, "a=.2048", "a=x600y600.848", "a=x512.1536", "a=x600.1448",
               "a=.512x88y424.1024", "a=.1024y176.848", "a=x600y424.1024", "a=x512.512y176.848",
               "a=.512x88y600.848");
}

static void states_rewritten_file_is_old_cut_or_partly_new(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *file;
    put(fs, "a", 'o', 5);
    DONE(fs_sim_record(fs));
    file = opened(fs, "a", FS_WRITE | FS_TRUNCATE);
    append(file, 'n', 2);
    fs_close(file, NULL);
    EXPECT_END(fs, FS_SIM_ORDERED, "a=o5", "a=-", "a=n2", "a=.2", "a=n1", "a=n2o3");
    file = opened(fs, "a", FS_WRITE);
    DONE(fs_sync(file, NULL));
    DONE(fs_truncate(file, 1, NULL));
    fs_close(file, NULL);
    EXPECT_END(fs, FS_SIM_POSIX, "a=n2", "a=n1");
}

static void states_half_of_an_overwrite_is_whole_sectors(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *file;
    put(fs, "a", 'o', 3072);
    DONE(fs_sim_record(fs));
    file = opened(fs, "a", FS_WRITE);
    for (int i = 0; i < 5; i++) /* too many for every subset */
        write_at(file, 600 * (uint64_t)i, 'n', 600);
    fs_close(file, NULL);
    EXPECT_END(fs, FS_SIM_POSIX, "a=o3072", "a=n3000o72", "a=n512o2560", "a=n1024o2048",
               "a=o512n2488o72");
}

static void states_sync_makes_bytes_durable_and_only_of_its_file(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *a, *b;
    put(fs, "a", 'o', 1);
    put(fs, "b", 'o', 1);
    DONE(fs_sim_record(fs));
    a = opened(fs, "a", FS_WRITE);
    b = opened(fs, "b", FS_WRITE);
    append(a, 'x', 1);
    append(b, 'y', 1);
    DONE(fs_sync(a, NULL));
    fs_close(a, NULL);
    fs_close(b, NULL);
    EXPECT_END(fs, FS_SIM_POSIX, "a=o1x1 b=o1", "a=o1x1 b=o1y1", "a=o1x1 b=o1.1");
    EXPECT_END(fs, FS_SIM_ORDERED, "a=o1x1 b=o1", "a=o1x1 b=o1y1", "a=o1x1 b=o1.1");
}

static void states_failed_sync_that_drops_loses_for_ever(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_SYNC_DROPS, .at = 1};
    struct strata_fs *fs = *state;
    struct strata_buffer got = {0};
    struct fs_file *file = created(fs, "a");
    DONE(fs_sim_record(fs));
    append(file, 'x', 3);
    fs_sim_fail(fs, &fault);
    assert_int_equal(fs->ops->sync(file), -EIO);
    EXPECT_END(fs, FS_SIM_POSIX, "a=-");
    append(file, 'y', 2);
    assert_int_equal(fs->ops->sync(file), 0); /* the lie */
    fs_close(file, NULL);
    EXPECT_END(fs, FS_SIM_POSIX, "a=.3y2");
    EXPECT_END(fs, FS_SIM_ORDERED, "a=.3y2");
    EXPECT_END(fs, FS_SIM_KILL, "a=x3y2");
    assert_int_equal(fs_sim_get(fs, "a", &got), 0);
    assert_bytes(strata_buffer_slice(&got), strata_string("xxxyy"));
    strata_buffer_free(&got);
}

static void states_failed_sync_keeps_what_was_pending_pending(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .for_ever = true};
    struct strata_fs *fs = *state;
    struct fs_file *file = created(fs, "a");
    DONE(fs_sim_record(fs));
    append(file, 'x', 2);
    fs_close(created(fs, "b"), NULL);
    fs_sim_fail(fs, &fault);
    assert_int_equal(fs->ops->sync(file), -EIO);
    assert_int_equal(fs->ops->sync_dir(fs, "/"), -EIO);
    fs_sim_fail(fs, NULL);
    fs_close(file, NULL);
    EXPECT_END(fs, FS_SIM_POSIX, "a=-", "a=x2", "a=.2", "a=x1", "a=- b=-", "a=x2 b=-", "a=.2 b=-",
               "a=x1 b=-");
}

static void states_two_names_of_a_file_show_the_same_bytes(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_file *file;
    put(fs, "a", 'o', 1);
    DONE(fs_link(fs, "a", "b", NULL));
    DONE(fs_sim_record(fs));
    file = opened(fs, "a", FS_WRITE);
    append(file, 'x', 1);
    fs_close(file, NULL);
    EXPECT_END(fs, FS_SIM_POSIX, "a=o1 b=o1", "a=o1x1 b=o1x1", "a=o1.1 b=o1.1");
}

/* Three files of two operations each: too many pending ones for every combination. Each file has
 * four choices: nothing, all, zeros, half. */
static void states_files_deviate_one_or_two_at_a_time(void **state)
{
    struct strata_fs *fs = *state;
    char name[] = "a";
    for (int i = 0; i < 3; i++, name[0]++)
        put(fs, name, 'o', 1);
    DONE(fs_sim_record(fs));
    for (name[0] = 'a'; name[0] < 'd'; name[0]++) {
        struct fs_file *file = opened(fs, name, FS_WRITE);
        append(file, 'x', 2);
        append(file, 'y', 2);
        fs_close(file, NULL);
    }
    assert_int_equal(distinct_at_end(fs, FS_SIM_POSIX, 0), 4 + 4 * 3 * 3);
    assert_int_equal(distinct_at_end(fs, FS_SIM_ORDERED, 1), 4 + 4 * 3 * 3);
    assert_int_equal(distinct_at_end(fs, FS_SIM_POSIX, 2), 4 * 4 * 4);
}

/* Four files of one write each, but of four sectors: 16 choices to the fourth power. */
static void states_too_many_combinations_are_left_to_deviation(void **state)
{
    struct strata_fs *fs = *state;
    char name[] = "a";
    for (int i = 0; i < 4; i++, name[0]++)
        put(fs, name, 'o', 2048);
    DONE(fs_sim_record(fs));
    for (name[0] = 'a'; name[0] < 'e'; name[0]++) {
        struct fs_file *file = opened(fs, name, FS_WRITE);
        write_at(file, 0, 'n', 2048);
        fs_close(file, NULL);
    }
    /* the five of nothing, all, torn, half, hole for all files; one of them any other of the 16 */
    assert_int_equal(distinct_at_end(fs, FS_SIM_POSIX, 1), 5 + 5 * 4 * 15);
}

/* ---- What engines do ------------------------------------------------------------------- */

static void replace(struct strata_fs *fs, bool sync, bool sync_dir)
{
    struct fs_file *file = opened(fs, "t", FS_WRITE | FS_CREATE | FS_TRUNCATE);
    append(file, 'n', 2);
    if (sync)
        DONE(fs_sync(file, NULL));
    fs_close(file, NULL);
    DONE(fs_rename(fs, "t", "m", NULL));
    if (sync_dir)
        DONE(fs_sync_dir(fs, ".", NULL));
}

static void states_replace_with_both_syncs_is_old_or_new(void **state)
{
    struct strata_fs *fs = *state;
    put(fs, "m", 'o', 1);
    DONE(fs_sim_record(fs));
    replace(fs, true, true);
    EXPECT(fs, FS_SIM_POSIX, "m=o1", "m=o1 t=-", "m=o1 t=n2", "m=o1 t=.2", "m=o1 t=n1", "m=n2");
    EXPECT(fs, FS_SIM_ORDERED, "m=o1", "m=o1 t=-", "m=o1 t=n2", "m=o1 t=.2", "m=o1 t=n1", "m=n2");
    EXPECT_END(fs, FS_SIM_POSIX, "m=n2");
}

static void states_replace_without_directory_sync_may_not_have_happened(void **state)
{
    struct strata_fs *fs = *state;
    put(fs, "m", 'o', 1);
    DONE(fs_sim_record(fs));
    replace(fs, true, false);
    EXPECT_END(fs, FS_SIM_POSIX, "m=o1", "m=o1 t=n2", "m=n2");
    EXPECT_END(fs, FS_SIM_ORDERED, "m=o1 t=n2", "m=n2");
}

static void states_replace_without_file_sync_loses_both(void **state)
{
    struct strata_fs *fs = *state;
    put(fs, "m", 'o', 1);
    DONE(fs_sim_record(fs));
    replace(fs, false, true);
    EXPECT_END(fs, FS_SIM_POSIX, "m=n2", "m=-", "m=.2", "m=n1");
    EXPECT_END(fs, FS_SIM_ORDERED, "m=n2", "m=-", "m=.2", "m=n1");
}

/* ---- What the visitor is told ---------------------------------------------------------- */

struct told {
    char text[8000];
};

static int tell(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct told *told = arg;
    size_t length = strlen(told->text);
    (void)state;
    snprintf(told->text + length, sizeof told->text - length,
             "%" PRIu64 ".%" PRIu64 " %s %s (%s) %" PRIu64 "/%" PRIu64 "/%" PRIu64 "\n", info->call,
             info->ordinal, info->kind < FS_CALL_COUNT ? fs_call_name(info->kind) : "end",
             info->path, info->choice, info->issued, info->acked, info->synced);
    return 0;
}

static void marked_script(struct strata_fs *fs)
{
    struct fs_file *file = created(fs, "db/a.log");
    DONE(fs_sim_record(fs));
    DONE(fs_sim_start(fs, 1));
    append(file, 'x', 2);
    DONE(fs_sim_ack(fs, 1, false));
    DONE(fs_sim_start(fs, 2));
    append(file, 'y', 1);
    DONE(fs_sync(file, NULL));
    DONE(fs_sim_ack(fs, 2, true));
    fs_close(file, NULL);
    fs_sim_record_stop(fs);
}

static void states_tell_call_choice_and_marks(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_sim_plan plan = {.model = FS_SIM_KILL};
    struct fs_sim_totals totals;
    struct told told = {""};
    DONE(fs_sim_put_directory(fs, "db"));
    marked_script(fs);
    assert_int_equal(fs_sim_states(fs, &plan, tell, &told, &totals), 0);
    assert_string_equal(told.text, "1.0 append db/a.log (nothing of the call) 0/0/0\n"
                                   "1.2 append db/a.log (1 of 2 bytes) 1/0/0\n"
                                   "2.0 append db/a.log (nothing of the call) 1/1/0\n"
                                   "3.0 sync db/a.log (nothing of the call) 2/1/0\n"
                                   "4.0 close db/a.log (nothing of the call) 2/2/2\n");
    plan.model = FS_SIM_ORDERED;
    told.text[0] = 0;
    assert_int_equal(fs_sim_states(fs, &plan, tell, &told, &totals), 0);
    assert_string_equal(told.text,
                        "1.0 append db/a.log (nothing was pending) 0/0/0\n"
                        "2.0 append db/a.log (a.log: nothing) 1/1/0\n"
                        "2.1 append db/a.log (a.log: all) 1/1/0\n"
                        "2.2 append db/a.log (a.log: zeros at the new size) 1/1/0\n"
                        "2.3 append db/a.log (a.log: half) 1/1/0\n"
                        "3.0 sync db/a.log (a.log: nothing) 2/1/0\n"
                        "3.1 sync db/a.log (a.log: all) 2/1/0\n"
                        "3.2 sync db/a.log (a.log: zeros at the new size) 2/1/0\n"
                        "3.3 sync db/a.log (a.log: half) 2/1/0\n"
                        "3.4 sync db/a.log (a.log: 1 of 2 operations) 2/1/0\n"
                        "3.5 sync db/a.log (a.log: 1 of 2 operations, then zeros) 2/1/0\n"
                        "4.0 close db/a.log (nothing was pending) 2/2/2\n");
}

static void states_later_ack_as_synced_counts(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_sim_plan plan = {.model = FS_SIM_ORDERED};
    struct fs_sim_totals totals;
    struct told told = {""};
    struct fs_file *file = created(fs, "a");
    DONE(fs_sim_record(fs));
    DONE(fs_sim_start(fs, 1));
    append(file, 'x', 1);
    DONE(fs_sim_ack(fs, 1, false));
    DONE(fs_sim_ack(fs, 1, false)); /* says nothing new */
    DONE(fs_sync(file, NULL));
    DONE(fs_sim_ack(fs, 1, true));
    fs_close(file, NULL);
    assert_int_equal(fs_sim_states(fs, &plan, tell, &told, &totals), 0);
    assert_string_equal(told.text, "1.0 append a (nothing was pending) 0/0/0\n"
                                   "2.0 sync a (a: nothing) 1/1/0\n"
                                   "2.1 sync a (a: all) 1/1/0\n"
                                   "2.2 sync a (a: zeros at the new size) 1/1/0\n"
                                   "3.0 close a (nothing was pending) 1/1/1\n");
}

/* A write that is under way when the recording begins may have been done at the first crash. */
static void states_of_a_write_begun_before_the_recording_know_of_it(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_sim_plan plan = {.model = FS_SIM_KILL};
    struct fs_sim_totals totals;
    struct told told = {""};
    struct fs_file *file = created(fs, "a");
    DONE(fs_sim_ack(fs, 6, true));
    DONE(fs_sim_start(fs, 7));
    DONE(fs_sim_record(fs));
    append(file, 'x', 1);
    DONE(fs_sim_ack(fs, 7, false));
    fs_close(file, NULL);
    assert_int_equal(fs_sim_states(fs, &plan, tell, &told, &totals), 0);
    assert_string_equal(told.text, "1.0 append a (nothing of the call) 7/6/6\n"
                                   "2.0 close a (nothing of the call) 7/7/6\n");
}

/* ---- What was met before --------------------------------------------------------------- */

/* Appends of so many bytes `c` to a new file, one after another; walks; returns the totals. */
static struct fs_sim_totals meet(struct fs_sim_met *met, char c, size_t first, size_t second)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_sim_plan plan = {.model = FS_SIM_ORDERED, .met = met};
    struct collection all = {.count = 0};
    struct fs_sim_totals totals;
    struct fs_file *file;
    DONE(fs_sim_record(fs));
    file = created(fs, "a");
    append(file, c, first);
    append(file, c, second);
    fs_close(file, NULL);
    DONE(fs_sim_states(fs, &plan, collect, &all, &totals));
    for (size_t i = 0; i < all.count; i++)
        free(all.texts[i]);
    fs_free(fs);
    return totals;
}

static void states_that_differ_in_bytes_alone_are_fresh_once(void **state)
{
    struct fs_sim_met *met = fs_sim_met_new();
    struct fs_sim_totals first = meet(met, 'x', 4, 2), again;
    (void)state;
    assert_non_null(met);
    assert_true(first.fresh > 4);
    assert_int_equal(first.fresh, first.distinct); /* all trees differ, and no two in bytes alone */
    again = meet(met, 'x', 4, 2);                  /* the same */
    assert_int_equal(again.distinct, first.distinct);
    assert_int_equal(again.fresh, 0);
    again = meet(met, 'y', 4, 2); /* other bytes */
    assert_int_equal(again.distinct, first.distinct);
    assert_int_equal(again.fresh, 0);
    again = meet(met, 'z', 2, 4); /* other sizes, also where the sum is the same */
    assert_true(again.fresh > 0);
    assert_true(again.fresh < first.fresh); /* but nothing, or zeros, or no file is as before */
    fs_sim_met_free(met);
    assert_int_equal(meet(NULL, 'x', 4, 2).fresh, first.fresh);
}

static void states_name_files_that_differ_and_others(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_sim_plan plan = {.model = FS_SIM_POSIX};
    struct fs_sim_totals totals;
    struct told told = {""};
    struct fs_file *files[3];
    char name[] = "a";
    for (int i = 0; i < 3; i++, name[0]++)
        files[i] = created(fs, name);
    DONE(fs_sim_record(fs));
    for (int i = 0; i < 3; i++)
        append(files[i], 'x', 1);
    DONE(fs_rename(fs, "c", "d", NULL));
    for (int i = 0; i < 3; i++)
        fs_close(files[i], NULL);
    plan.from = plan.to = 5;
    assert_int_equal(fs_sim_states(fs, &plan, tell, &told, &totals), 0);
    assert_non_null(strstr(told.text, "(names: none of 1; unsynced files: nothing)"));
    assert_non_null(strstr(told.text, "(names: rename c to d (1 of 1); b: all; others: nothing)"));
    assert_non_null(
        strstr(told.text, "(names: none of 1; a: all; b: nothing; c: zeros at the new size)"));
}

static int tell_last(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct told *told = arg;
    (void)state;
    assert_true(strlen(info->choice) < FS_SIM_CHOICE_BYTES);
    snprintf(told->text, sizeof told->text, "%s", info->choice);
    return 0;
}

/* `count` files are made, with names of `length` bytes; how the last state of them is told. */
static void tell_names(struct strata_fs *fs, enum fs_sim_model model, int count, int length,
                       struct told *told)
{
    struct fs_sim_plan plan = {.model = model};
    struct fs_sim_totals totals;

    DONE(fs_sim_record(fs));
    for (int i = 0; i < count; i++) {
        char name[200];
        snprintf(name, sizeof name, "%0*d", length, i);
        fs_close(created(fs, name), NULL);
    }
    fs_sim_record_stop(fs);
    assert_int_equal(fs_sim_states(fs, &plan, tell_last, told, &totals), 0);
}

static void states_of_many_names_tell_those_that_are_missing(void **state)
{
    struct told told = {""};
    tell_names(*state, FS_SIM_ORDERED, 6, 2, &told);
    assert_string_equal(told.text, "names: all of 6");
    tell_names(*state, FS_SIM_POSIX, 7, 3, &told); /* all but the last is a prefix */
    assert_string_equal(told.text, "names: all but create 005 (6 of 7)");
    tell_names(*state, FS_SIM_POSIX, 4, 4, &told);
    assert_string_equal(told.text,
                        "names: create 0000, create 0001, create 0002, create 0003 (4 of 4)");
}

static void states_with_long_names_are_told_by_whole_words(void **state)
{
    struct told told = {""};
    char first[160];
    tell_names(*state, FS_SIM_ORDERED, 4, 150, &told);
    snprintf(first, sizeof first, "create %0150d", 0);
    assert_ptr_equal(strstr(told.text, first), told.text + strlen("names: "));
    snprintf(first, sizeof first, "create %0150d", 1);
    assert_non_null(strstr(told.text, first));
    assert_string_equal(strstr(told.text, first) + strlen(first), "... (4 of 4)");
}

static void states_count_by_call_and_a_range_finds_the_same(void **state)
{
    static const enum fs_sim_model models[] = {FS_SIM_KILL, FS_SIM_ORDERED, FS_SIM_POSIX};
    struct strata_fs *fs = *state;
    DONE(fs_sim_put_directory(fs, "db"));
    marked_script(fs);
    for (int m = 0; m < 3; m++) {
        struct fs_sim_cut cuts[5] = {{0, 0}}, one[5] = {{0, 0}};
        struct fs_sim_plan plan = {.model = models[m], .cuts = cuts, .cut_count = 5};
        struct fs_sim_totals totals, part;
        struct collection all = {.count = 0};
        uint64_t sum = 0;
        assert_int_equal(fs_sim_states(fs, &plan, collect, &all, &totals), 0);
        for (int i = 0; i < 5; i++) {
            assert_true(cuts[i].states >= 1); /* no call is passed over */
            sum += cuts[i].states;
        }
        assert_int_equal(sum, totals.states);
        plan.cuts = one;
        plan.from = plan.to = 3;
        assert_int_equal(fs_sim_states(fs, &plan, collect, &all, &part), 0);
        assert_int_equal(one[2].states, cuts[2].states);
        assert_int_equal(part.states, one[2].states);
        collection_free(&all);
    }
}

struct stopping {
    int visits, stop_at;
};

static int stop(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct stopping *stopping = arg;
    (void)state;
    (void)info;
    return ++stopping->visits == stopping->stop_at ? stopping->stop_at : 0;
}

static void states_stop_when_the_visitor_says_so(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_sim_plan plan = {.model = FS_SIM_KILL};
    struct fs_sim_totals totals;
    DONE(fs_sim_put_directory(fs, "db"));
    marked_script(fs);
    for (int n = 1; n <= 3; n++) {
        struct stopping stopping = {0, n};
        assert_int_equal(fs_sim_states(fs, &plan, stop, &stopping, &totals), n);
        assert_int_equal(stopping.visits, n);
        assert_int_equal(totals.distinct, n);
    }
}

/* ---- Using a state --------------------------------------------------------------------- */

/* Appends to what it finds, cut again at every call; the bytes before stay what they were. */
static int recover(void *arg, struct strata_fs *fs, const struct fs_sim_state *info)
{
    struct collection *all = arg;
    struct fs_sim_plan plan = {.model = FS_SIM_POSIX};
    struct fs_sim_totals totals;
    struct fs_file *file;
    (void)info;
    DONE(fs_sim_record(fs));
    file = created(fs, "db/a.log");
    DONE(fs_truncate(file, file->end / 2, NULL));
    append(file, 'r', 1);
    DONE(fs_sync(file, NULL));
    fs_close(file, NULL);
    assert_int_equal(fs_sim_states(fs, &plan, collect, all, &totals), 0);
    return 0;
}

static void states_can_be_written_to_recorded_and_cut_again(void **state)
{
    static const char *const want[] = {
        "db/ db/a.log=-",    "db/ db/a.log=r1",   "db/ db/a.log=.1",
        "db/ db/a.log=x1",   "db/ db/a.log=x2",   "db/ db/a.log=x2y1",
        "db/ db/a.log=x1r1", "db/ db/a.log=x1.1", "db/ db/a.log=x1r1y1"};
    struct strata_fs *fs = *state;
    struct fs_sim_plan plan = {.model = FS_SIM_KILL};
    struct fs_sim_totals totals;
    struct collection all = {.count = 0};
    char text[100];
    DONE(fs_sim_put_directory(fs, "db"));
    marked_script(fs);
    assert_int_equal(fs_sim_states(fs, &plan, recover, &all, &totals), 0);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (find(&all, want[i]) == all.count)
            fail_msg("missing: %s", want[i]);
    assert_int_equal(all.count, sizeof want / sizeof *want);
    collection_free(&all);
    tree_text(fs, text, sizeof text);
    assert_string_equal(text, "db/ db/a.log=x2y1");
}

/* ---- Anything -------------------------------------------------------------------------- */

/* A random script; after each call, a copy of what a reader sees. */
#define CALLS 40

struct history {
    struct fs_sim_hash live[CALLS * 2 + 2]; /* by number of calls made */
    uint64_t calls;
};

static void random_call(struct strata_fs *fs, struct rng *rng, struct fs_file **file)
{
    static const char *const names[] = {"a", "b", "d/a", "d/b", "d", "e", "e/a"};
    const char *name = names[rng_below(rng, 7)], *to = names[rng_below(rng, 7)];
    uint64_t offset = rng_below(rng, 700);
    size_t size = 1 + (size_t)rng_below(rng, 60);
    char c = (char)('a' + rng_below(rng, 26));

    if (!*file) {
        fs_open(fs, name, FS_WRITE | FS_CREATE | (unsigned)rng_below(rng, 16), file, NULL);
        return;
    }
    switch (rng_below(rng, 12)) {
    case 0:
    case 1:
        append(*file, c, size);
        break;
    case 2:
        write_at(*file, offset, c, size);
        break;
    case 3:
        fs_truncate(*file, offset, NULL);
        break;
    case 4:
        fs_allocate(*file, offset, NULL);
        break;
    case 5:
        fs_sync(*file, NULL);
        break;
    case 6:
        fs_sync_dir(fs, rng_below(rng, 2) ? "/" : name, NULL);
        break;
    case 7:
        fs_rename(fs, name, to, NULL);
        break;
    case 8:
        fs_link(fs, name, to, NULL);
        break;
    case 9:
        fs_remove(fs, name, NULL);
        break;
    case 10:
        fs_mkdir(fs, name, NULL);
        break;
    default:
        fs_close(*file, NULL);
        *file = NULL;
    }
}

/* ---- Which start of the machine a state is of --------------------------------------------- */

static int compare_start(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    uint64_t *same = arg;
    struct strata_fs *copy = fs_sim_copy(state);

    (void)info;
    same[fs_boot(state) == same[2]]++;
    assert_non_null(copy);
    assert_true(fs_boot(copy) == fs_boot(state));
    fs_sim_restart(copy);
    assert_true(fs_boot(copy) && fs_boot(copy) != fs_boot(state));
    fs_free(copy);
    return 0;
}

static void states_of_a_power_cut_are_of_another_start(void **state)
{
    static const enum fs_sim_model models[] = {FS_SIM_KILL, FS_SIM_ORDERED, FS_SIM_POSIX};
    struct fs_file *file;

    DONE(fs_sim_record(*state));
    file = created(*state, "a");
    append(file, 'x', 3);
    DONE(fs_close(file, NULL));
    fs_sim_record_stop(*state);
    assert_true(fs_boot(*state) != 0);
    for (size_t i = 0; i < 3; i++) {
        struct fs_sim_plan plan = {.model = models[i]};
        uint64_t same[3] = {0, 0, fs_boot(*state)};
        struct fs_sim_totals totals;
        DONE(fs_sim_states(*state, &plan, compare_start, same, &totals));
        assert_int_equal(same[models[i] != FS_SIM_KILL], 0);
        assert_true(same[models[i] == FS_SIM_KILL] > 0);
    }
}

struct random_check {
    const struct history *history;
    enum fs_sim_model model;
    uint64_t seen_live, last_call; /* posix, ordered: what a reader saw is among the states */
    bool found;
};

static int check_state(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct random_check *check = arg;
    struct fs_sim_hash hash = fs_sim_hash_of(state);
    const struct fs_sim_hash *live = &check->history->live[info->call - 1];
    assert_true(hash.low == info->hash.low && hash.high == info->hash.high);
    if (check->model == FS_SIM_KILL && info->ordinal == 0)
        assert_true(hash.low == live->low && hash.high == live->high);
    if (info->call == check->history->calls + 1)
        check->found |= hash.low == live->low && hash.high == live->high;
    return 0;
}

static void states_of_random_scripts_hold_what_readers_saw(void **state)
{
    struct rng rng;
    int rounds = check_quick() ? 20 : 150;
    (void)state;
    rng_init_env(&rng, "states_of_random_scripts_hold_what_readers_saw");
    for (int round = 0; round < rounds; round++) {
        struct strata_fs *fs = fs_sim_new();
        struct fs_file *file = NULL;
        struct history history = {.calls = 0};
        DONE(fs_sim_record(fs));
        for (int i = 0; i < CALLS; i++) {
            history.live[history.calls] = fs_sim_hash_of(fs);
            random_call(fs, &rng, &file);
            for (uint64_t n = history.calls + 1; n <= fs_sim_trace_calls(fs); n++)
                history.live[n] = fs_sim_hash_of(fs);
            history.calls = fs_sim_trace_calls(fs);
        }
        for (int m = 0; m < 3; m++) {
            struct fs_sim_plan plan = {.model = (enum fs_sim_model)m, .stride = m ? 5 : 1};
            struct random_check check = {&history, plan.model, 0, 0, false};
            struct fs_sim_totals totals;
            assert_int_equal(fs_sim_states(fs, &plan, check_state, &check, &totals), 0);
            plan.stride = 0;
            plan.from = history.calls + 1;
            assert_int_equal(fs_sim_states(fs, &plan, check_state, &check, &totals), 0);
            assert_true(check.found);
        }
        fs_close(file, NULL);
        fs_free(fs);
    }
}

#define STATES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STATES(states_kill_keeps_calls_and_any_prefix_of_a_write),
        STATES(states_kill_needs_no_sync),
        STATES(states_kill_of_a_failed_or_short_write_is_what_was_done),
        STATES(states_kill_samples_prefixes_of_long_writes),
        STATES(states_end_of_writes_into_a_removed_file_is_nothing),
        STATES(states_synced_file_without_a_synced_name_may_vanish),
        STATES(states_names_come_in_order_or_as_any_subset),
        STATES(states_any_sync_makes_earlier_names_durable_in_ordered),
        STATES(states_new_directory_needs_its_parent_synced),
        STATES(states_rename_in_a_directory_is_one_step),
        STATES(states_rename_between_directories_is_two_steps_in_posix),
        STATES(states_moved_directory_is_met_once),
        STATES(states_removed_name_may_come_back),
        STATES(states_many_names_are_prefixes_single_ones_and_all_but_one),
        STATES(states_unsynced_append_is_nothing_all_zeros_or_half),
        STATES(states_first_operations_alone_are_left_when_few_are_pending),
        STATES(states_long_tail_is_torn_at_sectors),
        STATES(states_sectors_are_counted_from_the_start_of_the_file),
        STATES(states_overwritten_sectors_are_old_or_new),
        STATES(states_preallocated_pages_come_in_any_order),
        STATES(states_rewritten_file_is_old_cut_or_partly_new),
        STATES(states_half_of_an_overwrite_is_whole_sectors),
        STATES(states_sync_makes_bytes_durable_and_only_of_its_file),
        STATES(states_failed_sync_that_drops_loses_for_ever),
        STATES(states_failed_sync_keeps_what_was_pending_pending),
        STATES(states_two_names_of_a_file_show_the_same_bytes),
        STATES(states_files_deviate_one_or_two_at_a_time),
        STATES(states_too_many_combinations_are_left_to_deviation),
        STATES(states_replace_with_both_syncs_is_old_or_new),
        STATES(states_replace_without_directory_sync_may_not_have_happened),
        STATES(states_replace_without_file_sync_loses_both),
        STATES(states_tell_call_choice_and_marks),
        STATES(states_of_many_names_tell_those_that_are_missing),
        STATES(states_with_long_names_are_told_by_whole_words),
        STATES(states_later_ack_as_synced_counts),
        STATES(states_of_a_write_begun_before_the_recording_know_of_it),
        STATES(states_that_differ_in_bytes_alone_are_fresh_once),
        STATES(states_name_files_that_differ_and_others),
        STATES(states_count_by_call_and_a_range_finds_the_same),
        STATES(states_stop_when_the_visitor_says_so),
        STATES(states_can_be_written_to_recorded_and_cut_again),
        STATES(states_of_a_power_cut_are_of_another_start),
        cmocka_unit_test(states_of_random_scripts_hold_what_readers_saw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
