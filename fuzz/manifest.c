/* manifest.c: the manifest of stage 6 (stages/06_leveled_compaction/manifest/manifest.c): the bytes
 * are that of a database with some tables on two levels, whose CURRENT knows nothing of how long it
 * is.
 *
 * Beyond what database.h lists:
 *   - the manifest alone: it is taken or refused; what is taken, without its torn end, is the same
 *     bytes when its edits are written anew;
 *   - no version that its edits make has a file twice or an overlap from level 1 down, and the
 * version, written as one edit, makes itself again;
 *   - the annotated dump tells of damage iff it is refused, of a torn end iff it has one;
 *   - what opens holds what was written, but for a forged manifest, whose checks hold and which the
 *     engine never wrote: of that one it is asked only that it can be opened and read, or not. */
#include "06_leveled_compaction/manifest/manifest.h"
#include "01_append_log/record.h"
#include "06_leveled_compaction/version/version.h"
#include "base/coding.h"
#include "database.h"
#include "fuzz.h"
#include "memory.h"
#include "sample.h"

#define NUMBER 2
#define PATH DATABASE_DIR "/000002.manifest"
#define AGAIN "again/000002.manifest"

static struct strata_fs *make_base(struct content *content)
{
    struct strata_fs *fs = sample_letters(6, 'h', "bdg", "d", content);
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = DATABASE_DIR, .options = &options};

    strata_options_init(&options);
    require(current_write(&env, &(struct current){.number = NUMBER}, NULL) == 0, "CURRENT");
    return fs;
}

/* ---- The manifest by itself ---------------------------------------------------------------- */

struct reading {
    struct manifest manifest;
    struct fs_file *again;          /* the same, written anew */
    struct version *version;        /* NULL: none yet */
    uint64_t edits;                 /* so far */
    struct version_builder builder; /* of all of them, as a reader makes a version */
    bool apart;                     /* no longer the same as edit by edit */
};

static int pass(void *arg, const struct edit *edit, struct strata_error *err)
{
    (void)arg, (void)edit, (void)err;
    return 0;
}

static void check_number(const struct version *v, uint64_t number)
{
    size_t times = 0;

    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < v->levels[level].count; i++)
            times += v->levels[level].tables[i]->number == number;
    for (uint32_t i = 0; i < v->log_count; i++)
        times += v->logs[i].number == number;
    require(times == 1 && number < v->next, "file %llu: %zu times", (unsigned long long)number,
            times);
}

static void check_version(const struct version *v)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        struct sstable *const *t = v->levels[level].tables;
        for (size_t i = 0; i < v->levels[level].count; i++) {
            if (i < 100) /* it is quadratic */
                check_number(v, t[i]->number);
            require(level == 0 || i == 0 ||
                        strata_compare(strata_buffer_slice(&t[i - 1]->largest),
                                       strata_buffer_slice(&t[i]->smallest)) < 0,
                    "an overlap on level %u", level);
            require(level > 0 || i == 0 || t[i - 1]->sum.first > t[i]->sum.last, "an order of age");
        }
    }
}

/* What edit_decode promises, and the ordinals. */
static void check_edit(const struct edit *edit, uint64_t ordinal)
{
    require(edit->ordinal == ordinal, "edit %llu in the place of another",
            (unsigned long long)edit->ordinal);
    for (size_t i = 0; i < edit->removed_count; i++)
        require(edit->removed[i].level < LEVELS && edit->removed[i].number < edit->next, "removed");
    for (size_t i = 0; i < edit->added_count; i++)
        require(edit->added[i].level < LEVELS && edit->added[i].number < edit->next, "added");
}

static int follow(void *arg, const struct edit *edit, struct strata_error *err)
{
    struct reading *r = arg;
    struct strata_buffer bytes = {0};
    struct version *made;
    uint64_t next = r->version ? r->version->next : 0;
    int rc;

    check_edit(edit, ++r->edits);
    require(edit_encode(edit, &bytes, NULL) == 0, "encode");
    require(record_append_typed(r->again, r->manifest.number, MANIFEST_EDIT, strata_bytes(NULL, 0),
                                strata_buffer_slice(&bytes), NULL) == 0,
            "append");
    strata_buffer_free(&bytes);
    rc = version_builder_add(&r->builder, edit, err);
    if (rc < 0 || r->apart)
        return rc;
    rc = version_apply(r->version, edit, &made, err);
    require(rc < 0 || made->next >= next, "numbers are given away again");
    r->apart = rc < 0; /* 6.I10, 6.I11: a later edit may remove what overlaps */
    if (rc < 0)
        return 0;
    check_version(made);
    version_unref(r->version);
    r->version = made;
    return 0;
}

/* As one edit, decoded from its bytes. */
static void check_told(const struct version *v)
{
    struct strata_buffer bytes = {0};
    struct version *again = NULL;
    struct edit edit, decoded;
    struct strata_error err = {.code = 0};

    require(version_tell(v, &edit, NULL) == 0, "tell");
    require(edit_encode(&edit, &bytes, NULL) == 0, "encode");
    require(edit_decode(strata_buffer_slice(&bytes), &decoded, &err) == 0, "%s", err.message);
    require(version_apply(NULL, &decoded, &again, &err) == 0, "%s", err.message);
    require(version_same(v, again) && v->next == again->next, "another version");
    version_unref(again);
    edit_free(&edit);
    edit_free(&decoded);
    strata_buffer_free(&bytes);
}

static void check_again(const struct reading *r, struct strata_slice bytes)
{
    struct strata_buffer again = {0};

    require(r->manifest.torn < bytes.size, "torn");
    bytes.size -= (size_t)r->manifest.torn;
    require(fs_sim_get(r->again->fs, AGAIN, &again) == 0, "get");
    require(strata_compare(strata_buffer_slice(&again), bytes) == 0, "other bytes");
    strata_buffer_free(&again);
}

static uint64_t number_in(struct strata_slice bytes)
{
    struct decoder d;

    decoder_init(&d, bytes);
    get_bytes(&d, 12);
    return get_u64(&d);
}

/* Returns whether it was taken; `*torn`: without its end. */
static bool check_alone(struct database *db, struct strata_slice bytes, bool *torn)
{
    struct reading r = {.manifest = {.number = number_in(bytes)}};
    struct manifest alone = r.manifest;
    struct strata_error err = {.code = 0};
    struct version *made = NULL;
    int rc, without;

    require(fs_open(db->fs, PATH, FS_READ, &alone.file, NULL) == 0, "open");
    memory_watch(memory_limit(bytes.size));
    without = manifest_check(&alone, pass, NULL, &err);
    strata_buffer_free(&alone.bytes);
    memory_watched();
    require(fs_sim_put(db->fs, AGAIN, strata_bytes(NULL, 0)) == 0, "put");
    require(fs_open(db->fs, AGAIN, FS_WRITE, &r.again, NULL) == 0, "open");
    require(record_start_kind(r.again, MANIFEST_MAGIC, r.manifest.number, NULL) == 0, "start");
    r.manifest.file = alone.file;
    require(version_builder_init(&r.builder, NULL, NULL) == 0, "builder");
    rc = manifest_check(&r.manifest, follow, &r, &err);
    require(rc == 0 || (rc == STRATA_ERR_CORRUPT && err.file[0]), "%d: %s", rc, err.message);
    if (rc == 0) {
        rc = version_builder_finish(&r.builder, &made, &err);
        require(rc == 0 || rc == STRATA_ERR_CORRUPT, "%d: %s", rc, err.message);
    }
    version_builder_free(&r.builder);
    require(rc < 0 || (without == 0 && alone.torn == r.manifest.torn), "only with its state");
    if (rc == 0) {
        check_again(&r, bytes);
        check_version(made);
        check_told(made);
        require(r.apart || version_same(made, r.version), "another version, edit by edit");
    }
    *torn = r.manifest.torn > 0;
    strata_buffer_free(&r.manifest.bytes);
    version_unref(made);
    version_unref(r.version);
    fs_close(alone.file, NULL);
    fs_close(r.again, NULL);
    require(fs_remove(db->fs, AGAIN, NULL) == 0, "remove");
    return rc == 0;
}

/* ---- A forged one -------------------------------------------------------------------------- */

/* Its tables are others, or none: any answer will do, but for a crash. */
static void open_forged(struct database *db, bool read_only)
{
    struct strata_fs *fs = fs_sim_copy(db->fs);
    struct strata_options options;
    struct strata_error err = {.code = 0};
    struct strata_buffer value = {0};
    struct strata *opened;

    require(fs, "memory");
    strata_options_init(&options);
    options.fs = fs;
    options.read_only = read_only;
    if (strata_open(DATABASE_DIR, &options, &opened, &err) == 0) {
        for (char key[] = "a"; key[0] <= 'h'; key[0]++)
            strata_get(opened, strata_string(key), &value, NULL);
        strata_verify(opened, NULL, NULL);
        if (!read_only && strata_put(opened, strata_string("c"), strata_string("d"), NULL) == 0)
            strata_compact(opened, NULL, NULL);
        strata_close(opened, NULL);
    } else {
        require(err.code == STRATA_ERR_CORRUPT && err.file[0], "%s", fuzz_text(&err));
    }
    strata_buffer_free(&value);
    require(fs_sim_open_files(fs) == 0, "a file is open");
    fs_free(fs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    static struct strata_buffer genuine;
    static struct content content;
    struct strata_slice bytes = strata_bytes(data, size);
    struct database db;
    struct inspect in;
    bool taken, torn;

    if (!base) {
        base = make_base(&content);
        require(fs_sim_get(base, PATH, &genuine) == 0, "no " PATH);
    }
    database_init(&db, base, PATH, bytes);
    in = database_inspect(&db, &manifest_format);
    taken = check_alone(&db, bytes, &torn);
    require(taken == !in.damaged, "taken: %d; damaged: %d", taken, in.damaged);
    require(!taken || torn == in.torn, "torn: %d; expected: %d", torn, in.torn);
    taken = taken && number_in(bytes) == NUMBER; /* as its name says */
    if (taken && strata_compare(strata_buffer_slice(&genuine), bytes) != 0) {
        open_forged(&db, true);
        open_forged(&db, false);
    } else {
        bool opened = database_read(&db);
        require(opened == taken, "taken: %d; opened: %d", taken, opened);
        require(!opened || content_equal(&db.content, &content), "another content");
        database_write(&db);
    }
    database_free(&db);
    return 0;
}
