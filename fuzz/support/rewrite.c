/* rewrite.c: see rewrite.h. */
#include "rewrite.h"
#include "coding.h"
#include "fuzz.h"

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

    database_init(&shorter, db->fs, db->path, strata_bytes(bytes.data, bytes.size - cut));
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
