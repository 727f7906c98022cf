/* engine_fake.h: an engine's table that notes its calls and answers as it is told, for tests of
 * what stands between a caller and an engine. It keeps nothing. One for the whole program. */
#ifndef STRATA_TESTS_ENGINE_FAKE_H
#define STRATA_TESTS_ENGINE_FAKE_H

#include "strata_engine.h"

#define ENGINE_FAKE_DIR "/db"

struct engine_fake {
    char log[2000]; /* "open new|write 1|" */
    int rc;         /* what every slot returns but open and close; get puts "something" */
    int open_rc, close_rc;
    const struct strata_env *env; /* as given to open */
    int keys;                     /* its iterators find "0", "1", ...: so many, at most 10 */
};
extern struct engine_fake engine_fake;

/* Stage 77, "77_fake": every slot there, nothing promised. */
extern const struct strata_engine engine_fake_table;

/* cmocka's setup and teardown: the fake forgets, `*state` is a new fs_sim; all is closed. */
int engine_fake_setup(void **state);
int engine_fake_teardown(void **state);

/* Options with create, this file layer, this table. */
struct strata_options engine_fake_options(struct strata_fs *fs, const struct strata_engine *table);
/* Opens, or makes, a database with such options in ENGINE_FAKE_DIR; the log is empty then. */
struct strata *engine_fake_open(struct strata_fs *fs, const struct strata_engine *table);
void engine_fake_close(struct strata *db); /* must succeed */

/* The calls since the last time were these; empties the log. */
void engine_fake_expect(const char *log);

#endif
