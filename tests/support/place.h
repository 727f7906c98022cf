/* place.h: where a database under test lives: a file layer with counters of its own, and a
 * directory on it. */
#ifndef STRATA_TESTS_PLACE_H
#define STRATA_TESTS_PLACE_H

#include "fs/fs.h"
#include "strata_engine.h"

struct place {
    struct strata_fs *fs;
    char *root; /* an existing, empty directory */
    char *dir;  /* root/db: not there yet */
};

/* On the real file system, in a temporary directory. Ended by place_free. */
void place_init(struct place *place);
/* On a simulated one of its own (fs_sim.h). Ended by place_free. */
void place_init_sim(struct place *place);
/* Closes the file layer and removes the directory. */
void place_free(struct place *place);
/* The same as cmocka's setup and teardown: `*state` is a struct place of the test's own. The
 * teardown fails when the test left a file open. */
int place_setup(void **state);
int place_setup_sim(void **state);
int place_teardown(void **state);

/* Opens the engine under test there; the test fails when that fails. */
struct strata *place_open(struct place *place, bool create);
/* Closes it; the test fails when that fails. */
void place_close(struct strata *db);

/* strata_open of `dir` must fail with `code` and give no handle. The second form: of place->dir,
 * with the engine under test. */
void place_refused(const char *dir, const struct strata_options *options, int code,
                   struct strata_error *err);
void place_refused_as(struct place *place, bool create, int code, struct strata_error *err);

/* Makes a small database ("key" is "value", and more) and closes it; and: is all of it there? */
void place_fill(struct place *place);
void place_expect_intact(struct place *place);

/* The names in a directory of the place, each followed by a space; ours until the next call. */
const char *place_names(struct place *place, const char *dir);
/* Calls `each` for every file of the database that holds data: not for marker and lock. */
void place_each_data_file(struct place *place, void (*each)(struct place *, const char *path));

/* All bytes of root/NAME (on the heap, freed by the caller), and back: for tests that damage a
 * file behind the engine's back. */
struct strata_buffer place_read(const struct place *place, const char *name);
void place_write(const struct place *place, const char *name, struct strata_slice bytes);

#endif
