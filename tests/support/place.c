/* place.c: see place.h. */
#include "test.h"

#include "check.h"
#include "fs_posix.h"
#include "place.h"
#include "subject.h"
#include "tmpdir.h"

#include <stdlib.h>

void place_init(struct place *place)
{
    place->fs = fs_posix_new();
    assert_non_null(place->fs);
    place->root = tmpdir_new();
    place->dir = tmpdir_path(place->root, "db");
}

void place_free(struct place *place)
{
    fs_free(place->fs);
    tmpdir_del(place->root);
    free(place->dir);
    *place = (struct place){0};
}

struct strata *place_open(struct place *place, bool create)
{
    struct strata_error err;
    struct strata *db;
    assert_ok(subject_open(place->fs, place->dir, create, &db, &err), &err);
    return db;
}

void place_close(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

struct strata_buffer place_read(const struct place *place, const char *name)
{
    char *path = tmpdir_path(place->root, "%s", name);
    struct strata_buffer bytes = {0};
    struct strata_error err;
    assert_ok(fs_read_file(place->fs, path, SIZE_MAX, &bytes, &err), &err);
    free(path);
    return bytes;
}

void place_write(const struct place *place, const char *name, struct strata_slice bytes)
{
    char *path = tmpdir_path(place->root, "%s", name);
    struct strata_error err;
    struct fs_file *file;
    assert_ok(fs_open(place->fs, path, FS_WRITE | FS_CREATE | FS_TRUNCATE, &file, &err), &err);
    assert_ok(fs_append(file, &bytes, 1, &err), &err);
    assert_ok(fs_close(file, &err), &err);
    free(path);
}
