/* metrics.c: see metrics.h. All figures are of struct strata_stat; a name is made of
 * letters, digits and _, so JSON and Prometheus take it as it is. */
#include "14_server/metrics.h"
#include "base/bytes.h"
#include "strata_engine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct writer {
    struct strata_buffer *to;
    const char *prefix; /* of names */
    bool first;         /* no figure was written yet */
};

static void add(struct strata_buffer *to, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add(struct strata_buffer *to, const char *format, ...)
{
    char text[600];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    strata_buffer_append(to, text, strlen(text));
}

static void prometheus(void *arg, const struct strata_stat *stat)
{
    const struct writer *w = arg;

    add(w->to, "# HELP %s%s %s%s%s\n# TYPE %s%s untyped\n%s%s %" PRIu64 "\n", w->prefix, stat->name,
        stat->help, *stat->unit ? ", in " : "", stat->unit, w->prefix, stat->name, w->prefix,
        stat->name, stat->value);
}

static void json(void *arg, const struct strata_stat *stat)
{
    struct writer *w = arg;

    add(w->to, "%s\"%s\":%" PRIu64, w->first ? "" : ",", stat->name, stat->value);
    w->first = false;
}

static void server_stats(struct server_state *s,
                         void (*each)(void *arg, const struct strata_stat *stat), void *arg)
{
    const struct strata_stat stats[] = {
        {"clients", "", "connections now", s->clients},
        {"connections", "", "connections since the start", s->connections},
        {"commands", "", "requests since the start", s->commands},
        {"client_memory", "bytes", "buffers of all connections", s->held},
        {"uptime", "milliseconds", "time since the start", (sync_now() - s->started_ns) / 1000000},
        {"last_save", "milliseconds", "when the last backup was made, since 1970", s->saved_ms},
        {"saving", "", "1 while a backup is made", s->save.running},
        {"failing", "", "1 when writes could not be made durable", s->failing},
    };

    for (size_t i = 0; i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
}

static int finish(struct strata_buffer *to, int rc, struct strata_error *err)
{
    return rc == 0 && to->out_of_memory ? strata_fail_memory(err, to->size) : rc;
}

int metrics_prometheus(struct server_state *server, struct strata_buffer *to,
                       struct strata_error *err)
{
    struct writer w = {to, "strata_server_", true};

    server_stats(server, prometheus, &w);
    w.prefix = "strata_";
    return finish(to, strata_stats(server->store.db, prometheus, &w, err), err);
}

int metrics_json(struct server_state *server, struct strata_buffer *to, struct strata_error *err)
{
    struct writer w = {to, "", true};
    int rc;

    add(to, "{\"server\":{");
    server_stats(server, json, &w);
    add(to, "},\"engine\":{");
    w.first = true;
    rc = strata_stats(server->store.db, json, &w, err);
    add(to, "}}\n");
    return finish(to, rc, err);
}
