/* chain.c: the bytes of a chain, little-endian.
 *
 *   +--------+---------+-----------------------------------------------+-----------------+
 *   | kind 1 | count 4 | of each version, the newest first: a head 12: | values of puts, |
 *   |        |         | number << 1 | is a delete 8, end 4            | in that order   |
 *   +--------+---------+-----------------------------------------------+-----------------+
 *
 *   end    of its value, counted from where the values begin; a delete has no bytes
 *
 * A chain of kind 3 has number << 2 | type in its heads: the value of a version of type 3 is a
 * coded value itself, of a later stage, and no chain; it has one at least.
 *
 * Heads are of one size and in order: the version that a reader sees is found by a binary search.
 *
 * A chain is valid iff it has a version, numbers descend and are those of its table, only the last
 * one is 0 and is not alone, and the values fill the rest. (A version that is alone and that every
 * snapshot sees is stored as it is, without a chain.)
 *
 * 10.I1: a version without a number is seen by every snapshot that exists, or that will. */
#include "chain.h"

#include <assert.h>

#define KIND 1
#define NESTED 3 /* kind of one whose versions may be coded values */
#define HEADS 5  /* bytes before them */
#define HEAD 12  /* bytes of one */

static bool has_nested(const struct chain_version *versions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (versions[i].type == SSTABLE_CODED)
            return true;
    return false;
}

int chain_encode(const struct chain_version *versions, size_t count, struct strata_buffer *to,
                 struct strata_error *err)
{
    bool nested = has_nested(versions, count);
    uint8_t kind = nested ? NESTED : KIND;
    uint32_t end = 0;

    assert(count > 1 || (count == 1 && versions->number));
    strata_buffer_append(to, &kind, 1);
    buffer_put_u32(to, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        const struct chain_version *v = &versions[i];
        assert(i == 0 || v->number < versions[i - 1].number);
        assert(v->value.size <= CHAIN_MAX - end);
        end += (uint32_t)v->value.size;
        buffer_put_u64(to, nested ? v->number << 2 | v->type
                                  : v->number << 1 | (v->type == STRATA_OP_DELETE));
        buffer_put_u32(to, end);
    }
    for (size_t i = 0; i < count; i++)
        strata_buffer_append(to, versions[i].value.data, versions[i].value.size);
    return to->out_of_memory ? strata_fail_memory(err, end) : 0;
}

size_t chain_size(size_t count, size_t values)
{
    return HEADS + count * HEAD + values;
}

/* Version `at`, whose value begins at `begin`, and where that ends. */
static uint32_t get_version(const struct chain *chain, uint32_t at, uint32_t begin,
                            struct chain_version *version)
{
    struct decoder d;
    uint64_t word;
    uint32_t end;

    assert(at < chain->count);
    decoder_init(&d, strata_bytes(chain->heads + (size_t)at * HEAD, HEAD));
    word = get_u64(&d);
    end = get_u32(&d);
    version->number = word >> (chain->nested ? 2 : 1);
    version->type = chain->nested ? word & 3 : word & 1 ? STRATA_OP_DELETE : STRATA_OP_PUT;
    version->value = strata_bytes(chain->values + begin, end - begin);
    return end;
}

void chain_open(struct chain *chain, struct strata_slice bytes)
{
    struct decoder d;

    decoder_init(&d, strata_bytes(bytes.data + 1, HEADS - 1));
    *chain = (struct chain){
        .heads = bytes.data + HEADS, .count = get_u32(&d), .nested = bytes.data[0] == NESTED};
    chain->values = chain->heads + (size_t)chain->count * HEAD;
}

const char *chain_check(struct strata_slice bytes, uint64_t last)
{
    return chain_check_nested(bytes, last, NULL);
}

bool chain_is(struct strata_slice bytes)
{
    return bytes.size && (bytes.data[0] == KIND || bytes.data[0] == NESTED);
}

static const char *check_value(const struct chain_version *v, chain_check_value *nested)
{
    if (v->type == 0)
        return "a chain's version is of no type";
    if (v->value.size > (v->type == STRATA_OP_DELETE ? 0 : STRATA_MAX_VALUE))
        return "a chain's version has a value of an impossible size";
    return v->type == SSTABLE_CODED ? nested(v->value) : NULL;
}

const char *chain_check_nested(struct strata_slice bytes, uint64_t last, chain_check_value *nested)
{
    uint64_t before = last + 1;
    const char *wrong;
    bool coded = false;
    struct chain_version v;
    struct chain chain;
    uint32_t end = 0, begin = 0;
    size_t room;

    if (!chain_is(bytes) || (bytes.data[0] == NESTED && !nested))
        return "a coded value of an unknown kind";
    if (bytes.size < HEADS)
        return "a chain ends within its versions";
    chain_open(&chain, bytes);
    if (!chain.count || chain.count > (bytes.size - HEADS) / HEAD)
        return "a chain with an impossible number of versions";
    room = bytes.size - chain_size(chain.count, 0);
    for (uint32_t i = 0; i < chain.count; i++, begin = end) {
        bool is_last = i + 1 == chain.count;
        end = get_version(&chain, i, begin, &v);
        if (end < begin || end > room)
            return "a chain's version has a value of an impossible size";
        wrong = check_value(&v, nested);
        if (wrong)
            return wrong;
        coded |= v.type == SSTABLE_CODED;
        if (v.number >= before || (v.number == 0 && (i == 0 || !is_last)))
            return "a chain's versions are not in order, or not of its table";
        before = v.number;
    }
    if (coded != chain.nested)
        return "a chain of coded values has none";
    return end == room ? NULL : "a chain's values have another size than it says";
}

bool chain_next(struct chain *chain, struct chain_version *version)
{
    if (chain->at == chain->count)
        return false;
    chain->begin = get_version(chain, chain->at++, chain->begin, version);
    return true;
}

unsigned chain_read(struct strata_slice bytes, uint64_t sequence, struct strata_slice *value)
{
    struct chain_version v;
    struct chain chain;
    uint32_t at = 0, begin, n;

    if (!chain_is(bytes)) { /* one version, that all see */
        *value = bytes;
        return SSTABLE_CODED;
    }
    chain_open(&chain, bytes);
    for (n = chain.count; n;) { /* the first that is not newer than the reader */
        uint32_t half = n / 2;
        get_version(&chain, at + half, 0, &v);
        at += v.number > sequence ? half + 1 : 0;
        n = v.number > sequence ? n - half - 1 : half;
    }
    if (at == chain.count)
        return 0;
    begin = at ? get_version(&chain, at - 1, 0, &v) : 0; /* where the one before ends */
    get_version(&chain, at, begin, &v);
    *value = v.value;
    return v.type;
}

uint64_t chain_old_bytes(struct strata_slice bytes)
{
    struct strata_slice newest;

    chain_read(bytes, UINT64_MAX, &newest);
    return bytes.size - newest.size;
}

const struct pax_table_coding chain_coding = {
    .check = chain_check, .read = chain_read, .old_bytes = chain_old_bytes};
