/* 07_thread_test.c: what threads of stage 6 wait for, apart from pace: it is small enough for TSan.
 */
#define _GNU_SOURCE /* syscall */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define S(text) strata_string(text)
#define DIR "db"

static struct strata *open_it(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, true);
    options.memtable_bytes = 1 << 20;
    options.block_bytes = 4096;
    options.table_bytes = 128 << 10;
    options.level_bytes = 512 << 10;
    options.plain_blocks = true;
    options.sync = STRATA_SYNC_NEVER;
    options.background_threads = 0; /* readers and writers do all of it */
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

static void put_many(struct strata *db, int count)
{
    for (int i = 0; i < count; i++) {
        char key[16], value[2000];
        snprintf(key, sizeof key, "key %08d", i);
        snprintf(value, sizeof value, "%01990d", i);
        assert_put(db, key, value);
    }
}

static const struct fs_ops *sim_ops;
static pthread_t reader, writer;
static uint64_t by_reader; /* files that it removed while the writer waited */
static bool writes;

static atomic_int came; /* the writer's number, of the system */
static atomic_bool written;

static void *write_one(void *arg)
{
    came = (int)syscall(SYS_gettid);
    assert_put(arg, "key 00000001", "v");
    written = true;
    return NULL;
}

static struct strata *written_to;

/* Until the writer sleeps: in the line, as nothing else lets it wait. */
static void wait_for_the_writer(void)
{
    char path[64], state = 0;

    while (!came)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", came);
    for (int i = 0; i < 1000 && state != 'S'; i++) {
        FILE *file;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        file = fopen(path, "r");
        assert_non_null(file);
        assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
        fclose(file);
    }
    assert_int_equal(state, 'S');
}

/* At the first file a write comes, and lines up. */
static int remove_while_one_waits(struct strata_fs *fs, const char *path)
{
    if (!writes) {
        writes = true;
        reader = pthread_self();
        assert_int_equal(pthread_create(&writer, NULL, write_one, written_to), 0);
        wait_for_the_writer();
    }
    by_reader += !written && pthread_equal(pthread_self(), reader);
    return sim_ops->remove(fs, path);
}

/* A scan that ends has many files to remove that it alone had held: no write waits for all. */
static void thread_end_of_a_scan_holds_up_no_write(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    struct fs_ops ops = *fs->ops;
    struct strata_iter *iter;
    struct strata_error err;

    (void)state;
    put_many(db, 6000);
    assert_put(db, "key 00000000", "once more"); /* else the tables are moved as they are */
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_true(check_stat(db, "tables") > 80);
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    assert_ok(strata_delete(db, S("key 00000000"), &err), &err);
    assert_ok(strata_compact(db, NULL, &err), &err);
    sim_ops = fs->ops;
    ops.remove = remove_while_one_waits;
    written_to = db;
    writes = false;
    came = 0;
    written = false;
    by_reader = 0;
    fs->ops = &ops;
    strata_iter_free(iter);
    assert_true(writes);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_in_range(by_reader, 1, 12); /* 1 MiB */
    fs->ops = sim_ops;
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
}

/* ---- A read while the files are read again --------------------------------------------------- */

static struct strata *read_from;
static atomic_bool was_read;
static unsigned looked;

static void *read_one(void *arg)
{
    assert_get(arg, "key", "value");
    was_read = true;
    return NULL;
}

/* At the first look into the log a reader comes; it has 5 s. */
static ssize_t read_while_one_reads(struct fs_file *file, uint64_t offset, void *to, size_t size)
{
    if (strstr(file->path, ".log") && !looked++) {
        assert_int_equal(pthread_create(&reader, NULL, read_one, read_from), 0);
        for (int i = 0; i < 500 && !was_read; i++)
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        assert_true(was_read);
    }
    return sim_ops->read_at(file, offset, to, size);
}

static void thread_verify_holds_up_no_read(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    struct fs_ops ops = *fs->ops;
    struct strata_error err;

    (void)state;
    assert_put(db, "key", "value");
    sim_ops = fs->ops;
    ops.read_at = read_while_one_reads;
    read_from = db;
    was_read = false;
    looked = 0;
    fs->ops = &ops;
    assert_ok(strata_verify(db, NULL, &err), &err);
    fs->ops = sim_ops;
    assert_true(looked > 0);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_end_of_a_scan_holds_up_no_write),
        cmocka_unit_test(thread_verify_holds_up_no_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
