/* fs_sim_replay.c: what is durable and what is pending, at each point of a trace.
 *
 *     record              kill      ordered                       posix
 *     write, truncate     at once   pending until the file's own sync, in both
 *     create, rename ...  at once   pending until any sync        until sync_dir of the directory
 * I1: `disk` holds exactly what no crash at this point can lose.
 * I2: every id that a record so far made has its node in disk, named or not: the names may be
 *     pending while the bytes are durable.
 * I3: a pending change touches one directory (posix), or is one call (ordered); applying some of
 *     them in order, whichever, never fails but for memory. */
#include "crash/sim/fs_sim_replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room for the pending operations of each node there is. */
static int reserve_files(struct fs_sim_replay *replay)
{
    size_t capacity = replay->disk.capacity;
    struct fs_sim_pending *files;

    if (replay->file_capacity >= capacity)
        return 0;
    files = realloc(replay->files, capacity * sizeof *files);
    if (!files)
        return -ENOMEM;
    memset(files + replay->file_capacity, 0, (capacity - replay->file_capacity) * sizeof *files);
    replay->files = files;
    replay->file_capacity = capacity;
    return 0;
}

int fs_sim_replay_init(struct fs_sim_replay *replay, const struct fs_sim_trace *trace,
                       enum fs_sim_model model)
{
    int rc;
    *replay = (struct fs_sim_replay){.trace = trace, .model = model, .marks = trace->marks};
    rc = fs_sim_tree_copy(&trace->start, false, &replay->disk);
    return rc < 0 ? rc : reserve_files(replay);
}

void fs_sim_replay_free(struct fs_sim_replay *replay)
{
    for (size_t i = 0; i < replay->file_capacity; i++) {
        fs_sim_choices_clear(&replay->files[i]);
        free(replay->files[i].choices);
        free(replay->files[i].operations);
    }
    free(replay->files);
    free(replay->names);
    fs_sim_tree_free(&replay->disk);
}

/* ---- Bytes ----------------------------------------------------------------------------- */

static int add_operation(struct fs_sim_replay *replay, const struct fs_sim_record *record)
{
    struct fs_sim_pending *pending = &replay->files[record->id];

    if (pending->count == pending->capacity) {
        size_t capacity = pending->capacity ? 2 * pending->capacity : 4;
        const struct fs_sim_record **more = realloc(pending->operations, capacity * sizeof(*more));
        if (!more)
            return -ENOMEM;
        pending->operations = more;
        pending->capacity = capacity;
    }
    pending->operations[pending->count++] = record;
    return 0;
}

static int sync_file(struct fs_sim_replay *replay, uint32_t id)
{
    struct fs_sim_pending *pending = &replay->files[id];
    int rc = 0;

    for (size_t i = 0; i < pending->count && rc == 0; i++)
        rc =
            fs_sim_record_apply(pending->operations[i], UINT64_MAX, &replay->disk.nodes[id]->bytes);
    pending->count = 0;
    return rc;
}

/* ---- Names ----------------------------------------------------------------------------- */

static int apply_changes(const struct fs_sim_record *record, unsigned first, unsigned count,
                         struct fs_sim_tree *tree)
{
    int rc = 0;
    for (unsigned i = first; i < first + count && rc == 0; i++) {
        const struct fs_sim_change *change = &record->changes[i];
        if (change->id == FS_SIM_NONE)
            fs_sim_tree_unset(tree, change->dir, change->name->string);
        else
            rc = fs_sim_tree_set(tree, change->dir, change->name, change->id);
    }
    return rc;
}

int fs_sim_replay_apply_name(const struct fs_sim_replay *replay, size_t index,
                             struct fs_sim_tree *tree)
{
    const struct fs_sim_pending_name *name = &replay->names[index];
    return apply_changes(name->record, name->first, name->count, tree);
}

static int add_name(struct fs_sim_replay *replay, const struct fs_sim_record *record,
                    unsigned first, unsigned count)
{
    if (replay->name_count == replay->name_capacity) {
        size_t capacity = replay->name_capacity ? 2 * replay->name_capacity : 8;
        struct fs_sim_pending_name *names = realloc(replay->names, capacity * sizeof *names);
        if (!names)
            return -ENOMEM;
        replay->names = names;
        replay->name_capacity = capacity;
    }
    replay->names[replay->name_count++] = (struct fs_sim_pending_name){record, first, count};
    return 0;
}

/* I3: a rename between directories is two changes in posix. */
static int change_names(struct fs_sim_replay *replay, const struct fs_sim_record *record)
{
    const struct fs_sim_change *changes = record->changes;
    int rc;

    if (replay->model == FS_SIM_KILL)
        return apply_changes(record, 0, record->change_count, &replay->disk);
    if (replay->model == FS_SIM_ORDERED || record->change_count < 2 ||
        changes[0].dir == changes[1].dir)
        return add_name(replay, record, 0, record->change_count);
    rc = add_name(replay, record, 0, 1);
    return rc < 0 ? rc : add_name(replay, record, 1, 1);
}

/* Makes the pending changes in directory `dir` durable; all of them, in ordered. */
static int sync_names(struct fs_sim_replay *replay, uint32_t dir)
{
    size_t kept = 0;
    int rc = 0;

    for (size_t i = 0; i < replay->name_count; i++) {
        const struct fs_sim_pending_name *name = &replay->names[i];
        bool stays = replay->model == FS_SIM_POSIX && name->record->changes[name->first].dir != dir;
        if (stays)
            replay->names[kept++] = *name;
        else if (rc == 0)
            rc = fs_sim_replay_apply_name(replay, i, &replay->disk);
    }
    replay->name_count = kept;
    return rc;
}

/* ---- Records --------------------------------------------------------------------------- */

static int effect(struct fs_sim_replay *replay, const struct fs_sim_record *record)
{
    uint32_t id = record->id;
    int rc = 0;

    switch (record->effect) {
    case FS_SIM_NOTHING:
        break;
    case FS_SIM_WRITES:
    case FS_SIM_RESIZES:
        replay->files[id].fresh = false;
        if (replay->model == FS_SIM_KILL)
            return fs_sim_record_apply(record, UINT64_MAX, &replay->disk.nodes[id]->bytes);
        return add_operation(replay, record);
    case FS_SIM_SYNCS:
        replay->files[id].fresh = false;
        rc = sync_file(replay, id);
        return rc == 0 && replay->model == FS_SIM_ORDERED ? sync_names(replay, 0) : rc;
    case FS_SIM_DROPS:
        replay->files[id].fresh = false;
        replay->files[id].count = 0;
        break;
    case FS_SIM_SYNCS_DIR:
        return sync_names(replay, id);
    }
    return rc;
}

static int step_call(struct fs_sim_replay *replay, const struct fs_sim_record *record)
{
    int rc = 0;

    if (record->makes_file || record->makes_directory)
        rc =
            fs_sim_tree_add(&replay->disk, record->changes[0].id, record->makes_directory); /* I2 */
    if (rc == 0)
        rc = reserve_files(replay);
    if (rc == 0 && record->change_count)
        rc = change_names(replay, record);
    return rc < 0 ? rc : effect(replay, record);
}

int fs_sim_replay_step(struct fs_sim_replay *replay, const struct fs_sim_record *record,
                       bool *changed)
{
    if (record->kind != FS_SIM_CALL) {
        struct fs_sim_marks before = replay->marks;
        fs_sim_marks_take(&replay->marks, record);
        *changed |= replay->marks.acked != before.acked || replay->marks.synced != before.synced;
        return 0;
    }
    *changed |= record->change_count || record->effect != FS_SIM_NOTHING;
    return step_call(replay, record);
}
