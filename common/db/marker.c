/* marker.c: DIR/STRATA, 32 bytes, little-endian.
 *
 *   +---------+-----------+---------+----------+---------+------------+---------+
 *   | magic 8 | version 2 | stage 2 | format 2 | state 1 | reserved 13 | check 4 |
 *   +---------+-----------+---------+----------+---------+------------+---------+
 *
 * magic is "STRATADB". version is this layout's, format the one of the stage's own files.
 * check covers the 28 bytes before it (XXH3, file number 0, offset 0). Valid iff the file is
 * exactly 32 bytes, magic, version and check fit, state is one of enum marker_state, and the
 * reserved bytes are zero. It is only ever replaced whole, by rename. */
#include "db/marker.h"
#include "base/checksum.h"
#include "base/coding.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MARKER_VERSION 1

static void encode(const struct marker *marker, uint8_t to[MARKER_BYTES])
{
    uint8_t *at = to;
    memset(to, 0, MARKER_BYTES);
    memcpy(at, MARKER_MAGIC, 8);
    at = put_u16(at + 8, MARKER_VERSION);
    at = put_u16(at, (uint16_t)marker->stage);
    at = put_u16(at, (uint16_t)marker->format);
    put_u8(at, (uint8_t)marker->state);
    put_u32(to + MARKER_CHECK, checksum(checksum_seed(0, 0), strata_bytes(to, MARKER_CHECK)));
}

int marker_decode(struct strata_slice bytes, const char *path, struct marker *marker,
                  struct strata_error *err)
{
    struct decoder d;
    struct strata_slice magic, reserved;
    unsigned version, state;
    uint32_t check, computed;

    decoder_init(&d, bytes);
    magic = get_bytes(&d, 8);
    version = get_u16(&d);
    marker->stage = get_u16(&d);
    marker->format = get_u16(&d);
    state = get_u8(&d);
    reserved = get_bytes(&d, MARKER_CHECK - MARKER_RESERVED);
    check = get_u32(&d);
    if (magic.size != 8 || memcmp(magic.data, MARKER_MAGIC, 8) != 0)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, 0,
                           "not a Strata marker: it does not begin with " MARKER_MAGIC);
    if (!decoder_done(&d))
        return strata_fail(err, STRATA_ERR_CORRUPT, path, bytes.size,
                           "the marker has %zu bytes instead of %d", bytes.size, MARKER_BYTES);
    computed = checksum(checksum_seed(0, 0), strata_bytes(bytes.data, MARKER_CHECK));
    if (check != computed)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, MARKER_CHECK,
                           "marker check %08" PRIx32 ", computed %08" PRIx32, check, computed);
    if (version != MARKER_VERSION)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, 8,
                           "marker version %u; this build reads version %d", version,
                           MARKER_VERSION);
    if (state < MARKER_CREATING || state > MARKER_FILLING)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, MARKER_STATE, "marker state %u is none",
                           state);
    for (size_t i = 0; i < reserved.size; i++)
        if (reserved.data[i])
            return strata_fail(err, STRATA_ERR_CORRUPT, path, MARKER_RESERVED + i,
                               "reserved byte is %u, not 0", reserved.data[i]);
    marker->state = (enum marker_state)state;
    return 0;
}

static bool check_holds(struct strata_slice bytes)
{
    uint8_t check[4];

    if (bytes.size != MARKER_BYTES || memcmp(bytes.data, MARKER_MAGIC, 8) != 0)
        return false;
    put_u32(check, checksum(checksum_seed(0, 0), strata_bytes(bytes.data, MARKER_CHECK)));
    return memcmp(check, bytes.data + MARKER_CHECK, sizeof check) == 0;
}

/* The state of a damaged marker: if only the state byte is damaged, the check shows which state it
 * was. */
static enum marker_state state_of(struct strata_slice bytes)
{
    uint8_t copy[MARKER_BYTES] = {0};

    if (bytes.size) /* not more than there is room for: fs_read_file saw to that */
        memcpy(copy, bytes.data, bytes.size);
    for (int state = MARKER_CREATING; state <= MARKER_FILLING; state++) {
        copy[MARKER_STATE] = (uint8_t)state;
        if (check_holds(strata_bytes(copy, bytes.size)))
            return (enum marker_state)state;
    }
    return bytes.size > MARKER_STATE ? (enum marker_state)bytes.data[MARKER_STATE] : 0;
}

int marker_read(struct strata_fs *fs, const char *dir, struct marker *marker,
                struct strata_error *err)
{
    bool lost;
    return marker_read_lost(fs, dir, marker, &lost, err);
}

int marker_read_lost(struct strata_fs *fs, const char *dir, struct marker *marker, bool *lost,
                     struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    struct strata_error why = {0};
    char *path = fs_join(dir, MARKER_NAME);
    int rc;

    *lost = false;
    if (!path)
        return strata_fail_memory(err, strlen(dir) + sizeof MARKER_NAME + 1);
    rc = fs_read_file(fs, path, MARKER_BYTES, &bytes, &why);
    if (rc == 0)
        rc = marker_decode(strata_buffer_slice(&bytes), path, marker, &why);
    else if (rc == STRATA_ERR_IO && why.sys == ENOENT)
        rc = STRATA_NOT_FOUND;
    *lost = rc == STRATA_ERR_CORRUPT && !check_holds(strata_buffer_slice(&bytes));
    if (*lost)
        marker->state = state_of(strata_buffer_slice(&bytes));
    if (rc < 0 && err)
        *err = why;
    strata_buffer_free(&bytes);
    free(path);
    return rc;
}

int marker_write(struct strata_fs *fs, const char *dir, const struct marker *marker, bool durable,
                 struct strata_error *err)
{
    uint8_t bytes[MARKER_BYTES];
    encode(marker, bytes);
    return fs_replace(fs, dir, MARKER_NAME, strata_bytes(bytes, sizeof bytes), durable, err);
}
