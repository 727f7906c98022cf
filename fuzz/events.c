/* events.c: the event log of stage 6 (common/events/events_line.c), beside a
 * real database.
 *
 * Beyond what database.h lists:
 *   - the database opens and holds what was written, whatever these bytes are, and goes on;
 *   - an event that is read is written as a line that says the same. */
#include "events/events.h"
#include "database.h"
#include "fuzz.h"
#include "sample.h"

#include <string.h>

#define PATH DATABASE_DIR "/" EVENTS_NAME

static void check_line(struct strata_slice line)
{
    struct strata_buffer keys = {0}, again_keys = {0}, again = {0};
    struct strata_event event, same;
    int rc = events_decode(line, &event, &keys);

    require(rc == 0 || (rc == STRATA_NOT_FOUND && event.type == STRATA_EVENT_UNREADABLE), "%d", rc);
    if (rc == 0) {
        events_encode(&event, &again);
        require(!again.out_of_memory && again.data[again.size - 1] == '\n', "no line");
        require(events_decode(strata_bytes(again.data, again.size - 1), &same, &again_keys) == 0,
                "its own line is not read");
        require(same.type == event.type && same.ns == event.ns && same.table == event.table,
                "another event");
    }
    strata_buffer_free(&keys);
    strata_buffer_free(&again_keys);
    strata_buffer_free(&again);
}

static void check_lines(struct strata_slice bytes)
{
    struct strata_slice line;

    while (events_next_line(&bytes, &line)) {
        require(line.size && !memchr(line.data, '\n', line.size), "no line");
        check_line(line);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    static struct content content;
    struct database db;

    if (!base)
        base = sample_letters(6, 'd', "", "", &content);
    check_lines(strata_bytes(data, size));
    database_init(&db, base, PATH, strata_bytes(data, size));
    database_inspect(&db, &events_format);
    require(database_read(&db), "it did not open");
    require(content_equal(&db.content, &content), "another content");
    database_write(&db);
    database_free(&db);
    return 0;
}
