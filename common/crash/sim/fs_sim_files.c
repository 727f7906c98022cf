/* fs_sim_files.c: what a test does to a simulated file system besides calling it: copies, puts
 * files in and takes them out, lists, hashes, marks, counts. */
#include "base/bytes.h"
#include "crash/sim/fs_sim_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct fs_sim *locked(struct strata_fs *fs)
{
    struct fs_sim *sim = fs_sim_from(fs);
    sync_lock(&sim->mutex);
    return sim;
}

static int unlocked(struct fs_sim *sim, int rc)
{
    sync_unlock(&sim->mutex);
    return rc;
}

/* ---- Copies ---------------------------------------------------------------------------- */

/* Removed files that someone still had open are not in a copy. */
static void settle(struct fs_sim *sim)
{
    for (size_t i = 1; i < sim->tree.count; i++) {
        const struct fs_sim_node *node = sim->tree.nodes[i];
        if (!node)
            continue;
        sim->used_bytes += node->bytes.size;
        fs_sim_let_go(sim, (uint32_t)i);
    }
}

struct strata_fs *fs_sim_copy(struct strata_fs *fs)
{
    struct fs_sim *copy = fs_sim_without_tree(), *sim;
    int rc;

    if (!copy)
        return NULL;
    sim = locked(fs);
    copy->clock_ns = sim->clock_ns;
    copy->boot = sim->boot;
    copy->disk_bytes = sim->disk_bytes;
    rc = fs_sim_tree_copy(&sim->tree, false, &copy->tree);
    unlocked(sim, 0);
    if (rc < 0) {
        fs_free(&copy->base);
        return NULL;
    }
    settle(copy);
    return &copy->base;
}

/* ---- Files put in and taken out -------------------------------------------------------- */

static int make_directory_if_missing(struct fs_sim *sim, const char *path, size_t length)
{
    struct fs_sim_record record = {0};
    char *directory = strndup(path, length);
    int rc = directory ? fs_sim_name_mkdir(sim, directory, &record) : -ENOMEM;

    fs_sim_record_free(&record);
    free(directory);
    return rc == -EEXIST ? 0 : rc; /* if it is a file, the next step says so */
}

/* Makes each directory that `path` names before a slash. */
static int make_directories(struct fs_sim *sim, const char *path)
{
    const char *slash = strchr(path + strspn(path, "/"), '/');
    int rc = 0;

    for (; slash && rc == 0; slash = strchr(slash + 1, '/'))
        rc = make_directory_if_missing(sim, path, (size_t)(slash - path));
    return rc;
}

static int put(struct fs_sim *sim, const char *path, struct strata_slice bytes)
{
    struct fs_sim_record record = {0};
    struct fs_sim_bytes content = {0};
    uint32_t id;
    int rc = sim->recording ? -EBUSY : make_directories(sim, path);

    if (rc == 0)
        rc = fs_sim_bytes_write(&content, 0, bytes.data, bytes.size);
    if (rc == 0)
        rc = fs_sim_name_open(sim, path, FS_WRITE | FS_CREATE | FS_TRUNCATE, &id, &record);
    fs_sim_record_free(&record);
    if (rc < 0) {
        fs_sim_bytes_free(&content);
        return rc;
    }
    fs_sim_bytes_free(&sim->tree.nodes[id]->bytes);
    sim->tree.nodes[id]->bytes = content;
    sim->used_bytes += content.size;
    return 0;
}

int fs_sim_put(struct strata_fs *fs, const char *path, struct strata_slice bytes)
{
    struct fs_sim *sim = locked(fs);
    return unlocked(sim, put(sim, path, bytes));
}

static int put_directory(struct fs_sim *sim, const char *path)
{
    int rc = sim->recording ? -EBUSY : make_directories(sim, path);
    uint32_t id;

    if (rc == 0)
        rc = make_directory_if_missing(sim, path, strlen(path));
    return rc < 0 ? rc : fs_sim_name_directory(sim, path, &id);
}

int fs_sim_put_directory(struct strata_fs *fs, const char *path)
{
    struct fs_sim *sim = locked(fs);
    return unlocked(sim, put_directory(sim, path));
}

static int get(struct fs_sim *sim, const char *path, struct strata_buffer *to)
{
    struct fs_sim_record record = {0};
    const struct fs_sim_bytes *bytes;
    uint32_t id;
    int rc = fs_sim_name_open(sim, path, FS_READ, &id, &record);

    if (rc < 0)
        return rc;
    bytes = &sim->tree.nodes[id]->bytes;
    if (bytes->size > SIZE_MAX || buffer_reserve(to, (size_t)bytes->size) < 0)
        return -ENOMEM;
    to->size = bytes->size ? fs_sim_bytes_read(bytes, 0, to->data, (size_t)bytes->size) : 0;
    return 0;
}

int fs_sim_get(struct strata_fs *fs, const char *path, struct strata_buffer *to)
{
    struct fs_sim *sim = locked(fs);
    strata_buffer_clear(to);
    return unlocked(sim, get(sim, path, to));
}

/* ---- The whole tree -------------------------------------------------------------------- */

static int add_path(struct fs_names *paths, const char *path, bool directory)
{
    char *slashed;
    int rc;

    if (!directory)
        return fs_names_add(paths, path);
    slashed = fs_join(path, "");
    rc = slashed ? fs_names_add(paths, slashed) : -ENOMEM;
    free(slashed);
    return rc;
}

static int add_paths_below(const struct fs_sim_tree *tree, uint32_t id, const char *above,
                           struct fs_names *paths)
{
    const struct fs_sim_node *dir = tree->nodes[id];
    int rc = 0;

    for (size_t i = 0; i < dir->count && rc == 0; i++) {
        const char *name = dir->entries[i].name->string;
        char *path = above ? fs_join(above, name) : strdup(name);
        uint32_t below = dir->entries[i].id;
        bool directory = tree->nodes[below]->directory;

        rc = path ? add_path(paths, path, directory) : -ENOMEM;
        if (rc == 0 && directory)
            rc = add_paths_below(tree, below, path, paths);
        free(path);
    }
    return rc;
}

static int paths_below(struct fs_sim *sim, const char *dir, struct fs_names *paths)
{
    uint32_t id;
    int rc = fs_sim_name_directory(sim, dir, &id);
    return rc < 0 ? rc : add_paths_below(&sim->tree, id, NULL, paths);
}

int fs_sim_paths(struct strata_fs *fs, const char *dir, struct fs_names *paths)
{
    struct fs_sim *sim = locked(fs);
    *paths = (struct fs_names){0};
    return unlocked(sim, paths_below(sim, dir, paths));
}

struct hashing {
    struct fs_sim_tree *tree;
    struct fs_sim_hash sum;
};

static int hash_step(void *arg, const struct fs_sim_step *step)
{
    struct hashing *hashing = arg;
    struct fs_sim_hash content = {0, 0};

    if (!step->directory)
        content = fs_sim_bytes_hash(&hashing->tree->nodes[step->id]->bytes);
    fs_sim_hash_add(&hashing->sum, fs_sim_tree_mix(step->path_hash, step->directory, content));
    return 0;
}

struct fs_sim_hash fs_sim_hash_of(struct strata_fs *fs)
{
    struct fs_sim *sim = locked(fs);
    struct hashing hashing = {&sim->tree, {0, 0}};

    fs_sim_tree_walk(&sim->tree, hash_step, &hashing);
    unlocked(sim, 0);
    return hashing.sum;
}

/* ---- Counters, the clock, the disk ----------------------------------------------------- */

size_t fs_sim_open_files(struct strata_fs *fs)
{
    struct fs_sim *sim = locked(fs);
    size_t count = sim->open_files;
    unlocked(sim, 0);
    return count;
}

uint64_t fs_sim_calls(struct strata_fs *fs)
{
    struct fs_sim *sim = locked(fs);
    uint64_t calls = sim->calls;
    unlocked(sim, 0);
    return calls;
}

void fs_sim_restart(struct strata_fs *fs)
{
    struct fs_sim *sim = locked(fs);
    sim->boot++;
    unlocked(sim, 0);
}

void fs_sim_advance(struct strata_fs *fs, uint64_t ns)
{
    struct fs_sim *sim = locked(fs);
    sim->clock_ns += ns;
    unlocked(sim, 0);
}

void fs_sim_set_disk(struct strata_fs *fs, uint64_t bytes)
{
    struct fs_sim *sim = locked(fs);
    sim->disk_bytes = bytes;
    unlocked(sim, 0);
}

/* ---- Recording ------------------------------------------------------------------------- */

int fs_sim_record(struct strata_fs *fs)
{
    struct fs_sim *sim = locked(fs);
    struct fs_sim_trace trace;
    int rc = fs_sim_trace_init(&trace, &sim->tree);

    if (rc == 0)
        rc = fs_sim_trace_reserve(&trace, sim->open_files + 2); /* fs_sim.c, I2 */
    if (rc < 0) {
        fs_sim_trace_free(&trace);
        return unlocked(sim, rc);
    }
    fs_sim_trace_free(&sim->trace);
    sim->trace = trace;
    sim->trace.marks = sim->marks;
    sim->recording = sim->has_trace = true;
    return unlocked(sim, 0);
}

void fs_sim_record_stop(struct strata_fs *fs)
{
    struct fs_sim *sim = locked(fs);
    sim->recording = false;
    unlocked(sim, 0);
}

static int mark(struct strata_fs *fs, enum fs_sim_record_kind kind, uint64_t n, bool synced)
{
    struct fs_sim *sim = locked(fs);
    struct fs_sim_record record = {.kind = kind, .n = n, .synced = synced};
    int rc = 0;

    fs_sim_marks_take(&sim->marks, &record);
    if (sim->recording) {
        rc = fs_sim_trace_reserve(&sim->trace, sim->open_files + 2);
        if (rc == 0)
            fs_sim_trace_push(&sim->trace, &record);
    }
    return unlocked(sim, rc);
}

int fs_sim_start(struct strata_fs *fs, uint64_t n)
{
    return mark(fs, FS_SIM_START, n, false);
}

int fs_sim_ack(struct strata_fs *fs, uint64_t n, bool synced)
{
    return mark(fs, FS_SIM_ACK, n, synced);
}

uint64_t fs_sim_trace_calls(struct strata_fs *fs)
{
    struct fs_sim *sim = locked(fs);
    uint64_t calls = sim->trace.calls;
    unlocked(sim, 0);
    return calls;
}

/* The record of call `number`, by halves; the marks before a call have its number too. */
static const struct fs_sim_record *find_call(const struct fs_sim_trace *trace, uint64_t number)
{
    size_t low = 0, high = trace->count;

    if (number == 0 || number > trace->calls)
        return NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct fs_sim_record *record = &trace->records[middle];
        if (record->call_number < number ||
            (record->call_number == number && record->kind != FS_SIM_CALL))
            low = middle + 1;
        else
            high = middle;
    }
    return &trace->records[low];
}

int fs_sim_trace_call(struct strata_fs *fs, uint64_t number, struct fs_sim_call *call)
{
    struct fs_sim *sim = locked(fs);
    const struct fs_sim_record *record = find_call(&sim->trace, number);

    if (!record)
        return unlocked(sim, -EINVAL);
    *call = (struct fs_sim_call){
        .kind = record->call,
        .path = record->path ? record->path->string : "",
        .to = record->to ? record->to->string : "",
        .offset = record->offset,
        .size = record->size,
        .result = record->result,
        .site = record->site,
    };
    return unlocked(sim, 0);
}
