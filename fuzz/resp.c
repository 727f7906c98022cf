/* resp.c: the bytes are requests of Redis' protocol (stages/14_server/resp.c). In one piece and
 * byte by byte the same requests are found, and the same error; an argument lies in the bytes, and
 * what the parser holds is explained by the arguments that have arrived. */
#include "fuzz.h"

#include "14_server/resp.h"
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#define MOST 100000u

/* What was found, each argument with its length in front. */
static void note(struct strata_buffer *to, const struct resp *r, const uint8_t *data, size_t size)
{
    strata_buffer_append(to, &r->count, sizeof r->count);
    for (size_t i = 0; i < r->count; i++) {
        require(r->args[i].offset <= size && r->args[i].size <= size - r->args[i].offset,
                "an argument is not in the bytes");
        strata_buffer_append(to, &r->args[i].size, sizeof r->args[i].size);
        strata_buffer_append(to, data + r->args[i].offset, r->args[i].size);
    }
}

static const char *parse(const uint8_t *bytes, size_t size, size_t piece, struct strata_buffer *to)
{
    struct resp r = {.most_bytes = MOST};
    uint8_t *data = malloc(size + 1);
    enum resp_code code = RESP_MORE;
    const char *error;

    require(data != NULL, "no memory");
    memcpy(data, bytes, size);
    for (size_t have = 0; code != RESP_BAD && (code == RESP_READY || have < size);) {
        if (code == RESP_MORE)
            have = size - have > piece ? have + piece : size;
        code = resp_next(&r, data, have);
        if (code == RESP_READY)
            note(to, &r, data, have);
        require(r.room <= 64 + 2 * size, "more arguments than bytes explain");
    }
    error = r.error;
    resp_free(&r);
    free(data);
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strata_buffer whole = {0}, pieces = {0};
    const char *error = parse(data, size, size, &whole), *same = parse(data, size, 1, &pieces);

    require((error == NULL) == (same == NULL) && (!error || strcmp(error, same) == 0),
            "in pieces it has another error");
    require(strata_compare(strata_buffer_slice(&whole), strata_buffer_slice(&pieces)) == 0,
            "in pieces there are other requests");
    strata_buffer_free(&whole);
    strata_buffer_free(&pieces);
    return 0;
}
