/* parse.c: the command line. Operands are moved to the front of argv as they are met; the first
 * one is the command. Options may be anywhere before "--", so they are looked up in one table
 * for all commands, and only then held against what the command takes. */
#include "cli/cli.h"

#include <limits.h>
#include <string.h>

static int option_named(const char *name, size_t size)
{
    for (int id = 0; id < CLI_OPTIONS; id++)
        if (strlen(cli_options[id].name) == size && memcmp(cli_options[id].name, name, size) == 0)
            return id;
    return -1;
}

static int option_lettered(char letter)
{
    for (int id = 0; id < CLI_OPTIONS; id++)
        if (cli_options[id].letter == letter)
            return id;
    return -1;
}

/* The option that `text` is, and in `*value` its value in the same argument: "5" of
 * --limit=5 and of -n5; NULL: nothing. */
static int find_option(const char *text, const char **value)
{
    const char *equals;

    if (text[1] != '-') {
        *value = text[2] ? text + 2 : NULL;
        return option_lettered(text[1]);
    }
    equals = strchr(text, '=');
    *value = equals ? equals + 1 : NULL;
    return option_named(text + 2, equals ? (size_t)(equals - text) - 2 : strlen(text) - 2);
}

/* argv[*at] is an option; its value may be the next argument. */
static int take_option(struct cli *cli, int argc, char **argv, int *at)
{
    const char *value, *name;
    int id = find_option(argv[*at], &value);

    if (id < 0)
        return cli_usage(cli, "unknown option %s (if it is a key or a value, put -- before it)",
                         argv[*at]);
    name = cli_options[id].name;
    if (cli->given[id])
        return cli_usage(cli, "--%s is given twice", name);
    if (!cli_options[id].value && value)
        return cli_usage(cli, "--%s takes no value", name);
    if (cli_options[id].value && !value && *at + 1 == argc)
        return cli_usage(cli, "--%s wants %s after it", name, cli_options[id].value);
    if (cli_options[id].value && !value)
        value = argv[++*at];
    cli->given[id] = value ? value : "";
    return CLI_OK;
}

static bool wants_dir(const struct cli_command *command)
{
    return command->operands[0] && strcmp(command->operands[0], "DIR") == 0;
}

int cli_no_command(struct cli *cli, const char *name)
{
    const struct cli_command *like = cli_command_like(cli->commands, name, cli->session != NULL);

    if (!like)
        return cli_usage(cli, "there is no command \"%s\"", name);
    return cli_usage(cli, "there is no command \"%s\" (did you mean %s?)", name, like->name);
}

static int take_operand(struct cli *cli, char *text)
{
    if (cli->command) {
        cli->operands[cli->count++] = text;
        return CLI_OK;
    }
    cli->command = cli_command_named(cli->commands, text, cli->session != NULL);
    if (cli->session && cli->command && wants_dir(cli->command))
        cli->count = 1; /* argv[0] */
    return cli->command ? CLI_OK : cli_no_command(cli, text);
}

static int split(struct cli *cli, int argc, char **argv)
{
    bool options = true;
    int code = CLI_OK;

    for (int i = 1; i < argc && code == CLI_OK; i++) {
        if (!options || argv[i][0] != '-' || argv[i][1] == '\0')
            code = take_operand(cli, argv[i]);
        else if (strcmp(argv[i], "--") == 0) {
            options = false;
            cli->literal = cli->count;
        } else
            code = take_option(cli, argc, argv, &i);
    }
    return code;
}

/* --help and --version are commands, spelled as options. */
static void take_command_options(struct cli *cli)
{
    if (cli->given[CLI_HELP]) {
        cli->count = cli->command ? 1 : 0;
        if (cli->command)
            cli->operands[0] = (char *)cli->command->name;
        cli->command = cli_command_named(cli->commands, "help", cli->session != NULL);
    } else if (cli->given[CLI_VERSION] && !cli->command && !cli->session) {
        cli->command = cli_command_named(cli->commands, "version", false);
    } else {
        return;
    }
    memset(cli->given, 0, sizeof cli->given);
}

static bool takes(const struct cli *cli, int id)
{
    return cli_command_takes(cli->command, id, cli->session != NULL);
}

/* Of two options with one name, that which the command takes. */
static void settle(struct cli *cli, int id)
{
    for (int other = id + 1; other < CLI_OPTIONS; other++)
        if (takes(cli, other) && strcmp(cli_options[other].name, cli_options[id].name) == 0) {
            cli->given[other] = cli->given[id];
            cli->given[id] = NULL;
            return;
        }
}

static bool repeats(const char *operand)
{
    size_t size = strlen(operand);
    return size > 3 && strcmp(operand + size - 3, "...") == 0;
}

static int check_operands(struct cli *cli)
{
    const char *const *names = cli->command->operands;
    size_t most = 0;

    while (most < CLI_OPERANDS && names[most])
        most++;
    if (cli->count < cli->command->required)
        return cli_usage(cli, "%.*s is missing", (int)strcspn(names[cli->count], "."),
                         names[cli->count]);
    if (cli->count > most && !(most && repeats(names[most - 1])))
        return cli_usage(cli, "\"%s\" is one argument too many", cli->operands[most]);
    return CLI_OK;
}

static int check(struct cli *cli)
{
    const struct cli_command *command = cli->command;

    if (!command)
        return cli_usage(cli, "a command is missing");
    for (int id = 0; id < CLI_OPTIONS; id++)
        if (cli->given[id] && !takes(cli, id))
            settle(cli, id);
    for (int id = 0; id < CLI_OPTIONS; id++)
        if (cli->given[id] && !takes(cli, id))
            return cli_usage(cli, "--%s is no option of this command", cli_options[id].name);
    return check_operands(cli);
}

int cli_parse(struct cli *cli, int argc, char **argv)
{
    int code;

    cli->operands = argv;
    cli->literal = SIZE_MAX;
    code = split(cli, argc, argv);
    if (code != CLI_OK)
        return code;
    take_command_options(cli);
    return check(cli);
}

/* ---- What arguments mean --------------------------------------------------------------- */

/* Decimal digits; where they end, or NULL: there are none, or too many. */
static const char *parse_digits(const char *text, uint64_t *value)
{
    const char *begin = text;

    for (*value = 0; *text >= '0' && *text <= '9'; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (*value > (UINT64_MAX - digit) / 10)
            return NULL;
        *value = *value * 10 + digit;
    }
    return text == begin ? NULL : text;
}

/* Decimal digits and nothing else. */
static bool parse_number(const char *text, uint64_t *value)
{
    const char *end = parse_digits(text, value);
    return end && !*end;
}

/* Digits and perhaps one of K, M, G, T. */
static bool parse_size(const char *text, uint64_t *value)
{
    static const char letters[] = "KMGT";
    const char *end = parse_digits(text, value), *letter;
    unsigned shift;

    if (!end || !*end)
        return end;
    letter = strchr(letters, *end >= 'a' && *end <= 'z' ? *end - 'a' + 'A' : *end);
    if (!letter || end[1])
        return false;
    shift = 10 * (unsigned)(letter - letters + 1);
    if (*value > UINT64_MAX >> shift)
        return false;
    *value <<= shift;
    return true;
}

static int no_number(struct cli *cli, enum cli_option_id id, uint64_t least, uint64_t most)
{
    char end[32] = "or more";

    if (most < UINT64_MAX)
        snprintf(end, sizeof end, "to %llu", (unsigned long long)most);
    return cli_usage(cli, "--%s: \"%s\" is no whole number of %llu %s", cli_options[id].name,
                     cli->given[id], (unsigned long long)least, end);
}

int cli_number(struct cli *cli, enum cli_option_id id, uint64_t least, uint64_t most,
               uint64_t *value)
{
    const char *text = cli->given[id];
    uint64_t number;

    if (!text)
        return CLI_OK;
    if (!parse_number(text, &number) || number < least || number > most)
        return no_number(cli, id, least, most);
    *value = number;
    return CLI_OK;
}

int cli_size(struct cli *cli, enum cli_option_id id, uint64_t *value)
{
    const char *text = cli->given[id];
    uint64_t size;

    if (!text)
        return CLI_OK;
    if (!parse_size(text, &size) || size > SIZE_MAX)
        return cli_usage(cli, "--%s: \"%s\" is no size: bytes, or with K, M, G or T behind, as 64M",
                         cli_options[id].name, text);
    *value = size;
    return CLI_OK;
}

/* "on, off" of "on|off". */
static void list_words(const char *words, char *to, size_t capacity)
{
    size_t used = 0;

    for (; *words && used + 3 < capacity; words++) {
        to[used++] = *words == '|' ? ',' : *words;
        if (*words == '|')
            to[used++] = ' ';
    }
    to[used] = '\0';
}

int cli_word(struct cli *cli, enum cli_option_id id, int *value)
{
    const char *text = cli->given[id], *words = cli_options[id].words;
    char list[80];
    int index = 0;

    if (!text)
        return CLI_OK;
    for (const char *word = words; word; index++) {
        size_t size = strcspn(word, "|");
        if (strlen(text) == size && memcmp(text, word, size) == 0) {
            *value = index;
            return CLI_OK;
        }
        word = word[size] ? word + size + 1 : NULL;
    }
    list_words(words, list, sizeof list);
    return cli_usage(cli, "--%s: \"%s\" is none of %s", cli_options[id].name, text, list);
}

/* Digits with at most six of them behind a point, as millionths. */
static bool parse_fraction(const char *text, uint64_t *value)
{
    uint64_t unit = 1000000;
    bool digits = false, point = false;

    for (*value = 0; *text; text++) {
        if (*text == '.' && !point) {
            point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || (point && unit == 1) || *value > 1000000000)
            return false;
        digits = true;
        if (point)
            unit /= 10;
        *value = point ? *value + (uint64_t)(*text - '0') * unit
                       : *value * 10 + (uint64_t)(*text - '0') * unit;
    }
    return digits;
}

int cli_fraction(struct cli *cli, enum cli_option_id id, uint32_t most, uint32_t *value)
{
    const char *text = cli->given[id];
    uint64_t number;

    if (!text)
        return CLI_OK;
    if (!parse_fraction(text, &number) || number > most)
        return cli_usage(cli, "--%s: \"%s\" is no number from 0 to %g", cli_options[id].name, text,
                         most / 1e6);
    *value = (uint32_t)number;
    return CLI_OK;
}

int cli_bytes(struct cli *cli, const char *name, const char *text, size_t limit,
              struct strata_buffer *to)
{
    uint64_t at;
    enum text_fault fault = text_decode(cli_form(cli), strata_string(text), limit, to, &at);

    if (fault == TEXT_FINE)
        return CLI_OK;
    if (fault == TEXT_NO_MEMORY) {
        cli_say(cli, "%s: out of memory", name);
        return CLI_OTHER;
    }
    if (fault == TEXT_TOO_LONG)
        return cli_usage(cli, "%s: longer than %zu bytes", name, limit);
    return cli_usage(cli, "%s: column %llu: %s", name, (unsigned long long)at + 1,
                     text_fault_name(fault));
}

enum text_form cli_form(const struct cli *cli)
{
    return cli->given[CLI_HEX] ? TEXT_HEX : TEXT_ESCAPED;
}

int cli_format(struct cli *cli, size_t operand, enum entries_format *format)
{
    const char *name = cli->given[CLI_FORMAT];

    *format = ENTRIES_TSV;
    if (name && !entries_format_named(name, format))
        return cli_usage(cli, "--format: \"%s\" is none of tsv, csv, jsonl, mdb", name);
    if (!name && cli->count > operand)
        entries_format_of_file(cli->operands[operand], format);
    if (cli->given[CLI_HEADER] && *format != ENTRIES_CSV)
        return cli_usage(cli, "--header: only csv has one, and this is %s",
                         entries_format_name(*format));
    if (cli->given[CLI_HEX] && *format == ENTRIES_MDB)
        return cli_usage(cli, "--hex: mdb is hexadecimal, or says itself what it is");
    return CLI_OK;
}
