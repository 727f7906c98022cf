/* marker_inspect.c: the annotated dump of a marker. */
#define FS_NO_SITES
#include "db/marker.h"
#include "inspect/inspect.h"

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
    int rc = fs_read_at(file, 0, raw, sizeof raw, &got, err);

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
        inspect_field(to, MARKER_STATE, strata_bytes(raw + MARKER_STATE, 1), 1, "state", "%s",
                      state_meaning(raw[MARKER_STATE]));
        inspect_field(to, MARKER_RESERVED, strata_bytes(raw + MARKER_RESERVED, 13), 13, "reserved",
                      "must be zero");
        inspect_field(to, MARKER_CHECK, strata_bytes(raw + MARKER_CHECK, 4), 4, "check",
                      "XXH3 of bytes 0 to 27");
    }
    if (file->end > MARKER_BYTES)
        inspect_stop(to, MARKER_BYTES, "the file goes on after the marker");
    else if (marker_decode(strata_bytes(raw, got), file->path, &marker, &why) < 0)
        inspect_stop(to, why.offset, "%s", why.message);
    inspect_end(to, to->damaged ? 0 : MARKER_BYTES, file->end);
    return 0;
}

const struct strata_format marker_format = {"marker", MARKER_MAGIC, MARKER_NAME, marker_inspect};
