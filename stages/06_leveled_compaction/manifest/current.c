/* current.c: DIR/CURRENT, 32 bytes, little-endian.
 *
 *   +---------+-----------+------------+----------+---------+---------+
 *   | magic 8 | version 2 | reserved 2 | number 8 | known 8 | check 4 |
 *   +---------+-----------+------------+----------+---------+---------+
 *
 * check covers the 28 bytes before it (XXH3, file number 0, offset 0). Valid iff the file is
 * exactly 32 bytes, magic, version and check fit, number is not 0, and neither is above 2^63 - 1.
 *
 * 6.I1: it is replaced by one rename, after the manifest that it names is durable, with its name.
 * 6.I2: `known` is never more than what a sync that returned 0 has made durable. So a manifest that
 *     is shorter, or that cannot be read below there, is damaged; behind it may be a torn tail.
 *     CURRENT is written when a manifest is made, and at a clean close. */
#include "current.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "edit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define CHECK_OFFSET 28

static uint32_t check_of(const uint8_t *bytes)
{
    return checksum(checksum_seed(0, 0), strata_bytes(bytes, CHECK_OFFSET));
}

int current_write(const struct strata_env *env, const struct current *current,
                  struct strata_error *err)
{
    uint8_t bytes[CURRENT_BYTES], *at = bytes + 8;

    memcpy(bytes, CURRENT_MAGIC, 8);
    at = put_u16(at, VERSION);
    at = put_u16(at, 0);
    at = put_u64(at, current->number);
    at = put_u64(at, current->known);
    put_u32(at, check_of(bytes));
    return fs_replace(env->fs, env->dir, CURRENT_NAME, strata_bytes(bytes, sizeof bytes), true,
                      err);
}

static int decode(struct strata_slice bytes, const char *path, struct current *current,
                  struct strata_error *err)
{
    struct decoder d;
    struct strata_slice magic;
    uint32_t version, check;

    decoder_init(&d, bytes);
    magic = get_bytes(&d, 8);
    version = get_u32(&d); /* and the reserved bytes, which are 0 */
    current->number = get_u64(&d);
    current->known = get_u64(&d);
    check = get_u32(&d);
    if (magic.size != 8 || memcmp(magic.data, CURRENT_MAGIC, 8) != 0)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, 0,
                           "it does not begin with " CURRENT_MAGIC);
    if (!decoder_done(&d))
        return strata_fail(err, STRATA_ERR_CORRUPT, path, bytes.size, "it does not have %d bytes",
                           CURRENT_BYTES);
    if (check != check_of(bytes.data))
        return strata_fail(err, STRATA_ERR_CORRUPT, path, CHECK_OFFSET,
                           "the check of the manifest's name does not hold");
    if (version != VERSION)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, 8, "of another version than %d", VERSION);
    if (current->number - 1 >= CODING_NUMBER_MAX)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, 12, "no manifest has the number %" PRIu64,
                           current->number);
    if (current->known > CODING_NUMBER_MAX)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, 20, "no manifest has %" PRIu64 " bytes",
                           current->known);
    return 0;
}

int current_check(struct fs_file *file, struct current *current, struct strata_error *err)
{
    uint8_t bytes[CURRENT_BYTES + 1]; /* one more: does the file go on? */
    size_t got;
    int rc = fs_read_at(file, 0, bytes, sizeof bytes, &got, err);

    return rc < 0 ? rc : decode(strata_bytes(bytes, got), file->path, current, err);
}

int current_read(const struct strata_env *env, struct current *current, struct strata_error *err)
{
    char *path = fs_join(env->dir, CURRENT_NAME);
    struct fs_file *file;
    int rc = path ? fs_open_named(env->fs, path, FS_READ,
                                  "it is missing: it says which manifest is valid", &file, err)
                  : strata_fail_memory(err, sizeof CURRENT_NAME);

    if (rc == 0) {
        rc = current_check(file, current, err);
        fs_close(file, NULL);
    }
    free(path);
    return rc;
}
