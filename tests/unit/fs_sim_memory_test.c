/* fs_sim_memory_test.c: the simulated file system when memory runs out: each allocation fails
 * once, and from then on for ever. The calls say so, nothing is lost or leaked, no state is
 * wrong.
 *
 * Allocations fail by functions of this program that stand before the C library's; under the
 * sanitizers, which have their own, they are left out and the test is skipped. */
#include "test.h"

#include "crash/sim/fs_sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t countdown; /* 0: none fails; n: the n-th from now on does */
static bool for_ever, struck;

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CAN_FAIL 1
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef CAN_FAIL
#define CAN_FAIL 0
#endif
#endif
#else
#define CAN_FAIL 0
#endif

#if CAN_FAIL
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool fails(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    countdown = for_ever ? 1 : 0;
    struck = true;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}
#endif

/* Where a run stands, for what may be lost by a failure. */
struct run {
    struct strata_fs *fs, *copy;
    struct fs_file *file, *second, *lock;
    struct fs_names paths;
    struct strata_buffer bytes;
    uint64_t visits;
    bool wrong;
};

static int look(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct run *run = arg;
    struct fs_sim_hash hash = fs_sim_hash_of(state);
    run->wrong |= hash.low != info->hash.low || hash.high != info->hash.high;
    run->visits++;
    return 0;
}

static int raw_append(struct fs_file *file, const char *text)
{
    struct strata_slice part = strata_string(text);
    ssize_t rc = file->fs->ops->append(file, &part, 1);
    if (rc > 0)
        file->end += (uint64_t)rc;
    return rc < 0 ? (int)rc : 0;
}

static int record_and_work(struct run *run)
{
    const struct fs_ops *ops = run->fs->ops;
    int rc = fs_sim_put(run->fs, "d/a", strata_string("old"));

    if (rc == 0)
        rc = fs_sim_record(run->fs);
    if (rc == 0)
        rc = fs_sim_start(run->fs, 1);
    if (rc == 0)
        rc = ops->open(run->fs, "d/a", FS_WRITE, &run->file);
    if (rc == 0)
        rc = ops->open(run->fs, "d/b", FS_WRITE | FS_CREATE, &run->second);
    if (rc == 0)
        rc = ops->lock(run->fs, "l", FS_LOCK_EXCLUSIVE, &run->lock);
    if (rc == 0)
        rc = raw_append(run->file, "a longer text, so that its blob has to grow: 0123456789");
    if (rc == 0)
        rc = raw_append(run->second, "second");
    if (rc == 0)
        rc = (int)ops->write_at(run->file, 1, "x", 1) < 0 ? -ENOMEM : 0;
    if (rc == 0)
        rc = ops->mkdir(run->fs, "e");
    if (rc == 0)
        rc = ops->rename(run->fs, "d/b", "e/b");
    if (rc == 0)
        rc = ops->link(run->fs, "e/b", "e/c");
    if (rc == 0)
        rc = ops->remove(run->fs, "d/a");
    if (rc == 0)
        rc = ops->sync(run->second);
    if (rc == 0)
        rc = ops->list(run->fs, "e", &run->paths);
    fs_names_free(&run->paths);
    return rc == 0 ? fs_sim_ack(run->fs, 1, true) : rc;
}

static int look_at_states(struct run *run)
{
    int rc = 0;
    for (int m = 0; m < 3 && rc == 0; m++) {
        struct fs_sim_plan plan = {.model = (enum fs_sim_model)m, .stride = m ? 4 : 0};
        struct fs_sim_totals totals;
        rc = fs_sim_states(run->fs, &plan, look, run, &totals);
    }
    return rc;
}

/* An enum strata_code, or an errno of a raw call, for lack of memory. */
static int errno_of(int rc, const struct strata_error *err)
{
    return rc == 0 ? 0 : rc == STRATA_ERR_NO_MEMORY ? -ENOMEM : -err->sys;
}

static int transfer(struct run *run)
{
    struct strata_error err = {0};
    int rc;
    run->copy = fs_sim_copy(run->fs);
    if (!run->copy)
        return -ENOMEM;
    fs_sim_record_stop(run->fs);
    rc = errno_of(fs_sim_write_out(run->copy, "e", run->fs, "out", &err), &err);
    if (rc == 0)
        rc = errno_of(fs_sim_read_in(run->fs, "in/e", run->copy, "e", &err), &err);
    return rc;
}

static int all(struct run *run)
{
    int rc;
    run->fs = fs_sim_new();
    rc = run->fs ? record_and_work(run) : -ENOMEM;
    if (rc == 0)
        rc = look_at_states(run);
    if (rc == 0)
        rc = fs_sim_paths(run->fs, "/", &run->paths);
    if (rc == 0)
        rc = fs_sim_get(run->fs, "e/c", &run->bytes);
    return rc == 0 ? transfer(run) : rc;
}

static void end(struct run *run)
{
    /* the closing must work while memory is short */
    if (run->file && run->fs->ops->close(run->file) < 0)
        run->wrong = true;
    if (run->lock && run->fs->ops->close(run->lock) < 0)
        run->wrong = true;
    if (run->second && run->fs->ops->close(run->second) < 0)
        run->wrong = true;
    if (run->fs)
        run->wrong |= fs_sim_open_files(run->fs) > 0;
    fs_names_free(&run->paths);
    strata_buffer_free(&run->bytes);
    fs_free(run->copy);
    fs_free(run->fs);
}

static void sim_each_allocation_may_fail(void **state)
{
    (void)state;
    if (!CAN_FAIL) {
        check_skipping("the sanitizer has its own malloc");
        skip();
    }
    for (int ever = 0; ever < 2; ever++)
        for (uint64_t k = 1;; k++) {
            struct run run = {.visits = 0};
            bool done;
            int rc;
            for_ever = ever;
            countdown = k;
            struck = false;
            rc = all(&run);
            done = !struck;
            end(&run);
            countdown = 0;
            assert_false(run.wrong);
            assert_int_equal(rc, done ? 0 : -ENOMEM);
            if (done) {
                assert_true(run.visits > 50);
                break;
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sim_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
