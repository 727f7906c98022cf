/* keys.c: put, get and del: records by their keys.
 *
 * All operands are understood before the database is opened: a typing error creates nothing and
 * does nothing. */
#include "cli/options.h"
#include "scenario/scenario.h"

#include <inttypes.h>

/* The batch of the shell that is under way, or NULL. */
static struct strata_batch *batch_of(struct cli *cli)
{
    return cli->session ? cli->session->batch : NULL;
}

/* The transaction of the shell that is open, or NULL. */
static struct strata_txn *txn_of(struct cli *cli)
{
    return cli->session ? cli->session->txn : NULL;
}

static bool promises_batches(const struct strata *db)
{
    struct strata_stage_info info;
    strata_stage(db, &info);
    return info.promises & STRATA_PROMISE_BATCH;
}

/* The key that the operand number `i` means, replacing what `key` held. */
static int read_key(struct cli *cli, size_t i, struct strata_buffer *key)
{
    return cli_bytes(cli, "KEY", cli->operands[i], STRATA_MAX_KEY, key);
}

static int not_found(struct cli *cli, const char *key)
{
    cli_say(cli, "no such key: %s", key);
    return CLI_NOT_FOUND;
}

/* ---- put ------------------------------------------------------------------------------- */

#define TTL_MOST UINT64_C(10000000000) /* seconds: 300 years */

/* `ttl`: seconds; 0: for ever. */
static int put(struct cli *cli, struct strata *db, struct strata_slice key,
               struct strata_slice value, uint64_t ttl)
{
    struct strata_txn *txn = txn_of(cli);
    struct strata_batch *batch = batch_of(cli);
    struct strata_error err;
    uint64_t until = cli_now_ms() + ttl * 1000;
    int rc;

    if (txn)
        rc = ttl ? strata_txn_put_until(txn, key, value, until, &err)
                 : strata_txn_put(txn, key, value, &err);
    else if (batch)
        rc = ttl ? strata_batch_put_until(batch, key, value, until, &err)
                 : strata_batch_put(batch, key, value, &err);
    else
        rc = ttl ? strata_put_until(db, key, value, until, 0, &err)
                 : strata_put(db, key, value, &err);
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static int run_put(struct cli *cli)
{
    struct strata_buffer key = {0}, value = {0};
    struct strata *db;
    uint64_t ttl = 0;
    int code = read_key(cli, 1, &key);

    if (code == CLI_OK)
        code = cli_number(cli, CLI_TTL, 1, TTL_MOST, &ttl);
    if (code == CLI_OK)
        code = cli_value(cli, 2, &value);
    if (code == CLI_OK)
        code = cli_open(cli, CLI_CREATE, &db);
    if (code == CLI_OK)
        code = cli_close(cli, db,
                         put(cli, db, strata_buffer_slice(&key), strata_buffer_slice(&value), ttl));
    strata_buffer_free(&key);
    strata_buffer_free(&value);
    return code;
}

/* ---- merge ----------------------------------------------------------------------------- */

static int merge(struct cli *cli, struct strata *db, struct strata_slice key,
                 struct strata_slice operand)
{
    enum strata_op_type how = scenario_operator(strata_string(cli->operands[2]));
    struct strata_error err;
    int rc = txn_of(cli)     ? strata_txn_merge(txn_of(cli), how, key, operand, &err)
             : batch_of(cli) ? strata_batch_merge(batch_of(cli), how, key, operand, &err)
                             : strata_merge(db, how, key, operand, 0, &err);
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static int run_merge(struct cli *cli)
{
    struct strata_buffer key = {0}, operand = {0};
    struct strata *db;
    int code = read_key(cli, 1, &key);

    if (code == CLI_OK && !scenario_operator(strata_string(cli->operands[2])))
        code = cli_usage(cli, "\"%s\" is none of add, max and append", cli->operands[2]);
    if (code == CLI_OK)
        code = cli_value(cli, 3, &operand);
    if (code == CLI_OK)
        code = cli_open(cli, CLI_CREATE, &db);
    if (code == CLI_OK)
        code = cli_close(cli, db,
                         merge(cli, db, strata_buffer_slice(&key), strata_buffer_slice(&operand)));
    strata_buffer_free(&key);
    strata_buffer_free(&operand);
    return code;
}

/* ---- Several keys ---------------------------------------------------------------------- */

/* Works on one of several keys: CLI_OK, CLI_NOT_FOUND, or what ends the command. */
typedef int each_key(struct cli *cli, struct strata *db, size_t operand, struct strata_slice key,
                     void *arg);

/* CLI_NOT_FOUND if any key was. `work` NULL: the keys are only understood. */
static int for_each_key(struct cli *cli, struct strata *db, each_key *work, void *arg)
{
    struct strata_buffer key = {0};
    int code = CLI_OK, missing = CLI_OK;

    for (size_t i = 1; i < cli->count && code == CLI_OK; i++) {
        code = read_key(cli, i, &key);
        if (code == CLI_OK && work)
            code = work(cli, db, i, strata_buffer_slice(&key), arg);
        if (code == CLI_NOT_FOUND) {
            missing = code;
            code = CLI_OK;
        }
    }
    strata_buffer_free(&key);
    return code == CLI_OK ? missing : code;
}

/* ---- get ------------------------------------------------------------------------------- */

static void print_value(struct cli *cli, struct strata_slice key, struct strata_slice value)
{
    struct cli_stream stream = {cli, cli->out, NULL};
    struct text_sink sink = cli_sink(&stream);

    if (cli->given[CLI_RAW])
        text_put_raw(&sink, value);
    else if (cli->count > 2)
        entries_put(&sink, ENTRIES_TSV, cli_form(cli), key, value);
    else if (cli_put(cli, cli->out, value))
        cli_putc(cli, cli->out, '\n');
}

static void print_cost(struct cli *cli, const char *key, const struct strata_counters *before)
{
    struct strata_counters now;

    strata_counters(&now, sizeof now);
    fprintf(cli->log,
            "%s: tables %" PRIu64 ", filters %" PRIu64 ", blocks %" PRIu64 ", of them read %" PRIu64
            ", bytes read %" PRIu64 ", comparisons %" PRIu64 "\n",
            key, now.tables - before->tables, now.filter_probes - before->filter_probes,
            now.blocks - before->blocks, now.blocks_loaded - before->blocks_loaded,
            now.bytes_read - before->bytes_read, now.comparisons - before->comparisons);
}

static int get(struct cli *cli, struct strata *db, size_t operand, struct strata_slice key,
               void *arg)
{
    struct strata_counters before;
    struct strata_buffer *value = arg;
    struct strata_error err;
    int rc;

    strata_counters(&before, sizeof before);
    rc = cli_get(cli, db, key, value, &err);
    if (cli->given[CLI_COST])
        print_cost(cli, cli->operands[operand], &before);
    if (rc < 0)
        return cli_fail(cli, &err);
    if (rc == STRATA_NOT_FOUND)
        return not_found(cli, cli->operands[operand]);
    print_value(cli, key, strata_buffer_slice(value));
    return CLI_OK;
}

static int run_get(struct cli *cli)
{
    struct strata_buffer value = {0};
    struct strata *db;
    int code = for_each_key(cli, NULL, NULL, NULL);

    if (code == CLI_OK && cli->given[CLI_RAW] && cli->count > 2)
        code = cli_usage(cli, "--raw takes one KEY: values would run together");
    if (code == CLI_OK)
        code = cli_open(cli, CLI_READ, &db);
    if (code == CLI_OK)
        code = cli_close(cli, db, for_each_key(cli, db, get, &value));
    strata_buffer_free(&value);
    return code;
}

/* ---- del ------------------------------------------------------------------------------- */

/* `arg` is the batch that the removal is added to, or NULL. The key is removed whatever the look at
 * it says: where that fails, as its value is damaged, it is not known to be missing. */
static int del(struct cli *cli, struct strata *db, size_t operand, struct strata_slice key,
               void *arg)
{
    struct strata_error err;
    struct strata_txn *txn = txn_of(cli);
    int found = batch_of(cli) ? 0
                : txn         ? strata_txn_get(txn, key, NULL, NULL)
                              : strata_get(db, key, NULL, NULL);
    int rc = txn   ? strata_txn_delete(txn, key, &err)
             : arg ? strata_batch_delete(arg, key, &err)
                   : strata_delete(db, key, &err);

    if (rc < 0)
        return cli_fail(cli, &err);
    return found == STRATA_NOT_FOUND ? not_found(cli, cli->operands[operand]) : CLI_OK;
}

static int del_as_one(struct cli *cli, struct strata *db)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    int code;

    if (!batch) {
        cli_say(cli, "out of memory");
        return CLI_OTHER;
    }
    code = for_each_key(cli, db, del, batch);
    if ((code == CLI_OK || code == CLI_NOT_FOUND) && strata_write(db, batch, 0, &err) < 0)
        code = cli_fail(cli, &err);
    strata_batch_free(batch);
    return code;
}

static int run_del(struct cli *cli)
{
    struct strata *db;
    int code = for_each_key(cli, NULL, NULL, NULL);

    if (code == CLI_OK)
        code = cli_open(cli, CLI_WRITE, &db);
    if (code != CLI_OK)
        return code;
    if (!txn_of(cli) && !batch_of(cli) && cli->count > 2 && promises_batches(db))
        code = del_as_one(cli, db);
    else
        code = for_each_key(cli, db, del, batch_of(cli));
    return cli_close(cli, db, code);
}

/* ---- delrange -------------------------------------------------------------------------- */

static int delete_range(struct cli *cli, struct strata *db, struct strata_slice from,
                        struct strata_slice to)
{
    struct strata_error err;
    int rc = txn_of(cli)     ? strata_txn_delete_range(txn_of(cli), from, to, &err)
             : batch_of(cli) ? strata_batch_delete_range(batch_of(cli), from, to, &err)
                             : strata_delete_range(db, from, to, 0, &err);
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static int run_delrange(struct cli *cli)
{
    struct strata_buffer from = {0}, to = {0};
    struct strata *db;
    int code = cli_bytes(cli, "FROM", cli->operands[1], STRATA_MAX_KEY, &from);

    if (code == CLI_OK)
        code = cli_bytes(cli, "TO", cli->operands[2], STRATA_MAX_KEY, &to);
    if (code == CLI_OK)
        code = cli_open(cli, CLI_WRITE, &db);
    if (code == CLI_OK)
        code = cli_close(
            cli, db, delete_range(cli, db, strata_buffer_slice(&from), strata_buffer_slice(&to)));
    strata_buffer_free(&from);
    strata_buffer_free(&to);
    return code;
}

const struct cli_command cli_put_command = {
    .name = "put",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR", "KEY", "VALUE"},
    .required = 3,
    .options = OPTIONS(RECORD_OPTIONS, WRITE_OPTIONS, CLI_TTL),
    .exits = DB_EXITS,
    .summary = "store VALUE under KEY, replacing an older value",
    .about = "Makes the database DIR if there is none, but not the directory it lies in. When\n"
             "put has ended with 0, the record survives what the stage promises (`strata\n"
             "stages`). An empty KEY or VALUE is written ''.\n\n"
             "VALUE - means the bytes of standard input, and @FILE the bytes of a file: as\n"
             "they are, without escapes, with a line end if there is one; --hex is then of KEY\n"
             "alone. Behind -- every operand is itself: so a KEY or VALUE is given that begins\n"
             "with a dash or with @.",
    .shell_about =
        "When put prints nothing, the record survives what the stage promises (`strata\n"
        "stages`). After `batch begin` it is only gathered, and stored by `batch commit`;\n"
        "after `begin` it is seen in the transaction alone, until `commit`. An\n"
        "empty KEY or VALUE is written ''. VALUE @FILE means the bytes of a file, as they\n"
        "are. Behind -- every operand is itself: so a KEY or VALUE is given that begins with a\n"
        "dash or with @.",
    .example = "$ strata put db 'caf\\xc3\\xa9' 'noir\\tlong'\n"
               "$ strata put db -- -1 @minus\n"
               "$ printf 'any\\0bytes' | strata put db blob -\n"
               "$ strata scan db\n"
               "-1\t@minus\n"
               "blob\tany\\x00bytes\n"
               "caf\xc3\xa9\tnoir\\tlong\n"
               "$ strata put db copy @db/STRATA && strata get db copy --raw | cmp - db/STRATA\n"
               "$ strata put seats 4F taken --ttl 1 --stage 13 && sleep 1.1\n"
               "$ strata get seats 4F || echo gone\n"
               "gone\n",
    .run = run_put,
};

const struct cli_command cli_merge_command = {
    .name = "merge",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR", "KEY", "HOW", "OPERAND"},
    .required = 4,
    .options = OPTIONS(RECORD_OPTIONS, WRITE_OPTIONS),
    .exits = DB_EXITS,
    .summary = "change the value of KEY without reading it",
    .about =
        "HOW says what the value becomes: add OPERAND to it or the max of both, which are\n"
        "numbers in decimal digits; or append OPERAND to it. What is written at the same time\n"
        "by others is not lost, and in a transaction merges of a key do not conflict with\n"
        "each other. A missing KEY counts as 0 (add), or becomes OPERAND. Makes the database\n"
        "DIR if there is none. The stage must promise merges (`strata stages`).",
    .shell_about =
        "HOW says what the value becomes: add OPERAND to it or the max of both, which are\n"
        "numbers in decimal digits; or append OPERAND to it. A missing KEY counts as 0 (add),\n"
        "or becomes OPERAND. After `batch begin` it is only gathered; after `begin` it is\n"
        "seen in the transaction alone, until `commit`. Merges of a key do not conflict with\n"
        "each other. The stage must promise merges (`strata stages`).",
    .example = "$ strata merge db visits add 1 --stage 13\n"
               "$ strata merge db visits add 41\n"
               "$ strata merge db days append mon\n"
               "$ strata merge db days append ,tue\n"
               "$ strata scan db\n"
               "days\tmon,tue\n"
               "visits\t42\n",
    .run = run_merge,
};

const struct cli_command cli_get_command = {
    .name = "get",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR", "KEY..."},
    .required = 2,
    .options = OPTIONS(RECORD_OPTIONS, CLI_RAW, CLI_COST),
    .exits = DB_EXITS | O(CLI_NOT_FOUND),
    .summary = "print the value stored under KEY",
    .about =
        "The value is printed with escapes, and a line end after it; with --raw its bytes as\n"
        "they are, and nothing after them. Of several keys a line each is printed, as scan\n"
        "does: key, tab, value. Those that are missing are named on standard error, and\n"
        "get ends with 1. With --cost each get is followed by what it took: sorted tables\n"
        "that were asked, Bloom filters, blocks, those that were not in the cache, bytes read\n"
        "from files, comparisons of keys.",
    .shell_about =
        "The value is printed with escapes, and a line end after it; of several keys a line\n"
        "each: key, tab, value. Neither get nor any other command sees what `batch begin`\n"
        "has gathered: it is stored by `batch commit`. After `begin` get reads the snapshot of\n"
        "the transaction, and sees what it wrote.",
    .example = "$ strata put db fruit apple\n"
               "$ strata get db fruit\n"
               "apple\n"
               "$ strata get db 6672756974 --hex\n"
               "6170706c65\n"
               "$ strata put db bread rye\n"
               "$ strata get db bread cheese fruit || echo it ended with $?\n"
               "bread\trye\n"
               "fruit\tapple\n"
               "it ended with 1\n",
    .run = run_get,
};

const struct cli_command cli_del_command = {
    .name = "del",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR", "KEY..."},
    .required = 2,
    .options = OPTIONS(RECORD_OPTIONS, WRITE_OPTIONS),
    .exits = DB_EXITS | O(CLI_NOT_FOUND),
    .summary = "remove KEY and its value",
    .about = "Keys that were not there are named on standard error, and del ends with 1; the\n"
             "others are removed all the same. Several keys are one batch where `strata stages`\n"
             "promises batches. DIR must be a database.",
    .shell_about =
        "Keys that were not there are named, and the others removed. After `batch begin` the\n"
        "removal is only gathered, and done by `batch commit`; then no message names keys\n"
        "that are not there.",
    .example = "$ strata put db fruit apple\n"
               "$ strata del db fruit\n"
               "$ strata get db fruit || echo gone\n"
               "gone\n"
               "$ strata del db fruit || echo it ended with $?\n"
               "it ended with 1\n",
    .run = run_del,
};

const struct cli_command cli_delrange_command = {
    .name = "delrange",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR", "FROM", "TO"},
    .required = 3,
    .options = OPTIONS(RECORD_OPTIONS, WRITE_OPTIONS),
    .exits = DB_EXITS,
    .summary = "remove the keys from FROM on and before TO",
    .about = "TO itself stays; '' as TO means that the range has no end. A range without keys is\n"
             "no error. Up to 4096 keys are removed at once; a larger range in steps, in the\n"
             "order of the keys. The stage must promise ranges (`strata stages`). DIR must be a\n"
             "database.",
    .shell_about =
        "TO itself stays; '' as TO means that the range has no end. After `batch begin` it is\n"
        "only gathered, and removes at once what is there at `batch commit`; after `begin` it\n"
        "removes what the transaction sees. The stage must promise ranges (`strata stages`).",
    .example = "$ printf 'a\\t1\\nb\\t2\\nc\\t3\\nd\\t4\\n' | strata load db - --stage 13\n"
               "$ strata delrange db b d\n"
               "$ strata scan db\n"
               "a\t1\n"
               "d\t4\n",
    .run = run_delrange,
};
