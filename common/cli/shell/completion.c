/* completion.c: completion: what a shell needs to complete a command line, written from the rows of
 * the table of commands and cli_options: so it cannot be of another version than the program.
 *
 * What an operand or an option's value may be is known by its name: DIR is a directory, FILE a
 * file, COMMAND a command, "bash|zsh" one of two words. */
#include "cli/options.h"

#include <string.h>

enum kind { NOTHING, WORDS, FILES, DIRECTORIES, COMMANDS, VALUE };

static enum kind kind_of(const char *name)
{
    static const char *const directories[] = {"DIR", "SRC", "DST", "COPY"};

    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
        if (strcmp(name, directories[i]) == 0)
            return DIRECTORIES;
    if (strcmp(name, "COMMAND") == 0)
        return COMMANDS;
    if (strcmp(name, "VALUE") == 0)
        return VALUE; /* @FILE is a file */
    if (strstr(name, "FILE"))
        return FILES;
    return strchr(name, '|') ? WORDS : NOTHING;
}

static enum kind kind_of_value(const struct cli_option *option)
{
    return option->words ? WORDS : kind_of(option->value);
}

/* "a b" of "a|b". */
static void put_words(FILE *to, const char *words)
{
    for (; *words; words++)
        fputc(*words == '|' ? ' ' : *words, to);
}

static bool has_option(const struct cli_command *command, int id)
{
    return id == CLI_HELP || cli_command_takes(command, id, false);
}

static void put_names(FILE *to, const struct cli_command *const *commands)
{
    const struct cli_command *c;

    for (size_t i = 0; (c = commands[i]) != NULL; i++)
        if (cli_command_fits(c, false))
            fprintf(to, "%s%s", i ? " " : "", c->name);
}

/* ---- bash ---------------------------------------------------------------------------------- */

static const char *const bash_kinds[] = {[NOTHING] = "nothing",
                                         [FILES] = "files",
                                         [DIRECTORIES] = "directories",
                                         [COMMANDS] = "commands",
                                         [VALUE] = "value"};

static void bash_kind(FILE *to, enum kind kind, const char *words)
{
    if (kind == WORDS) {
        fputs("words:", to);
        for (; *words; words++)
            fputc(*words == '|' ? ',' : *words, to);
    } else {
        fputs(bash_kinds[kind], to);
    }
}

static void bash_options(FILE *to)
{
    for (int id = 0; id < CLI_OPTIONS; id++) {
        const struct cli_option *option = &cli_options[id];
        if (!option->value)
            continue;
        fprintf(to, "    --%s", option->name);
        if (option->letter)
            fprintf(to, " | -%c", option->letter);
        fputs(") kind=", to);
        bash_kind(to, kind_of_value(option), option->words);
        fputs(" ;;\n", to);
    }
}

static void bash_command(FILE *to, const struct cli_command *command)
{
    fprintf(to, "    %s) operands=(", command->name);
    for (size_t i = 0; i < CLI_OPERANDS && command->operands[i]; i++) {
        fputs(i ? " " : "", to);
        bash_kind(to, kind_of(command->operands[i]), command->operands[i]);
    }
    fputs(") options='", to);
    for (int id = 0; id < CLI_OPTIONS; id++)
        if (has_option(command, id))
            fprintf(to, "--%s ", cli_options[id].name);
    fputs("' ;;\n", to);
}

static const char bash_head[] =
    "# bash completion for strata: source it, or put it where bash-completion looks.\n"
    "# Written by `strata completion bash`.\n"
    "\n"
    "# What the option $1 has for a value, in $kind; false: none.\n"
    "_strata_option() {\n"
    "    case $1 in\n";
static const char bash_middle[] = "    *) return 1 ;;\n"
                                  "    esac\n"
                                  "}\n"
                                  "\n"
                                  "# The operands and options of the command $1.\n"
                                  "_strata_command() {\n"
                                  "    case $1 in\n";
static const char bash_tail[] =
    "    *) operands=() options='--help --version' ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "_strata() {\n"
    "    local word kind= wanted= command= options= literal= i from prefix=\n"
    "    local -a operands=() given=()\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} IFS=$' \\t\\n' # the user's may part words elsewhere\n"
    "    COMPREPLY=()\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if [[ $word == = ]]; then # --name=value comes in three words\n"
    "            continue\n"
    "        elif [[ $wanted ]]; then\n"
    "            wanted=\n"
    "        elif [[ $literal || $word != -?* ]]; then\n"
    "            if [[ $command ]]; then given+=(\"$word\"); else command=$word; fi\n"
    "        elif [[ $word == -- ]]; then\n"
    "            literal=1\n"
    "        elif _strata_option \"$word\"; then\n"
    "            wanted=$kind\n"
    "        fi\n"
    "    done\n"
    "    [[ $cur == = ]] && cur=\n"
    "    _strata_command \"$command\"\n"
    "    if [[ $wanted ]]; then\n"
    "        kind=$wanted\n"
    "    elif [[ ! $literal && $cur == -* ]]; then\n"
    "        kind=words:${options// /,}\n"
    "    elif [[ ! $command ]]; then\n"
    "        kind=commands\n"
    "    else\n"
    "        kind=${operands[${#given[@]}]-}\n"
    "    fi\n"
    "    if [[ $kind == value && ! $literal && $cur == @* ]]; then\n"
    "        kind=files prefix=@ cur=${cur#@}\n"
    "    fi\n"
    "    case $kind in\n"
    "    words:*) kind=${kind#words:}; from=(-W \"${kind//,/ }\") ;;\n"
    "    commands) from=(-W \"$_strata_commands\") ;;\n"
    "    files) from=(-f -P \"$prefix\"); compopt -o filenames 2>/dev/null ;;\n"
    "    directories) from=(-d); compopt -o filenames 2>/dev/null ;;\n"
    "    *) return ;;\n"
    "    esac\n"
    "    mapfile -t COMPREPLY < <(compgen \"${from[@]}\" -- \"$cur\")\n"
    "}\n"
    "complete -F _strata strata\n";

static void put_bash(FILE *to, const struct cli_command *const *commands)
{
    const struct cli_command *c;

    fputs(bash_head, to);
    bash_options(to);
    fputs(bash_middle, to);
    for (size_t i = 0; (c = commands[i]) != NULL; i++)
        if (cli_command_fits(c, false))
            bash_command(to, c);
    fputs(bash_tail, to);
    fputs("_strata_commands='", to);
    put_names(to, commands);
    fputs("'\n", to);
}

/* ---- zsh ----------------------------------------------------------------------------------- */

/* In a word in single quotes, where _arguments reads [ ] : and the backslash. */
static void zsh_text(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\'", to);
        else if (strchr("[]:\\", *text))
            fputc('\\', to);
        fputc(*text, to);
    }
}

static void zsh_kind(FILE *to, const struct cli_command *const *commands, enum kind kind,
                     const char *words)
{
    switch (kind) {
    case WORDS:
        fputc('(', to);
        put_words(to, words);
        fputc(')', to);
        return;
    case FILES:
        fputs("_files", to);
        return;
    case DIRECTORIES:
        fputs("_files -/", to);
        return;
    case COMMANDS:
        fputc('(', to);
        put_names(to, commands);
        fputc(')', to);
        return;
    default:
        fputc(' ', to); /* nothing is offered */
    }
}

static void zsh_option(FILE *to, const struct cli_command *const *commands,
                       const struct cli_option *option)
{
    fprintf(to, " \\\n        '--%s%s[", option->name, option->value ? "=" : "");
    zsh_text(to, option->help);
    fputc(']', to);
    if (option->value) {
        fputc(':', to);
        zsh_text(to, option->value);
        fputc(':', to);
        zsh_kind(to, commands, kind_of_value(option), option->words);
    }
    fputc('\'', to);
}

static void zsh_command(FILE *to, const struct cli_command *const *commands,
                        const struct cli_command *command)
{
    fprintf(to, "    %s) _arguments", command->name);
    for (int id = 0; id < CLI_OPTIONS; id++)
        if (has_option(command, id))
            zsh_option(to, commands, &cli_options[id]);
    for (size_t i = 0; i < CLI_OPERANDS && command->operands[i]; i++) {
        const char *name = command->operands[i];
        fputs(" \\\n        '", to);
        if (strstr(name, "..."))
            fputc('*', to);
        else
            fprintf(to, "%zu", i + 1);
        fputc(':', to);
        zsh_text(to, name);
        fputc(':', to);
        zsh_kind(to, commands, kind_of(name), name);
        fputc('\'', to);
    }
    fputs(" ;;\n", to);
}

static void put_zsh(FILE *to, const struct cli_command *const *commands)
{
    const struct cli_command *c;

    fputs("#compdef strata\n"
          "# zsh completion for strata: as a file _strata in a directory of $fpath.\n"
          "# Written by `strata completion zsh`.\n"
          "\n"
          "local -a commands\n"
          "commands=(\n",
          to);
    for (size_t i = 0; (c = commands[i]) != NULL; i++)
        if (cli_command_fits(c, false)) {
            fprintf(to, "    '%s:", c->name);
            zsh_text(to, c->summary);
            fputs("'\n", to);
        }
    fputs(")\n"
          "local context state state_descr line\n"
          "typeset -A opt_args\n"
          "_arguments -C '1:command:->command' '*::operand:->operand'\n"
          "case $state in\n"
          "command) _describe command commands ;;\n"
          "operand)\n"
          "    case $words[1] in\n",
          to);
    for (size_t i = 0; (c = commands[i]) != NULL; i++)
        if (cli_command_fits(c, false))
            zsh_command(to, commands, c);
    fputs("    esac ;;\n"
          "esac\n",
          to);
}

/* ---- The command --------------------------------------------------------------------------- */

static int run_completion(struct cli *cli)
{
    const char *shell = cli->operands[0];

    if (strcmp(shell, "bash") == 0)
        put_bash(cli->out, cli->commands);
    else if (strcmp(shell, "zsh") == 0)
        put_zsh(cli->out, cli->commands);
    else
        return cli_usage(cli, "\"%s\" is none of bash, zsh", shell);
    return CLI_OK;
}

const struct cli_command cli_completion_command = {
    .name = "completion",
    .operands = {"bash|zsh"},
    .required = 1,
    .exits = O(CLI_OK) | O(CLI_USAGE) | O(CLI_IO),
    .summary = "print what a shell needs to complete strata's command line",
    .about = "`make install` puts it where bash and zsh look for it. Without that, in ~/.bashrc:\n"
             "source <(strata completion bash). For zsh: a file _strata in a directory of $fpath.",
    .example = "$ strata completion bash | head -1\n"
               "# bash completion for strata: source it, or put it where bash-completion looks.\n",
    .run = run_completion,
};
