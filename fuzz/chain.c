/* chain.c: several versions of a key in a value (stages/10_concurrency/snapshot/chain.c), by
 * itself.
 *
 *   - any bytes are taken or refused, and nothing is allocated;
 *   - what is taken makes the same bytes when it is written anew;
 *   - a reader at the number of a version gets that version, and one just before it the next older;
 *   - it is refused for a table that ends before its newest version. */
#include "10_concurrency/snapshot/chain.h"
#include "fuzz.h"
#include "memory.h"

#include <stdlib.h>

static void check_reads(struct strata_slice bytes, const struct chain_version *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct chain_version *older = i + 1 < count ? &v[i + 1] : NULL;
        struct strata_slice value;
        require(chain_read(bytes, v[i].number, &value) == v[i].type, "another type");
        require(strata_compare(value, v[i].value) == 0, "another value");
        if (v[i].number)
            require(chain_read(bytes, v[i].number - 1, &value) == (older ? older->type : 0),
                    "another version is seen before it");
    }
}

static void check_chain(struct strata_slice bytes)
{
    struct chain_version *versions;
    struct strata_buffer again = {0};
    struct chain chain;
    size_t count = 0;

    chain_open(&chain, bytes);
    versions = calloc(chain.count, sizeof *versions);
    require(versions, "no memory");
    while (count < chain.count && chain_next(&chain, &versions[count]))
        count++;
    require(count && !chain_next(&chain, &versions[0]), "another number of versions");
    check_reads(bytes, versions, count);
    require(chain_encode(versions, count, &again, NULL) == 0, "encode");
    require(strata_compare(strata_buffer_slice(&again), bytes) == 0, "other bytes");
    require(chain_check(bytes, versions[0].number - 1), "it is newer than its table");
    strata_buffer_free(&again);
    free(versions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strata_slice bytes = strata_bytes(data, size);
    const char *wrong;

    memory_watch(0);
    wrong = chain_check(bytes, CODING_NUMBER_MAX);
    memory_watched();
    if (!wrong)
        check_chain(bytes);
    return 0;
}
