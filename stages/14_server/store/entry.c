/* entry.c: see entry.h. A string is a record of its own: the key and the value as the client sent
 * them. A hash is one record that says how many fields it has, and one for each field:
 *
 *     +--------+-------+-----+        +----------+
 *     | ffhash | len 4 | key |     -> | fields 8 |          its record
 *     +--------+-------+-----+        +----------+
 *     | ffhash | len 4 | key | 'f' | field |  -> | value |  sorted by field, behind it
 *     +--------+-------+-----+-----+-------+     +-------+
 *
 * (ff is one byte; len, of the key, is big-endian, fields little-endian.)
 *
 * 14.I12: a key is a string or a hash; what changes it from one to the other is one batch.
 * 14.I13: the record of a hash is written by whatever changes it, counts its fields, and expires
 *         when all of them do. */
#include "14_server/store/entry.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "strata_engine.h"

#include <string.h>

#define HEAD (ENTRY_RESERVED_SIZE + 4u) /* bytes in front of the key */

const char *entry_kind_name(enum entry_kind kind)
{
    static const char *const names[] = {"none", "string", "hash"};
    return names[kind];
}

static int wrong_type(struct strata_error *err)
{
    return strata_fail(err, ENTRY_WRONG_TYPE, NULL, STRATA_NO_OFFSET, "wrong kind of value");
}

/* ---- Names of records ------------------------------------------------------------------------ */

/* Without memory: one that the database refuses, as each that is longer than a key can be. */
static struct strata_slice name_of(const struct strata_buffer *name)
{
    return name->out_of_memory ? strata_bytes(NULL, SIZE_MAX) : strata_buffer_slice(name);
}

static struct strata_slice put_name(struct strata_buffer *to, struct strata_slice key)
{
    uint8_t size[4] = {(uint8_t)(key.size >> 24), (uint8_t)(key.size >> 16),
                       (uint8_t)(key.size >> 8), (uint8_t)key.size};

    strata_buffer_clear(to);
    strata_buffer_append(to, ENTRY_RESERVED, ENTRY_RESERVED_SIZE);
    strata_buffer_append(to, size, 4);
    if (key.size)
        strata_buffer_append(to, key.data, key.size);
    return name_of(to);
}

struct strata_slice hash_name(struct keyspace *store, struct strata_slice key)
{
    return put_name(&store->name, key);
}

struct strata_slice hash_field(struct keyspace *store, struct strata_slice key,
                               struct strata_slice field)
{
    put_name(&store->name, key);
    strata_buffer_append(&store->name, "f", 1);
    if (field.size)
        strata_buffer_append(&store->name, field.data, field.size);
    return name_of(&store->name);
}

bool entry_is_reserved(struct strata_slice name)
{
    return name.size >= ENTRY_RESERVED_SIZE &&
           memcmp(name.data, ENTRY_RESERVED, ENTRY_RESERVED_SIZE) == 0;
}

/* What the record is: ENTRY_NONE: a field. */
static enum entry_kind kind_of(struct strata_slice name, struct strata_slice *key)
{
    size_t size;

    *key = name;
    if (!entry_is_reserved(name))
        return ENTRY_STRING;
    if (name.size < HEAD)
        return ENTRY_NONE;
    size = (size_t)name.data[5] << 24 | (size_t)name.data[6] << 16 | (size_t)name.data[7] << 8 |
           name.data[8];
    *key = strata_bytes(name.data + HEAD, name.size - HEAD);
    return size == key->size ? ENTRY_HASH : ENTRY_NONE;
}

/* ---- Finding --------------------------------------------------------------------------------- */

static int find_hash(struct keyspace *store, struct strata_slice key, struct entry *entry,
                     struct strata_error *err)
{
    struct strata_buffer value = {0};
    struct decoder d;
    int rc;

    if (!store->has_hashes || key.size > STRATA_MAX_KEY - HEAD)
        return STRATA_NOT_FOUND;
    rc = keyspace_get_until(store, hash_name(store, key), &value, &entry->until, err);
    decoder_init(&d, strata_buffer_slice(&value));
    entry->fields = rc == 0 ? get_u64(&d) : 0;
    if (rc == 0 && (!decoder_done(&d) || !entry->fields))
        rc = strata_fail(err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                         "the record of a hash does not say how many fields it has");
    if (rc == 0)
        entry->kind = ENTRY_HASH;
    strata_buffer_free(&value);
    return rc;
}

int entry_find(struct keyspace *store, struct strata_slice key, struct entry *entry,
               struct strata_error *err)
{
    int rc;

    *entry = (struct entry){0};
    rc = keyspace_get_until(store, key, NULL, &entry->until, err);
    if (rc == 0)
        entry->kind = ENTRY_STRING;
    return rc > 0 ? find_hash(store, key, entry, err) : rc;
}

int entry_find_kind(struct keyspace *store, struct strata_slice key, enum entry_kind kind,
                    struct entry *entry, struct strata_error *err)
{
    int rc = entry_find(store, key, entry, err);
    return rc == 0 && entry->kind != kind ? wrong_type(err) : rc;
}

int entry_init(struct keyspace *store, struct strata_error *err)
{
    struct strata_iter *iter;
    int rc = keyspace_iter(store, &iter, err);

    if (rc < 0)
        return rc;
    rc = strata_iter_seek(iter, strata_bytes(ENTRY_RESERVED, ENTRY_RESERVED_SIZE), err);
    store->has_hashes = rc == 0 && entry_is_reserved(strata_iter_key(iter));
    strata_iter_free(iter);
    return rc < 0 ? rc : 0;
}

/* ---- Changing -------------------------------------------------------------------------------- */

struct change {
    struct keyspace *store;
    struct strata_slice key, value;
    uint64_t until;
};

/* The record of the hash and its fields. */
static int delete_hash(struct keyspace *store, struct strata_slice key, struct strata_error *err)
{
    struct strata_buffer end = {0};
    struct strata_slice from = hash_name(store, key);
    int rc = buffer_set(&end, from, err);

    if (rc == 0 && strata_buffer_append(&end, "g", 1) < 0) /* behind each 'f' */
        rc = strata_fail_memory(err, 1);
    if (rc == 0)
        rc = strata_txn_delete_range(store->txn, from, strata_buffer_slice(&end), err);
    strata_buffer_free(&end);
    return rc;
}

static int run_delete(void *arg, struct strata_error *err)
{
    const struct change *c = arg;
    int rc = keyspace_delete(c->store, c->key, err);
    return rc == 0 ? delete_hash(c->store, c->key, err) : rc;
}

int entry_delete(struct keyspace *store, struct strata_slice key, struct strata_error *err)
{
    struct change change = {.store = store, .key = key};
    struct entry entry = {0};
    int rc = find_hash(store, key, &entry, err);

    if (rc > 0)
        return keyspace_delete(store, key, err);
    return rc < 0 ? rc : keyspace_whole(store, run_delete, &change, err);
}

static int run_put(void *arg, struct strata_error *err)
{
    const struct change *c = arg;
    int rc = delete_hash(c->store, c->key, err);
    return rc == 0 ? keyspace_put(c->store, c->key, c->value, c->until, err) : rc;
}

int string_put(struct keyspace *store, struct strata_slice key, struct strata_slice value,
               uint64_t until, struct strata_error *err)
{
    struct change change = {store, key, value, until};
    struct entry entry = {0};
    int rc = find_hash(store, key, &entry, err);

    if (rc > 0)
        return keyspace_put(store, key, value, until, err);
    return rc < 0 ? rc : keyspace_whole(store, run_put, &change, err);
}

int hash_put(struct keyspace *store, struct strata_slice key, const struct entry *entry,
             struct strata_error *err)
{
    uint8_t fields[8];

    store->has_hashes = true;
    if (!entry->fields)
        return keyspace_delete(store, hash_name(store, key), err);
    put_u64(fields, entry->fields);
    return keyspace_put(store, hash_name(store, key), strata_bytes(fields, 8), entry->until, err);
}

/* Each record of the hash is put once more. */
static int expire_hash(const struct change *c, struct strata_error *err)
{
    struct strata_slice name, value;
    struct strata_iter *iter;
    int rc = keyspace_iter(c->store, &iter, err);

    if (rc < 0)
        return rc;
    name = hash_name(c->store, c->key);
    rc = name.data ? strata_iter_seek(iter, name, err) : strata_fail_memory(err, c->key.size);
    for (; rc == 0; rc = strata_iter_next(iter, err)) {
        struct strata_slice at = strata_iter_key(iter);
        if (at.size < name.size || memcmp(at.data, name.data, name.size) != 0 ||
            (at.size > name.size && at.data[name.size] != 'f'))
            break;
        rc = strata_iter_value(iter, &value, err);
        if (rc < 0 || (rc = keyspace_put(c->store, at, value, c->until, err)) < 0)
            break;
    }
    strata_iter_free(iter);
    return rc < 0 ? rc : 0;
}

static int run_expire(void *arg, struct strata_error *err)
{
    const struct change *c = arg;
    struct strata_buffer value = {0};
    uint64_t before;
    int rc = keyspace_get_until(c->store, c->key, &value, &before, err);

    if (rc == 0)
        rc = keyspace_put(c->store, c->key, strata_buffer_slice(&value), c->until, err);
    else if (rc > 0)
        rc = expire_hash(c, err);
    strata_buffer_free(&value);
    return rc;
}

int entry_expire(struct keyspace *store, struct strata_slice key, uint64_t until,
                 struct strata_error *err)
{
    struct change change = {.store = store, .key = key, .until = until};
    struct entry entry;
    int rc = entry_find(store, key, &entry, err);

    return rc == 0 ? keyspace_whole(store, run_expire, &change, err) : rc;
}

/* ---- Strings --------------------------------------------------------------------------------- */

int string_get_until(struct keyspace *store, struct strata_slice key, struct strata_buffer *value,
                     uint64_t *until, struct strata_error *err)
{
    struct entry entry = {0};
    int rc = keyspace_get_until(store, key, value, until, err), hash;

    if (rc <= 0 || !store->has_hashes)
        return rc;
    hash = find_hash(store, key, &entry, err);
    return hash == 0 ? wrong_type(err) : hash;
}

int string_get(struct keyspace *store, struct strata_slice key, struct strata_buffer *value,
               struct strata_error *err)
{
    uint64_t until;
    return string_get_until(store, key, value, &until, err);
}

/* ---- All keys -------------------------------------------------------------------------------- */

int keys_open(struct keyspace *store, struct keys *keys, struct strata_error *err)
{
    *keys = (struct keys){0};
    return keyspace_iter(store, &keys->iter, err);
}

void keys_close(struct keys *keys)
{
    strata_iter_free(keys->iter);
    strata_buffer_free(&keys->name);
}

/* The iterator has moved, `rc`: on, until it is at no field. */
static int settle(struct keys *keys, int rc, struct strata_error *err)
{
    while (rc == 0 && (keys->kind = kind_of(strata_iter_key(keys->iter), &keys->key)) == ENTRY_NONE)
        rc = strata_iter_next(keys->iter, err);
    return rc;
}

int keys_seek(struct keys *keys, struct strata_slice name, struct strata_error *err)
{
    return settle(keys, strata_iter_seek(keys->iter, name, err), err);
}

int keys_next(struct keys *keys, struct strata_error *err)
{
    if (keys->kind != ENTRY_HASH)
        return settle(keys, strata_iter_next(keys->iter, err), err);
    put_name(&keys->name, keys->key); /* over the fields, at once */
    strata_buffer_append(&keys->name, "g", 1);
    return keys_seek(keys, name_of(&keys->name), err);
}
