/* content.c: see content.h. */
#include "content.h"
#include "fuzz.h"

#include <string.h>
#include <xxhash.h>

#define SAMPLES 8 /* keys that are asked for one by one: a get may cost the whole file */

static uint8_t last_key[STRATA_MAX_KEY]; /* of the scan under way */

static uint64_t hash_of(struct strata_slice key, struct strata_slice value)
{
    return XXH3_64bits_withSeed(key.data, key.size, XXH3_64bits(value.data, value.size));
}

void content_add(struct content *content, struct strata_slice key, struct strata_slice value)
{
    content->entries++;
    content->sum += hash_of(key, value);
}

void content_take(struct content *content, struct strata_slice key, struct strata_slice value)
{
    content->entries--;
    content->sum -= hash_of(key, value);
}

bool content_equal(const struct content *a, const struct content *b)
{
    return a->entries == b->entries && a->sum == b->sum;
}

static void require_done(int rc, const struct strata_error *err, const char *doing)
{
    require(rc >= 0, "%s: %s", doing, fuzz_text(err));
}

static struct strata_slice copy_key(struct strata_slice key)
{
    require(key.size <= sizeof last_key, "a key of %zu bytes", key.size);
    if (key.size)
        memcpy(last_key, key.data, key.size);
    return strata_bytes(last_key, key.size);
}

/* `order` < 0: the entry's key must be above the last one's; > 0: below. */
static struct strata_slice add_entry(struct strata_iter *iter, struct strata_slice last, int order,
                                     struct content *content)
{
    struct strata_slice key = strata_iter_key(iter), value;
    struct strata_error err;

    if (content->entries)
        require(strata_compare(last, key) * order > 0, "entry %llu is out of order",
                (unsigned long long)content->entries);
    require_done(strata_iter_value(iter, &value, &err), &err, "the value in a scan");
    content_add(content, key, value);
    return copy_key(key);
}

static struct strata_iter *new_iter(struct strata *db)
{
    struct strata_error err;
    struct strata_iter *iter;
    require_done(strata_iter_new(db, &iter, &err), &err, "an iterator");
    return iter;
}

static struct content scan_forwards(struct strata_iter *iter)
{
    struct content content = {0};
    struct strata_slice last = {NULL, 0};
    struct strata_error err;
    int rc;

    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err))
        last = add_entry(iter, last, -1, &content);
    require_done(rc, &err, "a scan");
    return content;
}

struct content content_scan(struct strata *db)
{
    struct strata_iter *iter = new_iter(db);
    struct content content = scan_forwards(iter);

    strata_iter_free(iter);
    return content;
}

/* ---- Other ways to ask ----------------------------------------------------------------- */

/* The entry at the position of `iter` is found by seeking and by getting; afterwards it is
 * positioned there again. */
static void check_entry(struct strata *db, struct strata_iter *iter, struct strata_slice key)
{
    struct strata_buffer got = {0};
    struct strata_slice value;
    struct strata_error err;
    int rc = strata_get(db, key, &got, &err);

    require_done(rc, &err, "get");
    require(rc == 0, "get does not find a key of the scan");
    rc = strata_iter_seek_before(iter, key, &err);
    require_done(rc, &err, "seek before");
    require(rc > 0 || strata_compare(strata_iter_key(iter), key) < 0, "seek before goes too far");
    rc = strata_iter_seek(iter, key, &err);
    require_done(rc, &err, "seek");
    require(rc == 0 && strata_compare(strata_iter_key(iter), key) == 0, "seek misses its key");
    require_done(strata_iter_value(iter, &value, &err), &err, "the value after a seek");
    require(strata_compare(strata_buffer_slice(&got), value) == 0, "get and scan differ");
    strata_buffer_free(&got);
}

static void require_equal(const struct content *found, const struct content *want, const char *how)
{
    require(content_equal(found, want), "%llu entries %s, %llu should be there",
            (unsigned long long)found->entries, how, (unsigned long long)want->entries);
}

static void check_backwards(struct strata *db, struct strata_iter *iter,
                            const struct content *content)
{
    struct content found = {0};
    struct strata_slice last = {NULL, 0};
    struct strata_error err;
    uint64_t stride = content->entries / SAMPLES + 1;
    int rc;

    for (rc = strata_iter_last(iter, &err); rc == 0; rc = strata_iter_prev(iter, &err)) {
        last = add_entry(iter, last, 1, &found);
        if (found.entries % stride == 0)
            check_entry(db, iter, last);
    }
    require_done(rc, &err, "a scan backwards");
    require_equal(&found, content, "backwards");
}

/* Getting and seeking agree on a key that may be there or not. */
static void check_any(struct strata *db, struct strata_iter *iter, struct strata_slice key)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    int rc = strata_iter_seek(iter, key, &err);
    bool there = rc == 0 && strata_compare(strata_iter_key(iter), key) == 0;

    require_done(rc, &err, "seek");
    rc = strata_get(db, key, &value, &err);
    require_done(rc, &err, "get");
    require((rc == 0) == there, "get and seek differ on a key");
    require(rc == 0 || value.size == 0, "a value of nothing");
    strata_buffer_free(&value);
}

void content_check(struct strata *db, const struct content *content)
{
    struct strata_iter *iter = new_iter(db);
    struct content found = scan_forwards(iter);

    require_equal(&found, content, "forwards");
    check_backwards(db, iter, content);
    check_any(db, iter, strata_bytes(NULL, 0));
    check_any(db, iter, strata_string("\xff\xff\xff\xff\xff\xff\xff\xff"));
    strata_iter_free(iter);
}

void content_expect(struct strata *db, const struct content *content)
{
    struct content found = content_scan(db);
    require_equal(&found, content, "in a scan");
}
