/* make_seeds.c: writes the seeds of the fuzz targets, by the engine itself:
 *
 *   build/fuzz/make_seeds fuzz/seeds        (make fuzz-seeds)
 *
 * Each is a small file of one format, at most 4 KB, that stands for a situation. The same build
 * always writes the same bytes. */
#include "03_wal/wal.h"
#include "05_blocks_bloom/table/table.h"
#include "05_blocks_bloom/table/table_format.h"
#include "09_fast_paths/table/pax_table_inside.h"
#include "09_fast_paths/log/single_op_log.h"
#include "10_concurrency/snapshot/chain.h"
#include "10_concurrency/table/chain_table.h"
#include "12_value_log/values/live.h"
#include "12_value_log/values/value_set.h"
#include "events/events.h"
#include "08_backup_repair/lineage/lineage.h"
#include "06_leveled_compaction/manifest/manifest.h"
#include "base/coding.h"
#include "database.h"
#include "fuzz.h"
#include "db/marker.h"
#include "repair.h"
#include "rewrite.h"
#include "sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SEED_BYTES 4096

static const char *directory;

static void save(const char *target, const char *name, struct strata_slice bytes)
{
    char path[300];
    FILE *file;

    require(bytes.size <= SEED_BYTES, "%s/%s has %zu bytes", target, name, bytes.size);
    snprintf(path, sizeof path, "%s/%s", directory, target);
    require(mkdir(path, 0777) == 0 || errno == EEXIST, "mkdir %s: %s", path, strerror(errno));
    snprintf(path, sizeof path, "%s/%s/%s", directory, target, name);
    file = fopen(path, "wb");
    require(file, "%s: %s", path, strerror(errno));
    require(fwrite(bytes.data, 1, bytes.size, file) == bytes.size, "%s", path);
    require(fclose(file) == 0, "%s: %s", path, strerror(errno));
}

/* A file of a file system, its last `cut` bytes left out. */
static void save_file(struct strata_fs *fs, const char *file, size_t cut, const char *target,
                      const char *name)
{
    struct strata_buffer bytes = {0};
    char path[100];

    snprintf(path, sizeof path, "%s/%s", DATABASE_DIR, file);
    require(fs_sim_get(fs, path, &bytes) == 0, "%s", path);
    require(cut <= bytes.size, "%s has %zu bytes", path, bytes.size);
    save(target, name, strata_bytes(bytes.data, bytes.size - cut));
    strata_buffer_free(&bytes);
}

/* ---- Databases ------------------------------------------------------------------------- */

struct place {
    struct strata_fs *fs;
    struct strata *db;
};

static void begin(struct place *place, unsigned stage)
{
    struct strata_options options;
    struct strata_error err = {.code = 0};

    strata_options_init(&options);
    place->fs = database_new(stage);
    options.fs = place->fs;
    require(strata_open(DATABASE_DIR, &options, &place->db, &err) == 0, "%s", err.message);
}

static void put(struct place *place, const char *key, const char *value)
{
    struct strata_error err = {.code = 0};
    require(strata_put(place->db, strata_string(key), strata_string(value), &err) == 0, "%s",
            err.message);
}

static void drop(struct place *place, const char *key)
{
    struct strata_error err = {.code = 0};
    require(strata_delete(place->db, strata_string(key), &err) == 0, "%s", err.message);
}

/* A put that the disk has no room for: what fits of it is there. */
static void put_too_much(struct place *place, size_t key_bytes, size_t value_bytes)
{
    uint8_t *key = calloc(key_bytes + 1, 1), *value = calloc(value_bytes + 1, 1);
    struct strata_error err = {.code = 0};

    require(key && value, "no memory");
    fs_sim_set_disk(place->fs, 512);
    require(strata_put(place->db, strata_bytes(key, key_bytes), strata_bytes(value, value_bytes),
                       &err) < 0,
            "the disk is large enough");
    free(key);
    free(value);
}

static void end(struct place *place)
{
    strata_close(place->db, NULL);
    fs_free(place->fs);
}

/* ---- What is written to them ----------------------------------------------------------- */

static void nothing(struct place *place)
{
    (void)place;
}

static void one_key(struct place *place)
{
    put(place, "key", "value");
}

static void empty_key_and_value(struct place *place)
{
    put(place, "", "of the empty key");
    put(place, "of an empty value", "");
    put(place, "", "");
}

static void tombstones(struct place *place)
{
    put(place, "a", "1");
    drop(place, "a");
    drop(place, "never there");
    drop(place, "");
}

static void overwrites(struct place *place)
{
    put(place, "a", "1");
    put(place, "b", "2");
    put(place, "a", "3, longer than before");
    drop(place, "b");
    put(place, "b", "4");
    put(place, "a", "");
}

static void several(struct place *place)
{
    for (int i = 0; i < 30; i++) {
        char key[20], value[40];
        snprintf(key, sizeof key, "key%02d", i * 7 % 30);
        snprintf(value, sizeof value, "%.*s", i, "abcdefghijklmnopqrstuvwxyzabcdefghijkl");
        put(place, key, value);
    }
}

static void binary(struct place *place)
{
    struct strata_error err;
    uint8_t all[256];

    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    require(strata_put(place->db, strata_bytes(all, 256), strata_bytes(all, 256), &err) == 0, "%s",
            err.message);
    require(strata_put(place->db, strata_bytes(all, 1), strata_bytes(all + 255, 1), &err) == 0,
            "%s", err.message);
}

static void collisions(struct place *place)
{
    struct strata_error err = {.code = 0};
    struct strata_slice value = strata_string("v");
    uint8_t key[32];

    for (unsigned which = 0; which < 8; which++)
        require(strata_put(place->db, sample_collision(key, which % 3), value, &err) == 0, "%s",
                err.message);
    require(strata_delete(place->db, sample_collision(key, 1), &err) == 0, "%s", err.message);
}

static void batches(struct place *place)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err = {.code = 0};
    uint8_t key[32];

    for (unsigned i = 0; i < 3; i++) {
        strata_batch_put(batch, sample_collision(key, i), strata_string("v"), NULL);
        strata_batch_put(batch, strata_string("a"), strata_string("1"), NULL);
        strata_batch_delete(batch, strata_string("a"), NULL);
        require(strata_write(place->db, batch, 0, &err) == 0, "%s", err.message);
    }
    strata_batch_free(batch);
}

static void longest_key(struct place *place)
{
    put(place, "a", "1");
    put_too_much(place, STRATA_MAX_KEY, 1);
}

static void longest_value(struct place *place)
{
    put(place, "a", "1");
    put_too_much(place, 1, STRATA_MAX_VALUE);
}

/* Its body has as many bytes as a seal's. */
static void like_a_seal(struct place *place)
{
    put(place, "a", "1");
    put(place, "k", "fifteen bytes..");
}

static const struct {
    const char *name;
    void (*write)(struct place *place);
    size_t cut;     /* bytes to leave out at the end */
    unsigned stage; /* the first one for which this means something */
} logs[] = {
    {"empty", nothing, 0, 1},
    {"one_key", one_key, 0, 1},
    {"empty_key_and_value", empty_key_and_value, 0, 1},
    {"tombstones", tombstones, 0, 1},
    {"overwrites", overwrites, 0, 1},
    {"several", several, 0, 1},
    {"binary", binary, 0, 1},
    {"torn_in_value", overwrites, 1, 1}, /* its last value is empty: in the key */
    {"torn_in_head", one_key, 20, 1},
    {"torn_in_header", nothing, 3, 1},
    {"longest_key", longest_key, 0, 1},
    {"longest_value", longest_value, 0, 1},
    {"like_a_seal", like_a_seal, 0, 1},
    {"collisions", collisions, 0, 2},
    {"batches", batches, 0, 3},
    {"torn_in_batch", batches, 100, 3},
};

/* The file, with a number changed and the check made right again. */
static void save_changed(struct strata_fs *fs, const char *file, size_t at, uint64_t number,
                         const char *target, const char *name)
{
    struct strata_buffer bytes = {0};
    char path[100];

    snprintf(path, sizeof path, "%s/%s", DATABASE_DIR, file);
    require(fs_sim_get(fs, path, &bytes) == 0 && bytes.size >= at + 8, "%s", path);
    put_u64(bytes.data + at, number);
    repair(bytes.data, bytes.size, REPAIR_CHECKS);
    save(target, name, strata_buffer_slice(&bytes));
    strata_buffer_free(&bytes);
}

static void save_logs(unsigned stage, const char *target)
{
    struct strata_fs *fs = database_new(stage);

    save_changed(fs, "000001.log", 8, 2 | (uint64_t)1 << 32, target, "another_version");
    fs_free(fs);
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        struct place place;
        if (stage < logs[i].stage)
            continue;
        begin(&place, stage);
        logs[i].write(&place);
        save_file(place.fs, "000001.log", logs[i].cut, target, logs[i].name);
        end(&place);
    }
}

/* A value that looks like a frame of this log, which says what was synced; but for the salt. */
static void save_forged_frame(void)
{
    enum { VALUE = 24 + 53 + 53 + 17 + 6, SYNCED = VALUE - 9 }; /* where it stands */
    struct strata_slice key = strata_string("forged");
    struct strata_slice more = strata_string(" and then something that everybody can read");
    struct wal_group group = {0};
    struct strata_error err = {.code = 0};
    struct place place;

    wal_group_begin(&group, REWRITE_NUMBER(1), 4711, VALUE);
    wal_frame_begin(&group, 2, SYNCED);
    wal_frame_end(&group);
    strata_buffer_append(&group.bytes, more.data, more.size);
    begin(&place, 3);
    require(strata_put(place.db, key, strata_buffer_slice(&group.bytes), &err) == 0, "%s",
            err.message);
    require(strata_close(place.db, &err) == 0, "%s", err.message);
    save_file(place.fs, "000001.log", 0, "wal", "value_like_a_frame");
    fs_free(place.fs);
    wal_group_free(&group);
}

/* The file, with one bit changed. */
static void save_spoiled(struct strata_fs *fs, const char *file, size_t at, const char *target,
                         const char *name)
{
    struct strata_buffer bytes = {0};
    char path[100];

    snprintf(path, sizeof path, "%s/%s", DATABASE_DIR, file);
    require(fs_sim_get(fs, path, &bytes) == 0 && bytes.size > at, "%s", path);
    bytes.data[at] ^= 1;
    save(target, name, strata_buffer_slice(&bytes));
    strata_buffer_free(&bytes);
}

/* A closed segment whose seal is too short, and ends with it, or goes on. */
static void save_short_seal(struct strata_fs *fs)
{
    enum { SEAL = 33, VALUE_BYTES = 9, LESS = 8 };
    struct strata_buffer bytes = {0};

    require(fs_sim_get(fs, DATABASE_DIR "/000001.log", &bytes) == 0, "000001.log");
    put_u32(bytes.data + bytes.size - SEAL + VALUE_BYTES, LESS);
    repair(bytes.data, bytes.size, REPAIR_CHECKS);
    save("segment", "short_seal_and_more", strata_buffer_slice(&bytes));
    save("segment", "short_seal", strata_bytes(bytes.data, bytes.size - LESS));
    strata_buffer_free(&bytes);
}

/* More than the log explains. */
static void save_long_index(struct strata_fs *fs)
{
    struct strata_buffer bytes = {0};
    uint8_t more[2000] = {0};

    require(fs_sim_get(fs, DATABASE_DIR "/INDEX", &bytes) == 0, "INDEX");
    strata_buffer_append(&bytes, more, sizeof more);
    save("checkpoint", "too_long", strata_buffer_slice(&bytes));
    strata_buffer_free(&bytes);
}

/* ---- Files beside logs ----------------------------------------------------------- */

/* A hint whose entries add up, and stand in another order than the records: of two puts of a key
 * the older one last. */
static void save_disordered(struct strata_fs *fs)
{
    enum { HEADER = 48, ENTRY = 16, FIRST = HEADER, LATER = HEADER + 9 * ENTRY };
    struct strata_buffer hint = {0};
    uint8_t entry[ENTRY];

    require(fs_sim_get(fs, DATABASE_DIR "/000001.hint", &hint) == 0, "no hint");
    require(memcmp(hint.data + FIRST, hint.data + LATER, 8) == 0, "two entries of one key");
    memcpy(entry, hint.data + FIRST, ENTRY);
    memcpy(hint.data + FIRST, hint.data + LATER, ENTRY);
    memcpy(hint.data + LATER, entry, ENTRY);
    repair(hint.data, hint.size, REPAIR_CHECKS);
    save("hint", "in_another_order", strata_buffer_slice(&hint));
    strata_buffer_free(&hint);
}

static void save_samples(void)
{
    struct strata_fs *two = sample_new(2, NULL), *three = sample_new(3, NULL);
    struct strata_fs *longer = sample_longer(3, 5, NULL);

    save_file(two, "000001.log", 0, "segment", "sealed");
    save_file(two, "000001.log", 7, "segment", "sealed_cut");
    save_file(three, "000001.log", 0, "wal", "sealed");
    save_file(two, "000002.log", 0, "segment", "second");
    save_file(two, "000002.log", 1, "segment", "second_cut");
    save_file(three, "000002.log", 0, "wal", "second");
    save_file(three, "000002.log", 1, "wal", "second_cut");
    save_file(two, "000001.hint", 0, "hint", "its_own");
    save_file(two, "000001.hint", 16, "hint", "one_entry_less");
    save_file(two, "000001.hint", 3, "hint", "cut_in_entry");
    save_disordered(two);
    save_changed(two, "000001.hint", 48, 4711, "hint", "another_hash");
    save_changed(two, "000001.hint", 28, 4711, "hint", "another_count");
    save_changed(three, "INDEX", 36, 4711, "checkpoint", "another_count");
    save_changed(three, "000002.log", 24 + 17 + 16, UINT64_MAX, "wal", "endless_frame");
    save_changed(three, "TAIL", 8, 3 | (uint64_t)1 << 32, "tail", "another_version");
    save_changed(three, "TAIL", 8, 2 | (uint64_t)1 << 32, "tail", "mark");
    save_spoiled(three, "TAIL", 36, "tail", "another_check");
    save_spoiled(three, "INDEX", 60, "checkpoint", "another_check");
    save_changed(three, "INDEX", 8, 2, "checkpoint", "another_version");
    save_short_seal(two);
    save_long_index(three);
    save("checkpoint", "five_bytes", strata_string("STRAT"));
    save_forged_frame();
    save("hint", "empty", strata_bytes("", 0));
    save_file(three, "TAIL", 0, "tail", "its_own");
    save_file(three, "TAIL", 1, "tail", "cut");
    save_file(longer, "TAIL", 0, "tail", "of_a_longer_log");
    save("tail", "empty", strata_bytes("", 0));
    save_file(three, "INDEX", 0, "checkpoint", "its_own");
    save_file(three, "INDEX", 1, "checkpoint", "cut");
    save_file(longer, "INDEX", 0, "checkpoint", "of_a_longer_log");
    save("checkpoint", "empty", strata_bytes("", 0));
    fs_free(two);
    fs_free(three);
    fs_free(longer);
}

/* ---- Runs and tables, and the list of runs ----------------------------------------------- */

static void flush(struct place *place)
{
    struct strata_error err = {.code = 0};
    require(strata_flush(place->db, &err) == 0, "%s", err.message);
}

/* More than a page of the index tells the places of. */
static void two_pages(struct place *place)
{
    for (int i = 0; i < 130; i++) {
        char key[20];
        snprintf(key, sizeof key, "%03d", i);
        put(place, key, "");
    }
}

static const struct {
    const char *name;
    void (*write)(struct place *place);
    size_t cut;
} sorted[] = {
    {"one_key", one_key, 0},        {"empty_key_and_value", empty_key_and_value, 0},
    {"several", several, 0},        {"overwrites", overwrites, 0},
    {"binary", binary, 0},          {"two_pages", two_pages, 0},
    {"cut_in_its_end", several, 7},
};

static void save_sorted(void)
{
    struct strata_buffer run = {0};
    struct place place;

    for (size_t i = 0; i < sizeof sorted / sizeof *sorted; i++) {
        begin(&place, 4);
        sorted[i].write(&place);
        flush(&place);
        save_file(place.fs, "000002.run", sorted[i].cut, "run", sorted[i].name);
        end(&place);
        begin(&place, 5);
        sorted[i].write(&place);
        flush(&place);
        save_file(place.fs, "000002.sst", sorted[i].cut, "table", sorted[i].name);
        end(&place);
    }
    begin(&place, 4); /* tombstones are written only over an older run */
    put(&place, "a", "1");
    flush(&place);
    tombstones(&place);
    flush(&place);
    require(fs_sim_get(place.fs, DATABASE_DIR "/000004.run", &run) == 0, "no run");
    run.data[12] = 2; /* the number that the target's file has */
    repair(run.data, run.size, REPAIR_CHECKS);
    save("run", "tombstones", strata_buffer_slice(&run));
    strata_buffer_free(&run);
    end(&place);
}

/* A run's end that cannot be: behind its head are | records 8 | tombstones 8 | index 8 | ... */
static void save_impossible_runs(void)
{
    enum { END = RECORD_HEAD + 48, PAGE = RECORD_HEAD + 8 * 30, KEY_BYTES = 5 };
    struct strata_buffer bytes = {0};
    struct place place;
    size_t end;

    begin(&place, 4);
    several(&place);
    flush(&place);
    require(fs_sim_get(place.fs, DATABASE_DIR "/000002.run", &bytes) == 0, "no run");
    end = bytes.size - END;
    save_changed(place.fs, "000002.run", end + RECORD_HEAD, 0, "run", "no_records");
    save_changed(place.fs, "000002.run", end + RECORD_HEAD, 4711, "run", "too_many_records");
    save_changed(place.fs, "000002.run", end + RECORD_HEAD + 16, 8, "run", "index_in_the_header");
    save_changed(place.fs, "000002.run", end + KEY_BYTES, 8 | (uint64_t)40 << 32, "run",
                 "end_with_a_key");
    save_changed(place.fs, "000002.run", end - PAGE + KEY_BYTES, 8 | (uint64_t)232 << 32, "run",
                 "page_with_a_key");
    strata_buffer_free(&bytes);
    strata_close(place.db, NULL);
    fs_free(place.fs);
}

/* ---- Tables of stages 5 and 9, by their own writers --------------------------------------- */

struct shape {
    const char *name;
    size_t block_bytes;
    unsigned bits; /* of the filter, a key */
    bool plain;    /* no section is compressed */
    unsigned entries;
    size_t key, value;                        /* bytes; of a key at least */
    unsigned keys_vary, values_vary, deletes; /* by so many bytes; each how many-th */
    uint64_t number;
    bool differ_late; /* keys begin alike, by more than is compared at once */
};

static const struct shape shapes[] = {
    {"of_one_size", 4096, 10, false, 20, 4, 8, 0, 0, 0, 2, false},
    {"of_one_size_plain", 4096, 10, true, 20, 4, 8, 0, 0, 0, 2, false},
    {"sizes_vary_plain", 4096, 10, true, 20, 4, 0, 9, 5, 0, 2, false},
    {"many_blocks", 256, 10, false, 60, 6, 20, 3, 7, 5, 2, false},
    {"many_blocks_plain", 256, 10, true, 40, 6, 20, 3, 7, 5, 2, false},
    {"small_blocks_plain", 64, 10, true, 16, 12, 4, 0, 0, 0, 2, false},
    {"tombstones", 4096, 10, false, 12, 5, 0, 2, 0, 1, 2, false},
    {"tombstones_plain", 4096, 10, true, 9, 5, 0, 2, 0, 1, 2, false},
    {"no_filter", 4096, 0, false, 5, 3, 3, 0, 0, 0, 2, false},
    {"no_filter_plain", 128, 0, true, 12, 3, 9, 2, 2, 3, 2, false},
    {"filter_of_one_bit", 4096, 1, true, 40, 3, 0, 0, 0, 0, 2, false},
    {"filter_of_most_bits", 4096, BLOOM_BITS_PER_KEY_MAX, true, 12, 3, 2, 0, 0, 0, 2, false},
    {"longest_key", 4096, 10, false, 1, STRATA_MAX_KEY, 1, 0, 0, 0, 2, false},
    {"wide_block", 4096, 10, false, 1, 5, 70000, 0, 0, 0, 2, false},
    {"packed_blocks", 1024, 10, false, 12, 5, 900, 0, 3, 0, 2, false},
    {"another_number", 4096, 10, false, 3, 3, 3, 0, 0, 0, 3, false},
    {"keys_begin_alike", 4096, 0, true, 20, 14, 2, 0, 0, 0, 2, true},
    {"separators_begin_alike", 64, 10, true, 14, 14, 14, 0, 0, 0, 2, true},
    {"separators_are_long", 64, 0, true, 6, 200, 2, 0, 0, 0, 2, true},
};

/* Entry `i`: some keys begin alike, and values consist of few bytes. */
static void shaped_entry(const struct shape *shape, unsigned i, struct strata_buffer *key,
                         struct strata_buffer *value)
{
    char text[20];
    size_t key_bytes = shape->key + (shape->keys_vary ? i * 5 % (shape->keys_vary + 1) : 0);
    size_t bytes = shape->value + (shape->values_vary ? i * 3 % (shape->values_vary + 1) : 0);

    snprintf(text, sizeof text, "%c%02u", (char)('a' + i / 9), i);
    strata_buffer_clear(key);
    strata_buffer_clear(value);
    strata_buffer_append(key, text, shape->differ_late ? 1 : 3);
    while (key->size < key_bytes)
        strata_buffer_append(key, "k", 1);
    if (shape->differ_late)
        strata_buffer_append(key, text + 1, 2);
    while (value->size < bytes)
        strata_buffer_append(value, &text[value->size / 64 % 3], 1);
}

static void write_shape(const struct sstable_kind *kind, const struct shape *shape,
                        struct strata_env *env)
{
    struct strata_buffer key = {0}, value = {0};
    struct sstable_writer *writer;
    struct strata_error err = {.code = 0};
    uint64_t last = 10 + shape->entries;

    require(kind->writer_new(env, shape->number, &writer, &err) == 0, "%s", err.message);
    for (unsigned i = 0; i < shape->entries; i++) {
        bool is_delete = shape->deletes && i % shape->deletes == 0;
        shaped_entry(shape, i, &key, &value);
        require(kind->writer_add(
                    writer, is_delete ? STRATA_OP_DELETE : STRATA_OP_PUT, strata_buffer_slice(&key),
                    is_delete ? strata_bytes(NULL, 0) : strata_buffer_slice(&value), &err) == 0,
                "%s", err.message);
    }
    require(kind->writer_finish(writer, 10, last, &err) == 0, "%s", err.message);
    require(fs_output_publish(&writer->out, &err) == 0, "%s", err.message);
    kind->writer_del(writer, true);
    strata_buffer_free(&key);
    strata_buffer_free(&value);
}

/* Appends the section at that offset, uncompressed. */
static void put_plain(struct strata_buffer *to, struct strata_slice from, uint64_t begin,
                      uint64_t end, struct pax_table_properties *properties)
{
    struct strata_buffer bytes = {0};
    struct stored_block section;
    uint32_t check;

    require(stored_block_open(&section, strata_bytes(from.data + begin, (size_t)(end - begin)), 2,
                              begin, NULL) == 0,
            "section");
    require(strata_buffer_append(&bytes, NULL, 0) == 0, "no memory");
    bytes.data = realloc(bytes.data, section.size + 1);
    require(bytes.data && stored_block_uncompress(&section, begin, bytes.data, NULL) == 0,
            "unpack");
    bytes.size = bytes.capacity = section.size;
    if (properties) { /* what is before them has moved */
        put_u64(bytes.data + 8 * 8, properties->filter);
        properties->blocks = to->size;
    }
    require(stored_block_put(to, 2, to->size, strata_buffer_slice(&bytes), false, &check, NULL) ==
                0,
            "section");
    strata_buffer_free(&bytes);
}

/* The same table, of which index and properties are not compressed: a fuzzer can change them. */
static void unpack_table(struct strata_buffer *bytes)
{
    enum { MOST = 64 };
    struct strata_slice from = strata_buffer_slice(bytes);
    struct pax_table_properties properties = {0};
    struct strata_buffer to = {0};
    size_t begin[MOST], last = repair_sections(bytes->data, bytes->size, begin, MOST) - 1;
    uint8_t footer[PAX_TABLE_FOOTER];

    require(last < MOST && last >= 4, "no table");
    strata_buffer_append(&to, from.data, begin[last - 3]);
    put_plain(&to, from, begin[last - 3], begin[last - 2], NULL);
    properties.filter = to.size;
    if (begin[last - 1] > begin[last - 2])
        put_plain(&to, from, begin[last - 2], begin[last - 1], NULL);
    put_plain(&to, from, begin[last - 1], begin[last], &properties);
    pax_table_put_footer(2, to.size, properties.blocks, from.data[from.size - 14], footer);
    strata_buffer_append(&to, footer, sizeof footer);
    repair(to.data, to.size, REPAIR_CHECKS);
    strata_buffer_free(bytes);
    *bytes = to;
}

/* A table with a number changed, of 1, 2 or 8 bytes, and its checks made right again. */
static void save_forgery(const char *target, struct strata_slice from, size_t at, uint64_t number,
                         size_t bytes, const char *name)
{
    struct strata_buffer copy = {0};
    uint8_t encoded[8];

    put_u64(encoded, number);
    require(strata_buffer_append(&copy, from.data, from.size) == 0, "no memory");
    memcpy(copy.data + at, encoded, bytes);
    repair(copy.data, copy.size, REPAIR_CHECKS);
    save(target, name, strata_buffer_slice(&copy));
    strata_buffer_free(&copy);
}

/* Numbers that cannot be, in each part of a table whose sections are not compressed. */
static void save_forged(struct strata_slice from)
{
    size_t begin[8], sections = repair_sections(from.data, from.size, begin, 8);
    size_t footer = begin[sections - 1], properties = begin[sections - 2];
    size_t filter = begin[sections - 3], index = begin[sections - 4];

    save_forgery("pax_table", from, footer + 8, 2, 2, "another_version");
    save_forgery("pax_table", from, footer, 8, 8, "properties_in_the_header");
    save_forgery("pax_table", from, properties + 7 * 8, filter + 1, 8, "index_behind_the_filter");
    save_forgery("pax_table", from, index, 0, 1, "block_of_no_bytes");
    save_forgery("pax_table", from, begin[0] + 1, 0, 2, "block_of_no_entries");
    save_forgery("pax_table", from, begin[0], 15, 1, "block_of_another_form");
    save_forgery("pax_table", from, filter - STORED_BLOCK_TRAILER, 4711, 4,
                 "index_of_another_size");
    save_forgery("pax_table", from, filter - 5, STORED_BLOCK_LZ4, 1, "index_not_packed");
}

static void save_shapes(void)
{
    struct strata_buffer bytes = {0};
    struct strata_options options;

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct strata_env env = {.fs = database_new(5), .dir = DATABASE_DIR, .options = &options};
        char path[64];
        strata_options_init(&options);
        options.block_bytes = shapes[i].block_bytes;
        options.bloom_bits_per_key = shapes[i].bits;
        options.plain_blocks = shapes[i].plain;
        write_shape(&pax_table_kind, &shapes[i], &env);
        snprintf(path, sizeof path, DATABASE_DIR "/%06u.table", (unsigned)shapes[i].number);
        require(fs_sim_get(env.fs, path, &bytes) == 0, "%s", path);
        if (shapes[i].plain)
            unpack_table(&bytes);
        save("pax_table", shapes[i].name, strata_buffer_slice(&bytes));
        if (strcmp(shapes[i].name, "tombstones_plain") == 0)
            save_forged(strata_buffer_slice(&bytes));
        strata_buffer_clear(&bytes);
        fs_free(env.fs);
    }
    save_impossible_runs();
    save("pax_table", "empty", strata_bytes("", 0));
    save("run", "empty", strata_bytes("", 0));
    strata_buffer_free(&bytes);
}

/* Numbers that cannot be, in each part of a table of stage 5. */
static void save_forged_tables(struct strata_slice from)
{
    size_t footer = from.size - TABLE_FOOTER;
    struct table_footer parts;

    require(!table_footer_get(from.data + footer, 2, footer, &parts), "no footer");
    save_forgery("table", from, footer + 24, 2, 2, "another_version");
    save_forgery("table", from, footer, 8, 8, "index_in_the_header");
    save_forgery("table", from, footer + 8, footer, 8, "filter_at_the_end");
    save_forgery("table", from, footer + 16, parts.filter, 8, "properties_where_the_filter_is");
    save_forgery("table", from, (size_t)parts.properties, 0, 8, "of_no_records");
    save_forgery("table", from, (size_t)parts.properties - 10, 0, 1, "filter_of_no_probes");
    save_forgery("table", from, (size_t)parts.filter - 13, 4711, 4, "index_of_many_restarts");
    save_forgery("table", from, (size_t)parts.filter - 5, STORED_BLOCK_LZ4, 1,
                 "index_not_compressed");
    save_forgery("table", from, RECORD_FILE_HEADER, 3, 1, "first_key_shares");
    save_forgery("table", from, RECORD_FILE_HEADER + 3, 3, 1, "entry_of_another_type");
}

/* The shapes as tables of stage 5, by its writer. */
static void save_tables(void)
{
    struct strata_buffer bytes = {0};
    struct strata_options options;

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct strata_env env = {.fs = database_new(5), .dir = DATABASE_DIR, .options = &options};
        char path[64];
        strata_options_init(&options);
        options.block_bytes = shapes[i].block_bytes;
        options.bloom_bits_per_key = shapes[i].bits;
        options.plain_blocks = shapes[i].plain;
        write_shape(&table_kind, &shapes[i], &env);
        snprintf(path, sizeof path, DATABASE_DIR "/%06u.sst", (unsigned)shapes[i].number);
        require(fs_sim_get(env.fs, path, &bytes) == 0, "%s", path);
        save("table", shapes[i].name, strata_buffer_slice(&bytes));
        save("table_salvage", shapes[i].name, /* of every second without its footer */
             strata_bytes(bytes.data, bytes.size - (i % 2 ? TABLE_FOOTER : 0)));
        if (strcmp(shapes[i].name, "tombstones_plain") == 0)
            save_forged_tables(strata_buffer_slice(&bytes));
        strata_buffer_clear(&bytes);
        fs_free(env.fs);
    }
    save("table", "empty", strata_bytes("", 0));
    strata_buffer_free(&bytes);
}

/* The log's number in the list. */
static uint64_t log_of(struct strata_fs *fs)
{
    struct strata_buffer bytes = {0};
    struct decoder d;
    uint64_t log;

    require(fs_sim_get(fs, DATABASE_DIR "/TABLES", &bytes) == 0 && bytes.size > 28, "no list");
    decoder_init(&d, strata_bytes(bytes.data + 20, 8));
    log = get_u64(&d);
    strata_buffer_free(&bytes);
    return log;
}

/* The same work as in fuzz/tables.c. */
static void save_lists(void)
{
    struct place place;

    begin(&place, 4);
    save_file(place.fs, "TABLES", 0, "tables", "of_no_runs");
    for (char key[] = "a"; key[0] <= 'f'; key[0]++) {
        put(&place, key, "value");
        if (key[0] == 'b' || key[0] == 'd')
            flush(&place);
    }
    save_file(place.fs, "TABLES", 0, "tables", "before_the_close");
    require(strata_close(place.db, NULL) == 0, "close");
    save_file(place.fs, "TABLES", 0, "tables", "its_own");
    save_file(place.fs, "TABLES", 30, "tables", "cut");
    save_changed(place.fs, "TABLES", 28, 0, "tables", "another_first_operation");
    save_changed(place.fs, "TABLES", 56, log_of(place.fs), "tables", "log_among_the_runs");
    fs_free(place.fs);
    save("tables", "empty", strata_bytes("", 0));
}

/* The same work as in fuzz/manifest.c. */
static void save_manifests(void)
{
    static const char file[] = "000002.manifest";
    struct place place;

    begin(&place, 6);
    save_file(place.fs, file, 0, "manifest", "of_no_tables");
    save_file(place.fs, "CURRENT", 0, "current", "its_own");
    for (char key[] = "a"; key[0] <= 'h'; key[0]++) {
        put(&place, key, "value");
        if (key[0] == 'b' || key[0] == 'd' || key[0] == 'g')
            flush(&place);
        if (key[0] == 'd')
            require(strata_compact(place.db, NULL, NULL) == 0, "compact");
    }
    save_file(place.fs, file, 0, "manifest", "before_the_close");
    require(strata_close(place.db, NULL) == 0, "close");
    save_file(place.fs, file, 0, "manifest", "its_own");
    save_file(place.fs, file, 3, "manifest", "torn");
    save_file(place.fs, "CURRENT", 0, "current", "of_a_longer_one");
    save_file(place.fs, "CURRENT", 5, "current", "cut");
    fs_free(place.fs);
    save("manifest", "empty", strata_bytes("", 0));
}

/* As many bytes of each key as the log has. */
static void save_event_of_long_keys(struct strata_buffer *lines)
{
    struct strata_event event = {
        .type = STRATA_EVENT_MADE,
        .smallest = strata_string("a key of forty-eight bytes, as many as are told."),
        .largest = strata_string("a key of forty-nine bytes, one more than are told")};

    events_encode(&event, lines);
    require(!lines->out_of_memory, "no memory");
    save("events", "long_keys", strata_buffer_slice(lines));
}

/* An event of each type: what a log that an engine has written says of sizes and times depends on
 * much more than on its format. */
static void save_events(void)
{
    struct strata_buffer lines = {0};

    for (enum strata_event_type type = STRATA_EVENT_OPEN; type < STRATA_EVENTS; type++) {
        struct strata_event event = {.type = type,
                                     .ns = 1000 * (uint64_t)type,
                                     .from = 1,
                                     .level = 2,
                                     .table = 4 + (uint64_t)type,
                                     .inputs = 3,
                                     .outputs = 2,
                                     .bytes = 264,
                                     .written = 214,
                                     .records = 12,
                                     .dropped = 5,
                                     .deletes = 1,
                                     .took_ns = 21000,
                                     .bytes_in = 72,
                                     .level_bytes = {0, 214, 100000},
                                     .smallest = strata_string("a"),
                                     .largest = strata_string("b \"\n")};
        events_encode(&event, &lines);
    }
    require(!lines.out_of_memory && lines.size > 30, "no memory");
    save("events", "its_own", strata_buffer_slice(&lines));
    save("events", "cut", strata_bytes(lines.data, lines.size - 30));
    save("events", "empty", strata_bytes("", 0));
    strata_buffer_clear(&lines);
    save_event_of_long_keys(&lines);
    strata_buffer_free(&lines);
}

/* The log as it is, without the room behind its end: as a backup has it. */
static void save_log(const struct place *place, const char *name)
{
    struct strata_buffer bytes = {0};
    char dir[40];

    snprintf(dir, sizeof dir, "%s", name);
    require(strata_backup(place->db, dir, NULL, NULL) == 0, "backup");
    snprintf(dir, sizeof dir, "%s/000001.log", name);
    require(fs_sim_get(place->fs, dir, &bytes) == 0, "no log");
    save("log", name, strata_buffer_slice(&bytes));
    if (strcmp(name, "several") == 0)
        save("log", "torn", strata_bytes(bytes.data, bytes.size - 3));
    strata_buffer_free(&bytes);
}

static void put_batch(struct place *place)
{
    struct strata_batch *batch = strata_batch_new();

    require(strata_batch_put(batch, strata_string("b"), strata_string("1"), NULL) == 0, "put");
    require(strata_batch_delete(batch, strata_string("a"), NULL) == 0, "delete");
    require(strata_write(place->db, batch, 0, NULL) == 0, "write");
    strata_batch_free(batch);
}

/* Of stage 9: single-operation batches, larger ones and syncs between them. */
static void save_logs_of_9(void)
{
    struct strata_options options;
    struct place place = {.fs = database_new(9)};

    strata_options_init(&options);
    options.fs = place.fs;
    options.sync = STRATA_SYNC_NEVER;
    require(strata_open(DATABASE_DIR, &options, &place.db, NULL) == 0, "open");
    save_log(&place, "no_operation");
    put(&place, "a", "1");
    save_log(&place, "one_key");
    put(&place, "b", "2");
    drop(&place, "a");
    put(&place, "", "");
    save_log(&place, "several");
    put_batch(&place);
    put(&place, "c", "3");
    save_log(&place, "batch");
    require(strata_sync(place.db, NULL) == 0, "sync");
    put(&place, "d", "4");
    put(&place, "e", "5");
    save_log(&place, "synced");
    end(&place);
    save_file(place.fs = database_new(5), "000001.log", 0, "log", "heads_only");
    fs_free(place.fs);
    save("log", "empty", strata_bytes("", 0));
}

/* An edit that adds one table, and at `from` < LEVELS takes it away there. */
static void append_table(struct manifest *m, uint32_t from, const struct edit_table *table)
{
    struct edit edit = {.next = 20};

    require(from == LEVELS || edit_remove(&edit, from, table->number, NULL) == 0, "edit");
    require(edit_add(&edit, table, NULL) == 0, "edit");
    if (from < LEVELS)
        edit_set_cursor(&edit, from, table->largest);
    require(manifest_append(m, &edit, NULL) == 0, "append");
    edit_free(&edit);
}

/* An edit that only moves the cursors, one on each level. */
static void append_cursors(struct manifest *m)
{
    struct edit edit = {.next = 20};

    for (uint32_t level = 0; level < LEVELS; level++)
        edit_set_cursor(&edit, level, strata_string("k"));
    require(manifest_append(m, &edit, NULL) == 0, "append");
    edit_free(&edit);
}

#define TABLE(level, number, first, last, smallest, largest)                                       \
    {                                                                                              \
        level, number, 100, {3, 1, 7, first, last}, {(const uint8_t *)(smallest), 1},              \
        {                                                                                          \
            (const uint8_t *)(largest), 1                                                          \
        }                                                                                          \
    }

/* Of no database: edits that change little each, so that what a mutation makes of them is near to
 * being right. */
static void save_small_edits(void)
{
    static const struct {
        uint32_t from;
        struct edit_table table;
    } steps[] = {
        {LEVELS, TABLE(1, 3, 1, 9, "c", "e")},   {LEVELS, TABLE(1, 4, 1, 9, "g", "k")},
        {LEVELS, TABLE(2, 5, 1, 5, "a", "d")},   {LEVELS, TABLE(0, 6, 10, 19, "a", "z")},
        {LEVELS, TABLE(0, 7, 20, 29, "b", "c")}, {1, TABLE(2, 4, 1, 9, "g", "k")},
    };
    struct edit whole = {.next = 20, .has_logs = true, .logs = {{1, 30, 77, 31}, {8, 31, 77, 31}}};
    struct strata_fs *fs = database_new(6);
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = DATABASE_DIR, .options = &options};
    struct manifest m;

    strata_options_init(&options);
    whole.log_count = 2;
    require(manifest_create(&m, &env, 2, &whole, NULL) == 0, "create");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        append_table(&m, steps[i].from, &steps[i].table);
    save_file(fs, "000002.manifest", 0, "manifest", "small_edits");
    append_cursors(&m);
    save_file(fs, "000002.manifest", 0, "manifest", "a_cursor_on_each_level");
    manifest_close(&m);
    edit_free(&whole);
    fs_free(fs);
}

/* ---- Notes of tables (fuzz/lineage.c): table 9 is theirs, 3, 5 and 7 are the others --------- */

static void save_notes(const char *name, struct lineage lineage, uint64_t *files, size_t cut)
{
    struct strata_buffer bytes = {0};

    lineage.files = files;
    require(lineage_encode(&lineage, &bytes, NULL) == 0, "encode");
    save("lineage", name, strata_bytes(bytes.data, bytes.size - cut));
    strata_buffer_free(&bytes);
}

static void save_lineages(void)
{
    uint64_t tables[] = {3, 5, 7, 300}, itself[] = {9, 9};
    struct lineage whole = {.level = 1, .group = 9, .ordinal = 1, .last = true, .sources = 3};
    struct lineage other = whole;

    save("lineage", "of_a_flush", strata_bytes("", 0));
    save_notes("of_a_compaction", whole, tables, 0);
    save_notes("cut", whole, tables, 1);
    other.last = false;
    save_notes("of_the_first_output", other, tables, 0);
    other.ordinal = 2;
    save_notes("of_the_second_output", other, tables, 0);
    other = whole;
    other.sources = 1;
    other.above = 2;
    save_notes("with_tables_above", other, tables, 0);
    other.above = 3;
    other.level = 6;
    save_notes("with_a_table_that_is_gone", other, tables, 0);
    other = whole;
    other.repaired = true;
    save_notes("of_a_repair", other, tables, 0);
    other.sources = other.above = 1;
    save_notes("of_itself", other, itself, 0);
}

/* ---- Markers --------------------------------------------------------------------------- */

static void save_markers(void)
{
    static const struct {
        const char *name;
        struct marker marker;
    } markers[] = {
        {"ready", {1, 1, MARKER_READY}},
        {"creating", {1, 1, MARKER_CREATING}},
        {"filling", {1, 1, MARKER_FILLING}},
        {"stage_2", {2, 1, MARKER_READY}},
        {"no_state", {1, 1, (enum marker_state)0}},
        {"state_4", {1, 1, (enum marker_state)4}},
        {"no_such_stage", {99, 1, MARKER_READY}},
        {"format_2", {1, 2, MARKER_READY}},
    };
    struct strata_fs *fs = database_new(1);

    for (size_t i = 0; i < sizeof markers / sizeof *markers; i++) {
        require(marker_write(fs, DATABASE_DIR, &markers[i].marker, false, NULL) == 0, "marker");
        save_file(fs, MARKER_NAME, 0, "marker", markers[i].name);
    }
    save_file(fs, MARKER_NAME, 1, "marker", "cut");
    fs_free(fs);
}

/* ---- Text ------------------------------------------------------------------------------ */

static const struct {
    const char *target, *name, *text;
} texts[] = {
    {"text", "two_lines", "b\t2\na\t1\n"},
    {"text", "no_last_newline", "a\t1\nb\t2"},
    {"text", "escapes", "a\\tb\\\\\\x00\t\\n\\r\\xff\n"},
    {"text", "empty_fields", "\t\n\ta\nb\t\n"},
    {"text", "tabs_in_value", "a\tb\tc\td\n"},
    {"text", "utf8", "\xc3\xa4\t\xe2\x82\xac\xf0\x9f\x98\x80\n"},
    {"text", "not_utf8", "\xc3\t\xed\xa0\x80\xf5\xc0\x80\n"},
    {"text", "hex", "00ff\t414243\n\t\n"},
    {"text", "hex_either_case", "aAbB\tFf\n"},
    {"text", "hex_odd", "00f\t41\n"},
    {"text", "hex_no_digit", "0g\t41\n"},
    {"text", "bad_escape", "a\\qb\tc\n"},
    {"text", "bad_digit", "a\\xg0\tc\n"},
    {"text", "escape_cut_by_tab", "a\\x4\tc\n"},
    {"text", "escape_cut_by_newline", "a\tb\\\n"},
    {"text", "escape_cut_by_end", "a\tb\\x"},
    {"text", "no_tab", "a\t1\nbcd\n"},
    {"text", "empty_line", "a\t1\n\nb\t2\n"},
    {"text", "raw_return", "a\t1\r\nb\t2\r\n"},
    {"resp", "commands", "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\n"},
    {"resp", "inline", "PING\r\nset \"a\\x41\\n\" 'b\\'c'\nget a\r\n"},
    {"resp", "empty", "*0\r\n*-1\r\n\r\n*1\r\n$1\r\nx\r\n"},
    {"resp", "large_size", "*1\r\n$100001\r\n"},
    {"resp", "open_quote", "\"a\\\r\n"},
    {"resp", "no_dollar", "*1\r\n:1\r\n"},
    {"csv", "two_lines", "b,2\na,1\n"},
    {"csv", "quotes", "\"a\",\"b,c\"\n\"say \"\"hi\"\"\",\"two\nlines\"\n"},
    {"csv", "returns", "a,1\r\n\"b\r\n\",\"\"\r\n"},
    {"csv", "byte_order_mark",
     "\xef\xbb\xbf"
     "a,1\n"},
    {"csv", "byte_order_mark_cut", "\xef\xbb"},
    {"csv", "bytea", "\\x00ff,\\x5c78\n\\xAb,\"\\x\"\n"},
    {"csv", "bytea_odd", "\\x00f,1\n"},
    {"csv", "bytea_no_digit", "\\xgg,1\n"},
    {"csv", "backslashes", "\\,\\\\x\n\\y,a\\x41\n"},
    {"csv", "empty_fields", ",\n\"\",\"\"\n,a\na,\n"},
    {"csv", "no_last_newline", "a,1\nb,\"2\""},
    {"csv", "hex", "00ff,\"4142\"\n,\n"},
    {"csv", "no_comma", "a,1\nb\n"},
    {"csv", "third_field", "a,1,2\n"},
    {"csv", "stray_quote", "a\"b,1\n"},
    {"csv", "after_quote", "\"a\"b,1\n"},
    {"csv", "open_quote", "a,\"1\nb,2\n"},
    {"csv", "lone_return", "a,1\rb,2\n"},
    {"csv", "empty_line", "a,1\n\nb,2\n"},
    {"csv", "not_utf8", "\xc3,\"\xed\xa0\x80\"\n"},
    {"jsonl", "two_lines", "{\"key\":\"b\",\"value\":\"2\"}\n{\"key\":\"a\",\"value\":\"1\"}\n"},
    {"jsonl", "other_order", " { \"value\" : \"1\" ,\t\"key\" : \"a\" } \r\n"},
    {"jsonl", "escapes",
     "{\"key\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"value\":\"\\u0000\\u00e4\\ud83d\\ude00\"}\n"},
    {"jsonl", "base64",
     "{\"key_b64\":\"AP8=\",\"value_b64\":\"\"}\n{\"key_b64\":\"YQ==\",\"value\":\"\"}\n"},
    {"jsonl", "base64_bad", "{\"key_b64\":\"AP9=\",\"value\":\"\"}\n"},
    {"jsonl", "base64_cut", "{\"key_b64\":\"AP8\",\"value\":\"\"}\n"},
    {"jsonl", "hex", "{\"key\":\"00ff\",\"value\":\"4142\"}\n"},
    {"jsonl", "utf8", "{\"key\":\"\xc3\xa4\",\"value\":\"\xe2\x82\xac\xf0\x9f\x98\x80\"}\n"},
    {"jsonl", "not_utf8", "{\"key\":\"\xc3\",\"value\":\"1\"}\n"},
    {"jsonl", "surrogate_alone", "{\"key\":\"\\ud83d\",\"value\":\"1\"}\n"},
    {"jsonl", "surrogates_swapped", "{\"key\":\"\\ude00\\ud83d\",\"value\":\"1\"}\n"},
    {"jsonl", "raw_control", "{\"key\":\"a\tb\",\"value\":\"1\"}\n"},
    {"jsonl", "bad_escape", "{\"key\":\"\\q\",\"value\":\"1\"}\n"},
    {"jsonl", "twice", "{\"key\":\"a\",\"key_b64\":\"YQ==\",\"value\":\"1\"}\n"},
    {"jsonl", "other_member", "{\"key\":\"a\",\"value\":\"1\",\"time\":\"now\"}\n"},
    {"jsonl", "no_value", "{\"key\":\"a\"}\n"},
    {"jsonl", "number", "{\"key\":\"a\",\"value\":1}\n"},
    {"jsonl", "object_open", "{\"key\":\"a\",\"value\":\"1\"\n"},
    {"jsonl", "bad_digit_space", "{\"key\":\"\\u00 0\",\"value\":\"\"}\n"},
    {"jsonl", "bad_digit_colon", "{\"key\":\"\\u00:0\",\"value\":\"\"}\n"},
    {"jsonl", "bad_digit_backtick", "{\"key\":\"\\u00`0\",\"value\":\"\"}\n"},
    {"jsonl", "cut", "{\"key\":\"a\",\"va"},
    {"jsonl", "blank_lines", "\n  \n{\"key\":\"a\",\"value\":\"1\"}\n\r\n"},
    {"jsonl", "behind_object", "{\"key\":\"a\",\"value\":\"1\"} x\n"},
    {"jsonl", "array", "[\"key\",\"value\"]\n"},
#define DUMP "VERSION=3\nformat=bytevalue\ntype=btree\n"
#define PRINT "VERSION=3\nformat=print\ntype=btree\n"
    {"mdb", "of_lmdb",
     DUMP "mapsize=1048576\nmaxreaders=126\ndb_pagesize=4096\nHEADER=END\n 61\n 31\n 6200\n \n"
          "DATA=END\n"},
    {"mdb", "of_berkeley_db",
     "VERSION=3\nformat=print\ndatabase=a\\00\ntype=hash\nh_nelem=2\nkeys=1\nHEADER=END\n"
     " a\\\\\n \\00\\ff b\nDATA=END\n"},
    {"mdb", "no_format", "VERSION=2\nHEADER=END\n 6a4B\n \nDATA=END"},
    {"mdb", "no_entries", DUMP "HEADER=END\nDATA=END\n"},
    {"mdb", "bad_version", "VERSION=1\n"},
    {"mdb", "bad_format", "VERSION=3\nformat=hex\n"},
    {"mdb", "bad_type", "VERSION=3\ntype=recno\n"},
    {"mdb", "duplicates", DUMP "duplicates=1\ndupsort=1\nHEADER=END\n"},
    {"mdb", "no_keys", DUMP "keys=0\n"},
    {"mdb", "no_equals", DUMP "HEADER\n"},
    {"mdb", "header_open", DUMP "mapsize"},
    {"mdb", "no_space", DUMP "HEADER=END\n61\n"},
    {"mdb", "no_value", DUMP "HEADER=END\n 61\nDATA=END\n"},
    {"mdb", "odd_digits", DUMP "HEADER=END\n 61\n 621\n"},
    {"mdb", "bad_digit", DUMP "HEADER=END\n 6g\n"},
    {"mdb", "bad_escape", PRINT "HEADER=END\n a\\n\n b\n"},
    {"mdb", "escape_cut", PRINT "HEADER=END\n a\\4\n b\n"},
    {"mdb", "returns", PRINT "HEADER=END\n a\r\n b\r\n"},
    {"mdb", "cut", DUMP "HEADER=END\n 61\n 62\nDATA="},
    {"mdb", "two_databases",
     DUMP "HEADER=END\n 61\n 62\nDATA=END\n" PRINT "HEADER=END\nDATA=END\n"},
#undef DUMP
#undef PRINT
    {"schedule", "write_skew",
     "# G2-item: write skew\ns: put x 1\na: begin\nb: begin serializable\na: get x = 1\n"
     "b: get y = none\na: put y 1\nb: put x 2\na: commit = ok\n"
     "b: commit snapshot= ok serializable= conflict anomaly= ok\nc: scan = x=1 y=1\n"},
    {"schedule", "waits",
     "a: begin\nb: begin snapshot\na: get-for-update x = none\nb: get-for-update x = waits\n"
     "a: abort\nb: = none\nb: commit\n"},
    {"schedule", "savepoints",
     "a: begin\na: savepoint\na: put k v\na: savepoint two\na: delete k\na: rollback-to two\n"
     "a: rollback-to\na: abort\n"},
    {"schedule", "read_only", "r: begin snapshot read-only\nr: scan a z = empty\nr: commit\n"},
    {"schedule", "words",
     "a: put 'two words' \"it's\"\na: put '' \\xff\\x00\na: get '#' = 'none'\n"},
    {"schedule", "blank_lines", "\n# one\n\r\n  \t\n# two\n a:scan#\n"},
    {"schedule", "entries", "a: scan = a=1 'b c'=2 \"=\"='='\na: scan = empty\n"},
    {"schedule", "no_transaction", "a: commit\n"},
    {"schedule", "begun_twice", "a: begin\nb: begin\na: begin\n"},
    {"schedule", "no_step", "a: getx\n"},
    {"schedule", "no_name", "get x\n"},
    {"schedule", "open_quote", "a: get 'x\n"},
    {"schedule", "bad_escape", "a: get \\q\n"},
    {"schedule", "not_utf8", "a: get \xff\n"},
    {"schedule", "nothing_expected", "a: get x = anomaly= 1\n"},
};

static void save_texts(void)
{
    static const char *const targets[] = {"text", "csv", "jsonl", "mdb", "schedule"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        save(texts[i].target, texts[i].name, strata_string(texts[i].text));
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        save(targets[i], "empty", strata_bytes("", 0));
        save(targets[i], "nul", strata_bytes("a\0b", 3));
    }
}

/* ---- Operations (fuzz/engine.c) --------------------------------------------------------- */

/* The first byte says how it is opened; an operation is its number and its arguments. */
#define PUT "\x00"
#define BLIND "\x06" /* stage 13 on; before, a put */
#define MANY "\x07"
#define BATCH "\x08"
#define SYNCED "\x0b"
#define GET "\x0c"
#define ITER "\x0e"
#define TIME "\x12" /* stage 13 on; before, an iterator */
#define LOOK "\x13"
#define SNAP "\x14"
#define SYNC "\x15"
#define FLUSH "\x16"
#define COMPACT "\x17"
#define REOPEN "\x19"
#define OTHER "\x1a"
#define CUT "\x1b"
#define DAMAGE "\x1e"
#define OF(text) text, sizeof text - 1

static const struct {
    const char *name, *bytes;
    size_t size;
} runs[] = {
    {"nothing", OF("\x03")},
    {"puts_and_deletes", OF("\x03" PUT "\x01\x0d" PUT "\x02\x11" PUT "\x01\x04" PUT "\x02\x15" GET
                            "\x01" GET "\x02" LOOK "\x00" REOPEN "\x01" LOOK "\x01")},
    {"every_size", OF("\x01" PUT "\x00\x01" PUT "\x01\x05" PUT "\x02\x09" PUT "\x03\x0d" PUT
                      "\x04\x11" PUT "\x05\x15" PUT "\x06\x19" PUT "\x07\x1d" LOOK "\x02")},
    {"batches", OF("\x02" BATCH "\x03\x01\x0d\x02\x0d\x03\x0d\x01\x04\x05\x05" BATCH
                   "\x80\x02\x09\x03\x04" SYNCED "\x07\x0d" LOOK "\x00")},
    {"iterators_over_writes",
     OF("\x01" PUT "\x01\x0d" PUT "\x05\x0d" PUT "\x09\x0d" ITER "\x00\x00" PUT "\x03\x0d" PUT
        "\x05\x04" ITER "\x00\x04" COMPACT ITER "\x00\x04" ITER "\x01\x09" ITER "\x01\x05" ITER
        "\x00\x5a" ITER "\xf0\x00")},
    {"merges", OF("\x01" PUT "\x01\x15" PUT "\x02\x15" PUT "\x01\x15" PUT "\x02\x04" PUT
                  "\x03\x19" PUT "\x01\x19" COMPACT LOOK "\x00" PUT "\x03\x04" COMPACT REOPEN
                  "\x01" COMPACT FLUSH LOOK "\x00")},
    {"power_cuts",
     OF("\x00" PUT "\x01\x0d" PUT "\x02\x15" CUT "\x02\x03\x05" PUT "\x03\x0d" CUT
        "\x01\x00\x02" PUT "\x04\x0d" CUT "\x00\x01\x00" COMPACT CUT "\x06\x09\x03" LOOK "\x00")},
    {"unsynced", OF("\x05" PUT "\x01\x0d" PUT "\x02\x15" SYNC PUT "\x01\x11" PUT "\x03\x0d" CUT
                    "\x42\x02\x07" PUT "\x04\x0d" CUT "\x02\x00\x01" LOOK "\x00")},
    {"damage", OF("\x01" PUT "\x01\x0d" PUT "\x02\x15" PUT "\x01\x19" PUT "\x04\x15" DAMAGE
                  "\x00\x00\x00\x60" DAMAGE "\x00\x04\x00\x70" DAMAGE "\x00\x05\x00\x40" DAMAGE
                  "\x00\x07\x00\x00" DAMAGE "\x02\x08\x00\x10" DAMAGE "\x01\x06\x00\x20")},
    {"large_value", OF("\x03" PUT "\x01\x0d" PUT "\x02\xff" LOOK "\x02" REOPEN "\x03" PUT
                       "\x01\x11" DAMAGE "\x00\x00\x00\x20")},
    {"damage_while_open", OF("\x03" PUT "\x01\x15" PUT "\x02\x15" DAMAGE "\x80\x00\x00\x22" PUT
                             "\x01\x19" DAMAGE "\x80\x08\x00\x23" LOOK "\x00")},
    {"many_writes", OF("\x01" MANY "\x7c\x01" LOOK "\x00" MANY "\x7d\x02" REOPEN "\x01")},
    {"many_writes_of_collisions", OF("\x01" MANY "\x7f\x01" REOPEN "\x01" MANY "\x7f\x02" COMPACT)},
    {"many_writes_and_merges", OF("\x01" MANY "\x7c\x01" COMPACT MANY "\x4d\x02" COMPACT)},
    {"killed_in_a_merge", OF("\x01" MANY "\x7c\x03" COMPACT CUT "\x10\x05\x00" LOOK "\x00")},
    {"damage_after_a_kill", OF("\x03" PUT "\x01\x0d" PUT "\x02\x15" PUT "\x03\x0d" DAMAGE
                               "\x20\x00\x00\x30" PUT "\x04\x0d" DAMAGE "\x21\x04\x00\x50")},
    {"damage_of_many",
     OF("\x01" MANY "\x7c\x04" DAMAGE "\x01\x0c\x00\x03" DAMAGE "\x23\x08\x00\x64")},
    {"others", OF("\x01" PUT "\x01\x0d" SNAP "\x01" OTHER "\x00" OTHER "\x01" OTHER "\x02" PUT
                  "\x02\x0d" SNAP "\x05" SNAP "\x04")},
    {"merges_of_values",
     OF("\x01" BLIND "\x08\x01\x0d\x02" BLIND "\x08\x01\x15\x03" BLIND "\x10\x01\x0d\x04" BLIND
        "\x0a\x02\x0d\x05\x02\x11\x06\x02\x0d\x05" FLUSH BLIND "\x08\x02\x11\x05" BLIND
        "\x08\x02\x0d\x02" LOOK "\x02" CUT "\x02\x03\x05" BLIND "\x11\x03\x1d\x02\x03\x0d\x02")},
    {"values_that_expire",
     OF("\x01" BLIND "\x08\x01\x0d\x10" BLIND "\x08\x02\x0d\x21" BLIND "\x00\x03\x0d\x08" ITER
        "\x00\x00" SNAP "\x01" TIME "\x01" ITER "\x00\x04" SNAP "\x05" FLUSH BLIND
        "\x08\x01\x11\x05" BLIND "\x08\x02\x0d\x02" TIME "\x02" COMPACT LOOK "\x00" PUT
        "\x04\x0d" COMPACT CUT "\x02\x03\x05" LOOK "\x01")},
    {"ranges_deleted", OF("\x01" MANY "\x7c\x01" BLIND "\x08\x03\x0d\x2f" ITER "\x00\x00" MANY
                          "\xfc\x05" BLIND "\x02\x01\x0d\x00\x00\x0d\x27\x01\x0d\x05" SNAP
                          "\x01" BLIND "\x12\x05\x0d\x01\x04\x0d\x1f\x05\x0d\x02" LOOK "\x00" BLIND
                          "\x88\x00\x0d\x07" CUT "\x02\x03\x05" LOOK "\x02")},
};

/* ---- Chains (fuzz/chain.c), and a table with some (fuzz/chain_table.c) ------------------------
 */

static const struct chain_version versions[] = {{300, STRATA_OP_PUT, {(const uint8_t *)"new", 3}},
                                                {20, STRATA_OP_DELETE, {NULL, 0}},
                                                {7, STRATA_OP_PUT, {(const uint8_t *)"", 0}},
                                                {0, STRATA_OP_PUT, {(const uint8_t *)"old", 3}}};

static void make_chain(struct strata_buffer *to, size_t from, size_t end)
{
    strata_buffer_clear(to);
    require(chain_encode(versions + from, end - from, to, NULL) == 0, "chain");
}

static void save_chain(const char *name, size_t from, size_t end, size_t cut)
{
    struct strata_buffer bytes = {0};

    make_chain(&bytes, from, end);
    save("chain", name, strata_bytes(bytes.data, bytes.size - cut));
    strata_buffer_free(&bytes);
}

/* Some entries with chains, others with none, among them a delete. */
static void write_chains(struct strata_env *env)
{
    struct strata_buffer bytes = {0};
    struct sstable_writer *writer;

    require(chain_table_kind.writer_new(env, 2, &writer, NULL) == 0, "writer");
    for (unsigned i = 0; i < 12; i++) {
        char key[] = {'k', (char)('a' + i)};
        bool plain = i % 3 == 0, gone = i == 6;
        make_chain(&bytes, i % 3 - !plain, 2 + i % 3);
        require(chain_table_kind.writer_add(writer,
                                            gone    ? STRATA_OP_DELETE
                                            : plain ? STRATA_OP_PUT
                                                    : SSTABLE_CODED,
                                            strata_bytes(key, 2),
                                            gone    ? strata_bytes(NULL, 0)
                                            : plain ? strata_string("plain")
                                                    : strata_buffer_slice(&bytes),
                                            NULL) == 0,
                "add");
    }
    require(chain_table_kind.writer_finish(writer, 1, 300, NULL) == 0, "finish");
    require(fs_output_publish(&writer->out, NULL) == 0, "publish");
    chain_table_kind.writer_del(writer, true);
    strata_buffer_free(&bytes);
}

static void save_chain_tables(void)
{
    for (int plain = 0; plain < 2; plain++) {
        struct strata_options options;
        struct strata_env env = {.fs = database_new(10), .dir = DATABASE_DIR, .options = &options};
        struct strata_buffer bytes = {0};
        strata_options_init(&options);
        options.plain_blocks = plain;
        options.block_bytes = 256;
        write_chains(&env);
        require(fs_sim_get(env.fs, DATABASE_DIR "/000002.table", &bytes) == 0, "get");
        if (plain)
            unpack_table(&bytes);
        save("chain_table", plain ? "chains_plain" : "chains", strata_buffer_slice(&bytes));
        strata_buffer_free(&bytes);
        fs_free(env.fs);
    }
}

static void save_chains(void)
{
    save_chain("of_one", 0, 1, 0);
    save_chain("of_a_delete", 1, 2, 0);
    save_chain("of_two", 0, 2, 0);
    save_chain("to_the_end", 2, 4, 0);
    save_chain("of_all", 0, 4, 0);
    save_chain("cut", 0, 4, 2);
    save("chain", "empty", strata_bytes("", 0));
    save("chain", "of_another_kind", strata_bytes("\2\1\12", 3));
    save_chain_tables();
}

/* ---- Value files (fuzz/value_file.c), and what points into them (fuzz/pointer.c) --------------
 */

static void save_value_file(const char *name, const char *magic, unsigned type, size_t cut)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_buffer bytes = {0};
    struct fs_file *file;

    require(fs_open(fs, "1", FS_WRITE | FS_CREATE, &file, NULL) == 0, "open");
    require(record_start_kind(file, magic, 1, NULL) == 0, "start");
    for (unsigned i = 0; i < 3; i++)
        require(record_append_typed(file, 1, i == 1 ? type : type + i / 2,
                                    strata_bytes("keys", i + 1), strata_bytes("some values", 4 * i),
                                    NULL) == 0,
                "append");
    require(fs_close(file, NULL) == 0 && fs_sim_get(fs, "1", &bytes) == 0, "close");
    save("value_file", name, strata_bytes(bytes.data, bytes.size - cut));
    strata_buffer_free(&bytes);
    fs_free(fs);
}

static void save_list(void)
{
    struct strata_buffer notes = {0};

    require(live_add(&notes, 3, 100, NULL) == 0 && live_add(&notes, 7, 50, NULL) == 0, "live");
    save("pointer", "list", strata_buffer_slice(&notes));
    strata_buffer_free(&notes);
}

static void save_values(void)
{
    const struct pointer p = {1, RECORD_FILE_HEADER, 4, 5};
    struct chain_version pair[] = {{9, SSTABLE_CODED, {NULL, POINTER_BYTES}},
                                   {0, STRATA_OP_PUT, {(const uint8_t *)"old", 3}}};
    struct strata_buffer chain = {0};
    uint8_t bytes[POINTER_BYTES];

    pointer_encode(&p, bytes);
    pair[0].value.data = bytes;
    require(chain_encode(pair, 2, &chain, NULL) == 0, "chain");
    save("pointer", "alone", strata_bytes(bytes, sizeof bytes));
    save("pointer", "in_a_chain", strata_buffer_slice(&chain));
    save_list();
    save_value_file("once_a_log", SINGLE_OP_MAGIC, SINGLE_OP_PUT, 0);
    save_value_file("collected", VALUES_MAGIC, STRATA_OP_PUT, 0);
    save_value_file("cut", VALUES_MAGIC, STRATA_OP_PUT, 3);
    strata_buffer_free(&chain);
}

static void save_runs(void)
{
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        save("engine", runs[i].name, strata_bytes(runs[i].bytes, runs[i].size));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    directory = argv[1];
    save_logs(1, "record_log");
    save_logs(2, "segment");
    save_logs(3, "wal");
    save_samples();
    save_sorted();
    save_shapes();
    save_tables();
    save_lists();
    save_manifests();
    save_events();
    save_logs_of_9();
    save_small_edits();
    save_lineages();
    save_chains();
    save_values();
    save_markers();
    save_texts();
    save_runs();
    return 0;
}
