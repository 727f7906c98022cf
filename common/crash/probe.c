/* probe.c: see probe.h. */
#include "crash/probe.h"

#include "crash/sim/fs_sim.h"
#include "crash/need.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The engine, and how many calls each slot makes -------------------------------------- */

static struct {
    const struct strata_engine *engine;
    struct strata_fs *fs;
    uint64_t opening; /* calls of the file layer, from within open */
    uint64_t writing; /* ... that write, from within write and close */
} probed;

static uint64_t all_calls(void)
{
    uint64_t calls = 0;
    for (int call = 0; call < FS_CALL_COUNT; call++)
        calls += probed.fs->calls[call];
    return calls;
}

static uint64_t writes(void)
{
    return probed.fs->calls[FS_CALL_APPEND] + probed.fs->calls[FS_CALL_WRITE];
}

static int count_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    uint64_t before = all_calls();
    int rc = probed.engine->open(env, self, err);
    probed.opening += all_calls() - before;
    return rc;
}

static int count_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                       struct strata_error *err)
{
    uint64_t before = writes();
    int rc = probed.engine->write(self, ops, count, sync, err);
    probed.writing += writes() - before;
    return rc;
}

static int count_close(void *self, struct strata_error *err)
{
    uint64_t before = writes();
    int rc = probed.engine->close(self, err);
    probed.writing += writes() - before;
    return rc;
}

/* ---- The directory on the real file system ----------------------------------------------- */

/* Empty, and of the same name as the database's on fs_sim. */
static char *make_decoy(void)
{
    const char *root = getenv("TMPDIR");
    char *path = need(fs_join(root && *root ? root : "/tmp", "strata-engine-XXXXXX"));
    need(mkdtemp(path));
    return path;
}

/* Removes it, and what was made in it: the name of one such file, on the heap, or NULL. */
static char *take_decoy(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    char *found = NULL;

    while (dir && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            free(found);
            found = need(fs_join(path, entry->d_name));
            remove(found);
        }
    if (dir)
        closedir(dir);
    rmdir(path);
    return found;
}

/* ---- The probe ---------------------------------------------------------------------------- */

struct found {
    bool refused; /* open failed, and not with NOT_SUPPORTED (slot not written yet) */
    bool done;    /* a put was acknowledged and the database closed */
    struct strata_error err;
};

static void run(const char *dir, struct found *out)
{
    struct strata_engine table = {0};
    struct strata_options options;
    struct strata *db;
    int rc;

    memcpy(&table, probed.engine, /* an older one is shorter */
           probed.engine->size < sizeof table ? probed.engine->size : sizeof table);
    table.open = count_open;
    table.write = count_write;
    table.close = count_close;
    strata_options_init(&options);
    options.engine = &table;
    options.stage = table.stage;
    options.fs = probed.fs;
    options.create = true;
    rc = strata_open(dir, &options, &db, &out->err);
    out->refused = rc < 0 && rc != STRATA_ERR_NOT_SUPPORTED && rc != STRATA_ERR_NO_MEMORY;
    if (rc < 0)
        return;
    rc = strata_put(db, strata_string("key"), strata_string("value"), NULL);
    out->done = strata_close(db, NULL) == 0 && rc == 0;
}

int probe_engine(const struct strata_engine *engine, struct strata_error *err)
{
    struct found out = {0};
    char *dir = make_decoy(), *made;
    const char *why = NULL;

    probed.engine = engine;
    probed.fs = need(fs_sim_new());
    probed.opening = probed.writing = 0;
    need(fs_sim_put_directory(probed.fs, dir) == 0 ? dir : NULL);
    run(dir, &out);
    if (fs_sim_open_files(probed.fs) == 0) /* else it leaks: the tests report that */
        fs_free(probed.fs);
    made = take_decoy(dir);
    free(dir);
    if (made)
        why = "it made a file by itself";
    else if (out.done && !probed.writing)
        why = "a put was acknowledged and the database closed, and no call of the file layer wrote "
              "anything";
    else if (out.refused && !probed.opening)
        why = out.err.message;
    if (why)
        strata_fail(err, STRATA_ERR_NOT_SUPPORTED, made, STRATA_NO_OFFSET,
                    "your engine bypasses fs.h: %s", why);
    free(made);
    return why ? STRATA_ERR_NOT_SUPPORTED : 0;
}
