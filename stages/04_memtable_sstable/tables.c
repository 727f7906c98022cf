/* tables.c: DIR/TABLES, little-endian.
 *
 *   +---------+-----------+------------+--------+-------+-------------+-----------+------------+
 *   | magic 8 | version 2 | reserved 2 | next 8 | log 8 | log_first 8 | log_end 8 | sequence 8 |
 *   +---------+-----------+------------+--------+-------+-------------+-----------+------------+
 *   | runs 4 | number 8 | bytes 8 | digest 8 |  ...  | check 4 |
 *   +--------+----------+---------+----------+-------+---------+
 *
 * check covers all bytes before it (XXH3, file number 0, offset 0). The file is valid iff the check
 * holds, it ends there, no number of the head is above CODING_NUMBER_MAX, every file number is
 * below `next`, and none occurs twice.
 *
 * 4.I14: it is replaced by one rename, after all that it names is on the device, and before any
 * file that only its predecessor names is removed: so at every point one list is whole, and all its
 *        files are there.
 * 4.I15: a file number is used once: a list from an earlier time names files that are gone. */
#include "tables.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/coding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define RUN_BYTES 24
#define CHECK_BYTES 4
#define HEAD_NUMBERS 5
#define MOST ((size_t)1 << 19) /* bytes: 21,800 runs; some dozens are many */

void tables_free(struct tables *tables)
{
    free(tables->runs);
    *tables = (struct tables){0};
}

bool tables_same(const struct tables *a, const struct tables *b)
{
    return memcmp(&a->log, &b->log, sizeof a->log) == 0 && a->count == b->count &&
           (!a->count || memcmp(a->runs, b->runs, a->count * sizeof *a->runs) == 0);
}

/* Which of the head's numbers, which begin at offset 12, is too large; HEAD_NUMBERS: none is. */
static size_t find_too_large(const struct tables *t)
{
    const uint64_t numbers[HEAD_NUMBERS] = {t->next, t->log.number, t->log.first, t->log.end,
                                            t->log.sequence};
    size_t i = 0;

    while (i < HEAD_NUMBERS && numbers[i] <= CODING_NUMBER_MAX)
        i++;
    return i;
}

int tables_write(const struct strata_env *env, const struct tables *t, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    int rc;

    if (t->count > (MOST - TABLES_HEAD - CHECK_BYTES) / RUN_BYTES) /* it could not be read again */
        return strata_fail_sys(err, EFBIG, env->dir, STRATA_NO_OFFSET,
                               "write " TABLES_NAME " with so many runs");
    if (find_too_large(t) < HEAD_NUMBERS) /* likewise */
        return strata_fail_sys(err, EOVERFLOW, env->dir, STRATA_NO_OFFSET,
                               "write " TABLES_NAME " with so large a number");
    strata_buffer_append(&bytes, TABLES_MAGIC, 8);
    buffer_put_u32(&bytes, VERSION); /* and the reserved bytes */
    buffer_put_u64(&bytes, t->next);
    buffer_put_u64(&bytes, t->log.number);
    buffer_put_u64(&bytes, t->log.first);
    buffer_put_u64(&bytes, t->log.end);
    buffer_put_u64(&bytes, t->log.sequence);
    buffer_put_u32(&bytes, t->count);
    for (uint32_t i = 0; i < t->count; i++) {
        buffer_put_u64(&bytes, t->runs[i].number);
        buffer_put_u64(&bytes, t->runs[i].bytes);
        buffer_put_u64(&bytes, t->runs[i].digest);
    }
    rc = buffer_put_u32(&bytes, checksum(checksum_seed(0, 0), strata_buffer_slice(&bytes)));
    rc = rc < 0
             ? strata_fail_memory(err, bytes.capacity)
             : fs_replace(env->fs, env->dir, TABLES_NAME, strata_buffer_slice(&bytes), true, err);
    strata_buffer_free(&bytes);
    return rc;
}

static int corrupt(const char *path, uint64_t offset, const char *what, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, path, offset, "%s", what);
}

/* No number twice, and none that is still to be given away. */
static bool numbers_hold(const struct tables *t)
{
    bool hold = t->log.number > 0 && t->log.number < t->next && t->log.first <= t->log.sequence;

    for (uint32_t i = 0; hold && i < t->count; i++) {
        hold = t->runs[i].number > 0 && t->runs[i].number < t->next &&
               t->runs[i].number != t->log.number;
        for (uint32_t j = 0; hold && j < i; j++)
            hold = t->runs[i].number != t->runs[j].number;
    }
    return hold;
}

static int decode_runs(struct decoder *d, const char *path, struct tables *t,
                       struct strata_error *err)
{
    uint32_t count = get_u32(d);

    if (d->left / RUN_BYTES != count || d->left % RUN_BYTES != CHECK_BYTES)
        return corrupt(path, TABLES_HEAD - 4, "the list does not have as many runs as it says",
                       err);
    t->runs = calloc(count ? count : 1, sizeof *t->runs);
    if (!t->runs)
        return strata_fail_memory(err, count * sizeof *t->runs);
    for (; t->count < count; t->count++) {
        struct tables_run *run = &t->runs[t->count];
        run->number = get_u64(d);
        run->bytes = get_u64(d);
        run->digest = get_u64(d);
    }
    return 0;
}

static int decode(struct strata_slice bytes, const char *path, struct tables *t,
                  struct strata_error *err)
{
    uint64_t *const numbers[] = {&t->next, &t->log.number, &t->log.first, &t->log.end,
                                 &t->log.sequence};
    struct decoder d;
    uint32_t version, check;
    size_t too_large;
    int rc;

    decoder_init(&d, bytes);
    get_bytes(&d, 8);
    version = get_u32(&d); /* and the reserved bytes, which are 0 */
    if (bytes.size < TABLES_HEAD + CHECK_BYTES || memcmp(bytes.data, TABLES_MAGIC, 8) != 0)
        return corrupt(path, 0,
                       "no list of runs: too short, or it does not begin with " TABLES_MAGIC, err);
    check = checksum(checksum_seed(0, 0), strata_bytes(bytes.data, bytes.size - CHECK_BYTES));
    for (size_t i = 0; i < 5; i++)
        *numbers[i] = get_u64(&d);
    rc = decode_runs(&d, path, t, err);
    if (rc < 0)
        return rc;
    if (get_u32(&d) != check)
        return corrupt(path, 0, "the check of the list of runs does not hold", err);
    if (version != VERSION)
        return corrupt(path, 8, "a list of runs of another version than 1", err);
    too_large = find_too_large(t);
    if (too_large < HEAD_NUMBERS)
        return corrupt(path, 12 + 8 * too_large, "a number too large to be one", err);
    return numbers_hold(t) ? 0 : corrupt(path, 12, "file numbers that cannot be", err);
}

int tables_check(struct strata_fs *fs, const char *path, struct tables *tables,
                 struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    struct strata_error why;
    int rc = fs_read_file(fs, path, MOST, &bytes, &why);

    *tables = (struct tables){0};
    if (rc == STRATA_ERR_IO && why.sys == ENOENT)
        rc = corrupt(path, STRATA_NO_OFFSET, "the list of runs is missing", &why);
    else if (rc == 0)
        rc = decode(strata_buffer_slice(&bytes), path, tables, &why);
    if (rc < 0)
        tables_free(tables);
    strata_buffer_free(&bytes);
    return strata_fail_with(rc, &why, err);
}

int tables_read(const struct strata_env *env, struct tables *tables, struct strata_error *err)
{
    char *path = fs_join(env->dir, TABLES_NAME);
    int rc =
        path ? tables_check(env->fs, path, tables, err) : strata_fail_memory(err, strlen(env->dir));

    free(path);
    return rc;
}
