/* fs_sim_names.c: paths, and the calls that change directories, with the answers of Linux.
 *
 * A path is followed from the root, "." and ".." on the way; there are no symbolic links. The
 * result (struct place) is a directory, a name in it, and the node of that name, if there is one.
 * I1: a call that returns < 0 changed nothing and noted nothing in the record. */
#include "crash/sim/fs_sim_inside.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define NAME_BYTES_MAX 255
#define PATH_BYTES_MAX 4096 /* with the NUL */

struct place {
    uint32_t dir;
    const char *name; /* NULL: the path ends in "/", "." or ".." and leads to directory `id` */
    size_t length;
    uint32_t id; /* or FS_SIM_NONE */
    bool slash;  /* "name/": only a directory will do */
};

void fs_sim_let_go(struct fs_sim *sim, uint32_t id)
{
    const struct fs_sim_node *node = sim->tree.nodes[id];
    if (node->links || node->opens)
        return;
    sim->used_bytes -= node->bytes.size;
    fs_sim_tree_drop_unused(&sim->tree, id);
}

static bool is_directory(const struct fs_sim_tree *tree, uint32_t id)
{
    return tree->nodes[id]->directory;
}

/* Moves `place` to the next component of the path. */
static int step(const struct fs_sim_tree *tree, struct place *place, const char *name,
                size_t length)
{
    const struct fs_sim_entry *entry;

    if (place->id == FS_SIM_NONE)
        return -ENOENT;
    if (!is_directory(tree, place->id))
        return -ENOTDIR;
    if (length > NAME_BYTES_MAX)
        return -ENAMETOOLONG;
    place->name = NULL;
    if (length == 1 && name[0] == '.')
        return 0;
    if (length == 2 && name[0] == '.' && name[1] == '.') {
        place->id = tree->nodes[place->id]->parent;
        return 0;
    }
    place->dir = place->id;
    place->name = name;
    place->length = length;
    entry = fs_sim_tree_find(tree, place->dir, name, length);
    place->id = entry ? entry->id : FS_SIM_NONE;
    return 0;
}

static int follow(const struct fs_sim_tree *tree, const char *path, struct place *place)
{
    int rc = 0;

    *place = (struct place){.id = FS_SIM_ROOT};
    if (!*path)
        return -ENOENT;
    if (strlen(path) >= PATH_BYTES_MAX)
        return -ENAMETOOLONG;
    path += strspn(path, "/");
    while (*path && rc == 0) {
        size_t length = strcspn(path, "/");
        rc = step(tree, place, path, length);
        path += length;
        place->slash = *path == '/';
        path += strspn(path, "/");
    }
    return rc;
}

/* Follows a path to what is there. */
static int follow_existing(const struct fs_sim_tree *tree, const char *path, struct place *place)
{
    int rc = follow(tree, path, place);
    if (rc < 0)
        return rc;
    if (place->id == FS_SIM_NONE)
        return -ENOENT;
    return place->slash && !is_directory(tree, place->id) ? -ENOTDIR : 0;
}

int fs_sim_name_directory(const struct fs_sim *sim, const char *path, uint32_t *id)
{
    struct place place;
    int rc = follow_existing(&sim->tree, path, &place);
    if (rc < 0)
        return rc;
    *id = place.id;
    return is_directory(&sim->tree, place.id) ? 0 : -ENOTDIR;
}

/* ---- Changes --------------------------------------------------------------------------- */

static void note_change(struct fs_sim_record *record, uint32_t dir, struct fs_sim_text *name,
                        uint32_t id)
{
    record->changes[record->change_count++] = (struct fs_sim_change){dir, id, name};
}

/* Gives node `id` the name of the place. */
static int set(struct fs_sim *sim, const struct place *place, uint32_t id,
               struct fs_sim_record *record)
{
    struct fs_sim_text *name = fs_sim_text_new(place->name, place->length);
    int rc = name ? fs_sim_tree_set(&sim->tree, place->dir, name, id) : -ENOMEM;

    if (rc < 0) {
        fs_sim_text_release(name);
        return rc;
    }
    if (place->id != FS_SIM_NONE)
        fs_sim_let_go(sim, place->id); /* what had the name before */
    note_change(record, place->dir, name, id);
    return 0;
}

/* Takes the name of the place away; this cannot fail. */
static void unset(struct fs_sim *sim, const struct place *place, struct fs_sim_record *record)
{
    const struct fs_sim_entry *entry =
        fs_sim_tree_find(&sim->tree, place->dir, place->name, place->length);
    struct fs_sim_text *name = fs_sim_text_share(entry->name);

    fs_sim_tree_unset(&sim->tree, place->dir, name->string);
    note_change(record, place->dir, name, FS_SIM_NONE);
}

/* A new node at the place. */
static int make(struct fs_sim *sim, const struct place *place, bool directory, uint32_t *id,
                struct fs_sim_record *record)
{
    int rc = fs_sim_tree_new(&sim->tree, directory, id);
    if (rc < 0)
        return rc;
    rc = set(sim, place, *id, record);
    if (rc < 0) {
        fs_sim_let_go(sim, *id);
        return rc;
    }
    record->makes_directory = directory;
    record->makes_file = !directory;
    return 0;
}

static void empty_file(struct fs_sim *sim, uint32_t id, struct fs_sim_record *record)
{
    struct fs_sim_node *node = sim->tree.nodes[id];

    if (node->bytes.size == 0)
        return;
    sim->used_bytes -= node->bytes.size;
    fs_sim_bytes_resize(&node->bytes, 0);
    record->effect = FS_SIM_RESIZES;
    record->id = id;
    record->size = 0;
}

int fs_sim_name_open(struct fs_sim *sim, const char *path, unsigned flags, uint32_t *id,
                     struct fs_sim_record *record)
{
    struct place place;
    int rc = follow(&sim->tree, path, &place);

    if (rc < 0)
        return rc;
    if (flags & FS_CREATE && place.slash && place.name)
        return -EISDIR;
    if (place.id == FS_SIM_NONE)
        return flags & FS_CREATE ? make(sim, &place, false, id, record) : -ENOENT;
    if (flags & FS_CREATE && flags & FS_EXCLUSIVE)
        return -EEXIST;
    if (is_directory(&sim->tree, place.id))
        return -EISDIR;
    if (place.slash)
        return -ENOTDIR;
    *id = place.id;
    if (flags & FS_TRUNCATE)
        empty_file(sim, *id, record);
    return 0;
}

int fs_sim_name_mkdir(struct fs_sim *sim, const char *path, struct fs_sim_record *record)
{
    struct place place;
    uint32_t id;
    int rc = follow(&sim->tree, path, &place);

    if (rc < 0)
        return rc;
    return place.id != FS_SIM_NONE ? -EEXIST : make(sim, &place, true, &id, record);
}

int fs_sim_name_remove(struct fs_sim *sim, const char *path, struct fs_sim_record *record)
{
    struct place place;
    int rc = follow_existing(&sim->tree, path, &place);

    if (rc < 0)
        return rc;
    if (is_directory(&sim->tree, place.id))
        return -EISDIR;
    unset(sim, &place, record);
    fs_sim_let_go(sim, place.id);
    return 0;
}

int fs_sim_name_link(struct fs_sim *sim, const char *from, const char *to,
                     struct fs_sim_record *record)
{
    struct place old, place;
    int rc = follow_existing(&sim->tree, from, &old);

    if (rc == 0)
        rc = follow(&sim->tree, to, &place);
    if (rc < 0)
        return rc;
    if (place.id != FS_SIM_NONE)
        return -EEXIST;
    if (place.slash)
        return -ENOENT;
    if (is_directory(&sim->tree, old.id))
        return -EPERM;
    return set(sim, &place, old.id, record);
}

/* Whether directory `above` is `dir` or holds it, at any depth. */
static bool holds(const struct fs_sim_tree *tree, uint32_t above, uint32_t dir)
{
    while (dir != above && dir != FS_SIM_ROOT)
        dir = tree->nodes[dir]->parent;
    return dir == above;
}

/* What Linux says of a rename, in its order. */
static int may_rename(const struct fs_sim_tree *tree, const struct place *from,
                      const struct place *to)
{
    bool directory = is_directory(tree, from->id);

    if (!directory && to->slash)
        return -ENOTDIR;
    if (directory && holds(tree, from->id, to->dir))
        return -EINVAL;
    if (to->id == FS_SIM_NONE || to->id == from->id)
        return 0;
    if (is_directory(tree, to->id) && holds(tree, to->id, from->dir))
        return -ENOTEMPTY;
    if (directory != is_directory(tree, to->id))
        return directory ? -ENOTDIR : -EISDIR;
    return directory && tree->nodes[to->id]->count ? -ENOTEMPTY : 0;
}

int fs_sim_name_rename(struct fs_sim *sim, const char *from, const char *to,
                       struct fs_sim_record *record)
{
    struct place old, place;
    int rc = follow(&sim->tree, from, &old);

    if (rc == 0)
        rc = follow(&sim->tree, to, &place);
    if (rc < 0)
        return rc;
    if (!old.name || !place.name)
        return -EBUSY;
    rc = follow_existing(&sim->tree, from, &old);
    if (rc == 0)
        rc = may_rename(&sim->tree, &old, &place);
    if (rc < 0 || place.id == old.id)
        return rc; /* two names of one file: nothing happens */
    rc = set(sim, &place, old.id, record);
    if (rc == 0)
        unset(sim, &old, record);
    return rc;
}
