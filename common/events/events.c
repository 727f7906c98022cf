/* events.c: the event log's files: see events.h.
 *
 * A session begins to write with an empty line: whatever a crash left of the last one ends there.
 * When the file has half of the budget it becomes EVENTS.old, in place of what that was: the two
 * never have more than the budget, and one group of lines.
 *
 * I1: no call here fails anything but the log itself. I2: nothing is synced. (These calls are no
 * sites: nothing that a crash leaves of them matters.) */
#define FS_NO_SITES
#include "events/events.h"

#include <errno.h>
#include <stdlib.h>

void events_init(struct events *events, const struct strata_env *env)
{
    *events = (struct events){.env = env};
    events->off = env->options->read_only || !env->options->event_log_bytes;
}

void events_free(struct events *events)
{
    fs_close(events->file, NULL);
    events->file = NULL;
    strata_buffer_free(&events->lines);
}

/* I1. The next event is tried again, behind what a new file begins with. */
static void give_up(struct events *events, const struct strata_error *err)
{
    if (!events->failed)
        strata_env_warn(events->env, err, "events are not logged until this is over");
    events_free(events);
    events->failed = true;
}

static int open_file(struct events *events, unsigned flags, struct strata_error *err)
{
    char *path = fs_join(events->env->dir, EVENTS_NAME);
    int rc = path ? fs_open(events->env->fs, path, FS_WRITE | FS_CREATE | flags, &events->file, err)
                  : strata_fail_memory(err, sizeof EVENTS_NAME);

    free(path);
    return rc;
}

static int rename_file(struct events *events, struct strata_error *err)
{
    char *from = fs_join(events->env->dir, EVENTS_NAME);
    char *to = fs_join(events->env->dir, EVENTS_OLD);
    int rc = from && to ? fs_rename(events->env->fs, from, to, err)
                        : strata_fail_memory(err, sizeof EVENTS_OLD);

    free(from);
    free(to);
    return rc;
}

static int begin_another(struct events *events, struct strata_error *err)
{
    int rc = fs_close(events->file, err);

    events->file = NULL;
    if (rc == 0)
        rc = rename_file(events, err);
    return rc < 0 ? rc : open_file(events, FS_TRUNCATE, err);
}

bool events_begin(struct events *events, bool *fresh)
{
    bool first = !events->file;
    struct strata_error err;
    int rc = 0;

    if (events->off)
        return false;
    if (first)
        rc = open_file(events, 0, &err);
    if (rc == 0 && events->file->end > events->env->options->event_log_bytes / 2)
        rc = begin_another(events, &err);
    if (rc < 0) {
        give_up(events, &err);
        return false;
    }
    *fresh = events->failed || !events->file->end;
    if (first && events->file->end)
        strata_buffer_append(&events->lines, "\n", 1);
    return true;
}

void events_write(struct events *events)
{
    struct strata_slice lines = strata_buffer_slice(&events->lines);
    struct strata_error err = {0};
    int rc = events->lines.out_of_memory ? strata_fail_memory(&err, lines.size) : 0;

    if (rc == 0)
        rc = fs_append(events->file, &lines, 1, &err);
    if (rc < 0) {
        give_up(events, &err);
        return;
    }
    events->failed = false;
    events->written += lines.size;
    strata_buffer_clear(&events->lines);
}

/* One that is not there has no lines; of one that is too large they are not read: it was not
 * written by this. */
static int read_file(const struct strata_env *env, const char *name, struct strata_buffer *lines,
                     struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    struct strata_error why = {0};
    char *path = fs_join(env->dir, name);
    int rc = path ? fs_read_file(env->fs, path, EVENTS_MOST, &bytes, &why)
                  : strata_fail_memory(&why, 64);

    if (rc == 0) {
        strata_buffer_append(lines, bytes.data, bytes.size);
        strata_buffer_append(lines, "\n", 1);
        if (lines->out_of_memory)
            rc = strata_fail_memory(&why, bytes.size);
    }
    if (rc == STRATA_ERR_CORRUPT || (rc == STRATA_ERR_IO && why.sys == ENOENT))
        rc = 0;
    if (rc < 0 && err)
        *err = why;
    strata_buffer_free(&bytes);
    free(path);
    return rc;
}

int events_read(const struct strata_env *env, struct strata_buffer *lines, struct strata_error *err)
{
    int rc = read_file(env, EVENTS_OLD, lines, err);
    return rc < 0 ? rc : read_file(env, EVENTS_NAME, lines, err);
}
