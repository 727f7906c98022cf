/* marker.c: the bytes are the file STRATA of a database of stage 1 with a few keys.
 *
 * Beyond what database.h lists:
 *   - what opens holds just those keys;
 *   - the annotated dump tells of damage iff the marker does not decode;
 *   - a marker that decodes makes the same bytes again when it is written;
 *   - with `create` a marker that is refused is left alone, and what is made instead of one that
 *     says "creating" is an empty database. */
#include "db/marker.h"
#include "database.h"
#include "fuzz.h"

#include <string.h>

#define PATH DATABASE_DIR "/" MARKER_NAME

static struct strata *open_base(struct strata_fs *fs, bool create, int *rc,
                                struct strata_error *err)
{
    struct strata_options options;
    struct strata *handle;

    strata_options_init(&options);
    options.fs = fs;
    options.create = create;
    *rc = strata_open(DATABASE_DIR, &options, &handle, err);
    return handle;
}

static struct strata_fs *make_base(struct content *content)
{
    static const char *const keys[] = {"", "a", "b"};
    struct strata_fs *fs = database_new(1);
    struct strata_error err = {.code = 0};
    int rc;
    struct strata *handle;

    fuzz_uncounted_begin();
    handle = open_base(fs, false, &rc, &err);
    require(handle, "%s", err.message);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        require(strata_put(handle, strata_string(keys[i]), strata_string("v"), &err) == 0, "%s",
                err.message);
    *content = content_scan(handle);
    require(strata_close(handle, &err) == 0, "%s", err.message);
    fuzz_uncounted_end();
    return fs;
}

/* Decoding, the dump and writing again. */
static void check_codec(struct database *db, struct strata_slice bytes)
{
    struct inspect in = database_inspect(db, &marker_format);
    struct strata_buffer again = {0};
    struct strata_error err = {.code = 0};
    struct marker marker;
    int rc = marker_read(db->fs, DATABASE_DIR, &marker, &err);

    require(rc == 0 || rc == STRATA_ERR_CORRUPT, "%d %s", rc, err.message);
    require(in.damaged == (rc < 0), "damaged: %d; decoding: %d %s", in.damaged, rc, err.message);
    require(rc == 0 || (strcmp(err.file, PATH) == 0 && err.offset <= bytes.size),
            "no place: %s @%llu %s", err.file, (unsigned long long)err.offset, err.message);
    if (rc < 0)
        return;
    require(marker_write(db->fs, DATABASE_DIR, &marker, false, &err) == 0, "%s", err.message);
    require(fs_sim_get(db->fs, PATH, &again) == 0, "no marker");
    require(strata_compare(strata_buffer_slice(&again), bytes) == 0, "written again it differs");
    strata_buffer_free(&again);
}

/* Opening with leave to create. */
static void check_create(const struct database *db, const struct content *content)
{
    struct strata_fs *fs = fs_sim_copy(db->fs);
    struct fs_sim_hash before, after;
    struct strata_error err = {.code = 0};
    struct strata *handle;
    int rc;

    require(fs, "no memory");
    before = fs_sim_hash_of(fs);
    handle = open_base(fs, true, &rc, &err);
    after = fs_sim_hash_of(fs);
    require(rc == 0 || (before.low == after.low && before.high == after.high),
            "refused (%s), and written to", err.message);
    if (handle) {
        struct content empty = {0}, found = content_scan(handle);
        require(content_equal(&found, db->rc == 0 ? content : &empty), "%llu entries",
                (unsigned long long)found.entries);
        require(strata_close(handle, &err) == 0, "%s", err.message);
    }
    fs_free(fs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    static struct content content;
    struct strata_slice bytes = strata_bytes(data, size);
    struct database db;

    if (!base)
        base = make_base(&content);
    database_init(&db, base, PATH, bytes);
    if (database_read(&db))
        require(content_equal(&db.content, &content), "another content");
    check_codec(&db, bytes);
    check_create(&db, &content);
    database_write(&db);
    database_free(&db);
    return 0;
}
