/* scan.c: scan, dump and count: entries in key order; the first two as lines that load reads. */
#include "cli/options.h"
#include "cli/commands/range.h"
#include "cli/output/human.h"

#include <inttypes.h>

/* Which entries, and how they are written. */
struct listing {
    struct range range;
    uint64_t left; /* entries still wanted */
    bool keys_only;
    enum entries_format format;
    uint64_t timed;              /* of a dump: entries that expire, if the format cannot say so */
    struct progress_state state; /* of a dump into a file */
};

/* ---- Entries --------------------------------------------------------------------------- */

static int write_entry(struct cli_stream *to, struct listing *listing, struct strata_iter *iter)
{
    struct cli *cli = to->cli;
    struct strata_slice key = strata_iter_key(iter), value = {0};
    struct text_sink sink = cli_sink(to);
    struct strata_error err;
    uint64_t until = strata_iter_until(iter);
    bool ok;

    listing->timed += until && !entries_have_times(listing->format);
    if (!listing->keys_only && strata_iter_value(iter, &value, &err) < 0)
        return cli_fail(cli, &err);
    if (listing->keys_only)
        ok = cli_put(cli, to->to, key) && cli_putc(cli, to->to, '\n');
    else
        ok = entries_put_until(&sink, listing->format, cli_form(cli), key, value, until);
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
    int code = CLI_OK, rc = cli_iter(to->cli, db, &iter, &err);

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

static int run_scan(struct cli *cli)
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
    int rc = cli_iter(cli, db, &iter, &err);

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

static int run_count(struct cli *cli)
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

static int run_dump(struct cli *cli)
{
    struct listing listing = {.left = UINT64_MAX};
    int code = cli_format(cli, 1, &listing.format);

    if (code == CLI_OK)
        code = range_of_options(cli, &listing.range);
    if (code == CLI_OK)
        code = cli_write_file(cli, cli->count > 1 ? cli->operands[1] : NULL, write_dump, &listing);
    if (code == CLI_OK && listing.timed)
        cli_say(cli, "%" PRIu64 " record%s that expire%s: %s has no times, jsonl has",
                listing.timed, human_s(listing.timed), listing.timed == 1 ? "s" : "",
                entries_format_name(listing.format));
    range_free(&listing.range);
    return code;
}

const struct cli_command cli_scan_command = {
    .name = "scan",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR"},
    .required = 1,
    .options = OPTIONS(RECORD_OPTIONS, CLI_FROM, CLI_TO, CLI_PREFIX, CLI_LIMIT, CLI_REVERSE,
                       CLI_KEYS_ONLY),
    .exits = DB_EXITS,
    .summary = "print the entries of a range of keys, in order",
    .about = "A line an entry: key, tab, value. Keys sort as unsigned bytes. The options narrow\n"
             "the range together; one that holds nothing prints nothing, which is no error.",
    .example = "$ printf 'a\\t1\\nab\\t2\\nb\\t3\\nc\\t4\\n' | strata load db - 2>/dev/null\n"
               "$ strata scan db --from ab --to c\n"
               "ab\t2\n"
               "b\t3\n"
               "$ strata scan db --prefix a --reverse --limit 1\n"
               "ab\t2\n"
               "$ strata scan db --keys-only --hex --from 62\n"
               "62\n"
               "63\n",
    .run = run_scan,
};

const struct cli_command cli_count_command = {
    .name = "count",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR"},
    .required = 1,
    .options = OPTIONS(RECORD_OPTIONS, CLI_FROM, CLI_TO, CLI_PREFIX),
    .exits = DB_EXITS,
    .summary = "print how many entries a range of keys has",
    .about = "The options narrow the range as those of scan do. No value is read.",
    .example = "$ printf 'a\\t1\\nab\\t2\\nb\\t3\\n' | strata load db - 2>/dev/null\n"
               "$ strata count db\n"
               "3\n"
               "$ strata count db --prefix a\n"
               "2\n",
    .run = run_count,
};

const struct cli_command cli_dump_command = {
    .name = "dump",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR", "FILE|-"},
    .required = 1,
    .options = OPTIONS(FORMAT_OPTIONS, CLI_FROM, CLI_TO, CLI_PREFIX),
    .exits = DB_EXITS,
    .summary = "write every entry as a record that load reads",
    .about =
        "To standard output, or into FILE, which must not be there yet. FILE gets its name\n"
        "when it is whole and on the device; until then it is FILE.PID.tmp, which is removed\n"
        "when dump fails or is interrupted, and left behind by kill -9. A pipe or a device\n"
        "(/dev/null) is written to as it is. The options narrow the range as those of scan\n"
        "do. Any key and any value comes through dump and load unchanged, in each format:\n\n"
        "  tsv    key, tab, value; escapes as on the command line\n"
        "  csv    key,value with RFC 4180's quotes and no escapes; bytes that are no text\n"
        "         as \\x and hexadecimal digits, which is PostgreSQL's form of bytea\n"
        "  jsonl  {\"key\":\"...\",\"value\":\"...\"} a line; what is not UTF-8 in base64, under\n"
        "         the name key_b64 or value_b64; of a record that expires also\n"
        "         \"until\":MILLISECONDS since 1970. The other formats have no place for that:\n"
        "         dump says on standard error of how many records they leave it out\n"
        "  mdb    what mdb_dump of LMDB and db_dump of Berkeley DB write: a header, then a line\n"
        "         a key and a line a value, in hexadecimal; load reads their format=print too.\n"
        "         LMDB refuses a key that is empty or longer than 511 bytes; db_load refuses\n"
        "         the line mapsize, which mdb_load needs",
    .example = "$ strata put db fruit 'apple\\x00pie'\n"
               "$ strata put db name '\"C:\\\\new\"'\n"
               "$ strata dump db\n"
               "fruit\tapple\\x00pie\n"
               "name\t\"C:\\\\new\"\n"
               "$ strata dump db --format csv --header\n"
               "key,value\n"
               "fruit,\\x6170706c6500706965\n"
               "name,\"\"\"C:\\new\"\"\"\n"
               "$ strata dump db all.jsonl && cat all.jsonl\n"
               "{\"key\":\"fruit\",\"value\":\"apple\\u0000pie\"}\n"
               "{\"key\":\"name\",\"value\":\"\\\"C:\\\\new\\\"\"}\n"
               "$ strata load copy all.jsonl\n"
               "$ strata dump copy --format jsonl | diff - all.jsonl && echo the same\n"
               "the same\n"
               "$ strata dump copy --format mdb | sed -n '5,7p'\n"
               "HEADER=END\n"
               " 6672756974\n"
               " 6170706c6500706965\n",
    .run = run_dump,
};
