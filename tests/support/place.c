/* place.c: see place.h. */
#include "test.h"

#include "check.h"
#include "fs_posix.h"
#include "place.h"
#include "subject.h"
#include "tmpdir.h"

#include <dirent.h>
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

static size_t open_files(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");

    if (!dir)
        return 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

struct fixture {
    struct place place; /* first: it is what the test sees */
    size_t open_files;  /* before the test */
};

int place_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (!fixture)
        return -1;
    place_init(&fixture->place);
    fixture->open_files = open_files();
    *state = &fixture->place;
    return 0;
}

int place_teardown(void **state)
{
    struct fixture *fixture = (struct fixture *)*state;
    size_t left = open_files() - fixture->open_files;

    place_free(&fixture->place);
    free(fixture);
    if (left)
        print_error("%zu files were left open\n", left);
    return left ? -1 : 0;
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
