/* events_inspect.c: the event log for people: an annotated dump, in which a line is a section, and
 * what verify makes of it: as nothing relies on it, a line that cannot be read is a warning, and no
 * damage of the database. Of a line at the end of the file or in front of an open nothing is said:
 * a crash leaves such. (After a power cut there may be others: it is written without a sync.) */
#define FS_NO_SITES
#include "events/events.h"
#include "inspect/inspect.h"

#include <errno.h>
#include <inttypes.h>
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

/* ---- Verifying ------------------------------------------------------------------------------- */

struct checking {
    uint64_t count, first; /* lines that cannot be read; where the first one is */
};

static int check_lines(struct strata_slice bytes, struct checking *c, struct strata_error *err)
{
    struct strata_slice rest = bytes, line;
    const uint8_t *bad = NULL; /* the line before, if it could not be read */
    struct strata_buffer keys = {0};
    int rc = 0;

    while (rc >= 0 && events_next_line(&rest, &line)) {
        struct strata_event event;
        rc = events_decode(line, &event, &keys);
        if (bad && event.type != STRATA_EVENT_OPEN && c->count++ == 0)
            c->first = (uint64_t)(bad - bytes.data);
        bad = rc == STRATA_NOT_FOUND && !events_is_whole(line) ? line.data : NULL;
    }
    strata_buffer_free(&keys);
    return rc < 0 ? strata_fail_memory(err, line.size) : 0;
}

static int check_file(const struct strata_env *env, const char *path, struct checking *c,
                      struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    int rc = fs_read_file(env->fs, path, EVENTS_MOST, &bytes, err);

    if (rc == 0)
        rc = check_lines(strata_buffer_slice(&bytes), c, err);
    strata_buffer_free(&bytes);
    return rc;
}

static void check(const struct strata_env *env, const char *name)
{
    char *path = fs_join(env->dir, name), text[600];
    struct strata_error err = {0};
    struct checking c = {0};
    int rc = path ? check_file(env, path, &c, &err) : strata_fail_memory(&err, 64);

    if (rc < 0 && !(rc == STRATA_ERR_IO && err.sys == ENOENT))
        strata_env_log(env, STRATA_LOG_WARNING, "the event log, which nothing relies on: %s",
                       strata_error_text(&err, text, sizeof text));
    if (c.count)
        strata_env_log(env, STRATA_LOG_WARNING,
                       "%s @%" PRIu64 ": %" PRIu64 " lines of the event log, from this one on, "
                       "cannot be read; nothing relies on them",
                       path, c.first, c.count);
    free(path);
}

void events_check(const struct strata_env *env)
{
    check(env, EVENTS_OLD);
    check(env, EVENTS_NAME);
}
