/* 01_append_log_sorted_test.c: the iterator of stages that keep nothing in order: the newest word
 * on each key, sorted, and values read from where they stand when they are asked for. */
#include "test.h"

#include "01_append_log/sorted.h"
#include "base/bytes.h"
#include "strata_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A source that answers "@position" and notes what it was asked. */
struct source {
    int reads, releases;
    int rc; /* what a read returns */
    uint64_t position;
};

static int source_read(void *arg, uint64_t position, struct strata_slice key,
                       struct strata_buffer *value, struct strata_error *err)
{
    struct source *source = arg;
    char text[64];

    source->reads++;
    source->position = position;
    if (source->rc < 0)
        return strata_fail(err, source->rc, "log", position, "as told");
    strata_buffer_clear(value);
    snprintf(text, sizeof text, "%.*s@%d", (int)key.size, key.data ? (const char *)key.data : "",
             (int)position);
    return strata_buffer_append(value, text, strlen(text));
}

static void source_release(void *arg)
{
    ((struct source *)arg)->releases++;
}

static void add(struct sorted *list, const char *key, uint64_t position, bool deleted)
{
    struct strata_error err;
    assert_ok(sorted_add(list, strata_string(key), position, deleted, &err), &err);
}

static struct strata_iter *make(struct sorted *list, struct source *source)
{
    struct sorted_source from = {source_read, source_release, source};
    struct strata_iter *iter;
    struct strata_error err;
    assert_ok(sorted_iter_new(list, &from, &iter, &err), &err);
    assert_int_equal(list->count, 0); /* it has taken the list over */
    assert_null(list->entries);
    return iter;
}

/* The iterator, walked from first to last, as "key@position key@position ". */
static void expect_walk(struct strata_iter *iter, const char *want)
{
    struct strata_error err = {0};
    char got[2000] = "";
    int rc = iter->ops->seek(iter, strata_bytes(NULL, 0), &err);

    for (; rc == 0; rc = iter->ops->next(iter, &err)) {
        size_t used = strlen(got);
        iter->has_value = false;
        assert_ok(iter->ops->value(iter, &err), &err);
        assert_true(iter->has_value);
        snprintf(got + used, sizeof got - used, "%.*s ", (int)iter->value.size,
                 (const char *)iter->value.data);
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    assert_string_equal(got, want);
}

static void sorted_newest_version_of_each_key_wins(void **state)
{
    struct sorted list = {0};
    struct source source = {0};
    struct strata_iter *iter;

    (void)state;
    add(&list, "b", 10, false);
    add(&list, "a", 20, false);
    add(&list, "c", 30, false);
    add(&list, "a", 40, false); /* overwritten */
    add(&list, "b", 50, true);  /* deleted */
    add(&list, "d", 60, true);  /* never there */
    add(&list, "c", 70, true);
    add(&list, "c", 5, false); /* put again; a lower position is no older word */
    iter = make(&list, &source);
    expect_walk(iter, "a@40 c@5 ");
    iter->ops->free(iter);
    assert_int_equal(source.releases, 1);
}

static void sorted_many_versions_of_few_keys_leave_the_newest(void **state)
{
    struct sorted list = {0};
    struct source source = {0};
    struct strata_iter *iter;
    char key[8];

    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "%u", (unsigned)(i * 7919 % 10));
        add(&list, key, i, i % 20 >= 15);
    }
    iter = make(&list, &source);
    expect_walk(iter, "0@19990 6@19994 7@19993 8@19992 9@19991 ");
    iter->ops->free(iter);
}

static void sorted_empty_list_has_no_position(void **state)
{
    struct sorted list = {0};
    struct source source = {0};
    struct strata_error err;
    struct strata_iter *iter = make(&list, &source);

    (void)state;
    assert_code(iter->ops->seek(iter, strata_bytes(NULL, 0), &err), STRATA_NOT_FOUND, &err);
    assert_code(iter->ops->seek(iter, strata_string("x"), &err), STRATA_NOT_FOUND, &err);
    assert_code(iter->ops->last(iter, &err), STRATA_NOT_FOUND, &err);
    iter->ops->free(iter);
}

static void sorted_empty_key_is_a_key(void **state)
{
    struct sorted list = {0};
    struct source source = {0};
    struct strata_iter *iter;

    (void)state;
    add(&list, "", 1, false);
    add(&list, "", 2, false); /* no key has any bytes: there is no memory for them */
    iter = make(&list, &source);
    expect_walk(iter, "@2 ");
    iter->ops->free(iter);
}

static void sorted_value_is_read_when_asked_for(void **state)
{
    struct sorted list = {0};
    struct source source = {0};
    struct strata_error err;
    struct strata_iter *iter;

    (void)state;
    for (uint64_t i = 0; i < 10; i++) {
        char key[2] = {(char)('0' + i), '\0'};
        add(&list, key, 100 * i, false);
    }
    iter = make(&list, &source);
    assert_int_equal(iter->ops->seek(iter, strata_string("4"), &err), 0);
    assert_int_equal(iter->ops->next(iter, &err), 0);
    assert_int_equal(iter->ops->prev(iter, &err), 0);
    assert_int_equal(iter->ops->last(iter, &err), 0);
    assert_int_equal(source.reads, 0);
    assert_ok(iter->ops->value(iter, &err), &err);
    assert_int_equal(source.reads, 1);
    assert_int_equal(source.position, 900);
    assert_bytes(iter->value, strata_string("9@900"));
    iter->ops->free(iter);
}

static void sorted_value_that_cannot_be_read_is_an_error(void **state)
{
    struct sorted list = {0};
    struct source source = {.rc = STRATA_ERR_CORRUPT};
    struct strata_error err;
    struct strata_iter *iter;

    (void)state;
    add(&list, "a", 77, false);
    iter = make(&list, &source);
    assert_int_equal(iter->ops->seek(iter, strata_string("a"), &err), 0);
    assert_code(iter->ops->value(iter, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_offset(&err, 77);
    assert_false(iter->has_value);
    iter->ops->free(iter);
}

static void sorted_list_never_sorted_is_freed(void **state)
{
    struct sorted list = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        add(&list, "some key", 1, false);
    assert_int_equal(list.count, 1000);
    sorted_free(&list);
    assert_int_equal(list.count, 0);
    assert_null(list.entries);
    sorted_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_newest_version_of_each_key_wins),
        cmocka_unit_test(sorted_many_versions_of_few_keys_leave_the_newest),
        cmocka_unit_test(sorted_empty_list_has_no_position),
        cmocka_unit_test(sorted_empty_key_is_a_key),
        cmocka_unit_test(sorted_value_is_read_when_asked_for),
        cmocka_unit_test(sorted_value_that_cannot_be_read_is_an_error),
        cmocka_unit_test(sorted_list_never_sorted_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
