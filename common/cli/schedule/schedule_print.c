/* schedule_print.c: what each step returned, as a table with a column a session. */
#include "cli/schedule/schedule_command.h"
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

/* What one session did at one line. */
struct row {
    uint32_t line;
    uint8_t session;
    struct strata_buffer cell;
};

struct schedule_rows {
    const struct scenario *scenario; /* borrowed */
    struct row *all;
    size_t count, room;
    struct strata_buffer end; /* all that is in the database */
};

struct schedule_rows *schedule_rows_new(const struct scenario *scenario)
{
    struct schedule_rows *rows = calloc(1, sizeof *rows);

    if (rows)
        rows->scenario = scenario;
    return rows;
}

void schedule_rows_free(struct schedule_rows *rows)
{
    if (!rows)
        return;
    for (size_t i = 0; i < rows->count; i++)
        strata_buffer_free(&rows->all[i].cell);
    free(rows->all);
    strata_buffer_free(&rows->end);
    free(rows);
}

static void put(struct strata_buffer *to, const char *text)
{
    strata_buffer_append(to, text, strlen(text));
}

/* Most steps return ok: it is left out, but for a commit. */
static bool is_worth_showing(const struct play_event *event)
{
    return event->late || event->step->verb == SCENARIO_COMMIT || strcmp(event->result, "ok") != 0;
}

bool schedule_rows_add(struct schedule_rows *rows, const struct play_event *event)
{
    struct row *row;

    if (!event->step) {
        put(&rows->end, event->result);
        return !rows->end.out_of_memory;
    }
    row = array_add(&rows->all, &rows->count, &rows->room, sizeof *row, NULL);
    if (!row)
        return false;
    row->line = event->step->line;
    row->session = event->step->session;
    if (event->late)
        put(&row->cell, "... ");
    scenario_put_step(&row->cell, event->step);
    if (is_worth_showing(event)) {
        put(&row->cell, event->step->verb == SCENARIO_RESULT ? "" : ": ");
        put(&row->cell, event->result);
    }
    if (event->expected) {
        put(&row->cell, " <- expected: ");
        put(&row->cell, event->expected);
    }
    return !row->cell.out_of_memory;
}

static size_t width_of(const struct schedule_rows *rows, size_t session)
{
    size_t width = strlen(rows->scenario->names[session]);

    for (size_t i = 0; i < rows->count; i++)
        if (rows->all[i].session == session && rows->all[i].cell.size > width)
            width = rows->all[i].cell.size;
    return width;
}

bool schedule_rows_print(const struct schedule_rows *rows, FILE *to)
{
    size_t at[SCENARIO_SESSIONS_MOST] = {0}, used = 0;

    for (size_t i = 0; i < rows->scenario->sessions; i++) {
        at[i] = used;
        used += width_of(rows, i) + 3;
    }
    fputs("line ", to);
    for (size_t i = 0; i < rows->scenario->sessions; i++) {
        bool last = i + 1 == rows->scenario->sessions;
        fprintf(to, " %-*s", last ? 0 : (int)(at[i + 1] - at[i] - 1), rows->scenario->names[i]);
    }
    fputc('\n', to);
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = &rows->all[i];
        fprintf(to, "%4u  %*s%.*s\n", row->line, (int)at[row->session], "", (int)row->cell.size,
                (const char *)row->cell.data);
    }
    return fprintf(to, "at the end: %.*s\n", (int)rows->end.size, (const char *)rows->end.data) > 0;
}
