/* keys.c: put, get and del: records by their keys.
 *
 * All operands are understood before the database is opened: a typing error creates nothing and
 * does nothing. */
#include "cli/cli.h"

/* The batch of the shell that is under way, or NULL. */
static struct strata_batch *batch_of(struct cli *cli)
{
    return cli->session ? cli->session->batch : NULL;
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

static int put(struct cli *cli, struct strata *db, struct strata_slice key,
               struct strata_slice value)
{
    struct strata_error err;
    int rc = batch_of(cli) ? strata_batch_put(batch_of(cli), key, value, &err)
                           : strata_put(db, key, value, &err);
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

int cli_run_put(struct cli *cli)
{
    struct strata_buffer key = {0}, value = {0};
    struct strata *db;
    int code = read_key(cli, 1, &key);

    if (code == CLI_OK)
        code = cli_value(cli, 2, &value);
    if (code == CLI_OK)
        code = cli_open(cli, CLI_CREATE, &db);
    if (code == CLI_OK)
        code = cli_close(cli, db,
                         put(cli, db, strata_buffer_slice(&key), strata_buffer_slice(&value)));
    strata_buffer_free(&key);
    strata_buffer_free(&value);
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

static int get(struct cli *cli, struct strata *db, size_t operand, struct strata_slice key,
               void *arg)
{
    struct strata_buffer *value = arg;
    struct strata_error err;
    int rc = strata_get(db, key, value, &err);

    if (rc < 0)
        return cli_fail(cli, &err);
    if (rc == STRATA_NOT_FOUND)
        return not_found(cli, cli->operands[operand]);
    print_value(cli, key, strata_buffer_slice(value));
    return CLI_OK;
}

int cli_run_get(struct cli *cli)
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
    bool missing = !batch_of(cli) && strata_get(db, key, NULL, NULL) == STRATA_NOT_FOUND;
    int rc = arg ? strata_batch_delete(arg, key, &err) : strata_delete(db, key, &err);

    if (rc < 0)
        return cli_fail(cli, &err);
    return missing ? not_found(cli, cli->operands[operand]) : CLI_OK;
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

int cli_run_del(struct cli *cli)
{
    struct strata *db;
    int code = for_each_key(cli, NULL, NULL, NULL);

    if (code == CLI_OK)
        code = cli_open(cli, CLI_WRITE, &db);
    if (code != CLI_OK)
        return code;
    if (!batch_of(cli) && cli->count > 2 && promises_batches(db))
        code = del_as_one(cli, db);
    else
        code = for_each_key(cli, db, del, batch_of(cli));
    return cli_close(cli, db, code);
}
