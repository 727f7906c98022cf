/* writes.c: see writes.h. */
#include "writes.h"
#include "sample.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define LONG_KEY 300

static struct {
    uint8_t bytes[LONG_KEY];
    size_t size;
} keys[KEYS];
static unsigned made;

uint64_t writes_time;

static void add_key(struct strata_slice key)
{
    unsigned at = made;

    for (; at > 0 && strata_compare(strata_bytes(keys[at - 1].bytes, keys[at - 1].size), key) > 0;
         at--)
        keys[at] = keys[at - 1];
    keys[at].size = key.size;
    if (key.size)
        memcpy(keys[at].bytes, key.data, key.size);
    made++;
}

/* The empty one, some that begin others, bytes at both ends, a long one, three of one hash. */
static void make_keys(void)
{
    static const char *const words[] = {"",   "a",  "aa", "ab",       "abc",      "b",    "c", "d",
                                        "k1", "k2", "k3", "\x01\x01", "\x7f\x80", "\xff", "z"};
    uint8_t key[32], zeros[2] = {0}, longest[LONG_KEY];

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        add_key(strata_string(words[i]));
    for (unsigned which = 0; which < 3; which++)
        add_key(sample_collision(key, which));
    add_key(strata_bytes(zeros, 2));
    memset(longest, 'm', sizeof longest);
    add_key(strata_bytes(longest, sizeof longest));
}

struct strata_slice key_at(unsigned number)
{
    if (!made)
        make_keys();
    return strata_bytes(keys[number].bytes, keys[number].size);
}

unsigned key_seek(struct strata_slice key)
{
    unsigned number = 0;
    while (number < KEYS && strata_compare(key_at(number), key) < 0)
        number++;
    return number;
}

unsigned key_number(struct strata_slice key)
{
    unsigned number = key_seek(key);
    return number < KEYS && strata_compare(key_at(number), key) == 0 ? number : KEYS;
}

unsigned key_twin(uint64_t which)
{
    uint8_t key[32];
    return key_number(sample_collision(key, (unsigned)which));
}

/* ---- What is held ---------------------------------------------------------------------- */

struct held writes_before(const struct writes *writes, size_t count)
{
    struct held held = {0};

    for (size_t i = 0; i < count; i++) {
        const struct op *op = &writes->ops[i];
        bool gone = op->type == STRATA_OP_DELETE || op->type == STRATA_OP_DELETE_RANGE;
        unsigned end = op->type == STRATA_OP_DELETE_RANGE ? op->to : op->key + 1;
        for (unsigned key = op->key; key < end; key++) {
            held.there[key] = !gone;
            held.hash[key] = op->hash;
            held.until[key] = op->until;
            held.op[key] = i;
        }
    }
    return held;
}

struct held writes_after(const struct writes *writes, size_t n)
{
    return writes_before(writes, writes->ends[n]);
}

bool held_has(const struct held *held, unsigned key)
{
    return held->there[key] && (!held->until[key] || held->until[key] > writes_time);
}

bool held_equal(const struct held *a, const struct held *b)
{
    for (unsigned key = 0; key < KEYS; key++)
        if (held_has(a, key) != held_has(b, key) ||
            (held_has(a, key) && a->hash[key] != b->hash[key]))
            return false;
    return true;
}

/* ---- Writes ---------------------------------------------------------------------------- */

#define SIZE_CODES 64
#define SMALL_CODES 7 /* of these sizes merges are given some */
#define APPEND_LARGEST 300
static const uint32_t sizes[] = {0, 1, 3, 10, 30, 100, APPEND_LARGEST, 2600};

static uint32_t size_of(unsigned code)
{
    if (code % SIZE_CODES == SIZE_CODES - 1)
        return VALUE_LARGEST;
    return sizes[code % (sizeof sizes / sizeof *sizes)];
}

uint64_t held_hash(struct strata_slice value)
{
    return XXH3_64bits(value.data, value.size) | 1;
}

static uint8_t bytes_made[VALUE_LARGEST + WRITES_OPS * APPEND_LARGEST];

static size_t put_pattern(uint8_t *to, size_t op, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        to[i] = (uint8_t)(op >> (8 * (i % 2)) ^ i * 37);
    return size;
}

static size_t put_number(uint8_t *to, int64_t number)
{
    return (size_t)snprintf((char *)to, 24, "%" PRId64, number);
}

struct strata_slice writes_given(const struct writes *writes, size_t at)
{
    static uint8_t bytes[VALUE_LARGEST];
    const struct op *op = &writes->ops[at];

    if (op->type == STRATA_OP_DELETE_RANGE)
        return op->to < KEYS ? key_at(op->to) : strata_bytes(NULL, 0);
    return strata_bytes(bytes, op->is_number ? put_number(bytes, op->operand)
                                             : put_pattern(bytes, at, op->size));
}

int writes_merge(void *arg, struct strata_slice key, const struct strata_slice *value,
                 struct strata_slice operand, struct strata_buffer *result)
{
    uint64_t hash = value ? held_hash(*value) : 0;

    (void)arg, (void)key;
    return strata_buffer_append(result, &hash, sizeof hash) < 0 ||
           strata_buffer_append(result, operand.data, operand.size) < 0;
}

/* What the operation leaves. */
static size_t put_value(uint8_t *to, const struct writes *writes, size_t at)
{
    const struct op *op = &writes->ops[at];
    size_t size = 0;

    if (op->is_number)
        return put_number(to, op->number);
    if (op->type == STRATA_OP_APPEND && op->base)
        size = put_value(to, writes, op->base - 1);
    if (op->type == STRATA_OP_MERGE) {
        uint64_t hash = op->base ? writes->ops[op->base - 1].hash : 0;
        memcpy(to, &hash, sizeof hash);
        size = sizeof hash;
    }
    return size + put_pattern(to + size, at, op->size);
}

static void finish(struct writes *writes)
{
    struct op *op = &writes->ops[writes->op_count++];

    if (op->type != STRATA_OP_DELETE && op->type != STRATA_OP_DELETE_RANGE)
        op->hash = held_hash(
            strata_bytes(bytes_made, put_value(bytes_made, writes, writes->op_count - 1)));
}

bool writes_add(struct writes *writes, unsigned key, bool is_delete, unsigned size_code)
{
    if (writes->op_count == WRITES_OPS)
        return false;
    writes->ops[writes->op_count] = (struct op){
        .type = is_delete ? STRATA_OP_DELETE : STRATA_OP_PUT,
        .key = key % KEYS,
        .size = is_delete ? 0 : size_of(size_code),
    };
    finish(writes);
    return true;
}

/* A small one or the largest, to be added; else one that no other operation is given, nor makes by
 * adding. */
static int64_t number_of(enum strata_op_type type, size_t at, unsigned code)
{
    if (type == STRATA_OP_ADD)
        return code % 8 == 7 ? INT64_MAX : code % 8;
    return (int64_t)(at + 1) * 100000;
}

static bool read_number(const uint8_t *bytes, size_t size, int64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] < '0' || bytes[i] > '9' || __builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, bytes[i] - '0', out))
            return false;
    return size > 0;
}

/* What the merge makes of what is there. */
static void merge(struct writes *writes, struct op *op)
{
    struct held held = writes_before(writes, writes->op_count);
    int64_t now;

    op->number = op->operand;
    if (!held_has(&held, op->key))
        return;
    op->base = 1 + held.op[op->key];
    op->until = held.until[op->key];
    if (!op->is_number)
        return;
    op->unwanted =
        !read_number(bytes_made, put_value(bytes_made, writes, op->base - 1), &now) ||
        (op->type == STRATA_OP_ADD && __builtin_add_overflow(now, op->operand, &op->number));
    if (op->type == STRATA_OP_MAX && !op->unwanted && now > op->number)
        op->number = now;
}

bool writes_add_blind(struct writes *writes, unsigned key, unsigned size_code, uint8_t kind)
{
    static const enum strata_op_type types[] = {
        STRATA_OP_PUT_UNTIL, STRATA_OP_PUT_UNTIL, STRATA_OP_ADD,   STRATA_OP_ADD,
        STRATA_OP_MAX,       STRATA_OP_APPEND,    STRATA_OP_MERGE, STRATA_OP_DELETE_RANGE};
    struct op *op = &writes->ops[writes->op_count];
    unsigned more = kind / 8u;

    if (writes->op_count == WRITES_OPS)
        return false;
    *op = (struct op){.type = types[kind % 8], .key = key % KEYS};
    op->is_number = kind % 8 > 0 && kind % 8 < 5;
    if (op->is_number)
        op->operand = number_of(op->type, writes->op_count, size_code);
    else
        op->size = size_of(size_code % SMALL_CODES);
    if (op->type == STRATA_OP_DELETE_RANGE) {
        unsigned to = op->key + more;
        op->to = to && to < KEYS ? to : KEYS; /* key 0 has no bytes: as an end, it is none */
    } else if (op->type == STRATA_OP_PUT_UNTIL) {
        op->number = op->operand;
        op->size += 2;
        op->until = more ? writes_time + more : 0;
    } else {
        merge(writes, op);
    }
    finish(writes);
    return true;
}

size_t writes_commit(struct writes *writes)
{
    writes->ends[++writes->count] = writes->op_count;
    return writes->count;
}

void writes_drop(struct writes *writes)
{
    writes->op_count = writes->ends[writes->count];
}

void writes_cut(struct writes *writes, size_t n)
{
    writes->count = n;
    writes_drop(writes);
}
