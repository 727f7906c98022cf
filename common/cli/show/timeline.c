/* timeline.c: timeline: a page that shows the event log of a database as a picture that moves.
 *
 * The page (timeline.html) is the same for all; of the database it has one JSON text. Whatever a
 * key or a path holds, no byte of it leaves that text: beyond letters, digits and harmless signs
 * all are written as \u00NN, < and > and & and quotes too. The page shows them as text only. */
#include "cli/options.h"
#include "cli/show/timeline_page.h"

#include <inttypes.h>
#include <string.h>

struct page {
    struct strata_buffer data;
    const char *comma; /* before the next element of a list */
};

static void put(struct page *page, const char *text)
{
    strata_buffer_append(&page->data, text, strlen(text));
}

static void put_text(struct page *page, const char *name, struct strata_slice bytes)
{
    char text[32];

    snprintf(text, sizeof text, ",\"%s\":\"", name);
    put(page, text);
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t c = bytes.data[i];
        bool plain = c >= ' ' && c <= '~' && !strchr("\"\\<>&'", c);
        snprintf(text, sizeof text, plain ? "%c" : "\\u%04x", c);
        put(page, text);
    }
    put(page, "\"");
}

static void put_number(struct page *page, const char *name, uint64_t value)
{
    char text[64];

    snprintf(text, sizeof text, ",\"%s\":%" PRIu64, name, value);
    if (value)
        put(page, text);
}

/* Microseconds: as good as exact in a script's numbers for 285 years. */
static void put_time(struct page *page, const char *name, uint64_t ns)
{
    char text[64];

    snprintf(text, sizeof text, ",\"%s\":%" PRIu64 ".%03u", name, ns / 1000, (unsigned)(ns % 1000));
    put(page, text);
}

static void put_levels(struct page *page, const struct strata_event *event)
{
    char text[32];

    for (size_t i = 0; i < STRATA_EVENT_LEVELS; i++) {
        snprintf(text, sizeof text, "%s%" PRIu64, i ? "," : ",\"lv\":[", event->level_bytes[i]);
        put(page, text);
    }
    put(page, "]");
}

/* Of a table only, without the levels. */
static bool is_part(enum strata_event_type type)
{
    return type == STRATA_EVENT_UNREADABLE || type == STRATA_EVENT_STANDS ||
           type == STRATA_EVENT_MADE || type == STRATA_EVENT_GONE;
}

static void put_event(void *arg, const struct strata_event *event)
{
    struct page *page = arg;

    put(page, page->comma);
    page->comma = ",\n";
    put(page, "{\"e\":\"");
    put(page, event->name);
    put(page, "\"");
    put_time(page, "t", event->ns);
    put_number(page, "n", event->table);
    put_number(page, "f", event->from);
    put_number(page, "l", event->level);
    put_number(page, "i", event->inputs);
    put_number(page, "o", event->outputs);
    put_number(page, "b", event->bytes);
    put_number(page, "w", event->written);
    put_number(page, "r", event->records);
    put_number(page, "dr", event->dropped);
    put_number(page, "del", event->deletes);
    put_number(page, "in", event->bytes_in);
    if (event->took_ns)
        put_time(page, "took", event->took_ns);
    if (!is_part(event->type))
        put_levels(page, event);
    if (event->smallest.data) {
        put_text(page, "lo", event->smallest);
        put_text(page, "hi", event->largest);
    }
    put(page, "}");
}

static void put_table(void *arg, const struct strata_table *table)
{
    struct page *page = arg;

    put(page, page->comma);
    page->comma = ",\n";
    put(page, "{\"e\":\"table\"");
    put_number(page, "n", table->number);
    put_number(page, "l", table->level);
    put_number(page, "b", table->bytes);
    put_number(page, "r", table->records);
    put_number(page, "del", table->tombstones);
    put_text(page, "lo", table->smallest);
    put_text(page, "hi", table->largest);
    put(page, "}");
}

static int gather(struct cli *cli, struct strata *db, struct page *page)
{
    struct strata_stage_info info;
    struct strata_error err;

    strata_stage(db, &info);
    put(page, "{\"page\":1");
    put_text(page, "dir", strata_string(cli->operands[0]));
    put_text(page, "stage", strata_string(info.name));
    put(page, ",\n\"events\":[");
    page->comma = "";
    if (strata_events(db, put_event, page, &err) < 0)
        return cli_fail(cli, &err);
    put(page, "],\n\"tables\":[");
    page->comma = "";
    if (strata_tables(db, put_table, page, &err) < 0)
        return cli_fail(cli, &err);
    put(page, "]}\n");
    if (!page->data.out_of_memory)
        return CLI_OK;
    cli_say(cli, "out of memory");
    return CLI_OTHER;
}

static int write_page(struct cli_stream *stream, void *arg)
{
    const struct page *page = arg;
    bool good = true;

    for (size_t i = 0; good && timeline_page[i]; i++)
        if (strcmp(timeline_page[i], TIMELINE_DATA) == 0)
            good = fwrite(page->data.data, 1, page->data.size, stream->to) == page->data.size;
        else
            good = fputs(timeline_page[i], stream->to) >= 0;
    return cli_wrote(stream->cli, stream->to, good) ? CLI_OK : cli_write_failed(stream);
}

static int run_timeline(struct cli *cli)
{
    struct page page = {.comma = ""};
    struct strata *db;
    int code = cli_open(cli, CLI_READ, &db);

    if (code != CLI_OK)
        return code;
    code = cli_close(cli, db, gather(cli, db, &page));
    if (code == CLI_OK)
        code = cli_write_file(cli, cli->given[CLI_OUTPUT], write_page, &page);
    strata_buffer_free(&page.data);
    return code;
}

const struct cli_command cli_timeline_command = {
    .name = "timeline",
    .operands = {"DIR"},
    .required = 1,
    .options = OPTIONS(DB_OPTIONS, CLI_OUTPUT),
    .exits = DB_EXITS,
    .summary = "turn the event log into a page that shows the levels over time",
    .about =
        "The page is one HTML file that needs no network: open it in a browser. It plays\n"
        "flushes and compactions as they were, tables as boxes by their keys and sizes, and\n"
        "the writes that had to wait. It opens on the largest compaction; space plays and\n"
        "pauses, the arrows step, the time line can be dragged. The page lists what the log\n"
        "does not have, because it was cut, damaged or switched off. A stage without an event\n"
        "log (before 7) ends it with 5.",
    .example = "$ strata datagen -n 5000 | strata load --stage 9 db -\n"
               "$ strata timeline db -o db.html\n"
               "$ head -1 db.html\n"
               "<!DOCTYPE html>\n",
    .run = run_timeline,
};
