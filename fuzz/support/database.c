/* database.c: see database.h. */
#include "database.h"
#include "fuzz.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Opening reads everything once, a scan does once more and then each value, and windows may read
 * a byte twice. The rest is for small files. */
#define WORK_BYTES(n) (8 * (uint64_t)(n) + 65536)
#define WORK_CALLS(n) ((uint64_t)(n) + 200)

#define DEEP 16 /* one input in so many is looked into deeply */
#define PRINTED                                                                                    \
    32           /* ... and has its dump printed, which costs more than finding out what to print */
#define SHOWN 32 /* sections of an annotated dump that are printed; the others are only checked */

static void *some(void *memory)
{
    require(memory, "the fuzzer itself has no memory");
    return memory;
}

struct strata_fs *database_new(unsigned stage)
{
    struct strata_fs *fs = some(fs_sim_new());
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    fuzz_uncounted_begin();
    strata_options_init(&options);
    options.stage = stage;
    options.fs = fs;
    options.create = true;
    require(strata_open(DATABASE_DIR, &options, &db, &err) == 0, "%s", err.message);
    require(strata_close(db, &err) == 0, "%s", err.message);
    database_adopt(fs, &(struct content){0});
    fuzz_uncounted_end();
    return fs;
}

static size_t bytes_in(struct strata_fs *fs)
{
    struct strata_buffer bytes = {0};
    struct fs_names paths;
    size_t sum = 0;

    require(fs_sim_paths(fs, DATABASE_DIR, &paths) == 0, "fs_sim_paths");
    for (size_t i = 0; i < paths.count; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s", DATABASE_DIR, paths.names[i]);
        require(fs_sim_get(fs, path, &bytes) == 0, "fs_sim_get");
        sum += bytes.size;
    }
    fs_names_free(&paths);
    strata_buffer_free(&bytes);
    return sum;
}

static size_t size_of(struct strata_fs *fs, const char *path)
{
    struct strata_buffer bytes = {0};
    size_t size = fs_sim_get(fs, path, &bytes) == 0 ? bytes.size : 0;

    strata_buffer_free(&bytes);
    return size;
}

/* The bytes of the other files of a base. */
static size_t bytes_beside(struct strata_fs *base, const char *path)
{
    static struct {
        struct strata_fs *base;
        const char *path;
        size_t bytes;
    } known[8];
    size_t i = 0;

    while (known[i].base && (known[i].base != base || known[i].path != path))
        require(++i < sizeof known / sizeof *known, "more bases than were thought of");
    if (!known[i].base) {
        fuzz_uncounted_begin();
        known[i].base = base;
        known[i].path = path;
        known[i].bytes = bytes_in(base) - size_of(base, path);
        fuzz_uncounted_end();
    }
    return known[i].bytes;
}

static void init(struct database *db, struct strata_fs *base, const char *path, size_t beside,
                 struct strata_slice bytes)
{
    *db = (struct database){.fs = some(fs_sim_copy(base)), .path = path};
    require(fs_sim_put(db->fs, path, bytes) == 0, "fs_sim_put");
    db->bytes = beside + bytes.size;
    db->hash = XXH3_64bits(bytes.data, bytes.size);
}

void database_init(struct database *db, struct strata_fs *base, const char *path,
                   struct strata_slice bytes)
{
    init(db, base, path, bytes_beside(base, path), bytes);
}

void database_init_from(struct database *db, const struct database *other,
                        struct strata_slice bytes)
{
    init(db, other->fs, other->path, other->bytes - size_of(other->fs, other->path), bytes);
}

bool database_is_deep(const struct database *db)
{
    return fuzz_thorough || db->hash % DEEP == 0;
}

bool database_deep_begin(const struct database *db)
{
    if (!database_is_deep(db))
        return false;
    fuzz_uncounted_begin();
    return true;
}

void database_deep_end(void)
{
    fuzz_uncounted_end();
}

void database_free(struct database *db)
{
    fs_free(db->fs);
}

/* ---- Opening --------------------------------------------------------------------------- */

static void listen(void *arg, enum strata_log_level level, const char *message)
{
    struct database *db = arg;
    const char *torn = db->read_only ? ": ignored a torn " : ": dropped a torn ";
    db->dropped |= level == STRATA_LOG_WARNING && strstr(message, torn);
}

static void set_engine(struct strata_options *options)
{
    options->engine = fuzz_engine();
    options->stage = options->engine ? options->engine->stage : 0;
}

/* Opens it; the outcome is in db->rc and db->err. */
static struct strata *open_it(struct database *db, bool read_only)
{
    struct strata_options options;
    struct strata *handle;

    strata_options_init(&options);
    set_engine(&options);
    options.fs = db->fs;
    options.read_only = db->read_only = read_only;
    options.log = listen;
    options.log_arg = db;
    db->dropped = false;
    db->err = (struct strata_error){.code = 0};
    db->rc = strata_open(DATABASE_DIR, &options, &handle, &db->err);
    require((db->rc == 0) == (handle != NULL), "opening returns %d", db->rc);
    return handle;
}

static void close_it(struct database *db, struct strata *handle)
{
    struct strata_error err = {.code = 0};
    if (database_deep_begin(db)) {
        require(strata_verify(handle, NULL, &err) == 0, "what opens verifies: %s", err.message);
        database_deep_end();
    }
    require(strata_close(handle, &err) == 0, "closing: %s", err.message);
    require(fs_sim_open_files(db->fs) == 0, "%zu files stay open", fs_sim_open_files(db->fs));
}

/* A refusal says where and why. Of damaged bytes it names the place; a file that is missing has
 * none. */
static void check_refusal(const struct database *db)
{
    const struct strata_error *err = &db->err;

    require(err->code == db->rc && err->message[0], "an error %d: %s", db->rc, fuzz_text(err));
    require(strncmp(err->file, DATABASE_DIR, strlen(DATABASE_DIR)) == 0, "no file: %s",
            fuzz_text(err));
    require(err->code != STRATA_ERR_IO && err->code != STRATA_ERR_NO_MEMORY, "%s", fuzz_text(err));
    require(err->code != STRATA_ERR_CORRUPT || strcmp(err->file, DATABASE_DIR) == 0 ||
                err->offset <= db->bytes || strstr(err->message, " is missing"),
            "no offset: %s", fuzz_text(err));
    require(fs_sim_open_files(db->fs) == 0, "%zu files stay open", fs_sim_open_files(db->fs));
}

/* Nobody has to ask why. */
static void open_without_reason(const struct database *db)
{
    struct strata_options options;
    struct strata *handle;
    int rc;

    strata_options_init(&options);
    set_engine(&options);
    options.fs = db->fs;
    options.read_only = true;
    rc = strata_open(DATABASE_DIR, &options, &handle, NULL);
    require(rc == db->rc && !handle, "with a reason: %d, without: %d", db->rc, rc);
}

static uint64_t calls_of(struct strata_fs *fs)
{
    return fs_sim_calls(fs);
}

static void take_stat(void *arg, const struct strata_stat *stat)
{
    struct database *db = arg;
    if (strcmp(stat->name, db->stat_name) == 0)
        db->stat = stat->value;
}

static void read_stat(struct database *db, struct strata *handle)
{
    struct strata_error err = {.code = 0};

    db->stat = UINT64_MAX;
    require(strata_stats(handle, take_stat, db, &err) == 0, "%s", err.message);
    require(db->stat != UINT64_MAX || fuzz_engine(), "no %s", db->stat_name);
}

static void fail_some(struct database *db);

bool database_read(struct database *db)
{
    struct fs_sim_hash before = fs_sim_hash_of(db->fs), after;
    uint64_t bytes = db->fs->bytes_read, calls = calls_of(db->fs);
    struct strata *handle;

    memory_watch(memory_limit(db->bytes) + db->uncompressed);
    handle = open_it(db, true);
    if (handle && db->stat_name)
        read_stat(db, handle);
    if (handle)
        db->content = content_scan(handle);
    require(db->fs->bytes_read - bytes <= WORK_BYTES(db->bytes), "%llu bytes read of %zu",
            (unsigned long long)(db->fs->bytes_read - bytes), db->bytes);
    require(calls_of(db->fs) - calls <= WORK_CALLS(db->bytes), "%llu calls for %zu bytes",
            (unsigned long long)(calls_of(db->fs) - calls), db->bytes);
    if (handle) {
        if (database_deep_begin(db)) {
            content_check(handle, &db->content);
            database_deep_end();
        }
        close_it(db, handle);
    } else {
        check_refusal(db);
        if (database_deep_begin(db)) {
            open_without_reason(db);
            database_deep_end();
        }
    }
    memory_watched();
    after = fs_sim_hash_of(db->fs);
    require(before.low == after.low && before.high == after.high, "reading has written");
    fail_some(db);
    return db->rc == 0;
}

/* ---- Writing --------------------------------------------------------------------------- */

/* The marker says that an earlier build wrote it: it may be read, not written, and writing is
 * refused before anything else is looked at. */
static bool is_for_readers(const struct database *db)
{
    return db->rc == STRATA_ERR_WRONG_STAGE && strstr(db->err.message, "can read it, not write it");
}

/* The same as read-only. */
static void check_refused_too(struct database *db, const struct database *read,
                              struct fs_sim_hash before)
{
    struct fs_sim_hash after = fs_sim_hash_of(db->fs);

    check_refusal(db);
    require(is_for_readers(db) || (read->err.offset == db->err.offset &&
                                   strcmp(read->err.message, db->err.message) == 0),
            "to read: %d \"%s\"; to write: %d \"%s\"", read->rc, read->err.message, db->rc,
            db->err.message);
    require(before.low == after.low && before.high == after.high, "a refused opening has written");
}

/* Puts a value under the database's first key if `old`, or else under a new one, now and then a
 * large one. */
static void put_one(struct database *db, struct strata *handle, bool old)
{
    static const uint8_t large[70000]; /* more than is copied or read at once */
    struct strata_slice key = strata_string("a key"), value = strata_string("put afterwards");
    struct strata_buffer before = {0};
    struct strata_error err = {.code = 0};
    struct strata_iter *iter;
    int rc;

    require(strata_iter_new(handle, &iter, &err) == 0, "%s", err.message);
    if (old && strata_iter_first(iter, &err) == 0)
        key = strata_iter_key(iter);
    else if (fuzz_thorough || db->hash / DEEP % DEEP == 0)
        value = strata_bytes(large, sizeof large);
    rc = strata_get(handle, key, &before, &err);
    require(rc >= 0, "%s", err.message);
    require(strata_put(handle, key, value, &err) == 0, "a put afterwards: %s", err.message);
    if (rc == 0)
        content_take(&db->content, key, strata_buffer_slice(&before));
    content_add(&db->content, key, value);
    strata_iter_free(iter);
    strata_buffer_free(&before);
}

static void open_again(struct database *db)
{
    struct strata *handle = open_it(db, true);
    require(handle, "what was written does not open: %s", db->err.message);
    require(!db->dropped, "a torn tail, again");
    content_check(handle, &db->content);
    close_it(db, handle);
}

static void compact(struct strata *handle)
{
    struct strata_error err = {.code = 0};
    int rc = strata_compact(handle, NULL, &err);
    require(rc == 0 || rc == STRATA_ERR_NOT_SUPPORTED, "compacting: %s", err.message);
}

static void write_it(struct database *db)
{
    struct database read = *db;
    struct fs_sim_hash before = fs_sim_hash_of(db->fs);
    struct strata *handle;

    memory_watch(memory_limit(db->bytes) + db->uncompressed);
    handle = open_it(db, false);
    memory_watched();
    require(read.rc == db->rc || is_for_readers(db), "to read: %d %s; to write: %d %s", read.rc,
            read.err.message, db->rc, db->err.message);
    if (!handle) {
        check_refused_too(db, &read, before);
        return;
    }
    require(read.dropped == db->dropped, "a torn tail for readers or writers only");
    content_expect(handle, &db->content);
    put_one(db, handle, false);
    put_one(db, handle, true);
    content_expect(handle, &db->content);
    compact(handle);
    close_it(db, handle);
    open_again(db);
}

void database_write(struct database *db)
{
    if (!database_deep_begin(db))
        return;
    write_it(db);
    database_deep_end();
}

/* ---- Calls that fail ------------------------------------------------------------------- */

#define FAILURES 64 /* tried of an input, with fuzz_thorough; otherwise one */

/* Only the failure, or what is wrong with the bytes, is reported. */
static bool went_well(const struct database *db, int rc, const struct strata_error *err)
{
    require(rc >= 0 || rc == STRATA_ERR_IO || rc == STRATA_ERR_NO_MEMORY || rc == db->rc ||
                rc == db->write_rc,
            "with a call that fails: %s", fuzz_text(err));
    return rc == 0;
}

static void scan_failing(const struct database *db, struct strata *handle)
{
    struct strata_error err = {.code = 0};
    struct strata_slice value;
    struct content found = {0};
    struct strata_iter *iter;
    int rc = strata_iter_new(handle, &iter, &err);

    if (!went_well(db, rc, &err))
        return;
    for (rc = strata_iter_first(iter, &err); went_well(db, rc, &err);
         rc = strata_iter_next(iter, &err)) {
        rc = strata_iter_value(iter, &value, &err);
        if (!went_well(db, rc, &err))
            break;
        content_add(&found, strata_iter_key(iter), value);
    }
    strata_iter_free(iter);
    /* What is refused may open where the call that failed was to read a file that only helps, such
     * as stage 3's INDEX, which is then ignored. */
    require(rc < 0 || db->rc < 0 || content_equal(&found, &db->content),
            "with a call that fails, %llu entries", (unsigned long long)found.entries);
}

/* Writes an entry that is there, so that nothing is another afterwards. */
static void write_failing(const struct database *db, struct strata *handle)
{
    struct strata_slice key, value;
    struct strata_error err = {.code = 0};
    struct strata_iter *iter;
    int rc = strata_iter_new(handle, &iter, &err);

    if (!went_well(db, rc, &err))
        return;
    rc = strata_iter_first(iter, &err);
    if (went_well(db, rc, &err) && went_well(db, strata_iter_value(iter, &value, &err), &err)) {
        key = strata_iter_key(iter);
        went_well(db, strata_put(handle, key, value, &err), &err);
    }
    strata_iter_free(iter);
    rc = strata_compact(handle, NULL, &err);
    if (rc != STRATA_ERR_NOT_SUPPORTED)
        went_well(db, rc, &err);
}

static void arm(struct database *db, uint64_t random)
{
    struct fs_sim_fault fault = {.kind = (enum fs_sim_fault_kind)(random / 2 % FS_SIM_FAULT_KINDS),
                                 .at = 1 + random / 16 % 60};
    if (random % 2)
        memory_fail(1 + random / 16 % 160);
    else
        fs_sim_fail(db->fs, &fault);
}

static void went_well_untold(const struct database *db, int rc)
{
    const struct strata_error untold = {.message = "(nobody asked why)"};
    went_well(db, rc, &untold);
}

/* Opens it, reads and writes a little, and never asks for a reason. */
static void fail_untold(const struct database *whole, uint64_t random, bool read_only)
{
    struct database db = *whole;
    struct strata_options options;
    struct strata *handle;
    int rc;

    db.fs = some(fs_sim_copy(whole->fs));
    strata_options_init(&options);
    set_engine(&options);
    options.fs = db.fs;
    options.read_only = read_only;
    arm(&db, random);
    rc = strata_open(DATABASE_DIR, &options, &handle, NULL);
    went_well_untold(whole, rc);
    if (rc == 0) {
        went_well_untold(whole, strata_verify(handle, NULL, NULL));
        if (!read_only)
            went_well_untold(whole,
                             strata_put(handle, strata_string("a"), strata_string("b"), NULL));
        went_well_untold(whole, strata_close(handle, NULL));
    }
    memory_fail(0);
    fs_sim_fail(db.fs, NULL);
    fs_free(db.fs);
}

/* With one failing call or allocation somewhere while it is opened, read and, perhaps, written. */
static void fail_once(const struct database *whole, uint64_t random, bool read_only)
{
    struct database db = *whole;
    struct strata_error err = {.code = 0};
    struct strata *handle;

    db.fs = some(fs_sim_copy(whole->fs));
    arm(&db, random);
    handle = open_it(&db, read_only);
    if (handle)
        scan_failing(whole, handle);
    else
        went_well(whole, db.rc, &db.err);
    if (handle && !read_only)
        write_failing(whole, handle);
    if (handle)
        went_well(whole, strata_close(handle, &err), &err);
    memory_fail(0);
    fs_sim_fail(db.fs, NULL);
    require(fs_sim_open_files(db.fs) == 0, "%zu files stay open", fs_sim_open_files(db.fs));
    if (whole->rc == 0 && !read_only) {
        handle = open_it(&db, false);
        require(handle, "after a call that failed it does not open: %s", db.err.message);
        content_expect(handle, &whole->content);
        require(strata_close(handle, &err) == 0, "%s", err.message);
    }
    fs_free(db.fs);
}

/* What opening a copy to write it returns: another error than to read it, where the marker says
 * that an earlier build wrote it. */
static int write_rc(const struct database *whole)
{
    struct database db = *whole;
    struct strata_error err;
    struct strata *handle;

    db.fs = some(fs_sim_copy(whole->fs));
    handle = open_it(&db, false);
    require(!handle || strata_close(handle, &err) == 0, "%s", err.message);
    fs_free(db.fs);
    return db.rc;
}

static void fail_some(struct database *db)
{
    uint64_t random = db->hash / DEEP;

    if (!database_deep_begin(db))
        return;
    db->write_rc = write_rc(db);
    for (unsigned i = 0; i < (fuzz_thorough ? FAILURES : 1); i++, random = random * 31 + 7)
        (random / 8192 % 4 ? fail_once : fail_untold)(db, random, random / 4096 % 2);
    database_deep_end();
}

/* ---- A file that changes while it is open ------------------------------------------------ */

static bool goes_on(int rc, const struct strata_error *err)
{
    require(rc >= 0 || (rc == STRATA_ERR_CORRUPT && err->code == rc && err->file[0]),
            "of a file that has changed while it was open: %d %s", rc, fuzz_text(err));
    return rc >= 0;
}

void database_change(const struct database *db, struct strata_slice bytes)
{
    struct database changed = *db;
    struct strata_error err = {.code = 0};
    struct strata *handle;
    int rc;

    if (db->rc < 0 || !database_deep_begin(db))
        return;
    changed.fs = some(fs_sim_copy(db->fs));
    handle = open_it(&changed, false);
    require(handle, "%s", changed.err.message);
    require(fs_sim_put(changed.fs, db->path, bytes) == 0, "fs_sim_put");
    require(!goes_on(strata_verify(handle, NULL, &err), &err) || db->content.entries == 0,
            "verifying does not see that a file has changed");
    rc = strata_compact(handle, NULL, &err);
    if (rc != STRATA_ERR_NOT_SUPPORTED)
        goes_on(rc, &err);
    strata_close(handle, NULL);
    fs_free(changed.fs);
    database_deep_end();
}

void database_lose(const struct database *db, size_t keep)
{
    struct strata_buffer bytes = {0};

    require(fs_sim_get(db->fs, db->path, &bytes) == 0 && bytes.size >= keep, "%s", db->path);
    database_change(db, strata_bytes(bytes.data, keep));
    strata_buffer_free(&bytes);
}

/* ---- A learner's engine ---------------------------------------------------------------- */

void database_adopt(struct strata_fs *fs, const struct content *content)
{
    struct database db = {.fs = fs, .path = DATABASE_DIR};
    struct strata *handle;
    struct content found;

    if (!fuzz_engine())
        return;
    handle = open_it(&db, true);
    found = handle ? content_scan(handle) : (struct content){0};
    if (!handle || !content_equal(&found, content)) {
        fprintf(stderr, "the engine has another format: %s\n", fuzz_text(&db.err));
        exit(FUZZ_NOT_ADOPTED);
    }
    strata_close(handle, NULL);
}

/* ---- The annotated dump ---------------------------------------------------------------- */

static int inspect_quietly(const struct database *db, struct strata_fs *fs,
                           const struct strata_format *format, struct strata_error *err)
{
    struct inspect in;
    struct fs_file *file;
    int rc = fs_open(fs, db->path, FS_READ, &file, err);

    inspect_init(&in, NULL);
    in.quiet = true;
    if (rc < 0)
        return rc;
    rc = format->inspect(file, &in, err);
    fs_close(file, NULL);
    return rc;
}

static void inspect_failing(const struct database *db, const struct strata_format *format,
                            uint64_t random)
{
    struct strata_error err = {.code = 0};
    struct database copy = *db;
    int rc;

    copy.fs = some(fs_sim_copy(db->fs));
    if (random % 2)
        memory_fail(1 + random / 2 % 6);
    else
        fs_sim_fail(copy.fs, &(struct fs_sim_fault){FS_SIM_EIO, 1 + random / 2 % 64});
    rc = inspect_quietly(db, copy.fs, format, random / 64 % 4 ? &err : NULL);
    require(rc == 0 || rc == STRATA_ERR_IO || rc == STRATA_ERR_NO_MEMORY,
            "a dump, with a call that fails: %d", rc);
    memory_fail(0);
    require(fs_sim_open_files(copy.fs) == 0, "a dump leaves a file open");
    fs_free(copy.fs);
}

static void fail_inspecting(const struct database *db, const struct strata_format *format)
{
    if (!database_deep_begin(db))
        return;
    for (unsigned i = 0; i < (fuzz_thorough ? FAILURES : 1); i++)
        inspect_failing(db, format, db->hash / 512 + i);
    database_deep_end();
}

struct inspect database_inspect(struct database *db, const struct strata_format *format)
{
    static FILE *nowhere;
    struct strata_error err = {.code = 0};
    struct inspect in;
    struct fs_file *file;

    if (!nowhere)
        nowhere = some(fopen("/dev/null", "w"));
    inspect_init(&in, nowhere);
    in.limit = SHOWN;
    in.quiet = !fuzz_thorough && db->hash % PRINTED;
    memory_watch(memory_limit(db->bytes) + db->uncompressed);
    require(fs_open(db->fs, db->path, FS_READ, &file, &err) == 0, "%s", err.message);
    require(format->inspect(file, &in, &err) == 0, "%s", err.message);
    fs_close(file, NULL);
    memory_watched();
    fail_inspecting(db, format);
    return in;
}
