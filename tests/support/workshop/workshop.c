/* workshop.c: in the programs of the workshop this is the list of stages: the learner's engine
 * alone. If a trace is asked for, its operations are in it, and what is on a simulated disk when it
 * goes, or at the end: a test of modules has a disk of its own. (The list is const for all others;
 * here the engine's traced table takes its place before they look.) */
#include "crash/sim/fs_sim.h"
#include "strata_engine.h"
#include "trace.h"

#include <stdlib.h>

#define DIR "db" /* of all these tests */

extern const struct strata_engine strata_engine;
extern const struct strata_engine *strata_stages[2];
const struct strata_engine *strata_stages[2] = {&strata_engine, NULL};

__attribute__((constructor)) static void trace_stage(void)
{
    strata_stages[0] = trace_engine(&strata_engine);
}

struct strata_fs *__real_fs_sim_new(void);
struct strata_fs *__wrap_fs_sim_new(void);
void __real_fs_free(struct strata_fs *fs);
void __wrap_fs_free(struct strata_fs *fs);

static struct strata_fs *disk; /* the newest */

static void keep_disk(void)
{
    if (disk)
        trace_disk(disk, DIR);
    disk = NULL;
}

struct strata_fs *__wrap_fs_sim_new(void)
{
    static bool begun;

    if (!begun)
        atexit(keep_disk);
    begun = true;
    disk = __real_fs_sim_new();
    return disk;
}

void __wrap_fs_free(struct strata_fs *fs)
{
    if (fs == disk)
        keep_disk();
    __real_fs_free(fs);
}
