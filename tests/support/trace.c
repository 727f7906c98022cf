/* trace.c: see trace.h. The engine under test gets a table whose slots print and then call its own.
 * A line is written before the call, so that one that ends the program is the last line. */
#include "trace.h"

#include "crash/subject.h"
#include "inspect/inspect.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static FILE *out;
static struct strata_engine traced;
static const struct strata_engine *real;
static _Atomic unsigned count;

static void __attribute__((format(printf, 1, 2))) begin(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(out, "%4u  ", ++count);
    vfprintf(out, format, args);
    fflush(out);
    va_end(args);
}

static int end(int rc, const struct strata_error *err)
{
    char text[600];

    if (rc < 0)
        fprintf(out, " -> %s\n", err ? strata_error_text(err, text, sizeof text) : "an error");
    else
        fprintf(out, " -> %s\n", rc == STRATA_NOT_FOUND ? "not found" : "ok");
    fflush(out);
    return rc;
}

static const char *quoted(struct strata_slice slice, char text[100])
{
    return inspect_text(slice, 24, text, 100);
}

/* ---- The slots --------------------------------------------------------------------------- */

static int trace_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    begin("open %s%s", env->is_new ? "a new database" : "the database",
          env->options->read_only ? ", to read" : "");
    return end(real->open(env, self, err), err);
}

static int trace_open_unsynced(const struct strata_env *env, void **self, struct strata_error *err)
{
    begin("open the database, whose directory may not be synced");
    return end(real->open_unsynced(env, self, err), err);
}

static int trace_close(void *self, struct strata_error *err)
{
    begin("close");
    return end(real->close(self, err), err);
}

static int trace_get(void *self, struct strata_slice key, struct strata_buffer *value,
                     struct strata_error *err)
{
    char text[100];
    int rc;

    begin("get '%s'", quoted(key, text));
    rc = real->get(self, key, value, err);
    if (rc == 0)
        fprintf(out, " -> '%s'", quoted(strata_buffer_slice(value), text));
    return end(rc, err);
}

static int trace_write(void *self, const struct strata_op *ops, size_t ops_count, bool sync,
                       struct strata_error *err)
{
    char key[100], value[100];

    if (!ops_count)
        begin("sync");
    else if (ops_count > 1)
        begin("a batch of %zu, which begins with %s '%s'", ops_count,
              ops->type == STRATA_OP_PUT ? "put" : "delete", quoted(ops->key, key));
    else if (ops->type == STRATA_OP_PUT)
        begin("put '%s' '%s'", quoted(ops->key, key), quoted(ops->value, value));
    else
        begin("delete '%s'", quoted(ops->key, key));
    if (sync && ops_count)
        fputs(", synced", out);
    return end(real->write(self, ops, ops_count, sync, err), err);
}

static int trace_iter(void *self, struct strata_iter **iter, struct strata_error *err)
{
    begin("an iterator");
    return end(real->iter(self, iter, err), err);
}

static int trace_sync(void *self, struct strata_error *err)
{
    begin("sync");
    return end(real->sync(self, err), err);
}

static int trace_flush(void *self, struct strata_error *err)
{
    begin("flush");
    return end(real->flush(self, err), err);
}

static int trace_compact(void *self, const struct strata_progress *progress,
                         struct strata_error *err)
{
    begin("compact");
    return end(real->compact(self, progress, err), err);
}

static int trace_verify(void *self, const struct strata_progress *progress,
                        struct strata_error *err)
{
    begin("verify");
    return end(real->verify(self, progress, err), err);
}

static const struct strata_engine *wrap(const struct strata_engine *engine)
{
    if (engine == &traced)
        return engine;
    real = engine;
    traced = *engine;
    traced.open = trace_open;
    traced.close = trace_close;
    traced.get = trace_get;
    traced.write = trace_write;
    traced.iter = trace_iter;
    if (engine->sync)
        traced.sync = trace_sync;
    if (engine->flush)
        traced.flush = trace_flush;
    if (engine->compact)
        traced.compact = trace_compact;
    if (engine->verify)
        traced.verify = trace_verify;
    if (engine->size > offsetof(struct strata_engine, open_unsynced) && engine->open_unsynced)
        traced.open_unsynced = trace_open_unsynced;
    return &traced;
}

static void open_trace(void)
{
    const char *path = getenv("STRATA_TRACE");

    if (path && *path && !out)
        out = fopen(path, "w");
}

const struct strata_engine *trace_engine(const struct strata_engine *engine)
{
    open_trace();
    return out ? wrap(engine) : engine;
}

__attribute__((constructor)) static void trace_if_asked(void)
{
    open_trace();
    if (out)
        subject_wrap(wrap);
}

/* ---- The disk ---------------------------------------------------------------------------- */

static void copy_out(struct strata_fs *fs, const char *dir, const char *name, const char *to)
{
    struct strata_buffer bytes = {0};
    char *from = fs_join(dir, name), *path = fs_join(to, name);
    FILE *file = NULL;

    if (from && path && fs_read_file(fs, from, SIZE_MAX, &bytes, NULL) == 0)
        file = fopen(path, "wb");
    if (file) {
        fwrite(bytes.data, 1, bytes.size, file);
        fclose(file);
    }
    strata_buffer_free(&bytes);
    free(from);
    free(path);
}

/* What an earlier call copied there. */
static void empty(const char *dir)
{
    DIR *stream = opendir(dir);
    struct dirent *entry;
    char path[4400];

    while (stream && (entry = readdir(stream))) {
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    if (stream)
        closedir(stream);
}

void trace_disk(struct strata_fs *fs, const char *dir)
{
    struct fs_names names;
    char to[4096];

    if (!out || fs_list(fs, dir, &names, NULL) < 0)
        return;
    snprintf(to, sizeof to, "%s.disk", getenv("STRATA_TRACE"));
    mkdir(to, 0777);
    empty(to);
    for (size_t i = 0; i < names.count; i++)
        copy_out(fs, dir, names.names[i], to);
    fs_names_free(&names);
}
