/* crash_file.c: a script of the command crash as text, one step a line. */
#include "cli/crash/crash.h"
#include "crash/subject.h"
#include "cli/shell/lines.h"
#include "text/text.h"
#include "cli/shell/words.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MOST 3

struct reading {
    struct cli *cli;
    const char *path;
    struct lines lines;
    struct script *script;
    struct strata_batch *batch; /* begun; NULL: none is */
    struct strata_buffer key, value;
};

static int wrong(struct reading *r, const char *why)
{
    return cli_usage(r->cli, "%s:%llu: %s", r->path, (unsigned long long)r->lines.number, why);
}

/* ---- Writes ---------------------------------------------------------------------------- */

static int take_bytes(struct reading *r, const char *word, size_t limit, struct strata_buffer *to)
{
    uint64_t at;
    enum text_fault fault = text_decode(TEXT_ESCAPED, strata_string(word), limit, to, &at);
    return fault == TEXT_FINE ? CLI_OK : wrong(r, text_fault_name(fault));
}

static int take_write(struct reading *r, const struct words *words)
{
    bool put = strcmp(words->words[0], "put") == 0;
    struct strata_slice key, value;
    int code = take_bytes(r, words->words[1], STRATA_MAX_KEY, &r->key), rc;

    if (code == CLI_OK && put)
        code = take_bytes(r, words->words[2], STRATA_MAX_VALUE, &r->value);
    if (code != CLI_OK)
        return code;
    key = strata_buffer_slice(&r->key);
    value = strata_buffer_slice(&r->value);
    if (r->batch) {
        rc = put ? strata_batch_put(r->batch, key, value, NULL)
                 : strata_batch_delete(r->batch, key, NULL);
        return rc < 0 ? wrong(r, "out of memory") : CLI_OK;
    }
    if (put)
        history_put(&r->script->history, key, value);
    else
        history_delete(&r->script->history, key);
    script_add(r->script, SCRIPT_WRITE);
    return CLI_OK;
}

static int take_batch(struct reading *r, const char *word)
{
    if (!subject_promises(STRATA_PROMISE_BATCH))
        return wrong(r, "this stage promises no batch");
    if (strcmp(word, "begin") == 0 && !r->batch) {
        r->batch = strata_batch_new();
        return r->batch ? CLI_OK : wrong(r, "out of memory");
    }
    if (strcmp(word, "commit") != 0 || !r->batch || !strata_batch_count(r->batch))
        return wrong(r, "batch begin, puts and dels, batch commit");
    history_batch(&r->script->history, r->batch);
    script_add(r->script, SCRIPT_WRITE);
    strata_batch_free(r->batch);
    r->batch = NULL;
    return CLI_OK;
}

/* ---- Lines ----------------------------------------------------------------------------- */

static const struct {
    const char *word;
    enum script_step step;
} steps[] = {{"reopen", SCRIPT_REOPEN},   {"read", SCRIPT_READ},       {"sync", SCRIPT_SYNC},
             {"flush", SCRIPT_FLUSH},     {"compact", SCRIPT_COMPACT}, {"hold", SCRIPT_HOLD},
             {"release", SCRIPT_RELEASE}, {"synced", SCRIPT_SYNCED},   {NULL, SCRIPT_READ}};

static int take_step(struct reading *r, const char *word)
{
    if (r->batch)
        return wrong(r, "in a batch there are only put and del");
    if (strcmp(word, "settle") == 0) {
        script_settle(r->script);
        return CLI_OK;
    }
    if (strcmp(word, "unsynced") == 0 && !r->script->count) {
        r->script->unsynced = true;
        return CLI_OK;
    }
    for (size_t i = 0; steps[i].word; i++)
        if (strcmp(steps[i].word, word) == 0) {
            script_add(r->script, steps[i].step);
            return CLI_OK;
        }
    return wrong(r, "no step of a workload; see below");
}

static int take_line(struct reading *r, char *line)
{
    char *found[WORDS_MOST + 1];
    struct words words = {.words = found, .capacity = WORDS_MOST + 1};
    const char *first;

    if (words_split(&words, line) < 0)
        return wrong(r, words.fault);
    if (!words.count)
        return CLI_OK;
    first = words.words[0];
    if ((strcmp(first, "put") == 0 && words.count == 3) ||
        (strcmp(first, "del") == 0 && words.count == 2))
        return take_write(r, &words);
    if (strcmp(first, "batch") == 0 && words.count == 2)
        return take_batch(r, words.words[1]);
    if (words.count == 1)
        return take_step(r, first);
    return wrong(r, "no step of a workload");
}

static int take_lines(struct reading *r)
{
    struct strata_buffer line = {0};
    int code = CLI_OK;

    while (code == CLI_OK) {
        enum lines_result result = lines_next(&r->lines, "", &line);
        if (result == LINES_OVER)
            break;
        if (result == LINES_LINE)
            code = memchr(line.data, '\0', line.size) ? wrong(r, "a NUL byte")
                                                      : take_line(r, (char *)line.data);
        else if (result == LINES_TOO_LONG)
            code = wrong(r, "the line is too long");
        else
            code = cli_fail_sys(r->cli, r->path, result == LINES_FAILED ? errno : EINTR);
    }
    strata_buffer_free(&line);
    return code == CLI_OK && r->batch ? wrong(r, "the batch is not committed") : code;
}

int crash_read(struct cli *cli, const char *path, struct script *script)
{
    struct reading r = {.cli = cli, .path = path, .script = script};
    bool standard = strcmp(path, "-") == 0;
    int code;

    r.lines.fd = standard ? STDIN_FILENO : open(path, O_RDONLY);
    if (r.lines.fd < 0)
        return cli_fail_sys(cli, path, errno);
    code = take_lines(&r);
    lines_free(&r.lines);
    if (!standard)
        close(r.lines.fd);
    strata_batch_free(r.batch);
    strata_buffer_free(&r.key);
    strata_buffer_free(&r.value);
    return code;
}

/* ---- Writing one ----------------------------------------------------------------------- */

static bool put_text(void *arg, struct strata_slice text)
{
    return fwrite(text.data, 1, text.size, arg) == text.size;
}

/* A word: what would part it or be taken for a quote or a comment is between quotes or escaped. */
static void write_word(FILE *to, struct strata_slice bytes)
{
    struct text_sink sink = {put_text, to};

    fputs(" '", to);
    for (size_t i = 0, from = 0; i <= bytes.size; i++)
        if (i == bytes.size || bytes.data[i] == '\'') {
            text_put(&sink, TEXT_ESCAPED, strata_bytes(bytes.data + from, i - from));
            if (i < bytes.size)
                fputs("\\x27", to);
            from = i + 1;
        }
    fputc('\'', to);
}

static void write_ops(FILE *to, const struct script *script, size_t n)
{
    size_t count;
    const struct strata_op *ops = history_write(&script->history, n, &count);

    if (count > 1)
        fputs("batch begin\n", to);
    for (size_t i = 0; i < count; i++) {
        fputs(ops[i].type == STRATA_OP_PUT ? "put" : "del", to);
        write_word(to, ops[i].key);
        if (ops[i].type == STRATA_OP_PUT)
            write_word(to, ops[i].value);
        fputc('\n', to);
    }
    if (count > 1)
        fputs("batch commit\n", to);
}

static const char *word_of(enum script_step step)
{
    size_t i = 0;
    while (steps[i].word && steps[i].step != step)
        i++;
    return steps[i].word;
}

void crash_write_step(FILE *to, const struct script *script, size_t index, size_t n)
{
    if (script->steps[index] == SCRIPT_WRITE)
        write_ops(to, script, n);
    else
        fprintf(to, "%s\n", word_of(script->steps[index]));
}

void crash_write(FILE *to, const struct script *script)
{
    size_t n = 0;

    if (script->unsynced)
        fputs("unsynced\n", to);
    for (size_t i = 0; i < script->count; i++) {
        n += script->steps[i] == SCRIPT_WRITE;
        crash_write_step(to, script, i, n);
        if (i + 1 == script->settled)
            fputs("settle\n", to);
    }
}
