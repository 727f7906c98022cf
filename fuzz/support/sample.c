/* sample.c: see sample.h. */
#include "sample.h"
#include "02_hash_index/segment.h"
#include "fuzz.h"
#include "rewrite.h"

#include <string.h>

#define LARGE ((uint64_t)1 << 20) /* segments in which everything has room */
#define SMALL ((uint64_t)256)     /* less than the first part, more than the second begins with */

/* XXH3 multiplies the first eight bytes of a key of 32, combined with its secret, with the next
 * eight; where the former are the secret itself the product is zero, whatever the latter are. */
struct strata_slice sample_collision(uint8_t to[32], unsigned which)
{
    static const uint8_t secret[8] = {0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe};

    memset(to, 'x', 32);
    memcpy(to, secret, 8);
    to[8] = (uint8_t)which;
    return strata_bytes(to, 32);
}

static struct strata *open_sample(struct strata_fs *fs, unsigned stage, uint64_t segment_bytes)
{
    struct strata_options options;
    struct strata_error err = {.code = 0};
    struct strata *db;

    strata_options_init(&options);
    options.stage = stage;
    options.fs = fs;
    options.create = true;
    options.segment_bytes = segment_bytes;
    require(strata_open(DATABASE_DIR, &options, &db, &err) == 0, "%s", err.message);
    return db;
}

static void put(struct strata *db, struct strata_slice key, const char *value)
{
    struct strata_error err = {.code = 0};
    require(strata_put(db, key, strata_string(value), &err) == 0, "%s", err.message);
}

static void drop(struct strata *db, struct strata_slice key)
{
    struct strata_error err = {.code = 0};
    require(strata_delete(db, key, &err) == 0, "%s", err.message);
}

static void close_sample(struct strata *db)
{
    struct strata_error err = {.code = 0};
    require(strata_close(db, &err) == 0, "%s", err.message);
}

/* More of it is live than dead, so that it is not merged when it is closed. */
static void fill_first(struct strata *db)
{
    uint8_t colliding[32];

    put(db, strata_string("c"), "older");
    put(db, strata_string("a"), "1");
    put(db, strata_string("b"), "2");
    put(db, strata_string(""), "of the empty key");
    for (unsigned which = 0; which < 3; which++)
        put(db, sample_collision(colliding, which), "a twin");
    put(db, strata_string("a"), "");
    drop(db, strata_string("b"));
    put(db, strata_string("c"), "of the first segment");
}

static void fill_second(struct strata *db, unsigned more)
{
    uint8_t colliding[32];

    drop(db, sample_collision(colliding, 1));
    put(db, strata_string("b"), "again");
    drop(db, strata_string("a"));
    for (unsigned i = 0; i < more; i++) {
        uint8_t key = (uint8_t)('e' + i);
        put(db, strata_bytes(&key, 1), "more");
    }
}

static void require_file(struct strata_fs *fs, const char *path, bool there)
{
    struct strata_buffer bytes = {0};
    require((fs_sim_get(fs, path, &bytes) == 0) == there, "%s: %s", path,
            there ? "is not there" : "should not be there");
    strata_buffer_free(&bytes);
}

struct strata_fs *sample_longer(unsigned stage, unsigned more, struct content *content)
{
    struct strata_fs *fs = fs_sim_new();
    struct content held;
    struct strata *db;

    require(fs, "no memory");
    fuzz_uncounted_begin();
    db = open_sample(fs, stage, LARGE);
    fill_first(db);
    close_sample(db);
    db = open_sample(fs, stage, SMALL);
    put(db, strata_string("d"), "of the second segment");
    close_sample(db);
    db = open_sample(fs, stage, LARGE);
    fill_second(db, more);
    held = content_scan(db);
    if (content)
        *content = held;
    close_sample(db);
    require_file(fs, DATABASE_DIR "/000001.log", true);
    require_file(fs, DATABASE_DIR "/000002.log", true);
    require_file(fs, DATABASE_DIR "/000003.log", false);
    database_adopt(fs, &held);
    fuzz_uncounted_end();
    return fs;
}

struct strata_fs *sample_new(unsigned stage, struct content *content)
{
    return sample_longer(stage, 0, content);
}

void sample_remove(struct strata_fs *fs, const char *name)
{
    struct strata_error err = {.code = 0};
    char path[60];

    snprintf(path, sizeof path, "%s/%s", DATABASE_DIR, name);
    require(fs_remove(fs, path, &err) == 0, "%s", err.message);
}

void sample_litter(struct strata_fs *fs)
{
    static const char *const names[] = {
        "1.log",       "000000.log",      "000002-000001.log",  "16777216.log", "000001.logs",
        "000009.hint", "000003.hint.tmp", "000001-000002.hint", "notes.txt"};
    char path[60];

    for (size_t i = 0; fuzz_thorough && i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", DATABASE_DIR, names[i]);
        require(fs_sim_put(fs, path, strata_string("litter")) == 0, "%s", path);
    }
}

#define STAGES 4

static struct strata_fs *without_helps(unsigned stage)
{
    static const char *const helps[STAGES][2] = {[2] = {"000001.hint"}, [3] = {"TAIL", "INDEX"}};
    struct strata_fs *fs = sample_new(stage, NULL);

    for (size_t i = 0; i < 2 && helps[stage][i]; i++)
        sample_remove(fs, helps[stage][i]);
    return fs;
}

static const char *const log_paths[] = {DATABASE_DIR "/000001.log", DATABASE_DIR "/000002.log"};

/* What the bytes of a segment stand in: alone, or a sample. */
static struct strata_fs *base_of(unsigned stage, bool sample)
{
    static struct strata_fs *bases[STAGES][2];

    if (!bases[stage][0]) {
        bases[stage][0] = database_new(stage);
        bases[stage][1] = without_helps(stage);
        sample_litter(bases[stage][1]);
    }
    return bases[stage][sample];
}

unsigned sample_log(struct database *db, unsigned stage, struct strata_slice bytes)
{
    bool second = rewrite_has_number(bytes, REWRITE_NUMBER(2));

    database_init(db, base_of(stage, second), log_paths[second], bytes);
    return 1 + second;
}

void sample_check_closed(const struct database *db, unsigned stage, const struct rewrite_kind *kind)
{
    struct strata_buffer bytes = {0};
    struct database closed;

    if (kind->number != REWRITE_NUMBER(1))
        return;
    require(fs_sim_get(db->fs, db->path, &bytes) == 0, "%s", db->path);
    database_init(&closed, base_of(stage, true), db->path, strata_buffer_slice(&bytes));
    require(!database_read(&closed) || rewrite_last_type(&closed, kind) == SEGMENT_SEAL,
            "a closed segment without its seal");
    database_free(&closed);
    strata_buffer_free(&bytes);
}

struct strata_fs *sample_letters(unsigned stage, char last, const char *flushes,
                                 const char *compacts, struct content *content)
{
    struct strata_fs *fs = database_new(stage);
    struct strata_options options;
    struct strata *db;

    strata_options_init(&options);
    options.fs = fs;
    fuzz_uncounted_begin();
    require(strata_open(DATABASE_DIR, &options, &db, NULL) == 0, "open");
    for (char key[] = "a"; key[0] <= last; key[0]++) {
        require(strata_put(db, strata_string(key), strata_string("value"), NULL) == 0, "put");
        if (strchr(flushes, key[0]))
            require(strata_flush(db, NULL) == 0, "flush");
        if (strchr(compacts, key[0]))
            require(strata_compact(db, NULL, NULL) == 0, "compact");
    }
    *content = content_scan(db);
    require(strata_close(db, NULL) == 0, "close");
    fuzz_uncounted_end();
    return fs;
}
