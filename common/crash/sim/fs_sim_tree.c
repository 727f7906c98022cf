/* fs_sim_tree.c: the table of nodes.
 *
 *     id     0 (root)        1 (db)             2           3
 *     node   directory       directory          file        file
 *            "db" -> 1       "a.log" -> 2       bytes       bytes
 *                            "marker" -> 3
 *
 * Ids, not pointers, so that a copy of the table is a copy of the tree, and so that a record in
 * a trace means the same node in every copy.
 *
 * I1: ids are never used twice.
 * I2: a node's `links` is the number of entries in the tree that have its id.
 * I3: entries are sorted by name, as unsigned bytes, each name once. */
#include "crash/sim/fs_sim_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static int reserve_nodes(struct fs_sim_tree *tree, size_t count)
{
    size_t capacity = tree->capacity ? tree->capacity : 8;
    struct fs_sim_node **nodes;

    if (count <= tree->capacity)
        return 0;
    while (capacity < count)
        capacity *= 2;
    nodes = realloc(tree->nodes, capacity * sizeof(*nodes));
    if (!nodes)
        return -ENOMEM;
    tree->nodes = nodes;
    tree->capacity = capacity;
    return 0;
}

int fs_sim_tree_add(struct fs_sim_tree *tree, uint32_t id, bool directory)
{
    int rc = reserve_nodes(tree, (size_t)id + 1);
    struct fs_sim_node *node = rc == 0 ? calloc(1, sizeof *node) : NULL;

    if (!node)
        return -ENOMEM;
    while (tree->count <= id)
        tree->nodes[tree->count++] = NULL;
    node->directory = directory;
    tree->nodes[id] = node;
    return 0;
}

int fs_sim_tree_new(struct fs_sim_tree *tree, bool directory, uint32_t *id)
{
    *id = (uint32_t)tree->count; /* I1 */
    return tree->count < FS_SIM_NONE ? fs_sim_tree_add(tree, *id, directory) : -ENOSPC;
}

static void free_node(struct fs_sim_node *node)
{
    for (size_t i = 0; i < node->count; i++)
        fs_sim_text_release(node->entries[i].name);
    free(node->entries);
    fs_sim_bytes_free(&node->bytes);
    free(node);
}

void fs_sim_tree_drop_unused(struct fs_sim_tree *tree, uint32_t id)
{
    struct fs_sim_node *node = tree->nodes[id];
    if (id == FS_SIM_ROOT || node->links || node->opens)
        return;
    free_node(node);
    tree->nodes[id] = NULL;
}

int fs_sim_tree_init(struct fs_sim_tree *tree)
{
    *tree = (struct fs_sim_tree){0};
    return fs_sim_tree_add(tree, FS_SIM_ROOT, true);
}

void fs_sim_tree_free(struct fs_sim_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->nodes[i])
            free_node(tree->nodes[i]);
    free(tree->nodes);
    *tree = (struct fs_sim_tree){0};
}

static int copy_node(const struct fs_sim_node *from, struct fs_sim_node *to)
{
    to->links = from->links;
    to->parent = from->parent;
    to->bytes = fs_sim_bytes_share(&from->bytes);
    if (from->count == 0)
        return 0;
    to->entries = malloc(from->count * sizeof *to->entries);
    if (!to->entries)
        return -ENOMEM;
    to->capacity = to->count = from->count;
    for (size_t i = 0; i < from->count; i++) {
        to->entries[i].id = from->entries[i].id;
        to->entries[i].name = fs_sim_text_share(from->entries[i].name);
    }
    return 0;
}

int fs_sim_tree_copy(const struct fs_sim_tree *tree, bool only_directories,
                     struct fs_sim_tree *copy)
{
    int rc;

    *copy = (struct fs_sim_tree){0};
    rc = reserve_nodes(copy, tree->count);
    for (size_t i = 0; i < tree->count && rc == 0; i++) {
        const struct fs_sim_node *node = tree->nodes[i];
        copy->nodes[copy->count++] = NULL;
        if (!node || (only_directories && !node->directory))
            continue;
        rc = fs_sim_tree_add(copy, (uint32_t)i, node->directory);
        if (rc == 0)
            rc = copy_node(node, copy->nodes[i]);
    }
    return rc;
}

/* ---- Entries --------------------------------------------------------------------------- */

static int compare(const char *name, size_t length, const char *string)
{
    int order = strncmp(name, string, length);
    return order ? order : string[length] ? -1 : 0;
}

/* Where `name` is, or would be put in. */
static size_t position(const struct fs_sim_node *dir, const char *name, size_t length, bool *found)
{
    size_t low = 0, high = dir->count;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(name, length, dir->entries[middle].name->string);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

const struct fs_sim_entry *fs_sim_tree_find(const struct fs_sim_tree *tree, uint32_t dir,
                                            const char *name, size_t length)
{
    bool found;
    size_t at = position(tree->nodes[dir], name, length, &found);
    return found ? &tree->nodes[dir]->entries[at] : NULL;
}

static int reserve_entry(struct fs_sim_node *dir)
{
    size_t capacity = dir->capacity ? 2 * dir->capacity : 4;
    struct fs_sim_entry *entries;

    if (dir->count < dir->capacity)
        return 0;
    entries = realloc(dir->entries, capacity * sizeof *entries);
    if (!entries)
        return -ENOMEM;
    dir->entries = entries;
    dir->capacity = capacity;
    return 0;
}

/* I2; of a tree of directories only, there are no files to count for. */
static void add_links(struct fs_sim_tree *tree, uint32_t id, unsigned more)
{
    if (tree->nodes[id])
        tree->nodes[id]->links += more;
}

int fs_sim_tree_set(struct fs_sim_tree *tree, uint32_t dir, struct fs_sim_text *name, uint32_t id)
{
    struct fs_sim_node *in = tree->nodes[dir];
    bool found;
    size_t at = position(in, name->string, strlen(name->string), &found);

    if (!found && reserve_entry(in) < 0)
        return -ENOMEM;
    if (found) {
        add_links(tree, in->entries[at].id, -1u);
    } else {
        if (at < in->count)
            memmove(&in->entries[at + 1], &in->entries[at], (in->count - at) * sizeof *in->entries);
        in->entries[at].name = fs_sim_text_share(name);
        in->count++;
    }
    in->entries[at].id = id;
    add_links(tree, id, 1);
    if (tree->nodes[id] && tree->nodes[id]->directory)
        tree->nodes[id]->parent = dir;
    return 0;
}

void fs_sim_tree_unset(struct fs_sim_tree *tree, uint32_t dir, const char *name)
{
    struct fs_sim_node *in = tree->nodes[dir];
    bool found;
    size_t at = position(in, name, strlen(name), &found);

    if (!found)
        return;
    add_links(tree, in->entries[at].id, -1u);
    fs_sim_text_release(in->entries[at].name);
    in->count--;
    memmove(&in->entries[at], &in->entries[at + 1], (in->count - at) * sizeof *in->entries);
}

/* ---- Walking --------------------------------------------------------------------------- */

struct walk {
    struct fs_sim_tree *tree;
    int (*each)(void *arg, const struct fs_sim_step *step);
    void *arg;
};

static int walk_directory(struct walk *walk, uint32_t id, uint64_t path_hash)
{
    const struct fs_sim_node *dir = walk->tree->nodes[id];
    int rc = 0;

    for (size_t i = 0; i < dir->count && rc == 0; i++) {
        struct fs_sim_text *name = dir->entries[i].name;
        struct fs_sim_node *node = walk->tree->nodes[dir->entries[i].id];
        struct fs_sim_step step = {id, dir->entries[i].id, name, node && node->directory, 0};

        if (step.directory && node->visited == walk->tree->walks)
            continue;
        if (step.directory)
            node->visited = walk->tree->walks;
        step.path_hash = XXH3_64bits_withSeed(name->string, strlen(name->string), path_hash);
        rc = walk->each(walk->arg, &step);
        if (rc == 0 && step.directory)
            rc = walk_directory(walk, step.id, step.path_hash);
    }
    return rc;
}

int fs_sim_tree_walk(struct fs_sim_tree *tree,
                     int (*each)(void *arg, const struct fs_sim_step *step), void *arg)
{
    struct walk walk = {tree, each, arg};
    tree->walks++;
    tree->nodes[FS_SIM_ROOT]->visited = tree->walks;
    return walk_directory(&walk, FS_SIM_ROOT, 0);
}

struct fs_sim_hash fs_sim_tree_mix(uint64_t path_hash, bool directory, struct fs_sim_hash content)
{
    uint64_t words[4] = {path_hash, directory, content.low, content.high};
    XXH128_hash_t hash = XXH3_128bits(words, sizeof words);
    return (struct fs_sim_hash){hash.low64, hash.high64};
}

void fs_sim_hash_add(struct fs_sim_hash *sum, struct fs_sim_hash more)
{
    sum->low += more.low;
    sum->high += more.high;
}
