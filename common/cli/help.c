/* help.c: help, written from the rows of the table of commands. */
#include "cli/options.h"

#include <ctype.h>
#include <string.h>

static size_t operand_count(const struct cli_command *command)
{
    size_t count = 0;
    while (count < CLI_OPERANDS && command->operands[count])
        count++;
    return count;
}

/* "put DIR KEY VALUE", at most `capacity` bytes. In the shell DIR is known. */
static void put_call(const struct cli_command *command, bool in_shell, char *to, size_t capacity)
{
    size_t used = (size_t)snprintf(to, capacity, "%s", command->name);

    for (size_t i = 0; i < operand_count(command) && used < capacity; i++)
        if (!in_shell || strcmp(command->operands[i], "DIR") != 0)
            used += (size_t)snprintf(to + used, capacity - used,
                                     i < command->required ? " %s" : " [%s]", command->operands[i]);
}

static void print_commands(const struct cli *cli, bool in_shell)
{
    const struct cli_command *c;
    FILE *to = cli->out;

    for (size_t i = 0; (c = cli->commands[i]) != NULL; i++) {
        char call[64];
        put_call(c, in_shell, call, sizeof call);
        if (cli_command_fits(c, in_shell))
            fprintf(to, "  %-*s  %s\n", in_shell ? 23 : 20, call, c->summary);
    }
}

static void print_overview(const struct cli *cli)
{
    FILE *to = cli->out;

    fprintf(to, "Strata %s, a key-value store in stages.\n", STRATA_VERSION);
    fputs("usage: strata [OPTION]... COMMAND ...\n\n", to);
    print_commands(cli, false);
    fputs("\nOptions may be anywhere; -- ends them. Keys and values are text; \\xNN, \\t, \\n, \\r "
          "and "
          "\\\\\nare bytes that text cannot hold. With --hex they are hexadecimal digits.\n"
          "`strata help COMMAND` says more, with an example.\n\nExit status:",
          to);
    for (int code = 0; code < CLI_EXITS; code++)
        fprintf(to, "%s%d %s",
                code == 0       ? " "
                : code % 4 == 0 ? ",\n  "
                                : ", ",
                code, cli_exit_name((enum cli_exit)code));
    fputc('\n', to);
}

static void print_shell_overview(const struct cli *cli)
{
    print_commands(cli, true);
    fputs("\nOptions are as on the command line: `help scan` lists those of scan. Blanks separate\n"
          "words, except in quotes of either kind; escapes \\xNN, \\t, \\n, \\r and \\\\ mean the "
          "same\n"
          "everywhere. A line that begins with # is a comment.\n",
          cli->out);
}

static bool takes_any(const struct cli_command *command, bool in_shell)
{
    for (int id = 0; id < CLI_OPTIONS; id++)
        if (cli_command_takes(command, id, in_shell))
            return true;
    return false;
}

static void print_options(FILE *to, const struct cli_command *command, bool in_shell)
{
    if (takes_any(command, in_shell))
        fputs("\nOptions\n", to);
    for (int id = 0; id < CLI_OPTIONS; id++) {
        const struct cli_option *option = &cli_options[id];
        char call[40], letter[] = {'-', option->letter, ',', ' ', '\0'};
        if (!cli_command_takes(command, id, in_shell))
            continue;
        snprintf(call, sizeof call, "%s--%s%s%s", option->letter ? letter : "", option->name,
                 option->value ? " " : "", option->value ? option->value : "");
        fprintf(to, "  %-20s  %s\n", call, option->help);
    }
}

static void print_exits(FILE *to, const struct cli_command *command)
{
    fputs("\nExit status\n", to);
    for (int code = 0; code < CLI_EXITS; code++)
        if (command->exits >> code & 1)
            fprintf(to, "  %d  %s\n", code, cli_exit_name((enum cli_exit)code));
}

/* The lines of `text`, moved to the right. */
static void print_indented(FILE *to, const char *text)
{
    while (*text) {
        size_t size = strcspn(text, "\n");
        fprintf(to, "  %.*s\n", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

static void print_command(FILE *to, const struct cli_command *command, bool in_shell)
{
    const char *about = in_shell && command->shell_about ? command->shell_about : command->about;
    char call[64];

    put_call(command, in_shell, call, sizeof call);
    fprintf(to, "usage: %s%s%s\n\n%c%s.\n\n%s\n", in_shell ? "" : "strata ", call,
            takes_any(command, in_shell) ? " [OPTION]..." : "",
            toupper((unsigned char)command->summary[0]), command->summary + 1, about);
    print_options(to, command, in_shell);
    if (in_shell) /* a command ends with no status there, and its example begins with strata */
        return;
    print_exits(to, command);
    fputs("\nExample\n", to);
    print_indented(to, command->example);
}

static void print_all(const struct cli *cli)
{
    const struct cli_command *c;
    FILE *to = cli->out;

    print_overview(cli);
    for (size_t i = 0; (c = cli->commands[i]) != NULL; i++) {
        if (!cli_command_fits(c, false))
            continue;
        fprintf(to, "\n---- strata %s ----\n\n", c->name);
        print_command(to, c, false);
    }
}

static int run_help(struct cli *cli)
{
    const struct cli_command *command;
    bool in_shell = cli->session != NULL;

    if (cli->count && cli->given[CLI_ALL])
        return cli_usage(cli, "--all and a command do not go together");
    if (cli->given[CLI_ALL]) {
        print_all(cli);
        return CLI_OK;
    }
    if (cli->count == 0) {
        if (in_shell)
            print_shell_overview(cli);
        else
            print_overview(cli);
        return CLI_OK;
    }
    command = cli_command_named(cli->commands, cli->operands[0], in_shell);
    if (!command)
        return cli_no_command(cli, cli->operands[0]);
    print_command(cli->out, command, in_shell);
    return CLI_OK;
}

const struct cli_command cli_help_command = {
    .name = "help",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"COMMAND"},
    .options = OPTIONS(CLI_ALL),
    .exits = O(CLI_OK) | O(CLI_USAGE) | O(CLI_IO),
    .summary = "list the commands, or say more about one",
    .about = "`strata COMMAND --help` is the same.",
    .example = "$ strata help get | head -1\n"
               "usage: strata get DIR KEY... [OPTION]...\n",
    .run = run_help,
};
