/* rewrite.c: see rewrite.h. */
#include "rewrite.h"
#include "base/coding.h"
#include "fuzz.h"

#include <string.h>

#define AGAIN "again"
#define NUMBER_OFFSET 12

bool rewrite_has_number(struct strata_slice bytes, uint64_t number)
{
    struct decoder d;

    decoder_init(&d, bytes);
    get_bytes(&d, NUMBER_OFFSET);
    return get_u64(&d) == number && !d.bad;
}

struct strata_slice rewrite_value(const struct strata_buffer *body, const struct record *record)
{
    struct strata_slice value = strata_buffer_slice(body);

    if (record->key.size)
        value.data += record->key.size;
    value.size = record->value_size;
    return value;
}

static void append_again(const struct rewrite_kind *kind, struct fs_file *from,
                         const struct record *record, struct fs_file *to)
{
    struct strata_buffer body = {0};
    struct strata_error err = {.code = 0};
    struct record found;
    int rc = record_at(from, kind->number, record->offset, from->end, kind->max_type, &body, &found,
                       &err);

    require(rc == 0 && found.next == record->next && found.type == record->type &&
                strata_compare(found.key, record->key) == 0,
            "the same record read twice: %s", err.message);
    rc = record_append_typed(to, kind->number, found.type, found.key, rewrite_value(&body, &found),
                             &err);
    require(rc == 0, "%s", err.message);
    strata_buffer_free(&body);
}

static uint64_t copy(const struct rewrite_kind *kind, struct fs_file *from, struct fs_file *to)
{
    struct strata_error err = {.code = 0};
    struct record_reader reader;
    struct record record;

    require(record_start_kind(to, kind->magic, kind->number, &err) == 0, "%s", err.message);
    record_reader_init(&reader, from, kind->number, from->end);
    reader.max_type = kind->max_type;
    while (record_next(&reader, &record, &err) == 0)
        append_again(kind, from, &record, to);
    record_reader_free(&reader);
    return reader.at;
}

uint64_t rewrite_records(const struct database *db, const struct rewrite_kind *kind)
{
    struct fs_file *from, *to;
    uint64_t valid;

    require(fs_open(db->fs, db->path, FS_READ, &from, NULL) == 0, "%s", db->path);
    require(fs_open(db->fs, AGAIN, FS_WRITE | FS_CREATE | FS_TRUNCATE, &to, NULL) == 0, AGAIN);
    valid = copy(kind, from, to);
    require(to->end == valid, "%llu bytes of %llu", (unsigned long long)to->end,
            (unsigned long long)valid);
    fs_close(from, NULL);
    fs_close(to, NULL);
    rewrite_compare(db);
    return valid;
}

void rewrite_compare(const struct database *db)
{
    struct strata_buffer bytes = {0}, again = {0};

    require(fs_sim_get(db->fs, db->path, &bytes) == 0, "%s", db->path);
    require(fs_sim_get(db->fs, AGAIN, &again) == 0, AGAIN);
    require(again.size <= bytes.size, "%zu bytes of %zu", again.size, bytes.size);
    require(strata_compare(strata_buffer_slice(&again), strata_bytes(bytes.data, again.size)) == 0,
            "written again, the %zu bytes differ", again.size);
    strata_buffer_free(&bytes);
    strata_buffer_free(&again);
}

/* ---- Tails ----------------------------------------------------------------------------- */

static void check_head(const struct rewrite_kind *kind, struct strata_slice tail)
{
    struct decoder d;
    uint32_t type, key_size, value_size;

    if (tail.size < RECORD_HEAD)
        return;
    decoder_init(&d, strata_bytes(tail.data + 4, RECORD_HEAD - 4));
    type = get_u8(&d);
    key_size = get_u32(&d);
    value_size = get_u32(&d);
    require(type && type <= kind->max_type && key_size <= STRATA_MAX_KEY &&
                value_size <= STRATA_MAX_VALUE,
            "a tail of type %u, key of %u bytes, value of %u bytes is damage", type, key_size,
            value_size);
    require((uint64_t)key_size + value_size > tail.size - RECORD_HEAD,
            "a whole record was dropped");
}

/* Opens what is left when the last bytes of the file are missing. */
static void check_cut(const struct database *db, struct strata_slice bytes)
{
    size_t most = bytes.size - RECORD_FILE_HEADER;
    size_t cut = most ? (size_t)(db->hash >> 8) % (most < 64 ? most : 64) : 0;
    struct database shorter;

    database_init_from(&shorter, db, strata_bytes(bytes.data, bytes.size - cut));
    require(database_read(&shorter), "without its last %zu bytes: %s", cut, shorter.err.message);
    database_free(&shorter);
}

void rewrite_check_tail(const struct database *db, const struct rewrite_kind *kind,
                        uint64_t valid_bytes)
{
    struct strata_buffer bytes = {0};

    require(fs_sim_get(db->fs, db->path, &bytes) == 0, "%s", db->path);
    require(db->dropped == (valid_bytes < bytes.size), "dropped: %d", db->dropped);
    if (db->dropped)
        check_head(kind, strata_bytes(bytes.data + valid_bytes, bytes.size - valid_bytes));
    check_cut(db, strata_buffer_slice(&bytes));
    strata_buffer_free(&bytes);
}

/* ---- Places ---------------------------------------------------------------------------- */

static struct fs_file *open_file(const struct database *db, const char *path)
{
    struct fs_file *file;
    require(fs_open(db->fs, path, FS_READ, &file, NULL) == 0, "%s", path);
    return file;
}

static void begin_reading(struct record_reader *reader, struct fs_file *file,
                          const struct rewrite_kind *kind)
{
    record_reader_init(reader, file, kind->number, file->end);
    reader->max_type = kind->max_type;
}

unsigned rewrite_last_type(const struct database *db, const struct rewrite_kind *kind)
{
    struct fs_file *file = open_file(db, db->path);
    struct record_reader reader;
    struct record record = {0};

    begin_reading(&reader, file, kind);
    while (record_next(&reader, &record, NULL) == 0)
        ;
    record_reader_free(&reader);
    fs_close(file, NULL);
    return record.type;
}

/* Reads a record in each way there is. Is one there? */
static bool ask_at(struct fs_file *file, const struct rewrite_kind *kind, uint64_t offset,
                   uint64_t limit)
{
    struct strata_buffer body = {0}, key = {0}, value = {0};
    struct strata_error err = {.code = 0};
    struct record record, again;
    int rc = record_at(file, kind->number, offset, limit, kind->max_type, &body, &record, &err);

    require(rc == 0 || (rc == STRATA_ERR_CORRUPT && err.offset >= offset), "%d: %s", rc,
            fuzz_text(&err));
    if (rc == 0) {
        require(record_key_at(file, kind->number, offset, limit, kind->max_type, &key, &again,
                              &err) == 0 &&
                    strata_compare(again.key, record.key) == 0 && again.next == record.next,
                "read without its value, a record is another one: %s", err.message);
        rc = record_value(file, kind->number, offset, limit, kind->max_type,
                          strata_string("no such key"), &value, &err);
        require(rc == STRATA_ERR_CORRUPT && value.size == 0, "the value of another key: %d", rc);
        rc = record_value(file, kind->number, offset, limit, kind->max_type, record.key, &value,
                          &err);
        require(record.type != STRATA_OP_PUT ||
                    (rc == 0 && strata_compare(strata_buffer_slice(&value),
                                               rewrite_value(&body, &record)) == 0),
                "the value read alone: %d", rc);
        rc = 0;
    }
    strata_buffer_free(&body);
    strata_buffer_free(&key);
    strata_buffer_free(&value);
    return rc == 0;
}

/* The places of the first two records, and of one that the input chooses. */
struct places {
    uint64_t second, any, after_any;
    size_t count;
};

static struct places find_places(const struct database *db, struct fs_file *file,
                                 const struct rewrite_kind *kind)
{
    size_t wanted = db->hash / 256 % 8;
    struct places places = {0};
    struct record_reader reader;
    struct record record;

    begin_reading(&reader, file, kind);
    while (record_next(&reader, &record, NULL) == 0 && places.count < 16) {
        if (places.count++ <= wanted)
            places.any = record.offset, places.after_any = record.next;
        if (places.count == 2)
            places.second = record.offset;
    }
    record_reader_free(&reader);
    return places;
}

/* Without its first record the others stand elsewhere, and none of them is valid. */
static void check_moved(const struct database *db, uint64_t second)
{
    struct strata_buffer bytes = {0};
    struct database moved;

    require(fs_sim_get(db->fs, db->path, &bytes) == 0, "%s", db->path);
    memmove(bytes.data + RECORD_FILE_HEADER, bytes.data + second, bytes.size - second);
    bytes.size -= second - RECORD_FILE_HEADER;
    database_init_from(&moved, db, strata_buffer_slice(&bytes));
    require(!database_read(&moved), "records are valid in other places");
    database_free(&moved);
    strata_buffer_free(&bytes);
}

#define LARGE 140000 /* more than a reader reads at once */
#define LARGE_KEY 600
static const uint8_t large[LARGE];

static void write_behind_large(const struct database *db, const struct rewrite_kind *kind,
                               struct fs_file *from)
{
    struct strata_error err = {.code = 0};
    struct record_reader reader;
    struct record record;
    struct fs_file *to;

    require(fs_open(db->fs, AGAIN, FS_WRITE | FS_CREATE | FS_TRUNCATE, &to, NULL) == 0, AGAIN);
    require(record_start_kind(to, kind->magic, kind->number, &err) == 0 &&
                record_append_typed(to, kind->number, STRATA_OP_PUT, strata_bytes(large, LARGE_KEY),
                                    strata_bytes(large, LARGE - db->hash % 8192), &err) == 0,
            "%s", err.message);
    begin_reading(&reader, from, kind);
    while (record_next(&reader, &record, &err) == 0)
        append_again(kind, from, &record, to);
    record_reader_free(&reader);
    fs_close(to, NULL);
}

static void read_behind_large(const struct database *db, const struct rewrite_kind *kind,
                              struct fs_file *from)
{
    struct fs_file *file = open_file(db, AGAIN);
    struct strata_error err = {.code = 0};
    struct record_reader reader, other;
    struct record record, same;

    begin_reading(&other, from, kind);
    begin_reading(&reader, file, kind);
    require(record_next(&reader, &record, &err) == 0 &&
                strata_compare(record.key, strata_bytes(large, LARGE_KEY)) == 0,
            "%s", err.message);
    while (record_next(&other, &record, &err) == 0)
        require(record_next(&reader, &same, &err) == 0 && same.type == record.type &&
                    strata_compare(same.key, record.key) == 0 &&
                    strata_compare(same.value, record.value) == 0,
                "behind a large record, another one: %s", err.message);
    require(reader.at == file->end, "there is more behind a large record");
    reader.at = RECORD_FILE_HEADER;
    reader.limit = file->end - 1 < LARGE / 2 ? file->end - 1 : LARGE / 2;
    require(record_next(&reader, &record, &err) == RECORD_TORN, "it is cut");
    record_reader_free(&other);
    record_reader_free(&reader);
    fs_close(file, NULL);
}

/* One bit of the large one. */
static void damage_large(const struct database *db, const struct rewrite_kind *kind)
{
    struct strata_buffer bytes = {0};
    struct strata_error err = {.code = 0};
    struct record_reader reader;
    struct record record;
    struct fs_file *file;

    require(fs_sim_get(db->fs, AGAIN, &bytes) == 0, AGAIN);
    bytes.data[RECORD_FILE_HEADER + RECORD_HEAD + db->hash % (LARGE / 2)] ^= 1;
    require(fs_sim_put(db->fs, AGAIN, strata_buffer_slice(&bytes)) == 0, AGAIN);
    strata_buffer_free(&bytes);
    file = open_file(db, AGAIN);
    begin_reading(&reader, file, kind);
    require(record_next(&reader, &record, &err) == STRATA_ERR_CORRUPT, "damage in a large record");
    require(!ask_at(file, kind, RECORD_FILE_HEADER, file->end), "damage in a large record");
    record_reader_free(&reader);
    fs_close(file, NULL);
}

/* A reader that is moved to a record, within its window and out of it, reads that record. */
static void check_moves(struct fs_file *file, const struct rewrite_kind *kind, uint64_t place)
{
    struct record_reader reader;
    struct strata_error err = {.code = 0};
    struct record record;

    record_reader_init(&reader, file, kind->number, file->end);
    reader.max_type = kind->max_type;
    for (int i = 0; i < 3; i++) {
        reader.window_at += i == 2 ? place + 1 : 0; /* as if it stood behind */
        reader.at = place;
        require(record_next(&reader, &record, &err) == 0 && record.offset == place,
                "a reader that was moved reads another record");
    }
    record_reader_free(&reader);
}

void rewrite_check_places(const struct database *db, const struct rewrite_kind *kind)
{
    struct fs_file *file = open_file(db, db->path);
    struct places places = find_places(db, file, kind);

    if (places.count) {
        require(ask_at(file, kind, places.any, file->end), "a record is not found by its place");
        check_moves(file, kind, places.any);
        require(!ask_at(file, kind, places.any, places.after_any - 1), "a record beyond the limit");
        require(!ask_at(file, kind, places.any + 1 + db->hash % 16, file->end),
                "a record inside of a record");
    }
    require(!ask_at(file, kind, file->end, file->end + 64), "a record behind the end");
    require(!ask_at(file, kind, file->end + 1, file->end), "a record behind the limit");
    if (database_deep_begin(db)) {
        write_behind_large(db, kind, file);
        read_behind_large(db, kind, file);
        damage_large(db, kind);
        database_deep_end();
    }
    fs_close(file, NULL);
    if (places.second)
        check_moved(db, places.second);
}
