/* table_salvage.c: what a repair reads of a damaged table of stage 5's kind
 * (stages/08_backup_repair/salvage). The bytes are the whole file.
 *
 *   - whatever they are, salvage opens, reads to its end, and fails at nothing; it takes no more
 *     memory than the bytes explain, and searching for blocks looks at no more than it may (8.I5);
 *   - entries are puts and deletes, their keys ascend and are within the table's (8.I4); a gap
 * begins with the last entry before it and ends with the next one;
 *   - of a table that opens and verifies every entry is found, with its value, and no gap; without
 *     its footer the same rules hold. */
#include "08_backup_repair/salvage/table_salvage.h"
#include "05_blocks_bloom/table/table.h"
#include "05_blocks_bloom/table/table_format.h"
#include "crash/sim/fs_sim.h"
#include "fuzz.h"
#include "memory.h"

#include <string.h>

#define NUMBER 2
#define DIR "db"
#define PATH DIR "/000002.sst"
#define PER_BYTE 1100 /* LZ4 makes 255 bytes of one; a block is held up to four times */

/* What was found. */
struct found {
    struct strata_slice smallest, largest;
    struct strata_buffer last;   /* key of the last entry */
    struct strata_buffer before; /* where the gap ends that was reported after it */
    bool any, gap;               /* an entry; a gap that waits for the next entry */
    uint64_t entries, gaps;
    struct sstable *whole; /* it has all that is found; NULL: nothing is known */
};

static void set(struct strata_buffer *to, struct strata_slice bytes)
{
    strata_buffer_clear(to);
    require(strata_buffer_append(to, bytes.data, bytes.size) == 0, "no memory");
}

static void check_has(struct found *f, unsigned type, struct strata_slice key,
                      struct strata_slice value)
{
    struct strata_buffer got = {0};
    unsigned had = 0;

    require(f->whole->kind->get(f->whole, key, &had, &got, NULL) == 0 && had == type,
            "an entry of nowhere");
    require(type != STRATA_OP_PUT || strata_compare(strata_buffer_slice(&got), value) == 0,
            "another value");
    strata_buffer_free(&got);
}

static int take_entry(void *arg, unsigned type, struct strata_slice key, struct strata_slice value,
                      struct strata_error *err)
{
    struct found *f = arg;

    (void)err;
    require(type == STRATA_OP_PUT || type == STRATA_OP_DELETE, "type %u", type);
    require(key.size <= STRATA_MAX_KEY && value.size <= STRATA_MAX_VALUE, "too large");
    require(strata_compare(key, f->smallest) >= 0 && strata_compare(key, f->largest) <= 0,
            "a key out of bounds");
    require(!f->any || strata_compare(strata_buffer_slice(&f->last), key) < 0, "no order");
    require(!f->gap || strata_compare(strata_buffer_slice(&f->before), key) == 0,
            "a gap does not end with the next entry");
    if (f->whole)
        check_has(f, type, key, value);
    set(&f->last, key);
    f->any = true;
    f->gap = false;
    f->entries++;
    return 0;
}

static void take_gap(void *arg, struct strata_slice after, struct strata_slice before)
{
    struct found *f = arg;

    require(!f->gap, "two gaps in one place");
    require(strata_compare(after, f->any ? strata_buffer_slice(&f->last) : f->smallest) == 0,
            "a gap does not begin with the last entry");
    set(&f->before, before);
    f->gap = true;
    f->gaps++;
}

/* Everything that can be read of the file there. `bounded`: the table says which keys it has. */
static struct found salvage_all(const struct strata_env *env, size_t size, struct sstable *whole,
                                bool *bounded)
{
    static const uint8_t most[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    struct found f = {.largest = strata_bytes(most, sizeof most), .whole = whole};
    const struct salvage_sink sink = {take_entry, take_gap, &f};
    struct strata_error why = {.code = 0}, err = {.code = 0};
    struct salvage *salvage;

    memory_watch(((size_t)4 << 20) + PER_BYTE * size);
    require(salvage_open(&table_salvage, env, NUMBER, &salvage, &why, &err) == 0, "%s",
            fuzz_text(&err));
    require(why.code == 0 || (why.code == STRATA_ERR_CORRUPT && strcmp(why.file, PATH) == 0 &&
                              why.offset <= size && why.message[0]),
            "%s", fuzz_text(&why));
    *bounded = salvage->knows_properties;
    if (*bounded) {
        f.smallest = strata_buffer_slice(&salvage->table->smallest);
        f.largest = strata_buffer_slice(&salvage->table->largest);
    }
    require(salvage_read(salvage, f.smallest, f.largest, &sink, &err) == 0, "%s", fuzz_text(&err));
    require(salvage->finder.work <= block_finder_work_max(&salvage->finder) + 2 * (uint64_t)size,
            "it looks at too much");
    require(!f.gap || strata_compare(strata_buffer_slice(&f.before), f.largest) == 0,
            "a gap at the end does not reach it");
    salvage_close(salvage);
    memory_watched();
    strata_buffer_free(&f.last);
    strata_buffer_free(&f.before);
    return f;
}

/* Of a table that verifies. */
static void check_whole(struct strata_fs *fs, const struct strata_env *env, struct sstable *table,
                        struct strata_slice bytes)
{
    bool bounded;
    struct found f = salvage_all(env, bytes.size, table, &bounded);

    require(bounded && f.gaps == 0 && f.entries == table->sum.records,
            "%llu entries and %llu gaps of a whole table", (unsigned long long)f.entries,
            (unsigned long long)f.gaps);
    require(fs_sim_put(fs, PATH, strata_bytes(bytes.data, bytes.size - TABLE_FOOTER)) == 0, "put");
    f = salvage_all(env, bytes.size, NULL, &bounded);
    require(!bounded, "properties without a footer");
    require(fs_sim_put(fs, PATH, bytes) == 0, "put");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strata_slice bytes = strata_bytes(data, size);
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = DIR, .options = &options};
    struct sstable *table = NULL;
    void *common;
    bool bounded;

    strata_options_init(&options);
    options.fs = fs;
    options.cache_bytes = (size_t)16 << 10;
    require(fs && fs_sim_put_directory(fs, DIR) == 0 && fs_sim_put(fs, PATH, bytes) == 0, "put");
    require(table_kind.common_new(&env, &common, NULL) == 0, "no memory");
    if (table_kind.open(&env, common, NUMBER, &table, NULL) == 0 &&
        table_kind.verify(table, NULL) == 0)
        check_whole(fs, &env, table, bytes);
    else
        salvage_all(&env, size, NULL, &bounded);
    sstable_unref(table);
    table_kind.common_del(common);
    require(fs_sim_open_files(fs) == 0, "a file is open");
    fs_free(fs);
    return 0;
}
