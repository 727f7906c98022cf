/* range.c: a prefix is a range too: from itself to the first key after all that begin with it.
 * That key is the prefix without the 0xff bytes at its end, the last byte then left grown by
 * one; a prefix of 0xff bytes alone has nothing after it. */
#include "cli/commands/range.h"

static int narrow_from(struct range *range, struct strata_slice from)
{
    if (strata_compare(from, strata_buffer_slice(&range->from)) <= 0)
        return 0;
    strata_buffer_clear(&range->from);
    return strata_buffer_append(&range->from, from.data, from.size);
}

static int narrow_to(struct range *range, struct strata_slice to)
{
    if (range->has_to && strata_compare(to, strata_buffer_slice(&range->to)) >= 0)
        return 0;
    range->has_to = true;
    strata_buffer_clear(&range->to);
    return strata_buffer_append(&range->to, to.data, to.size);
}

int range_to_prefix(struct range *range, struct strata_slice prefix)
{
    struct strata_buffer after = {0};
    struct strata_slice rest = prefix;
    int rc = narrow_from(range, prefix);

    while (rest.size && rest.data[rest.size - 1] == 0xff)
        rest.size--;
    if (rc < 0 || rest.size == 0)
        return rc;
    rc = strata_buffer_append(&after, rest.data, rest.size);
    if (rc == 0) {
        after.data[after.size - 1]++;
        rc = narrow_to(range, strata_buffer_slice(&after));
    }
    strata_buffer_free(&after);
    return rc;
}

/* ---- Options --------------------------------------------------------------------------- */

static int key_option(struct cli *cli, enum cli_option_id id, const char *name,
                      struct strata_buffer *to)
{
    return cli->given[id] ? cli_bytes(cli, name, cli->given[id], STRATA_MAX_KEY, to) : CLI_OK;
}

int range_of_options(struct cli *cli, struct range *range)
{
    struct strata_buffer prefix = {0};
    int code = key_option(cli, CLI_FROM, "--from", &range->from);

    if (code == CLI_OK)
        code = key_option(cli, CLI_TO, "--to", &range->to);
    if (code == CLI_OK)
        code = key_option(cli, CLI_PREFIX, "--prefix", &prefix);
    range->has_to = cli->given[CLI_TO] != NULL;
    range->reverse = cli->given[CLI_REVERSE] != NULL;
    if (code == CLI_OK && range_to_prefix(range, strata_buffer_slice(&prefix)) < 0) {
        cli_say(cli, "out of memory");
        code = CLI_OTHER;
    }
    strata_buffer_free(&prefix);
    return code;
}

void range_free(struct range *range)
{
    strata_buffer_free(&range->from);
    strata_buffer_free(&range->to);
}

/* ---- Walking --------------------------------------------------------------------------- */

/* `rc` of a move; a position outside of the range is none. */
static int inside(const struct range *range, const struct strata_iter *iter, int rc)
{
    struct strata_slice key;

    if (rc != 0)
        return rc;
    key = strata_iter_key(iter);
    if (strata_compare(key, strata_buffer_slice(&range->from)) < 0)
        return STRATA_NOT_FOUND;
    if (range->has_to && strata_compare(key, strata_buffer_slice(&range->to)) >= 0)
        return STRATA_NOT_FOUND;
    return 0;
}

int range_first(const struct range *range, struct strata_iter *iter, struct strata_error *err)
{
    int rc;

    if (!range->reverse)
        rc = strata_iter_seek(iter, strata_buffer_slice(&range->from), err);
    else if (range->has_to)
        rc = strata_iter_seek_before(iter, strata_buffer_slice(&range->to), err);
    else
        rc = strata_iter_last(iter, err);
    return inside(range, iter, rc);
}

int range_next(const struct range *range, struct strata_iter *iter, struct strata_error *err)
{
    int rc = range->reverse ? strata_iter_prev(iter, err) : strata_iter_next(iter, err);
    return inside(range, iter, rc);
}
