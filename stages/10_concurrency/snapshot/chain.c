/* chain.c: the bytes of a chain; numbers are varints.
 *
 *   +--------+-------+------------------------------------+-----------------+
 *   | kind 1 | count | of each version, the newest first: | values of puts, |
 *   |   = 1  |       | number << 1 | is a delete, [size] | in that order   |
 *   +--------+-------+------------------------------------+-----------------+
 *
 *   size   of its value; a delete has none
 *
 * A chain is valid iff it has a version, numbers descend and are those of its table, only the last
 * one is 0 and is not alone, and the values fill the rest. (A version that is alone and that every
 * snapshot sees is stored as it is, without a chain.)
 *
 * 10.I1: a version without a number is seen by every snapshot that exists, or that will. */
#include "chain.h"

#include <assert.h>

#define KIND 1

int chain_encode(const struct chain_version *versions, size_t count, struct strata_buffer *to,
                 struct strata_error *err)
{
    uint8_t kind = KIND;
    size_t bytes = 0;

    assert(count > 1 || (count == 1 && versions->number));
    strata_buffer_append(to, &kind, 1);
    buffer_put_varint(to, count);
    for (size_t i = 0; i < count; i++) {
        const struct chain_version *v = &versions[i];
        bool is_delete = v->type == STRATA_OP_DELETE;
        assert(i == 0 || v->number < versions[i - 1].number);
        buffer_put_varint(to, v->number << 1 | is_delete);
        if (!is_delete)
            buffer_put_varint(to, v->value.size);
    }
    for (size_t i = 0; i < count; i++) {
        strata_buffer_append(to, versions[i].value.data, versions[i].value.size);
        bytes += versions[i].value.size;
    }
    return to->out_of_memory ? strata_fail_memory(err, bytes) : 0;
}

static uint64_t get_version(struct decoder *heads, struct chain_version *version)
{
    uint64_t word = get_varint(heads), size = word & 1 ? 0 : get_varint(heads);

    version->number = word >> 1;
    version->type = word & 1 ? STRATA_OP_DELETE : STRATA_OP_PUT;
    return size;
}

const char *chain_check(struct strata_slice bytes, uint64_t last)
{
    static const char *const order = "a chain's versions are not in order, or not of its table";
    uint64_t count, values = 0, before = last + 1;
    struct decoder d;

    decoder_init(&d, bytes);
    if (get_u8(&d) != KIND)
        return "a coded value of an unknown kind";
    count = get_varint(&d);
    if (d.bad || !count || count > d.left)
        return "a chain with an impossible number of versions";
    for (uint64_t i = 0; i < count; i++) {
        struct chain_version v;
        uint64_t size = get_version(&d, &v);
        if (d.bad || size > STRATA_MAX_VALUE || size > d.left)
            return "a chain ends within its versions";
        if (v.number >= before || (v.number == 0 && (i == 0 || i + 1 < count)))
            return order;
        before = v.number;
        values += size;
    }
    return values == d.left ? NULL : "a chain's values have another size than it says";
}

void chain_open(struct chain *chain, struct strata_slice bytes)
{
    struct chain_version v;
    struct decoder d;

    decoder_init(&chain->heads, bytes);
    get_u8(&chain->heads);
    chain->left = get_varint(&chain->heads);
    d = chain->heads;
    for (uint64_t i = 0; i < chain->left; i++)
        get_version(&d, &v);
    assert(!d.bad);
    chain->values = strata_bytes(bytes.data + (bytes.size - d.left), d.left);
}

bool chain_next(struct chain *chain, struct chain_version *version)
{
    uint64_t size;

    if (!chain->left)
        return false;
    chain->left--;
    size = get_version(&chain->heads, version);
    assert(!chain->heads.bad && size <= chain->values.size);
    version->value = strata_bytes(chain->values.data, size);
    chain->values = strata_bytes(chain->values.data + size, chain->values.size - size);
    return true;
}

unsigned chain_read(struct strata_slice bytes, uint64_t sequence, struct strata_slice *value)
{
    struct chain chain;
    struct chain_version v;

    for (chain_open(&chain, bytes); chain_next(&chain, &v);)
        if (v.number <= sequence) {
            *value = v.value;
            return v.type;
        }
    return 0;
}

const struct pax_table_coding chain_coding = {.check = chain_check, .read = chain_read};
