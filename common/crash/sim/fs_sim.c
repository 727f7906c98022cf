/* fs_sim.c: the raw calls of the simulated file system.
 *
 * A call goes the same way, whatever it does:
 *
 *     begin    lock; count; let a microsecond pass; make sure there is room for the record;
 *              ask the fault whether it strikes
 *     its work on the tree, which also notes the changes in the record
 *     end      push the record; unlock
 *
 * Only the present is kept here: what a reader sees. What is durable and what is pending follows
 * from the trace, and is worked out where states are made (fs_sim_replay.c).
 *
 * I1: a call that returns < 0 changed nothing, but for close.
 * I2: with recording on, room for the record of the close of each open file is reserved, so
 *     that close never runs out of memory. */
#include "crash/sim/fs_sim_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD 4096 /* little, so that a small workload makes room more than once */
#define DISK_BYTES ((uint64_t)4 << 30)

static struct fs_sim_node *node_of(const struct fs_sim_run *run)
{
    return run->sim->tree.nodes[run->record.id];
}

/* ---- Opening and closing --------------------------------------------------------------- */

static struct fs_sim_file *new_file(struct strata_fs *fs, const char *path)
{
    struct fs_sim_file *file = calloc(1, sizeof *file);
    if (!file)
        return NULL;
    file->path = fs_sim_text_new(path, strlen(path));
    if (!file->path) {
        free(file);
        return NULL;
    }
    file->base.fs = fs;
    return file;
}

static void free_file(struct fs_sim_file *file)
{
    fs_sim_text_release(file->path);
    free(file);
}

/* Takes the lock that `file` asks for, or none. */
static int take_lock(struct fs_sim_node *node, const struct fs_sim_file *file)
{
    if (file->exclusive ? node->exclusive || node->shared : file->shared && node->exclusive)
        return -EWOULDBLOCK;
    node->exclusive |= file->exclusive;
    node->shared += file->shared;
    return 0;
}

static int open_file(struct strata_fs *fs, enum fs_call call, const char *path, unsigned flags,
                     struct fs_sim_file *file)
{
    struct fs_sim_run run;
    int rc = fs_sim_begin(&run, fs, call, path, NULL, flags & FS_CREATE);

    if (rc == 0)
        rc = fs_sim_name_open(run.sim, path, flags, &file->id, &run.record);
    if (rc == 0)
        rc = take_lock(run.sim->tree.nodes[file->id], file);
    if (rc == 0) {
        run.sim->tree.nodes[file->id]->opens++;
        run.sim->open_files++;
    }
    return (int)fs_sim_end(&run, rc);
}

static int sim_open(struct strata_fs *fs, const char *path, unsigned flags, struct fs_file **out)
{
    struct fs_sim_file *file = new_file(fs, path);
    int rc;

    if (!file)
        return -ENOMEM;
    file->writable = flags & FS_WRITE;
    rc = open_file(fs, FS_CALL_OPEN, path, flags, file);
    if (rc < 0)
        free_file(file);
    else
        *out = &file->base;
    return rc;
}

static int sim_lock(struct strata_fs *fs, const char *path, enum fs_lock kind, struct fs_file **out)
{
    struct fs_sim_file *file = new_file(fs, path);
    int rc;

    if (!file)
        return -ENOMEM;
    file->exclusive = kind != FS_LOCK_SHARED;
    file->shared = !file->exclusive;
    rc = open_file(fs, FS_CALL_LOCK, path, kind == FS_LOCK_EXCLUSIVE ? FS_CREATE : 0, file);
    if (rc < 0)
        free_file(file);
    else
        *out = &file->base;
    return rc;
}

static int sim_close(struct fs_file *file)
{
    struct fs_sim_file *sim_file = (struct fs_sim_file *)file;
    struct fs_sim_run run;
    int rc = fs_sim_begin_file(&run, file, FS_CALL_CLOSE, 0, 0);
    struct fs_sim_node *node = run.sim->tree.nodes[sim_file->id];

    if (sim_file->exclusive)
        node->exclusive = false;
    node->shared -= sim_file->shared;
    node->opens--;
    run.sim->open_files--;
    fs_sim_let_go(run.sim, sim_file->id);
    free_file(sim_file); /* under the mutex: records share its path */
    return (int)fs_sim_end(&run, rc);
}

/* ---- Calls on a file ------------------------------------------------------------------- */

static ssize_t sim_read_at(struct fs_file *file, uint64_t offset, void *to, size_t size)
{
    struct fs_sim_run run;
    int64_t rc = fs_sim_begin_file(&run, file, FS_CALL_READ, offset, size);

    if (rc == 0 && offset > INT64_MAX)
        rc = -EINVAL;
    if (rc == 0)
        rc = (int64_t)fs_sim_bytes_read(&node_of(&run)->bytes, offset, to,
                                        run.strikes ? size / 2 : size);
    run.record.size = rc > 0 ? (uint64_t)rc : 0;
    return (ssize_t)fs_sim_end(&run, rc);
}

uint64_t fs_sim_fitting(const struct fs_sim *sim, const struct fs_sim_bytes *bytes, uint64_t offset,
                        uint64_t size)
{
    uint64_t free_bytes = sim->disk_bytes > sim->used_bytes ? sim->disk_bytes - sim->used_bytes : 0;
    uint64_t end = bytes->size + free_bytes;
    /* A file of zeros may be larger than the disk; its bytes may not. */
    uint64_t stored = bytes->have > sim->disk_bytes ? bytes->have : sim->disk_bytes;

    if (end > stored)
        end = stored;
    if (offset >= end)
        return 0;
    return size < end - offset ? size : end - offset;
}

/* Writes the first `size` bytes of the parts, which are there. */
static int write_parts(struct fs_sim_bytes *bytes, uint64_t offset,
                       const struct strata_slice *parts, uint64_t size)
{
    int rc = fs_sim_bytes_reserve(bytes, offset, size); /* all or nothing */

    for (uint64_t done = 0; rc == 0 && done < size; parts++) {
        uint64_t n = parts->size < size - done ? parts->size : size - done;
        rc = fs_sim_bytes_write(bytes, offset + done, parts->data, (size_t)n);
        done += n;
    }
    return rc;
}

/* Writes, and shows the record where the bytes are kept (fs_sim_trace.c). */
static int write_recorded(struct fs_sim_run *run, uint64_t offset, const struct strata_slice *parts,
                          uint64_t size)
{
    struct fs_sim_node *node = node_of(run);
    struct fs_sim_bytes own = {0};
    int rc;

    node->overwritten |= run->recorded && offset < node->bytes.size;
    if (run->recorded && node->overwritten) {
        rc = write_parts(&own, 0, parts, size);
        if (rc < 0)
            return rc;
    }
    rc = write_parts(&node->bytes, offset, parts, size);
    if (rc < 0) {
        fs_sim_bytes_free(&own);
    } else if (run->recorded) {
        run->record.blob = own.blob ? own.blob : node->bytes.blob;
        run->record.blob->refs += !own.blob;
        run->record.at = own.blob ? 0 : offset;
    }
    return rc;
}

static int64_t write_some(struct fs_sim_run *run, bool writable, const struct strata_slice *parts)
{
    struct fs_sim_node *node = node_of(run);
    uint64_t offset = run->record.offset, size = run->record.size, before = node->bytes.size;
    int rc;

    if (!writable)
        return -EBADF;
    if (offset > INT64_MAX || size > INT64_MAX - offset)
        return offset > INT64_MAX ? -EINVAL : -EFBIG;
    if (size == 0)
        return 0;
    if (run->strikes)
        size /= 2;
    size = fs_sim_fitting(run->sim, &node->bytes, offset, size);
    if (size == 0)
        return -ENOSPC;
    rc = write_recorded(run, offset, parts, size);
    if (rc < 0)
        return rc;
    run->sim->used_bytes += node->bytes.size - before;
    run->record.effect = FS_SIM_WRITES;
    run->record.size = size;
    return (int64_t)size;
}

static ssize_t sim_append(struct fs_file *file, const struct strata_slice *parts, size_t count)
{
    struct fs_sim_run run;
    uint64_t size = 0;
    int64_t rc;

    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    rc = fs_sim_begin_file(&run, file, FS_CALL_APPEND, file->end, size);
    if (rc == 0)
        rc = write_some(&run, ((struct fs_sim_file *)file)->writable, parts);
    return (ssize_t)fs_sim_end(&run, rc);
}

static ssize_t sim_write_at(struct fs_file *file, uint64_t offset, const void *from, size_t size)
{
    struct strata_slice part = {from, size};
    struct fs_sim_run run;
    int64_t rc = fs_sim_begin_file(&run, file, FS_CALL_WRITE, offset, size);

    if (rc == 0)
        rc = write_some(&run, ((struct fs_sim_file *)file)->writable, &part);
    return (ssize_t)fs_sim_end(&run, rc);
}

static int sim_sync(struct fs_file *file)
{
    struct fs_sim_run run;
    int rc = fs_sim_begin_file(&run, file, FS_CALL_SYNC, 0, 0);

    if (rc == 0) {
        run.record.effect = run.strikes ? FS_SIM_DROPS : FS_SIM_SYNCS;
        rc = run.strikes ? -EIO : 0;
    }
    return (int)fs_sim_end(&run, rc);
}

static void resize(struct fs_sim_run *run, uint64_t size)
{
    struct fs_sim_node *node = node_of(run);
    if (size == node->bytes.size)
        return;
    run->sim->used_bytes += size - node->bytes.size;
    fs_sim_bytes_resize(&node->bytes, size);
    run->record.effect = FS_SIM_RESIZES;
}

/* Zeros that a file grows by take no room, as in a real file system that knows holes, until
 * something else asks for it. */
static int sim_truncate(struct fs_file *file, uint64_t size)
{
    struct fs_sim_run run;
    int rc = fs_sim_begin_file(&run, file, FS_CALL_TRUNCATE, 0, size);

    if (rc == 0 && (size > INT64_MAX || !((struct fs_sim_file *)file)->writable))
        rc = -EINVAL;
    if (rc == 0)
        resize(&run, size);
    return (int)fs_sim_end(&run, rc);
}

static int sim_allocate(struct fs_file *file, uint64_t size)
{
    struct fs_sim_run run;
    int rc = fs_sim_begin_file(&run, file, FS_CALL_ALLOCATE, 0, size);
    const struct fs_sim_bytes *bytes = &node_of(&run)->bytes;
    uint64_t more = size > bytes->size ? size - bytes->size : 0;

    if (rc == 0 && !((struct fs_sim_file *)file)->writable)
        rc = -EBADF;
    if (rc == 0 && fs_sim_fitting(run.sim, bytes, bytes->size, more) < more)
        rc = -ENOSPC;
    if (rc == 0 && more)
        resize(&run, size);
    return (int)fs_sim_end(&run, rc);
}

static int sim_size(struct fs_file *file, uint64_t *size)
{
    struct fs_sim_run run;
    int rc = fs_sim_begin_file(&run, file, FS_CALL_SIZE, 0, 0);

    if (rc == 0)
        *size = run.record.size = node_of(&run)->bytes.size;
    return (int)fs_sim_end(&run, rc);
}

static int sim_links(struct fs_file *file, uint64_t *count)
{
    struct fs_sim_run run;
    int rc = fs_sim_begin_file(&run, file, FS_CALL_SIZE, 0, 0);

    if (rc == 0) {
        *count = node_of(&run)->links;
        run.record.size = node_of(&run)->bytes.size;
    }
    return (int)fs_sim_end(&run, rc);
}

/* A copy, so that what is written later is not seen: fs_map allows both. ASan finds reads beyond
 * it, and a missing unmap. */
static int sim_map(struct fs_file *file, uint64_t size, const uint8_t **bytes)
{
    struct fs_sim_run run;
    int rc = fs_sim_begin_file(&run, file, FS_CALL_MAP, 0, size);
    uint8_t *copy = rc == 0 ? malloc((size_t)size) : NULL;

    if (rc == 0 && !copy)
        rc = -ENOMEM;
    if (rc == 0) {
        fs_sim_bytes_read(&node_of(&run)->bytes, 0, copy, (size_t)size);
        *bytes = copy;
    }
    return (int)fs_sim_end(&run, rc);
}

static void sim_unmap(struct strata_fs *fs, const uint8_t *bytes, uint64_t size)
{
    (void)fs, (void)size;
    free((void *)(uintptr_t)bytes);
}

/* ---- Calls on names -------------------------------------------------------------------- */

static int sim_rename(struct strata_fs *fs, const char *from, const char *to)
{
    struct fs_sim_run run;
    int rc = fs_sim_begin(&run, fs, FS_CALL_RENAME, from, to, true);

    if (rc == 0)
        rc = fs_sim_name_rename(run.sim, from, to, &run.record);
    return (int)fs_sim_end(&run, rc);
}

static int sim_link(struct strata_fs *fs, const char *from, const char *to)
{
    struct fs_sim_run run;
    int rc = fs_sim_begin(&run, fs, FS_CALL_LINK, from, to, true);

    if (rc == 0)
        rc = fs_sim_name_link(run.sim, from, to, &run.record);
    return (int)fs_sim_end(&run, rc);
}

static int sim_remove(struct strata_fs *fs, const char *path)
{
    struct fs_sim_run run;
    int rc = fs_sim_begin(&run, fs, FS_CALL_REMOVE, path, NULL, false);

    if (rc == 0)
        rc = fs_sim_name_remove(run.sim, path, &run.record);
    return (int)fs_sim_end(&run, rc);
}

static int sim_mkdir(struct strata_fs *fs, const char *path)
{
    struct fs_sim_run run;
    int rc = fs_sim_begin(&run, fs, FS_CALL_MKDIR, path, NULL, true);

    if (rc == 0)
        rc = fs_sim_name_mkdir(run.sim, path, &run.record);
    return (int)fs_sim_end(&run, rc);
}

static int sim_list(struct strata_fs *fs, const char *path, struct fs_names *names)
{
    struct fs_sim_run run;
    uint32_t id;
    int rc = fs_sim_begin(&run, fs, FS_CALL_LIST, path, NULL, false);

    if (rc == 0)
        rc = fs_sim_name_directory(run.sim, path, &id);
    if (rc == 0) {
        const struct fs_sim_node *dir = run.sim->tree.nodes[id];
        for (size_t i = 0; i < dir->count && rc == 0; i++)
            rc = fs_names_add(names, dir->entries[i].name->string);
    }
    return (int)fs_sim_end(&run, rc);
}

static int sim_sync_dir(struct strata_fs *fs, const char *path)
{
    struct fs_sim_run run;
    int rc = fs_sim_begin(&run, fs, FS_CALL_SYNC_DIR, path, NULL, false);

    if (rc == 0)
        rc = fs_sim_name_directory(run.sim, path, &run.record.id);
    if (rc == 0)
        run.record.effect = FS_SIM_SYNCS_DIR;
    return (int)fs_sim_end(&run, rc);
}

/* ---- The whole ------------------------------------------------------------------------- */

static uint64_t sim_now(struct strata_fs *fs)
{
    struct fs_sim *sim = fs_sim_from(fs);
    uint64_t now;

    sync_lock(&sim->mutex);
    now = sim->clock_ns += FS_SIM_CALL_NS;
    sync_unlock(&sim->mutex);
    return now;
}

/* splitmix64 (Sebastiano Vigna) of how often it was asked: the same in every run, whatever other
 * calls were made. */
static uint64_t sim_random(struct strata_fs *fs)
{
    uint64_t z = (atomic_fetch_add(&fs_sim_from(fs)->draws, 1) + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t sim_boot(struct strata_fs *fs)
{
    return fs_sim_from(fs)->boot;
}

/* Few, so that tests with small segments have more files than that. */
static size_t sim_open_max(struct strata_fs *fs)
{
    (void)fs;
    return 16;
}

static void sim_free(struct strata_fs *fs)
{
    struct fs_sim *sim = fs_sim_from(fs);

    fs_sim_trace_free(&sim->trace);
    fs_sim_tree_free(&sim->tree);
    sync_mutex_free(&sim->mutex);
    free(sim);
}

static const struct fs_ops sim_ops = {
    .name = "sim",
    .open = sim_open,
    .read_at = sim_read_at,
    .append = sim_append,
    .write_at = sim_write_at,
    .sync = sim_sync,
    .truncate = sim_truncate,
    .allocate = sim_allocate,
    .size = sim_size,
    .links = sim_links,
    .map = sim_map,
    .unmap = sim_unmap,
    .close = sim_close,
    .rename = sim_rename,
    .link = sim_link,
    .remove = sim_remove,
    .mkdir = sim_mkdir,
    .list = sim_list,
    .sync_dir = sim_sync_dir,
    .lock = sim_lock,
    .now = sim_now,
    .random = sim_random,
    .boot = sim_boot,
    .free = sim_free,
    .open_max = sim_open_max,
};

struct fs_sim *fs_sim_without_tree(void)
{
    struct fs_sim *sim = calloc(1, sizeof *sim);
    if (!sim)
        return NULL;
    if (sync_mutex_init(&sim->mutex) != 0) {
        free(sim);
        return NULL;
    }
    sim->base.ops = &sim_ops;
    sim->base.ahead = AHEAD;
    sim->disk_bytes = DISK_BYTES;
    sim->boot = 1;
    return sim;
}

struct strata_fs *fs_sim_new(void)
{
    struct fs_sim *sim = fs_sim_without_tree();
    if (sim && fs_sim_tree_init(&sim->tree) < 0) {
        sim_free(&sim->base);
        return NULL;
    }
    return sim ? &sim->base : NULL;
}
