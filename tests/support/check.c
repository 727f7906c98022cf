/* check.c: see check.h. */
#include "test.h"

#include "check.h"
#include "inspect/inspect.h"
#include "crash/subject.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* STRATA_TEST=NAME: only the tests of that name, with * and ? as in file names. */
__attribute__((constructor)) static void choose_tests(void)
{
    const char *name = getenv("STRATA_TEST");
    if (name && *name)
        cmocka_set_test_filter(name);
}

void check_enough(uint64_t count, uint64_t least, const char *what, const char *file, int line)
{
    if (count >= least || subject_engine())
        return;
    print_error("%s is %" PRIu64 ", and not %" PRIu64 " or more\n", what, count, least);
    _fail(file, line);
}

void check_clear(struct strata_error *err)
{
    *err = (struct strata_error){0};
}

static const char *text_of(const struct strata_error *err)
{
    static char text[600];
    return strata_error_text(err, text, sizeof text);
}

void check_code(int rc, int want, const struct strata_error *err, const char *call,
                const char *file, int line)
{
    if (rc != want) {
        print_error("%s\n  returned %d (%s), not %d (%s)\n", call, rc, strata_code_name(rc), want,
                    strata_code_name(want));
        if (rc < 0)
            print_error("  %s\n", text_of(err));
        _fail(file, line);
    }
    if (rc < 0 && (err->code != rc || !err->message[0] || (rc == STRATA_ERR_IO && !err->sys))) {
        print_error("%s\n  failed, and its error record says: code %d, errno %d, \"%s\"\n", call,
                    err->code, err->sys, err->message);
        _fail(file, line);
    }
}

void check_err_file(const struct strata_error *err, const char *path, const char *file, int line)
{
    if (strcmp(err->file, path) != 0) {
        print_error("the error names \"%s\", not \"%s\": %s\n", err->file, path, text_of(err));
        _fail(file, line);
    }
}

void check_err_offset(const struct strata_error *err, uint64_t at, const char *file, int line)
{
    if (err->offset != at) {
        print_error("the error is not @%" PRIu64 ": %s\n", at, text_of(err));
        _fail(file, line);
    }
}

void check_err_says(const struct strata_error *err, const char *words, const char *file, int line)
{
    if (!strstr(text_of(err), words)) {
        print_error("the error does not say \"%s\": %s\n", words, text_of(err));
        _fail(file, line);
    }
}

void check_says(const char *text, const char *words, const char *file, int line)
{
    if (!text || !strstr(text, words)) {
        print_error("nothing says \"%s\"; what was said: \"%s\"\n", words, text ? text : "");
        _fail(file, line);
    }
}

/* From the first byte on that differs, so that a field can be looked up. */
static void show_difference(struct strata_slice got, struct strata_slice want)
{
    const struct strata_slice both[] = {got, want};
    size_t at = 0;

    while (at < got.size && at < want.size && got.data[at] == want.data[at])
        at++;
    for (int i = 0; i < 2; i++) {
        print_error("  from byte %zu on %s", at, i ? "it should be" : "it is     ");
        for (size_t j = at; j < at + 8 && j < both[i].size; j++)
            print_error(" %02x", both[i].data[j]);
        print_error("%s\n", at < both[i].size ? "" : " at its end");
    }
}

void check_bytes(struct strata_slice got, struct strata_slice want, const char *file, int line)
{
    char text[2][200];
    if (strata_compare(got, want) != 0) {
        print_error("got %zu bytes \"%s\"\nnot %zu bytes \"%s\"\n", got.size,
                    inspect_text(got, 40, text[0], sizeof text[0]), want.size,
                    inspect_text(want, 40, text[1], sizeof text[1]));
        show_difference(got, want);
        _fail(file, line);
    }
}

void check_case(size_t i)
{
    if (getenv("STRATA_TRACE"))
        print_error("# case %zu\n", i);
}

/* The code of one call on one key; the call is printed as the trace has it. */
static void check_call(int rc, int want, const struct strata_error *err, const char *call,
                       const char *key, const char *file, int line)
{
    char text[200];
    snprintf(text, sizeof text, "%s '%s'", call, key);
    check_code(rc, want, err, text, file, line);
}

void check_get(struct strata *db, const char *key, const char *value, const char *file, int line)
{
    struct strata_buffer got = {0};
    struct strata_error err = {0};
    int rc = strata_get(db, strata_string(key), &got, &err);

    check_call(rc, value ? STRATA_OK : STRATA_NOT_FOUND, &err, "get", key, file, line);
    check_bytes(strata_buffer_slice(&got), strata_string(value), file, line);
    strata_buffer_free(&got);
}

void check_put(struct strata *db, const char *key, const char *value, const char *file, int line)
{
    struct strata_error err = {0};
    int rc = strata_put(db, strata_string(key), strata_string(value), &err);
    check_call(rc, STRATA_OK, &err, "put", key, file, line);
}

void check_delete(struct strata *db, const char *key, const char *file, int line)
{
    struct strata_error err = {0};
    int rc = strata_delete(db, strata_string(key), &err);
    check_call(rc, STRATA_OK, &err, "delete", key, file, line);
}

void check_model(const struct model *model, struct strata *db, const char *file, int line)
{
    char why[800];
    if (model_compare(model, db, why, sizeof why) != 0) {
        print_error("the database is not the model: %s\n", why);
        _fail(file, line);
    }
}

struct wanted {
    const char *name;
    uint64_t value;
};

static void find_stat(void *arg, const struct strata_stat *stat)
{
    struct wanted *wanted = arg;
    if (strcmp(stat->name, wanted->name) == 0)
        wanted->value = stat->value;
}

uint64_t check_stat(struct strata *db, const char *name)
{
    struct wanted wanted = {name, UINT64_MAX};
    struct strata_error err;
    assert_ok(strata_stats(db, find_stat, &wanted, &err), &err);
    return wanted.value;
}

bool check_quick(void)
{
    const char *quick = getenv("QUICK");
    return quick && *quick && strcmp(quick, "no") != 0;
}

bool check_whole(void)
{
    const char *quick = getenv("QUICK");
    return quick && strcmp(quick, "no") == 0;
}

bool check_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#endif
#endif
    return false;
}

void check_skipping(const char *why)
{
    printf("# skipped: %s\n", why);
    fflush(stdout);
}
