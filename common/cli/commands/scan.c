/* scan.c: scan, dump and count: entries in key order; the first two as lines that load reads. */
#include "cli/cli.h"
#include "cli/commands/range.h"

#include <inttypes.h>

/* Which entries, and how they are written. */
struct listing {
    struct range range;
    uint64_t left; /* entries still wanted */
    bool keys_only;
    enum entries_format format;
    struct progress_state state; /* of a dump into a file */
};

/* ---- Entries --------------------------------------------------------------------------- */

static int write_entry(struct cli_stream *to, struct listing *listing, struct strata_iter *iter)
{
    struct cli *cli = to->cli;
    struct strata_slice key = strata_iter_key(iter), value = {0};
    struct text_sink sink = cli_sink(to);
    struct strata_error err;
    bool ok;

    if (!listing->keys_only && strata_iter_value(iter, &value, &err) < 0)
        return cli_fail(cli, &err);
    if (listing->keys_only)
        ok = cli_put(cli, to->to, key) && cli_putc(cli, to->to, '\n');
    else
        ok = entries_put(&sink, listing->format, cli_form(cli), key, value);
    if (!ok)
        return cli_write_failed(to);
    listing->state.records++;
    listing->state.done_bytes += key.size + value.size;
    progress_tick(&cli->progress, &listing->state);
    return CLI_OK;
}

static int write_range(struct cli_stream *to, struct listing *listing, struct strata *db)
{
    struct strata_error err;
    struct strata_iter *iter;
    int code = CLI_OK, rc = strata_iter_new(db, &iter, &err);

    if (rc < 0)
        return cli_fail(to->cli, &err);
    if (listing->left)
        rc = range_first(&listing->range, iter, &err);
    while (rc == 0 && code == CLI_OK && listing->left) {
        code = cli_interrupted(to->cli) ? CLI_OTHER : write_entry(to, listing, iter);
        if (code == CLI_OK && --listing->left)
            rc = range_next(&listing->range, iter, &err);
    }
    strata_iter_free(iter);
    return rc < 0 ? cli_fail(to->cli, &err) : code;
}

static int open_and_write(struct cli_stream *to, void *listing)
{
    struct strata *db;
    int code = cli_open(to->cli, CLI_READ, &db);

    if (code != CLI_OK)
        return code;
    return cli_close(to->cli, db, write_range(to, listing, db));
}

/* ---- scan ------------------------------------------------------------------------------ */

int cli_run_scan(struct cli *cli)
{
    struct listing listing = {.left = UINT64_MAX, .format = ENTRIES_TSV};
    int code = cli_number(cli, CLI_LIMIT, 0, UINT64_MAX, &listing.left);

    listing.keys_only = cli->given[CLI_KEYS_ONLY] != NULL;
    if (code == CLI_OK)
        code = range_of_options(cli, &listing.range);
    if (code == CLI_OK)
        code = cli_write_file(cli, NULL, open_and_write, &listing);
    range_free(&listing.range);
    return code;
}

/* ---- count ----------------------------------------------------------------------------- */

static int count_range(struct cli *cli, struct strata *db, const struct range *range)
{
    struct strata_error err;
    struct strata_iter *iter;
    uint64_t count = 0;
    int rc = strata_iter_new(db, &iter, &err);

    if (rc < 0)
        return cli_fail(cli, &err);
    rc = range_first(range, iter, &err);
    for (; rc == 0 && !cli_interrupted(cli); count++)
        rc = range_next(range, iter, &err);
    strata_iter_free(iter);
    if (rc < 0)
        return cli_fail(cli, &err);
    if (rc == 0)
        return CLI_OTHER; /* interrupted */
    fprintf(cli->out, "%" PRIu64 "\n", count);
    return CLI_OK;
}

int cli_run_count(struct cli *cli)
{
    struct range range = {0};
    struct strata *db;
    int code = range_of_options(cli, &range);

    if (code == CLI_OK)
        code = cli_open(cli, CLI_READ, &db);
    if (code == CLI_OK)
        code = cli_close(cli, db, count_range(cli, db, &range));
    range_free(&range);
    return code;
}

/* ---- dump ------------------------------------------------------------------------------ */

/* One that fails is left without its tail, by which mdb_load and load know. */
static int write_dump(struct cli_stream *to, void *arg)
{
    struct listing *listing = arg;
    int code;

    if (!cli_put_head(to, listing->format))
        return cli_write_failed(to);
    code = open_and_write(to, listing);
    if (code == CLI_OK && !cli_put_tail(to, listing->format))
        return cli_write_failed(to);
    return code;
}

int cli_run_dump(struct cli *cli)
{
    struct listing listing = {.left = UINT64_MAX};
    int code = cli_format(cli, 1, &listing.format);

    if (code == CLI_OK)
        code = range_of_options(cli, &listing.range);
    if (code == CLI_OK)
        code = cli_write_file(cli, cli->count > 1 ? cli->operands[1] : NULL, write_dump, &listing);
    range_free(&listing.range);
    return code;
}
