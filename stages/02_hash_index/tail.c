/* tail.c: DIR/TAIL, 40 bytes, little-endian.
 *
 *   +---------+-----------+------------+-----------+-------+------------+---------+
 *   | magic 8 | version 2 | reserved 2 | segment 8 | end 8 | sequence 8 | check 4 |
 *   +---------+-----------+------------+-----------+-------+------------+---------+
 *
 * check covers the 36 bytes before it (XXH3, file number 0, offset 0). */
#include "tail.h"
#include "checksum.h"
#include "coding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define TAIL_BYTES 40
#define CHECK_OFFSET 36

int tail_write(const struct strata_env *env, const struct tail *tail, bool durable,
               struct strata_error *err)
{
    uint8_t bytes[TAIL_BYTES], *at = bytes + 8;

    memcpy(bytes, TAIL_MAGIC, 8);
    at = put_u16(at, VERSION);
    at = put_u16(at, 0);
    at = put_u64(at, tail->segment);
    at = put_u64(at, tail->end);
    at = put_u64(at, tail->sequence);
    put_u32(at, checksum(checksum_seed(0, 0), strata_bytes(bytes, CHECK_OFFSET)));
    return fs_replace(env->fs, env->dir, TAIL_NAME, strata_bytes(bytes, sizeof bytes), durable,
                      err);
}

static bool decode(struct strata_slice bytes, struct tail *tail)
{
    struct decoder d;
    struct strata_slice magic;
    uint32_t version, check;

    decoder_init(&d, bytes);
    magic = get_bytes(&d, 8);
    version = get_u32(&d); /* and the reserved bytes, which are 0 */
    tail->segment = get_u64(&d);
    tail->end = get_u64(&d);
    tail->sequence = get_u64(&d);
    check = get_u32(&d);
    return decoder_done(&d) && memcmp(magic.data, TAIL_MAGIC, 8) == 0 && version == VERSION &&
           check == checksum(checksum_seed(0, 0), strata_bytes(bytes.data, CHECK_OFFSET));
}

int tail_read(const struct strata_env *env, struct tail *tail, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    struct strata_error why = {0};
    char *path = fs_join(env->dir, TAIL_NAME);
    int rc = path ? fs_read_file(env->fs, path, TAIL_BYTES, &bytes, &why)
                  : strata_fail_memory(&why, sizeof TAIL_NAME);

    if (rc == STRATA_ERR_CORRUPT || (rc == 0 && !decode(strata_buffer_slice(&bytes), tail))) {
        strata_env_log(env, STRATA_LOG_WARNING, "%s: ignored: its check does not hold", path);
        rc = STRATA_NOT_FOUND;
    } else if (rc == STRATA_ERR_IO && why.sys == ENOENT) {
        rc = STRATA_NOT_FOUND;
    } else if (rc < 0 && err) {
        *err = why;
        if (rc == STRATA_ERR_IO && why.sys != EMFILE && why.sys != ENFILE)
            strata_error_prefix(err, "only this file tells a log that was cut short from a whole "
                                     "one (remove it to open without): ");
    }
    strata_buffer_free(&bytes);
    free(path);
    return rc;
}

int tail_check(struct fs_file *file, struct tail *tail)
{
    uint8_t bytes[TAIL_BYTES];
    size_t got;
    if ((fs_read_at)(file, 0, bytes, sizeof bytes, &got, NULL) < 0 ||
        !decode(strata_bytes(bytes, got), tail))
        return STRATA_NOT_FOUND;
    return 0;
}
