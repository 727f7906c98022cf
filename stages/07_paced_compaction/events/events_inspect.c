/* events_inspect.c: an annotated dump of the event log: a line is a section. */
#define FS_NO_SITES
#include "07_paced_compaction/events/events.h"
#include "inspect/inspect.h"

#include <stdlib.h>

#define SHOWN 1000u /* bytes of a line */

struct looking {
    struct inspect *to;
    const uint8_t *begin;
    uint64_t valid;          /* bytes, up to the first damage */
    struct strata_slice bad; /* the line before, if it could not be read */
};

static uint64_t place(const struct looking *l, struct strata_slice line)
{
    return (uint64_t)(line.data - l->begin);
}

/* A session begins with a line of its own: what it follows was cut by a crash. */
static void tell_bad(struct looking *l, bool cut)
{
    if (l->bad.size && cut)
        inspect_torn(l->to, place(l, l->bad), "a crash cut this line; nothing relies on it");
    else if (l->bad.size)
        inspect_stop(l->to, place(l, l->bad), "this line is damaged; nothing relies on it");
    l->bad = strata_bytes(NULL, 0);
}

static int show_line(struct looking *l, struct strata_slice line, struct strata_buffer *keys)
{
    struct strata_event event;
    char text[4 * SHOWN + 8];
    int rc = events_decode(line, &event, keys);

    if (rc < 0)
        return rc;
    tell_bad(l, event.type == STRATA_EVENT_OPEN);
    inspect_section(l->to, place(l, line), "%s", event.name);
    inspect_field(l->to, place(l, line), line, line.size, "line", "%s",
                  inspect_text(line, SHOWN, text, sizeof text));
    if (rc == STRATA_NOT_FOUND)
        l->bad = line;
    if (rc == 0 && !l->to->damaged)
        l->valid = place(l, line) + line.size + 1;
    return 0;
}

static int events_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    struct strata_buffer bytes = {0}, keys = {0};
    int rc = fs_read_file(file->fs, file->path, EVENTS_MOST, &bytes, err);
    struct looking l = {.to = to, .begin = bytes.data};
    struct strata_slice rest = strata_buffer_slice(&bytes), line;

    while (rc == 0 && events_next_line(&rest, &line)) {
        rc = show_line(&l, line, &keys);
        if (rc < 0)
            strata_fail_memory(err, line.size);
    }
    if (rc == 0) {
        tell_bad(&l, true);
        inspect_end(to, l.valid, file->end);
    }
    strata_buffer_free(&bytes);
    strata_buffer_free(&keys);
    return rc;
}

const struct strata_format events_format = {"event log", EVENTS_MAGIC, EVENTS_NAME, events_inspect};
