/* fs_sim_tree.h: directories and files of a simulated file system, as a table of nodes. Inside
 * fs_sim only; what the bytes are is fs_sim_bytes.h's. */
#ifndef STRATA_COMMON_FS_SIM_TREE_H
#define STRATA_COMMON_FS_SIM_TREE_H

#include "crash/sim/fs_sim_bytes.h"

#define FS_SIM_ROOT 0u
#define FS_SIM_NONE UINT32_MAX

struct fs_sim_entry {
    struct fs_sim_text *name;
    uint32_t id; /* the node of that name */
};

struct fs_sim_node {
    bool directory;
    bool exclusive;  /* locked so */
    unsigned shared; /* how many hold a shared lock */
    unsigned opens;  /* handles of it */
    unsigned links;  /* entries that name it */

    struct fs_sim_bytes bytes; /* of a file */
    bool overwritten;          /* its bytes were not only appended to while recording */

    struct fs_sim_entry *entries; /* of a directory, sorted by name */
    size_t count, capacity;
    uint32_t parent;
    uint64_t visited; /* tree->walks of the walk that was here last */
};

struct fs_sim_tree {
    struct fs_sim_node **nodes; /* by id; NULL where there is none */
    size_t count, capacity;
    uint64_t walks;
};

/* A tree with an empty root; ended by fs_sim_tree_free, after a failure too. */
int fs_sim_tree_init(struct fs_sim_tree *tree);
void fs_sim_tree_free(struct fs_sim_tree *tree);
/* A copy under the same ids, of the directories only if so asked; without handles and locks. */
int fs_sim_tree_copy(const struct fs_sim_tree *tree, bool only_directories,
                     struct fs_sim_tree *copy);

/* A node without a name. With a given id, which is free, or the next one. */
int fs_sim_tree_add(struct fs_sim_tree *tree, uint32_t id, bool directory);
int fs_sim_tree_new(struct fs_sim_tree *tree, bool directory, uint32_t *id);
/* Frees a node that has no name and no handle left. */
void fs_sim_tree_drop_unused(struct fs_sim_tree *tree, uint32_t id);

/* Entries of the directory `dir`. */
const struct fs_sim_entry *fs_sim_tree_find(const struct fs_sim_tree *tree, uint32_t dir,
                                            const char *name, size_t length);
/* Makes `name` mean `id`, whatever it meant; the old node stays. Shares the text. */
int fs_sim_tree_set(struct fs_sim_tree *tree, uint32_t dir, struct fs_sim_text *name, uint32_t id);
void fs_sim_tree_unset(struct fs_sim_tree *tree, uint32_t dir, const char *name);

/* One entry met on a walk. */
struct fs_sim_step {
    uint32_t dir, id;
    struct fs_sim_text *name;
    bool directory;
    uint64_t path_hash; /* of the whole path */
};
/* Calls `each` for every entry that can be reached from the root, a directory's before those
 * below it. A directory is met once, by whatever name. Stops at the first failure. */
int fs_sim_tree_walk(struct fs_sim_tree *tree,
                     int (*each)(void *arg, const struct fs_sim_step *step), void *arg);

/* A tree's hash is the sum, low and high apart, of this over its entries. */
struct fs_sim_hash fs_sim_tree_mix(uint64_t path_hash, bool directory, struct fs_sim_hash content);
void fs_sim_hash_add(struct fs_sim_hash *sum, struct fs_sim_hash more);

#endif
