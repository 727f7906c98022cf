/* tail.c: DIR/TAIL, 40 bytes, little-endian.
 *
 *   +---------+-----------+------------+-----------+-------+--------+---------+
 *   | magic 8 | version 2 | reserved 2 | segment 8 | end 8 | last 8 | check 4 |
 *   +---------+-----------+------------+-----------+-------+--------+---------+
 *
 * check covers the 36 bytes before it (XXH3, file number 0, offset 0). All lie in one sector: a new
 * version of the file takes the place of the old one whole, or not at all. */
#include "tail.h"
#include "base/checksum.h"
#include "base/coding.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_OFFSET 36
#define NUMBERS_OFFSET 12

void tail_encode(const struct tail *tail, uint8_t bytes[TAIL_BYTES])
{
    uint8_t *at = bytes + 8;

    memcpy(bytes, TAIL_MAGIC, 8);
    at = put_u16(at, (uint16_t)tail->version);
    at = put_u16(at, 0);
    at = put_u64(at, tail->segment);
    at = put_u64(at, tail->end);
    at = put_u64(at, tail->last);
    put_u32(at, checksum(checksum_seed(0, 0), strata_bytes(bytes, CHECK_OFFSET)));
}

int tail_write(const struct strata_env *env, const struct tail *tail, bool durable,
               struct strata_error *err)
{
    uint8_t bytes[TAIL_BYTES];

    tail_encode(tail, bytes);
    return fs_replace(env->fs, env->dir, TAIL_NAME, strata_bytes(bytes, sizeof bytes), durable,
                      err);
}

bool tail_decode(struct strata_slice bytes, unsigned max_version, struct tail *tail)
{
    struct decoder d;
    struct strata_slice magic;
    uint32_t check;

    *tail = (struct tail){0};
    decoder_init(&d, bytes);
    magic = get_bytes(&d, 8);
    tail->version = get_u32(&d); /* and the reserved bytes, which are 0 */
    tail->segment = get_u64(&d);
    tail->end = get_u64(&d);
    tail->last = get_u64(&d);
    check = get_u32(&d);
    return decoder_done(&d) && memcmp(magic.data, TAIL_MAGIC, 8) == 0 &&
           tail->version >= TAIL_VERSION && tail->version <= max_version &&
           check == checksum(checksum_seed(0, 0), strata_bytes(bytes.data, CHECK_OFFSET));
}

/* `last` is a number only in version 1. */
static uint64_t last_of(const struct tail *tail)
{
    return tail->version == TAIL_VERSION ? tail->last : 0;
}

bool tail_in_range(const struct tail *tail)
{
    return tail->segment <= CODING_NUMBER_MAX && tail->end <= CODING_NUMBER_MAX &&
           last_of(tail) <= CODING_NUMBER_MAX;
}

static int check_numbers(const struct strata_env *env, const struct tail *tail,
                         struct strata_error *err)
{
    char *path;
    int rc;

    if (tail_in_range(tail))
        return 0;
    path = fs_join(env->dir, TAIL_NAME);
    rc = strata_fail(err, STRATA_ERR_CORRUPT, path ? path : TAIL_NAME, NUMBERS_OFFSET,
                     "a number too large to be one: segment %" PRIu64 ", end %" PRIu64
                     ", last %" PRIu64,
                     tail->segment, tail->end, last_of(tail));
    free(path);
    return rc;
}

static bool is_blank(const struct strata_buffer *bytes)
{
    static const uint8_t zeros[TAIL_BYTES];
    return bytes->size == 0 || memcmp(bytes->data, zeros, bytes->size) == 0;
}

int tail_read(const struct strata_env *env, unsigned max_version, struct tail *tail,
              struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    struct strata_error why = {0};
    int rc = fs_read_in(env->fs, env->dir, TAIL_NAME, TAIL_BYTES, &bytes, &why);
    bool valid = rc == 0 && tail_decode(strata_buffer_slice(&bytes), max_version, tail);

    if (rc == STRATA_ERR_CORRUPT || (rc == 0 && !valid)) {
        if (rc < 0 || !is_blank(&bytes))
            strata_env_log(env, STRATA_LOG_WARNING,
                           "%s/" TAIL_NAME ": ignored: its check does not hold", env->dir);
        rc = STRATA_NOT_FOUND;
    } else if (rc == STRATA_ERR_IO && why.sys == ENOENT) {
        rc = STRATA_NOT_FOUND;
    } else if (rc < 0 && err) {
        *err = why;
        if (rc == STRATA_ERR_IO && why.sys != EMFILE && why.sys != ENFILE)
            strata_error_prefix(err, "only this file tells a log that was cut short from a whole "
                                     "one (remove it to open without): ");
    }
    if (valid)
        rc = check_numbers(env, tail, err);
    if (rc != 0)
        *tail = (struct tail){0};
    strata_buffer_free(&bytes);
    return rc;
}

int tail_check_last(const struct tail *tail, const struct strata_env *env, uint64_t last,
                    struct strata_error *err)
{
    return tail->segment <= last
               ? 0
               : strata_fail(err, STRATA_ERR_CORRUPT, env->dir, STRATA_NO_OFFSET,
                             "segment %06" PRIu64 " is missing: it was the last one",
                             tail->segment);
}
