/* keys.c: put, get and del: one key. */
#include "cli.h"

/* The operands after DIR as bytes: KEY, and VALUE if there is one. */
static int read_operands(struct cli *cli, struct strata_buffer *key, struct strata_buffer *value)
{
    int code = cli_bytes(cli, "KEY", cli->operands[1], STRATA_MAX_KEY, key);
    if (code == CLI_OK && cli->count > 2)
        code = cli_bytes(cli, "VALUE", cli->operands[2], STRATA_MAX_VALUE, value);
    return code;
}

/* The batch of the shell that is under way, or NULL. */
static struct strata_batch *batch_of(struct cli *cli)
{
    return cli->session ? cli->session->batch : NULL;
}

static int put(struct cli *cli, struct strata *db, struct strata_slice key,
               struct strata_slice value)
{
    struct strata_error err;
    int rc = batch_of(cli) ? strata_batch_put(batch_of(cli), key, value, &err)
                           : strata_put(db, key, value, &err);
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static int del(struct cli *cli, struct strata *db, struct strata_slice key,
               struct strata_slice unused)
{
    struct strata_error err;
    int rc = batch_of(cli) ? strata_batch_delete(batch_of(cli), key, &err)
                           : strata_delete(db, key, &err);

    (void)unused;
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static int get(struct cli *cli, struct strata *db, struct strata_slice key,
               struct strata_slice unused)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    int rc = strata_get(db, key, &value, &err), code = cli_exit_of(rc);

    (void)unused;
    if (rc < 0)
        cli_fail(cli, &err);
    else if (rc == STRATA_NOT_FOUND)
        cli_say(cli, "no such key: %s", cli->operands[1]);
    else if (cli_put(cli, cli->out, strata_buffer_slice(&value)))
        cli_putc(cli, cli->out, '\n');
    strata_buffer_free(&value);
    return code;
}

/* Operands are understood before the database is opened: a typing error creates nothing. */
static int with_key(struct cli *cli, enum cli_access access,
                    int (*work)(struct cli *cli, struct strata *db, struct strata_slice key,
                                struct strata_slice value))
{
    struct strata_buffer key = {0}, value = {0};
    struct strata *db;
    int code = read_operands(cli, &key, &value);

    if (code == CLI_OK)
        code = cli_open(cli, access, &db);
    if (code == CLI_OK) {
        code = work(cli, db, strata_buffer_slice(&key), strata_buffer_slice(&value));
        code = cli_close(cli, db, code);
    }
    strata_buffer_free(&key);
    strata_buffer_free(&value);
    return code;
}

int cli_run_put(struct cli *cli)
{
    return with_key(cli, CLI_CREATE, put);
}

int cli_run_get(struct cli *cli)
{
    return with_key(cli, CLI_READ, get);
}

int cli_run_del(struct cli *cli)
{
    return with_key(cli, CLI_WRITE, del);
}
