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
#include "inspect/inspect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MARKER_MAGIC "STRATADB"
#define MARKER_VERSION 1
#define MARKER_BYTES 32
#define CHECK_OFFSET 28
#define STATE_OFFSET 14
#define RESERVED_OFFSET 15

static void encode(const struct marker *marker, uint8_t to[MARKER_BYTES])
{
    uint8_t *at = to;
    memset(to, 0, MARKER_BYTES);
    memcpy(at, MARKER_MAGIC, 8);
    at = put_u16(at + 8, MARKER_VERSION);
    at = put_u16(at, (uint16_t)marker->stage);
    at = put_u16(at, (uint16_t)marker->format);
    put_u8(at, (uint8_t)marker->state);
    put_u32(to + CHECK_OFFSET, checksum(checksum_seed(0, 0), strata_bytes(to, CHECK_OFFSET)));
}

/* What is wrong with the bytes of a marker: an error at its offset, or 0. */
static int decode(struct strata_slice bytes, const char *path, struct marker *marker,
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
    reserved = get_bytes(&d, CHECK_OFFSET - RESERVED_OFFSET);
    check = get_u32(&d);
    if (magic.size != 8 || memcmp(magic.data, MARKER_MAGIC, 8) != 0)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, 0,
                           "not a Strata marker: it does not begin with " MARKER_MAGIC);
    if (!decoder_done(&d))
        return strata_fail(err, STRATA_ERR_CORRUPT, path, bytes.size,
                           "the marker has %zu bytes instead of %d", bytes.size, MARKER_BYTES);
    computed = checksum(checksum_seed(0, 0), strata_bytes(bytes.data, CHECK_OFFSET));
    if (check != computed)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, CHECK_OFFSET,
                           "marker check %08" PRIx32 ", computed %08" PRIx32, check, computed);
    if (version != MARKER_VERSION)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, 8,
                           "marker version %u; this build reads version %d", version,
                           MARKER_VERSION);
    if (state < MARKER_CREATING || state > MARKER_FILLING)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, STATE_OFFSET, "marker state %u is none",
                           state);
    for (size_t i = 0; i < reserved.size; i++)
        if (reserved.data[i])
            return strata_fail(err, STRATA_ERR_CORRUPT, path, RESERVED_OFFSET + i,
                               "reserved byte is %u, not 0", reserved.data[i]);
    marker->state = (enum marker_state)state;
    return 0;
}

static bool check_holds(struct strata_slice bytes)
{
    uint8_t check[4];

    if (bytes.size != MARKER_BYTES || memcmp(bytes.data, MARKER_MAGIC, 8) != 0)
        return false;
    put_u32(check, checksum(checksum_seed(0, 0), strata_bytes(bytes.data, CHECK_OFFSET)));
    return memcmp(check, bytes.data + CHECK_OFFSET, sizeof check) == 0;
}

/* The state of a damaged marker: where that byte alone is damaged the check tells which it was. */
static enum marker_state state_of(struct strata_slice bytes)
{
    uint8_t copy[MARKER_BYTES] = {0};

    if (bytes.size) /* not more than there is room for: fs_read_file saw to that */
        memcpy(copy, bytes.data, bytes.size);
    for (int state = MARKER_CREATING; state <= MARKER_FILLING; state++) {
        copy[STATE_OFFSET] = (uint8_t)state;
        if (check_holds(strata_bytes(copy, bytes.size)))
            return (enum marker_state)state;
    }
    return bytes.size > STATE_OFFSET ? (enum marker_state)bytes.data[STATE_OFFSET] : 0;
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
        rc = decode(strata_buffer_slice(&bytes), path, marker, &why);
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

/* ---- The annotated dump ---------------------------------------------------------------- */

static const char *state_meaning(unsigned state)
{
    switch (state) {
    case MARKER_CREATING:
        return "creating: the stage has not made its files yet; nothing was acknowledged";
    case MARKER_READY:
        return "ready";
    case MARKER_FILLING:
        return "filling: a copy into this directory is not complete, or its removal";
    }
    return "no such state";
}

static int marker_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    uint8_t raw[MARKER_BYTES];
    struct strata_error why = {0};
    struct marker marker;
    size_t got;
    int rc = (fs_read_at)(file, 0, raw, sizeof raw, &got, err);

    if (rc < 0)
        return rc;
    inspect_section(to, 0, "marker: what makes this directory a database");
    if (got == MARKER_BYTES) {
        inspect_field(to, 0, strata_bytes(raw, 8), 8, "magic", "\"" MARKER_MAGIC "\"");
        inspect_field(to, 8, strata_bytes(raw + 8, 2), 2, "version", "%u, of this layout",
                      raw[8] | raw[9] << 8);
        inspect_field(to, 10, strata_bytes(raw + 10, 2), 2, "stage", "%u wrote the directory",
                      raw[10] | raw[11] << 8);
        inspect_field(to, 12, strata_bytes(raw + 12, 2), 2, "format", "%u, of the stage's files",
                      raw[12] | raw[13] << 8);
        inspect_field(to, STATE_OFFSET, strata_bytes(raw + STATE_OFFSET, 1), 1, "state", "%s",
                      state_meaning(raw[STATE_OFFSET]));
        inspect_field(to, RESERVED_OFFSET, strata_bytes(raw + RESERVED_OFFSET, 13), 13, "reserved",
                      "must be zero");
        inspect_field(to, CHECK_OFFSET, strata_bytes(raw + CHECK_OFFSET, 4), 4, "check",
                      "XXH3 of bytes 0 to 27");
    }
    if (file->end > MARKER_BYTES)
        inspect_stop(to, MARKER_BYTES, "the file goes on after the marker");
    else if (decode(strata_bytes(raw, got), file->path, &marker, &why) < 0)
        inspect_stop(to, why.offset, "%s", why.message);
    inspect_end(to, to->damaged ? 0 : MARKER_BYTES, file->end);
    return 0;
}

const struct strata_format marker_format = {"marker", MARKER_MAGIC, MARKER_NAME, marker_inspect};
