/* check.h: assertions of cmocka for this library: they print the whole error record. */
#ifndef STRATA_TESTS_CHECK_H
#define STRATA_TESTS_CHECK_H

#include "crash/model.h"
#include "strata.h"

/* `call` returns 0; its error is printed when not. `err` is cleared before the call. */
#define assert_ok(call, err)                                                                       \
    (check_clear(err), check_code((call), STRATA_OK, (err), #call, __FILE__, __LINE__))
/* `call` returns `code`, > 0 or < 0. When < 0 the error record must be filled: that code, a
 * cause in words, and an errno if it is STRATA_ERR_IO. */
#define assert_code(call, code, err)                                                               \
    (check_clear(err), check_code((call), (code), (err), #call, __FILE__, __LINE__))

/* The error names this file, this offset; its text (strata_error_text) holds these words. */
#define assert_err_file(err, path) check_err_file((err), (path), __FILE__, __LINE__)
#define assert_err_offset(err, at) check_err_offset((err), (at), __FILE__, __LINE__)
/* The text has these words. */
#define assert_says(text, words) check_says((text), (words), __FILE__, __LINE__)
#define assert_err_says(err, words) check_err_says((err), (words), __FILE__, __LINE__)

/* Two slices hold the same bytes. */
#define assert_bytes(got, want) check_bytes((got), (want), __FILE__, __LINE__)
/* A get of the string `key` finds the string `value`, or nothing when that is NULL. */
#define assert_get(db, key, value) check_get((db), (key), (value), __FILE__, __LINE__)
#define assert_put(db, key, value) check_put((db), (key), (value), __FILE__, __LINE__)
#define assert_delete(db, key) check_delete((db), (key), __FILE__, __LINE__)
/* The database holds what the model holds: scans in both directions and gets. */
#define assert_model(model, db) check_model((model), (db), __FILE__, __LINE__)

/* A test reached as much as it does on the stages of this build. Of a learner's engine nobody knows
 * how many calls it makes: then it is not asked. */
#define assert_enough(count, least) check_enough((count), (least), #count, __FILE__, __LINE__)

/* A stat of that name, or UINT64_MAX when there is none. */
uint64_t check_stat(struct strata *db, const char *name);

bool check_quick(void);     /* QUICK=1: random parts are smaller, the slowest left out */
bool check_whole(void);     /* QUICK=no: what `make crash` does deeper too is done here */
bool check_sanitized(void); /* built with ASan or TSan: memory and time are dearer */
/* Says why a test is skipped; call cmocka's skip() after it. */
void check_skipping(const char *why);

void check_enough(uint64_t count, uint64_t least, const char *what, const char *file, int line);
void check_clear(struct strata_error *err);
void check_code(int rc, int want, const struct strata_error *err, const char *call,
                const char *file, int line);
void check_err_file(const struct strata_error *err, const char *path, const char *file, int line);
void check_err_offset(const struct strata_error *err, uint64_t at, const char *file, int line);
void check_says(const char *text, const char *words, const char *file, int line);
/* What follows is about row `i` of the test's table: for make check to say. */
void check_case(size_t i);
void check_err_says(const struct strata_error *err, const char *words, const char *file, int line);
void check_bytes(struct strata_slice got, struct strata_slice want, const char *file, int line);
void check_get(struct strata *db, const char *key, const char *value, const char *file, int line);
void check_put(struct strata *db, const char *key, const char *value, const char *file, int line);
void check_delete(struct strata *db, const char *key, const char *file, int line);
void check_model(const struct model *model, struct strata *db, const char *file, int line);

#endif
