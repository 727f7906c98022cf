/* embed.c: counts words, in a database that stays: every run adds to what is there.
 *
 *     ./embed counts <text
 *
 * It is C and C++, and needs nothing but the installed library: see the Makefile beside it. */
#include <strata.h>
#include <stdio.h>

static int fail(const struct strata_error *err)
{
    char text[600];
    fprintf(stderr, "%s\n", strata_error_text(err, text, sizeof text));
    return 1;
}

/* One more of `word`. `value` is memory that is used again and again. */
static int count(struct strata *db, struct strata_slice word, struct strata_buffer *value,
                 struct strata_error *err)
{
    char number[24];
    unsigned long seen = 0;

    if (strata_get(db, word, value, err) < 0) /* not found is no failure: the value is empty */
        return err->code;
    for (size_t i = 0; i < value->size; i++)
        seen = seen * 10 + (value->data[i] - '0');
    snprintf(number, sizeof number, "%lu", seen + 1);
    return strata_put(db, word, strata_string(number), err);
}

static int count_all(struct strata *db, struct strata_error *err)
{
    struct strata_buffer value = {NULL, 0, 0, false};
    char word[100];
    int rc = 0;

    while (rc >= 0 && scanf("%99s", word) == 1)
        rc = count(db, strata_string(word), &value, err);
    strata_buffer_free(&value);
    return rc < 0 ? rc : strata_sync(db, err); /* now it survives a power cut, too */
}

/* In the order of the keys. */
static int print_all(struct strata *db, struct strata_error *err)
{
    struct strata_iter *iter;
    int rc = strata_iter_new(db, &iter, err);

    if (rc < 0)
        return rc;
    for (rc = strata_iter_first(iter, err); rc == STRATA_OK; rc = strata_iter_next(iter, err)) {
        struct strata_slice key = strata_iter_key(iter), value;
        if ((rc = strata_iter_value(iter, &value, err)) < 0)
            break;
        printf("%.*s %.*s\n", (int)value.size, (const char *)value.data, (int)key.size,
               (const char *)key.data);
    }
    strata_iter_free(iter);
    return rc;
}

int main(int argc, char **argv)
{
    struct strata_options options;
    struct strata_error err, of_close;
    struct strata *db;
    int rc;

    if (argc != 2)
        return fprintf(stderr, "usage: %s DIR <text, with Strata %s\n", argv[0], strata_version()),
               2;
    strata_options_init(&options);
    options.create = true;
    options.sync = STRATA_SYNC_NEVER; /* not after every word */
    if (strata_open(argv[1], &options, &db, &err) < 0)
        return fail(&err);
    rc = count_all(db, &err);
    if (rc >= 0)
        rc = print_all(db, &err);
    if (strata_close(db, &of_close) < 0 && rc >= 0)
        return fail(&of_close);
    return rc < 0 ? fail(&err) : 0;
}
