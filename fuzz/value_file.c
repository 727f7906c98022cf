/* value_file.c: a value file (stages/12_value_log/values/value_read.c), by itself: the bytes are
 * 000001.values, a log that got a second name, or what a collection wrote. If its last bytes are a
 * pointer, that is asked for, too.
 *
 *   - it is taken, whatever its header says;
 *   - a value is given out through a pointer if and only if its record, read by itself, is whole,
 * in its place, a put of this key, and has the pointer's check: then it is that record's value;
 *   - else the refusal names the file and the record's offset, and no byte is given out;
 *   - memory is bounded by the file's size, whatever size a pointer tells. */
#include "09_fast_paths/cache/clock_cache.h"
#include "09_fast_paths/log/single_op_log.h"
#include "12_value_log/values/value_set.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "database.h"
#include "fuzz.h"
#include "memory.h"

#include <string.h>

#define NUMBER 1
#define PATH DATABASE_DIR "/000001.values"

struct asking {
    struct value_set *set;
    struct fs_file *file;
    size_t bytes; /* of the file */
    struct strata_buffer body, value;
};

static int is_put(unsigned type)
{
    return type == STRATA_OP_PUT || type == SINGLE_OP_PUT;
}

/* As stage 1 reads it: the value; false: no pointer with this check may show any. */
static bool is_there(struct asking *a, const struct pointer *pointer, struct strata_slice key,
                     struct strata_slice *value)
{
    struct record record;
    uint8_t head[RECORD_HEAD];
    int rc = pointer->offset < a->bytes ? record_at(a->file, NUMBER, pointer->offset, a->bytes,
                                                    SINGLE_OP_DELETE, &a->body, &record, NULL)
                                        : STRATA_ERR_CORRUPT;

    if (rc != 0 || !is_put(record.type) || record.value.size != pointer->size ||
        strata_compare(record.key, key) != 0)
        return false;
    record_head(NUMBER, pointer->offset, record.type, record.key, record.value, head);
    if (load_u32(head + RECORD_HEAD - 4) != pointer->check)
        return false;
    *value = record.value;
    return true;
}

static void ask(struct asking *a, const struct pointer *pointer, struct strata_slice key)
{
    struct strata_slice want = {0};
    struct strata_error err;
    bool there = is_there(a, pointer, key, &want);
    int rc = value_set_read(a->set, pointer, key, &a->value, &err);

    require(rc == (there ? 0 : STRATA_ERR_CORRUPT), "%d: %s", rc, fuzz_text(&err));
    require(there || (a->value.size == 0 && strcmp(err.file, PATH) == 0 &&
                      err.offset == pointer->offset && err.message[0]),
            "%s", fuzz_text(&err));
    require(strata_compare(strata_buffer_slice(&a->value), want) == 0, "another value");
}

/* As the record at this offset says, and what is a little different. */
static void ask_around(struct asking *a, struct pointer pointer, struct strata_slice key)
{
    ask(a, &pointer, key);
    ask(a, &pointer, strata_bytes(key.data, key.size ? key.size - 1 : 0));
    pointer.check ^= 1;
    ask(a, &pointer, key);
    pointer.check ^= 1;
    pointer.size++;
    ask(a, &pointer, key);
    pointer.size = STRATA_MAX_VALUE;
    ask(a, &pointer, key);
}

/* What its bytes say, whether they are right or not; where the next one is. */
static size_t ask_at(struct asking *a, const uint8_t *data, size_t at)
{
    const uint8_t *head = data + at;
    uint64_t key_size = load_u32(head + 5), value_size = load_u32(head + 9);
    uint64_t left = a->bytes - at - RECORD_HEAD;
    struct pointer pointer = {NUMBER, at, (uint32_t)value_size, load_u32(head + RECORD_HEAD - 4)};

    if (key_size > left || key_size > STRATA_MAX_KEY || value_size > STRATA_MAX_VALUE)
        return at + 1;
    ask_around(a, pointer, strata_bytes(head + RECORD_HEAD, (size_t)key_size));
    return value_size <= left - key_size ? at + RECORD_HEAD + (size_t)(key_size + value_size)
                                         : at + 1;
}

static void ask_all(struct asking *a, const uint8_t *data)
{
    size_t at = RECORD_FILE_HEADER, most = 64; /* not quadratic */
    struct pointer pointer;

    while (at + RECORD_HEAD <= a->bytes && most--)
        at = ask_at(a, data, at);
    if (a->bytes < POINTER_BYTES ||
        pointer_check(strata_bytes(data + a->bytes - POINTER_BYTES, POINTER_BYTES)))
        return;
    pointer_decode(strata_bytes(data + a->bytes - POINTER_BYTES, POINTER_BYTES), &pointer);
    pointer.number = NUMBER;
    ask(a, &pointer, strata_string("k"));
}

static void check_held(struct value_set *set, struct strata_fs *fs, const uint8_t *data,
                       size_t size)
{
    struct asking a = {.set = set, .bytes = size};

    require(fs_open(fs, PATH, FS_READ, &a.file, NULL) == 0, "open");
    ask_all(&a, data);
    fs_close(a.file, NULL);
    strata_buffer_free(&a.body);
    strata_buffer_free(&a.value);
    value_set_release(set, NUMBER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strata_options options;
    struct strata_env env = {.fs = fs_sim_new(), .dir = DATABASE_DIR, .options = &options};
    struct strata_error err;
    struct clock_cache *blocks;
    struct value_set *set;
    struct fs_pool *pool;
    int rc;

    strata_options_init(&options);
    options.cache_bytes = 1 << 20; /* its directory is as large as the budget, not as the file */
    require(fs_mkdir(env.fs, DATABASE_DIR, NULL) == 0, "mkdir");
    require(fs_sim_put(env.fs, PATH, strata_bytes(data, size)) == 0, "put");
    require(fs_pool_new(env.fs, &pool, NULL) == 0, "pool");
    require(clock_cache_new(0, options.block_bytes, &blocks, NULL) == 0, "cache");
    require(value_set_new(&env, pool, blocks, &set, NULL) == 0, "set");
    memory_watch(memory_limit(size));
    rc = value_set_hold(set, NUMBER, VALUES_SUFFIX, NULL, &err);
    require(rc == 0, "%d: %s", rc, fuzz_text(&err));
    check_held(set, env.fs, data, size);
    memory_watched();
    value_set_del(set);
    clock_cache_del(blocks);
    fs_pool_del(pool);
    fs_free(env.fs);
    return 0;
}
