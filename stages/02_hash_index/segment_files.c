/* segment_files.c: the descriptors of segments. A process may have some hundred files open, and a
 * database may have thousands of segments; so a closed segment's file is opened when it is read,
 * and stays open until others need the descriptor more (LevelDB: max_open_files; RocksDB: its
 * table cache). Which one is closed is found as by the second-chance clock: a hand goes round,
 * spares each file that was read since it last came by, and takes the first that was not.
 *
 * I1: a file is closed only while nobody uses it. A user first counts itself, then looks for the
 *     file; who closes first takes the file away, then looks for users. So one of the two sees
 *     the other, and a file that is open costs its reader no mutex.
 * I2: the file that is written to is not in the list and is never closed here.
 * I3: the list is longer than `limit` only while all files in it are in use.
 * I4: a segment that may be read has a name to be opened by, also when it was merged away and an
 *     iterator still reads it: NAME.log.old, until the iterator ends. That is there before its own
 *     goes. (Where there can be no second name, the file stays open.) */
#include "segment.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARE 4 /* one in so many of the files that a process may have open ... */
#define LEAST 8 /* ... but not fewer than this */
#define CLOSING (UINT_MAX / 2 + 1) /* added to `users` while the file is taken away */

struct segment_files {
    pthread_mutex_t mutex; /* guards the rest, and opening and closing */
    struct strata_fs *fs;
    struct segment **list; /* those with a file that may be closed */
    size_t count, capacity, limit, hand;
};

int segment_files_new(struct strata_fs *fs, struct segment_files **out, struct strata_error *err)
{
    struct segment_files *files = calloc(1, sizeof *files);

    if (!files || pthread_mutex_init(&files->mutex, NULL) != 0) {
        free(files);
        return strata_fail_memory(err, sizeof *files);
    }
    files->fs = fs;
    files->limit = fs_open_max(fs) / SHARE;
    if (files->limit < LEAST)
        files->limit = LEAST;
    *out = files;
    return 0;
}

void segment_files_del(struct segment_files *files)
{
    if (!files)
        return;
    pthread_mutex_destroy(&files->mutex);
    free(files->list);
    free(files);
}

/* ---- The list -------------------------------------------------------------------------- */

static int reserve(struct segment_files *files, struct strata_error *err)
{
    size_t capacity = files->capacity ? 2 * files->capacity : 8;
    struct segment **bigger;

    if (files->count < files->capacity)
        return 0;
    bigger = realloc(files->list, capacity * sizeof(struct segment *));
    if (!bigger)
        return strata_fail_memory(err, capacity * sizeof(struct segment *));
    files->list = bigger;
    files->capacity = capacity;
    return 0;
}

static void add(struct segment_files *files, struct segment *segment)
{
    segment->listed = true;
    segment->slot = files->count;
    files->list[files->count++] = segment;
}

static void drop(struct segment_files *files, struct segment *segment)
{
    struct segment *last = files->list[--files->count];

    files->list[segment->slot] = last;
    last->slot = segment->slot;
    segment->listed = false;
}

/* I1. The file that nobody uses any more, or NULL: somebody does. */
static struct fs_file *take_file(struct segment *segment)
{
    unsigned nobody = 0;
    struct fs_file *file;

    if (!atomic_compare_exchange_strong(&segment->users, &nobody, CLOSING))
        return NULL;
    file = atomic_exchange(&segment->file, NULL);
    atomic_fetch_sub(&segment->users, CLOSING);
    return file;
}

/* Closes one file; false: all are in use. A file that was only read loses nothing. */
static bool close_one(struct segment_files *files)
{
    for (size_t steps = 2 * files->count; steps > 0; steps--, files->hand++) {
        struct segment *segment;
        struct fs_file *file;

        if (files->hand >= files->count)
            files->hand = 0;
        segment = files->list[files->hand];
        if (atomic_exchange(&segment->recent, false) || !(file = take_file(segment)))
            continue;
        drop(files, segment);
        fs_close(file, NULL);
        return true;
    }
    return false;
}

static int open_again(struct segment_files *files, struct segment *segment,
                      struct strata_error *err)
{
    struct strata_error why;
    struct fs_file *file;
    int rc;

    while (files->count >= files->limit && close_one(files))
        ;
    rc = reserve(files, err);
    if (rc < 0)
        return rc;
    do /* others may have taken what descriptors there are: an idle one of ours is given back */
        rc = fs_open(files->fs, segment->aside ? segment->aside : segment->path, FS_READ, &file,
                     &why);
    while (rc < 0 && (why.sys == EMFILE || why.sys == ENFILE) && close_one(files));
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    add(files, segment);
    atomic_store(&segment->file, file);
    return 0;
}

/* ---- Users ----------------------------------------------------------------------------- */

int segment_use(const struct segment *segment, struct strata_error *err)
{
    /* whether its file is open is no part of what a segment is: readers have it const */
    struct segment *s = (struct segment *)(uintptr_t)segment;
    int rc = 0;

    if (atomic_fetch_add(&s->users, 1) >= CLOSING || !atomic_load(&s->file)) {
        pthread_mutex_lock(&s->files->mutex);
        if (!atomic_load(&s->file))
            rc = open_again(s->files, s, err);
        pthread_mutex_unlock(&s->files->mutex);
    }
    if (rc < 0)
        segment_done(segment);
    else if (!atomic_load_explicit(&s->recent, memory_order_relaxed))
        atomic_store_explicit(&s->recent, true, memory_order_relaxed);
    return rc;
}

void segment_done(const struct segment *segment)
{
    atomic_fetch_sub(&((struct segment *)(uintptr_t)segment)->users, 1);
}

/* The file stays open: where it cannot have another name. */
static int hold(struct segment_files *files, struct segment *segment, struct strata_error *err)
{
    int rc = segment->file ? 0 : open_again(files, segment, err);
    if (rc == 0 && segment->listed)
        drop(files, segment);
    return rc;
}

int segment_set_aside(struct segment *segment, struct strata_error *err)
{
    struct segment_files *files = segment->files;
    size_t size = strlen(segment->path) + sizeof ".old";
    char *path = malloc(size);
    int rc = 0;

    if (!path)
        return strata_fail_memory(err, size);
    snprintf(path, size, "%s.old", segment->path);
    pthread_mutex_lock(&files->mutex);
    if (!segment->aside && fs_link(files->fs, segment->path, path, NULL) == 0) {
        segment->aside = path;
        path = NULL;
    } else if (!segment->aside) { /* another one has it, or there are no links here */
        rc = hold(files, segment, err);
    }
    pthread_mutex_unlock(&files->mutex);
    free(path);
    return rc;
}

int segment_retire(struct segment *segment, struct strata_error *err)
{
    struct segment_files *files = segment->files;
    struct fs_file *file;
    int rc = 0;

    pthread_mutex_lock(&files->mutex);
    if (!segment->listed && segment->file) {
        file = take_file(segment);
        if (file)
            rc = fs_close(file, err);
        else if (reserve(files, NULL) == 0)
            add(files, segment); /* in use, or else it just stays open */
    }
    pthread_mutex_unlock(&files->mutex);
    return rc;
}

int segment_close_file(struct segment *segment, struct strata_error *err)
{
    struct segment_files *files = segment->files;
    struct fs_file *file;
    int rc;

    pthread_mutex_lock(&files->mutex);
    if (segment->listed)
        drop(files, segment);
    file = atomic_exchange(&segment->file, NULL);
    pthread_mutex_unlock(&files->mutex);
    rc = fs_close(file, err);
    if (segment->obsolete)
        fs_remove(files->fs, segment->path, NULL); /* else the next open removes it */
    if (segment->aside)
        fs_remove(files->fs, segment->aside, NULL); /* likewise */
    free(segment->aside);
    return rc;
}
