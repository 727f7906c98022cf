/* complete.c: see complete.h. What an operand or the value of an option may be is known by its name
 * in the table of commands: KEY, FILE, COMMAND, "on|off".
 *
 * Keys are written so that no blank, quote or dash needs quotes around it: as \xNN. A word in
 * quotes is not completed. */
#include "cli/shell/complete.h"

#include "cli/cli.h"
#include "cli/commands/range.h"
#include "text/text.h"
#include "cli/shell/words.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MOST 64
#define KEYS_MOST 50u
#define KEY_SIZE_MOST 256u /* bytes: with a longer one no key is offered */

struct completion {
    const struct complete_from *from;
    const char *word; /* before the cursor */
    size_t size;
    enum text_form form; /* of keys */
    struct edit_choices *choices;
};

static void offer(struct completion *c, const char *prefix, const char *text, size_t size)
{
    size_t before = strlen(prefix);
    struct strata_buffer *to = &c->choices->words;
    size_t at = to->size;

    strata_buffer_append(to, prefix, before);
    strata_buffer_append(to, text, size);
    strata_buffer_append(to, "", 1);
    if (to->out_of_memory || before + size < c->size || memcmp(to->data + at, c->word, c->size))
        to->size = at;
    else
        c->choices->count++;
}

static void offer_commands(struct completion *c)
{
    const struct cli_command *command;

    for (size_t i = 0; (command = c->from->commands[i]) != NULL; i++)
        if (cli_command_fits(command, true))
            offer(c, "", command->name, strlen(command->name));
}

/* "on|off". */
static void offer_words(struct completion *c, const char *words)
{
    while (*words) {
        size_t size = strcspn(words, "|");
        offer(c, "", words, size);
        words += size + (words[size] == '|');
    }
}

static void offer_files(struct completion *c)
{
    char pattern[1024];
    glob_t found;

    if (c->size + 2 > sizeof pattern || memchr(c->word, '\\', c->size))
        return;
    snprintf(pattern, sizeof pattern, "%.*s*", (int)c->size, c->word);
    if (glob(pattern, GLOB_MARK, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            if (!strpbrk(found.gl_pathv[i], " \t'\"\\\n"))
                offer(c, "", found.gl_pathv[i], strlen(found.gl_pathv[i]));
    globfree(&found);
}

/* ---- Options --------------------------------------------------------------------------- */

static bool takes(const struct cli_command *command, int id)
{
    return id == CLI_HELP || cli_command_takes(command, id, true);
}

static void offer_options(struct completion *c, const struct cli_command *command)
{
    for (int id = 0; id < CLI_OPTIONS; id++)
        if (takes(command, id))
            offer(c, "--", cli_options[id].name, strlen(cli_options[id].name));
}

/* The option of the command that `word` is and that needs the next word as its value; or NULL. */
static const struct cli_option *wants_value(const struct cli_command *command, const char *word)
{
    for (int id = 0; id < CLI_OPTIONS; id++) {
        const struct cli_option *o = &cli_options[id];
        bool named = strncmp(word, "--", 2) == 0 && strcmp(word + 2, o->name) == 0;
        bool lettered = o->letter && word[0] == '-' && word[1] == o->letter && !word[2];
        if (takes(command, id) && o->value && (named || lettered))
            return o;
    }
    return NULL;
}

/* ---- Keys ------------------------------------------------------------------------------ */

static bool offer_key(struct completion *c, struct strata_slice key)
{
    uint8_t text[4 * KEY_SIZE_MOST];
    struct strata_buffer word = {0};
    size_t size;

    if (key.size > KEY_SIZE_MOST)
        return false;
    if (key.size == 0)
        strata_buffer_append(&word, "''", 2);
    size = text_encode(c->form, &key, text, sizeof text);
    for (size_t i = 0; i < size; i++) {
        char escape[8];
        bool plain = !strchr(" '\"", text[i]) && (i > 0 || text[i] != '-');
        snprintf(escape, sizeof escape, plain ? "%c" : "\\x%02x", text[i]);
        strata_buffer_append(&word, escape, strlen(escape));
    }
    /* The word may be spelled in another way than the key is here: it is replaced. */
    c->size = 0;
    if (!word.out_of_memory)
        offer(c, "", (const char *)word.data, word.size);
    strata_buffer_free(&word);
    return true;
}

/* All that the range has, or its first ones and its last one: so what all have in common is what
 * those have that are offered. */
static bool offer_range(struct completion *c, const struct range *range, struct strata_iter *iter)
{
    int rc = range_first(range, iter, NULL);

    for (size_t i = 0; rc == 0 && i < KEYS_MOST; i++) {
        if (!offer_key(c, strata_iter_key(iter)))
            return false;
        rc = range_next(range, iter, NULL);
    }
    if (rc != 0)
        return rc == STRATA_NOT_FOUND;
    rc = range->has_to ? strata_iter_seek_before(iter, strata_buffer_slice(&range->to), NULL)
                       : strata_iter_last(iter, NULL);
    c->choices->more = true;
    return rc == 0 && offer_key(c, strata_iter_key(iter));
}

static void offer_keys(struct completion *c)
{
    struct strata_stage_info info;
    struct strata_buffer prefix = {0};
    struct range range = {0};
    struct strata_iter *iter = NULL;
    uint64_t unused;

    strata_stage(c->from->db, &info);
    if (info.stage >= 4 &&
        text_decode(c->form, strata_bytes(c->word, c->size), STRATA_MAX_KEY, &prefix, &unused) ==
            TEXT_FINE &&
        range_to_prefix(&range, strata_buffer_slice(&prefix)) == 0 &&
        strata_iter_new(c->from->db, &iter, NULL) == 0 && !offer_range(c, &range, iter)) {
        c->choices->count = 0;
        strata_buffer_clear(&c->choices->words);
    }
    strata_iter_free(iter);
    range_free(&range);
    strata_buffer_free(&prefix);
}

/* ---- The word at the cursor ------------------------------------------------------------ */

static void offer_named(struct completion *c, const char *name)
{
    if (strncmp(name, "KEY", 3) == 0)
        offer_keys(c);
    else if (strcmp(name, "COMMAND") == 0)
        offer_commands(c);
    else if (strstr(name, "FILE") || strcmp(name, "COPY") == 0)
        offer_files(c);
    else if (name[0] >= 'a' && name[0] <= 'z') /* "on|off" */
        offer_words(c, name);
}

/* The name of operand number `i`, DIR counted; NULL: there is none. The last may repeat. */
static const char *operand_name(const struct cli_command *command, size_t i)
{
    const char *last = NULL;

    for (size_t k = 0; k <= i && k < CLI_OPERANDS && command->operands[k]; k++)
        last = command->operands[k];
    if (last && i < CLI_OPERANDS && command->operands[i])
        return command->operands[i];
    return last && strstr(last, "...") ? last : NULL;
}

static void offer_argument(struct completion *c, const struct cli_command *command,
                           const struct words *words)
{
    size_t operand = command->operands[0] && strcmp(command->operands[0], "DIR") == 0;
    const struct cli_option *option = NULL;
    bool literal = false;

    for (size_t i = 1; i < words->count; i++) {
        const char *word = words->words[i];
        bool is_value = option != NULL;
        option = is_value || literal ? NULL : wants_value(command, word);
        if (!is_value && !literal && strcmp(word, "--hex") == 0)
            c->form = TEXT_HEX;
        if (is_value || (!literal && word[0] == '-' && word[1]))
            literal |= !is_value && strcmp(word, "--") == 0;
        else
            operand++;
    }
    if (option)
        offer_named(c, option->words ? option->words : option->value);
    else if (!literal && c->size && c->word[0] == '-')
        offer_options(c, command);
    else if (operand_name(command, operand))
        offer_named(c, operand_name(command, operand));
}

void cli_complete(void *from, const char *line, size_t word, struct edit_choices *choices)
{
    struct completion c = {.from = from,
                           .word = line + word,
                           .size = strlen(line + word),
                           .form = TEXT_ESCAPED,
                           .choices = choices};
    char *before = strndup(line, word), *argv[WORDS_MOST];
    struct words words = {.words = argv, .capacity = WORDS_MOST};
    const struct cli_command *command;

    if (before && !strpbrk(c.word, "'\"") && words_split(&words, before) == 0) {
        command = words.count ? cli_command_named(c.from->commands, argv[0], true) : NULL;
        if (words.count == 0)
            offer_commands(&c);
        else if (command)
            offer_argument(&c, command, &words);
    }
    free(before);
}
