/* events_check.c: what verify makes of the event log. Nothing relies on it, so that a line which
 * cannot be read is told as a warning, and no damage of the database. Of a line at the end of the
 * file or in front of an open nothing is told: a crash leaves such. (After a power cut there may be
 * others: it is written without a sync.) */
#define FS_NO_SITES
#include "07_paced_compaction/events/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct checking {
    uint64_t count, first; /* lines that cannot be read; where the first one stands */
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
