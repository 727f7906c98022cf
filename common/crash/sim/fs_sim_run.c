/* fs_sim_run.c: how each call begins and ends, and which one fails. For I2 see fs_sim.c. */
#include "crash/sim/fs_sim_inside.h"

#include <errno.h>
#include <string.h>

#define BIT(call) (1u << (call))
#define ALL (BIT(FS_CALL_COUNT) - 1)

static const unsigned fault_hits[FS_SIM_FAULT_KINDS] = {
    [FS_SIM_EIO] = ALL,
    [FS_SIM_ENOSPC] = BIT(FS_CALL_OPEN) | BIT(FS_CALL_LOCK) | BIT(FS_CALL_APPEND) |
                      BIT(FS_CALL_WRITE) | BIT(FS_CALL_SYNC) | BIT(FS_CALL_TRUNCATE) |
                      BIT(FS_CALL_ALLOCATE) | BIT(FS_CALL_RENAME) | BIT(FS_CALL_LINK) |
                      BIT(FS_CALL_MKDIR),
    [FS_SIM_EMFILE] =
        BIT(FS_CALL_OPEN) | BIT(FS_CALL_LOCK) | BIT(FS_CALL_LIST) | BIT(FS_CALL_SYNC_DIR),
    [FS_SIM_SHORT] = BIT(FS_CALL_READ) | BIT(FS_CALL_APPEND) | BIT(FS_CALL_WRITE),
    [FS_SIM_EINTR] = ALL & ~(BIT(FS_CALL_SIZE) | BIT(FS_CALL_MAP) | BIT(FS_CALL_RENAME) |
                             BIT(FS_CALL_LINK) | BIT(FS_CALL_REMOVE) | BIT(FS_CALL_MKDIR)),
    [FS_SIM_SYNC_DROPS] = BIT(FS_CALL_SYNC),
};

static bool can_hit(const struct fs_sim_fault *fault, enum fs_call call, uint64_t size,
                    bool may_create)
{
    if (!(fault_hits[fault->kind] & (fault->calls ? fault->calls : ~0u) & BIT(call)))
        return false;
    if (fault->kind == FS_SIM_SHORT)
        return size > 1;
    if (fault->kind == FS_SIM_ENOSPC && (call == FS_CALL_OPEN || call == FS_CALL_LOCK))
        return may_create;
    return true;
}

static bool strikes(struct fs_sim *sim, enum fs_call call, uint64_t size, bool may_create)
{
    const struct fs_sim_fault *fault = &sim->fault;

    if (!sim->armed || !can_hit(fault, call, size, may_create))
        return false;
    sim->fault_calls++;
    if (fault->for_ever ? sim->fault_calls < fault->at : sim->fault_calls != fault->at)
        return false;
    if (fault->kind == FS_SIM_EINTR && fault->for_ever) {
        sim->fault_pauses = !sim->fault_pauses;
        if (!sim->fault_pauses)
            return false;
    }
    if (sim->fault_strikes++ == 0) {
        sim->struck = call;
        sim->struck_at = sim->calls;
    }
    return true;
}

static int fault_of(struct fs_sim *sim, enum fs_call call, uint64_t size, bool may_create,
                    bool *partly)
{
    if (!strikes(sim, call, size, may_create))
        return 0;
    switch (sim->fault.kind) {
    case FS_SIM_EIO:
        return -EIO;
    case FS_SIM_ENOSPC:
        return -ENOSPC;
    case FS_SIM_EMFILE:
        return -EMFILE;
    case FS_SIM_EINTR:
        return -EINTR;
    case FS_SIM_SHORT:
    case FS_SIM_SYNC_DROPS:
        break;
    }
    *partly = true;
    return 0;
}

/* ---- Beginning and ending a call ------------------------------------------------------- */

static void enter(struct fs_sim_run *run, struct strata_fs *fs, enum fs_call call)
{
    *run = (struct fs_sim_run){.sim = fs_sim_from(fs)};
    sync_lock(&run->sim->mutex);
    run->sim->calls++;
    run->sim->clock_ns += FS_SIM_CALL_NS;
    run->record.kind = FS_SIM_CALL;
    run->record.call = call;
    run->record.site = fs_site_now;
}

int64_t fs_sim_end(struct fs_sim_run *run, int64_t result)
{
    run->record.result = result;
    if (run->recorded)
        fs_sim_trace_push(&run->sim->trace, &run->record);
    else
        fs_sim_record_free(&run->record);
    sync_unlock(&run->sim->mutex);
    return result;
}

static int text_of(const char *string, struct fs_sim_text **text)
{
    if (string)
        *text = fs_sim_text_new(string, strlen(string));
    return string && !*text ? -ENOMEM : 0;
}

/* Begins a call on paths, one or two. */
int fs_sim_begin(struct fs_sim_run *run, struct strata_fs *fs, enum fs_call call, const char *path,
                 const char *to, bool may_create)
{
    enter(run, fs, call);
    if (run->sim->recording) {
        if (text_of(path, &run->record.path) < 0 || text_of(to, &run->record.to) < 0 ||
            fs_sim_trace_reserve(&run->sim->trace, run->sim->open_files + 2) < 0) /* I2 */
            return -ENOMEM;
        run->recorded = true;
    }
    return fault_of(run->sim, call, 0, may_create, &run->strikes);
}

/* Begins a call on a file. */
int fs_sim_begin_file(struct fs_sim_run *run, struct fs_file *file, enum fs_call call,
                      uint64_t offset, uint64_t size)
{
    struct fs_sim_file *sim_file = (struct fs_sim_file *)file;

    enter(run, file->fs, call);
    if (run->sim->recording) {
        size_t room = call == FS_CALL_CLOSE ? 1 : run->sim->open_files + 2; /* I2 */
        if (fs_sim_trace_reserve(&run->sim->trace, room) < 0)
            return -ENOMEM;
        run->record.path = fs_sim_text_share(sim_file->path);
        run->recorded = true;
    }
    run->record.id = sim_file->id;
    run->record.offset = offset;
    run->record.size = size;
    return fault_of(run->sim, call, size, false, &run->strikes);
}

/* ---- For tests ------------------------------------------------------------------------- */

void fs_sim_fail(struct strata_fs *fs, const struct fs_sim_fault *fault)
{
    struct fs_sim *sim = fs_sim_from(fs);

    sync_lock(&sim->mutex);
    sim->armed = fault != NULL;
    if (fault)
        sim->fault = *fault;
    sim->fault_calls = sim->fault_strikes = 0;
    sim->fault_pauses = false;
    sync_unlock(&sim->mutex);
}

uint64_t fs_sim_failed(struct strata_fs *fs)
{
    struct fs_sim *sim = fs_sim_from(fs);
    uint64_t strikes_so_far;

    sync_lock(&sim->mutex);
    strikes_so_far = sim->fault_strikes;
    sync_unlock(&sim->mutex);
    return strikes_so_far;
}

enum fs_call fs_sim_struck(struct strata_fs *fs, uint64_t *number)
{
    struct fs_sim *sim = fs_sim_from(fs);
    enum fs_call struck;

    sync_lock(&sim->mutex);
    struck = sim->fault_strikes ? sim->struck : FS_CALL_COUNT;
    *number = sim->struck_at;
    sync_unlock(&sim->mutex);
    return struck;
}
