/* current.c: CURRENT of stage 6 (stages/06_leveled_compaction/manifest/current.c), beside a real
 * manifest.
 *
 * Beyond what database.h lists:
 *   - it is taken or refused; what is taken makes the same bytes when it is written anew;
 *   - the annotated dump tells of damage iff it is refused;
 *   - the database opens iff it names the manifest that is there, and knows of no more bytes than
 *     that has; then it holds what was written. */
#include "06_leveled_compaction/manifest/current.h"
#include "database.h"
#include "fuzz.h"
#include "sample.h"

#include <string.h>

#define NUMBER 2
#define PATH DATABASE_DIR "/" CURRENT_NAME
#define MANIFEST DATABASE_DIR "/000002.manifest"

static struct strata_fs *make_base(struct content *content, uint64_t *manifest_bytes)
{
    struct strata_fs *fs = sample_letters(6, 'd', "b", "", content);
    struct strata_buffer manifest = {0};

    require(fs_sim_get(fs, MANIFEST, &manifest) == 0, "no " MANIFEST);
    *manifest_bytes = manifest.size;
    strata_buffer_free(&manifest);
    return fs;
}

static bool is_taken(struct database *db, struct strata_slice bytes, struct current *current)
{
    struct strata_options options;
    struct strata_env env = {.fs = db->fs, .dir = "again", .options = &options};
    struct strata_buffer again = {0};
    struct strata_error err = {.code = 0};
    int rc;

    strata_options_init(&options);
    require(fs_sim_put(db->fs, "again/" CURRENT_NAME, bytes) == 0, "fs_sim_put");
    rc = current_read(&env, current, &err);
    require(rc == 0 || (rc == STRATA_ERR_CORRUPT && err.file[0]), "%d: %s", rc, err.message);
    if (rc == 0) {
        require(current_write(&env, current, &err) == 0, "%s", err.message);
        require(fs_sim_get(db->fs, "again/" CURRENT_NAME, &again) == 0, "fs_sim_get");
        require(strata_compare(strata_buffer_slice(&again), bytes) == 0, "other bytes");
        strata_buffer_free(&again);
    }
    return rc == 0;
}

/* It names a manifest that is not there. */
static void require_missing(struct strata_fs *fs)
{
    struct strata_error err = {.code = 0};
    struct strata_options options;
    struct strata *db;

    strata_options_init(&options);
    options.fs = fs;
    require(strata_open(DATABASE_DIR, &options, &db, &err) == STRATA_ERR_CORRUPT, "%s",
            fuzz_text(&err));
    require(strstr(err.message, "missing") && strstr(err.file, ".manifest"), "%s", fuzz_text(&err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    static struct content content;
    static uint64_t manifest_bytes;
    struct current current = {0};
    struct database db;
    struct inspect in;
    bool taken;

    if (!base)
        base = make_base(&content, &manifest_bytes);
    database_init(&db, base, PATH, strata_bytes(data, size));
    in = database_inspect(&db, &current_format);
    taken = is_taken(&db, strata_bytes(data, size), &current);
    require(taken == !in.damaged, "taken: %d; damaged: %d", taken, in.damaged);
    if (taken && current.number != NUMBER) {
        require_missing(db.fs);
    } else {
        bool opened = database_read(&db);
        require(opened == (taken && current.known <= manifest_bytes), "taken: %d; opened: %d",
                taken, opened);
        require(!opened || content_equal(&db.content, &content), "another content");
        database_write(&db);
    }
    database_free(&db);
    return 0;
}
