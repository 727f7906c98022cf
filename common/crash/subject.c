/* subject.c: see subject.h. */
#define _GNU_SOURCE /* RTLD_DEEPBIND */
#include "crash/subject.h"

#include "db/db.h"
#include "db/marker.h"
#include "crash/merge_check.h"
#include "crash/need.h"
#include "crash/probe.h"
#include "db/stages.h"

#include <dlfcn.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct strata_stage_info info;
static struct strata_engine table; /* the learner's, judged as stage N */
static const struct strata_engine *engine;
static void *object;
static bool ready;
static bool left_unsynced;

static void end(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(99);
}

static void find_stage(void)
{
    const char *wanted = getenv("STRATA_STAGE");
    bool any = !wanted || !*wanted;
    char number[16];

    for (size_t i = 0; strata_stage_at(i, &info) == 0; i++) {
        snprintf(number, sizeof number, "%u", info.stage);
        if (!any && strcmp(number, wanted) == 0)
            return;
    }
    if (!any)
        end("STRATA_STAGE", "this build has no such stage");
}

/* The dynamic linker would resolve a function of the object to a function of this program with the
 * same name, and that one would be judged. RTLD_DEEPBIND prevents it; it does not work with
 * sanitizers, where the object needs -Wl,-Bsymbolic. */
#ifdef __has_feature
#define HAS_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif
#if defined(RTLD_DEEPBIND) && !HAS_SANITIZER
#define OWN_FIRST RTLD_DEEPBIND
#else
#define OWN_FIRST 0
#endif

/* A name without a slash would be looked for among the system's libraries. */
static void *open_object(const char *path)
{
    char *here = strchr(path, '/') ? NULL : need(fs_join(".", path));
    void *found = dlopen(here ? here : path, RTLD_NOW | RTLD_LOCAL | OWN_FIRST);
    free(here);
    return found;
}

int subject_load(const char *path, struct strata_error *err)
{
    const struct strata_engine *found;
    int rc;

    object = open_object(path);
    if (!object)
        return strata_fail(err, STRATA_ERR_IO, NULL, STRATA_NO_OFFSET, "%s", dlerror());
    found = dlsym(object, "strata_engine");
    if (!found)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "%s exports no strata_engine", path);
    rc = db_check_engine(found, err);
    if (rc < 0)
        return rc;
    table = *found;
    table.stage = info.stage;
    table.promises = info.promises;
    engine = &table;
    return probe_engine(engine, err);
}

static bool judging;

static void ended_from_within(void)
{
    if (!judging || !engine)
        return;
    fputs("your engine ended the program: it must not call exit\n", stderr);
    fflush(NULL);
    _exit(7);
}

void subject_under_way(bool under_way)
{
    static bool listening;

    judging = under_way;
    if (!listening)
        listening = atexit(ended_from_within) == 0;
}

static void prepare(void)
{
    const char *path = getenv("STRATA_ENGINE");
    struct strata_error err;

    if (ready)
        return;
    ready = true;
    find_stage();
    if (path && *path && subject_load(path, &err) < 0)
        end("STRATA_ENGINE", err.message);
}

void subject_choose(const struct strata_stage_info *stage)
{
    info = *stage;
    ready = true;
}

const struct strata_stage_info *subject_info(void)
{
    prepare();
    return &info;
}

bool subject_promises(unsigned bits)
{
    unsigned promises = subject_info()->promises;
    if (left_unsynced)
        promises &= ~(unsigned)STRATA_PROMISE_POWER_CUT;
    return (promises & bits) == bits;
}

void subject_leave_unsynced(bool unsynced)
{
    left_unsynced = unsynced;
}

const struct strata_engine *subject_engine(void)
{
    prepare();
    return engine;
}

void *subject_object(void)
{
    prepare();
    return object;
}

static const struct strata_engine *any_engine(void)
{
    const struct strata_engine *found = subject_engine();
    for (size_t i = 0; !found; i++)
        if (strata_stages[i]->stage == subject_info()->stage)
            found = strata_stages[i];
    return found;
}

const struct strata_format *subject_format(const char *name)
{
    if (strcmp(name, MARKER_NAME) == 0)
        return &marker_format;
    for (const struct strata_format *const *f = any_engine()->formats; f && *f; f++)
        if (fnmatch((*f)->glob, name, 0) == 0)
            return *f;
    return NULL;
}

static const struct strata_engine *(*wrapper)(const struct strata_engine *);

void subject_wrap(const struct strata_engine *(*wrap)(const struct strata_engine *))
{
    wrapper = wrap;
}

static _Atomic unsigned long warnings;
static void (*listener)(void *arg, const char *message);
static void *listener_arg;

static void count_warning(void *arg, enum strata_log_level level, const char *message)
{
    (void)arg;
    if (level != STRATA_LOG_WARNING)
        return;
    warnings++;
    if (listener)
        listener(listener_arg, message);
}

unsigned long subject_warnings(void)
{
    return warnings;
}

void subject_on_warning(void (*each)(void *arg, const char *message), void *arg)
{
    listener = each;
    listener_arg = arg;
}

static void set_background(struct strata_options *options)
{
    const char *seed = getenv("STRATA_BACKGROUND_SEED");

    options->background_threads = getenv("STRATA_BACKGROUND_THREAD") ? 1 : 0;
    options->background_seed = seed ? (uint32_t)strtoul(seed, NULL, 10) : 0;
}

bool subject_works_in_background(void)
{
    struct strata_options options;

    set_background(&options);
    return subject_info()->stage >= 10 && (options.background_threads || options.background_seed);
}

void subject_options(struct strata_options *options, struct strata_fs *fs, bool create)
{
    strata_options_init(options);
    options->stage = subject_info()->stage;
    options->engine = wrapper ? wrapper(any_engine()) : subject_engine();
    options->fs = fs;
    options->create = create;
    options->log = count_warning;
    options->merge = merge_check_operator;
    if (left_unsynced)
        options->sync = STRATA_SYNC_NEVER;
    options->mapped_reads = getenv("STRATA_MAPPED_READS");
    set_background(options);
    if (getenv("STRATA_VALUE_BYTES"))
        options->value_bytes = strtoul(getenv("STRATA_VALUE_BYTES"), NULL, 10);
    if (getenv("STRATA_TIERED"))
        options->compaction = STRATA_COMPACTION_TIERED;
    if (!getenv("STRATA_SIZES")) { /* small, so that a short script crosses every boundary */
        options->segment_bytes = 1500;
        options->memtable_bytes = subject_info()->stage < 6 ? 3072 : 800;
        options->cache_bytes = (size_t)16 << 10;
        options->block_bytes = 256;
        options->level_bytes = 1024;
        options->table_bytes = 256;
        /* it is never synced: each of its lines would be there or not in every state that follows;
         * stages/07_events_test cuts it */
        options->event_log_bytes = 0;
    }
}

int subject_open(struct strata_fs *fs, const char *dir, bool create, struct strata **out,
                 struct strata_error *err)
{
    struct strata_options options;
    subject_options(&options, fs, create);
    return strata_open(dir, &options, out, err);
}
