/* place.c: see place.h. */
#include "test.h"

#include "check.h"
#include "fs/fs_posix.h"
#include "crash/sim/fs_sim.h"
#include "db/marker.h"
#include "place.h"
#include "crash/subject.h"
#include "tmpdir.h"
#include "trace.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void place_init(struct place *place)
{
    place->fs = fs_posix_new();
    assert_non_null(place->fs);
    place->root = tmpdir_new();
    place->dir = tmpdir_path(place->root, "db");
}

void place_init_sim(struct place *place)
{
    struct strata_error err;
    place->fs = fs_sim_new();
    assert_non_null(place->fs);
    place->root = strdup("/place");
    assert_non_null(place->root);
    assert_ok(fs_mkdir(place->fs, place->root, &err), &err);
    place->dir = tmpdir_path(place->root, "db");
}

static bool is_simulated(const struct place *place)
{
    return strcmp(place->fs->ops->name, "posix") != 0;
}

void place_free(struct place *place)
{
    if (is_simulated(place))
        free(place->root);
    else
        tmpdir_del(place->root);
    fs_free(place->fs);
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

static int setup(void **state, void (*init)(struct place *place))
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (!fixture)
        return -1;
    init(&fixture->place);
    fixture->open_files = open_files();
    *state = &fixture->place;
    return 0;
}

int place_setup(void **state)
{
    return setup(state, place_init);
}

int place_setup_sim(void **state)
{
    return setup(state, place_init_sim);
}

int place_teardown(void **state)
{
    struct fixture *fixture = (struct fixture *)*state;
    struct strata_fs *fs = fixture->place.fs;
    size_t left =
        is_simulated(&fixture->place) ? fs_sim_open_files(fs) : open_files() - fixture->open_files;

    trace_disk(fs, fixture->place.dir);
    if (left)
        print_error("%zu files were left open (by the test, if it failed)\n", left);
    if (!left || !is_simulated(&fixture->place)) /* fs_sim wants them closed before it goes */
        place_free(&fixture->place);
    free(fixture);
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

/* ---- For tests of opening ------------------------------------------------------------------ */

void place_refused(const char *dir, const struct strata_options *options, int code,
                   struct strata_error *err)
{
    int unset;
    struct strata *db = (struct strata *)&unset;
    assert_code(strata_open(dir, options, &db, err), code, err);
    assert_null(db);
}

void place_refused_as(struct place *place, bool create, int code, struct strata_error *err)
{
    struct strata_options options;
    subject_options(&options, place->fs, create);
    place_refused(place->dir, &options, code, err);
}

void place_fill(struct place *place)
{
    struct strata *db = place_open(place, true);
    for (int i = 0; i < 30; i++) {
        char key[8];
        snprintf(key, sizeof key, "%d", i % 10);
        assert_put(db, key, "a value of some length");
    }
    assert_put(db, "key", "value");
    place_close(db);
}

void place_expect_intact(struct place *place)
{
    struct strata *db = place_open(place, false);
    assert_get(db, "key", "value");
    assert_get(db, "7", "a value of some length");
    place_close(db);
}

const char *place_names(struct place *place, const char *dir)
{
    static char text[4096];
    struct fs_names names;
    struct strata_error err;

    text[0] = '\0';
    assert_ok(fs_list(place->fs, dir, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", names.names[i]);
    fs_names_free(&names);
    return text;
}

void place_each_data_file(struct place *place, void (*each)(struct place *, const char *path))
{
    struct fs_names names;
    struct strata_error err;
    size_t data = 0;

    assert_ok(fs_list(place->fs, place->dir, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++)
        if (strcmp(names.names[i], MARKER_NAME) != 0 && strcmp(names.names[i], "LOCK") != 0) {
            char *path = tmpdir_path(place->dir, "%s", names.names[i]);
            each(place, path);
            free(path);
            data++;
        }
    assert_true(data > 0);
    fs_names_free(&names);
}
