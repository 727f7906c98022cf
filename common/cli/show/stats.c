/* stats.c: stats: the figures of a database, for people or as one JSON object (RFC 8259). */
#include "cli/options.h"
#include "cli/show/promises.h"

#include <inttypes.h>
#include <string.h>

struct report {
    FILE *to;
    bool first; /* of a JSON list or object */
    bool all;   /* figures that are 0, too */
};

/* ---- For people ------------------------------------------------------------------------ */

static void print_line(void *arg, const struct strata_stat *stat)
{
    struct report *report = arg;

    if (!stat->value && !report->all)
        return;
    fprintf(report->to, "%-20s %14" PRIu64 " %-8s %s\n", stat->name, stat->value, stat->unit,
            stat->help);
}

static void print_head(FILE *to, const struct strata_stage_info *info)
{
    fprintf(to, "stage                %14u %-8s %s\n", info->stage, "", info->name);
    fprintf(to, "promises            ");
    for (const struct promise *p = promises; p->word; p++)
        if (info->promises & p->bit)
            fprintf(to, " %s", p->word);
    fputc('\n', to);
}

/* ---- JSON ------------------------------------------------------------------------------ */

static void json_character(FILE *to, struct strata_slice one)
{
    if (one.size == 0)
        fputs("\\ufffd", to); /* not UTF-8 */
    else if (one.size > 1)
        fwrite(one.data, 1, one.size, to);
    else if (one.data[0] == '"' || one.data[0] == '\\')
        fprintf(to, "\\%c", one.data[0]);
    else if (one.data[0] < 0x20)
        fprintf(to, "\\u%04x", one.data[0]);
    else
        fputc(one.data[0], to);
}

static void json_string(FILE *to, const char *text)
{
    struct strata_slice rest = strata_string(text);

    fputc('"', to);
    while (rest.size) {
        size_t size = text_utf8_size(rest), taken = size ? size : 1;
        json_character(to, strata_bytes(rest.data, size));
        rest = strata_bytes(rest.data + taken, rest.size - taken);
    }
    fputc('"', to);
}

static void json_comma(struct report *report)
{
    if (!report->first)
        fputs(", ", report->to);
    report->first = false;
}

static void json_figure(void *arg, const struct strata_stat *stat)
{
    struct report *report = arg;
    json_comma(report);
    json_string(report->to, stat->name);
    fprintf(report->to, ": %" PRIu64, stat->value);
}

static void json_head(struct report *report, const struct strata_stage_info *info)
{
    fprintf(report->to, "{\"stage\": %u, \"name\": ", info->stage);
    json_string(report->to, info->name);
    fputs(", \"survives\": ", report->to);
    json_string(report->to, info->survives);
    fputs(", \"promises\": [", report->to);
    for (const struct promise *p = promises; p->word; p++)
        if (info->promises & p->bit) {
            json_comma(report);
            json_string(report->to, p->word);
        }
    fputs("], \"stats\": {", report->to);
    report->first = true;
}

/* ---- The command ----------------------------------------------------------------------- */

static int print_stats(struct cli *cli, struct strata *db, bool json)
{
    struct report report = {
        .to = cli->out, .first = true, .all = cli->given[CLI_ALL_FIGURES] != NULL};
    struct strata_stage_info info;
    struct strata_error err;

    strata_stage(db, &info);
    if (json)
        json_head(&report, &info);
    else
        print_head(cli->out, &info);
    if (strata_stats(db, json ? json_figure : print_line, &report, &err) < 0)
        return cli_fail(cli, &err);
    if (json)
        fputs("}}\n", cli->out);
    return CLI_OK;
}

static int run_stats(struct cli *cli)
{
    struct strata *db;
    int code = cli_open(cli, CLI_READ, &db);

    if (code != CLI_OK)
        return code;
    return cli_close(cli, db, print_stats(cli, db, cli->given[CLI_JSON] != NULL));
}

const struct cli_command cli_stats_command = {
    .name = "stats",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR"},
    .required = 1,
    .options = OPTIONS(DB_OPTIONS, CLI_JSON, CLI_ALL_FIGURES),
    .exits = DB_EXITS,
    .summary = "print figures of the database",
    .about = "Of its files and records, and of what opening it cost. A line a figure: name,\n"
             "value, unit, meaning; those that are 0 are left out, unless --all asks for them.\n"
             "With --json, for programs: stage, name, survives, promises, and all figures under\n"
             "stats by name. `strata info` shows what people want to know first.",
    .example = "$ strata put db fruit apple --stage 1\n"
               "$ strata stats db | head -1\n"
               "stage                             1          01_append_log\n"
               "$ strata stats db --json | grep -o '\"name\": \"[^\"]*\"'\n"
               "\"name\": \"01_append_log\"\n",
    .run = run_stats,
};
