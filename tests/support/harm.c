/* harm.c: see harm.h. */
#include "harm.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

const char *harm_file(struct strata_fs *fs, const char *dir, const char *suffix, size_t n)
{
    static char path[200];
    struct fs_names names;

    path[0] = '\0';
    assert_int_equal(fs_list(fs, dir, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++) {
        const char *at = strstr(names.names[i], suffix);
        if (at && strcmp(at, suffix) == 0 && n-- == 0)
            snprintf(path, sizeof path, "%s/%.60s", dir, names.names[i]);
    }
    fs_names_free(&names);
    return path;
}

void harm_flip(struct strata_fs *fs, const char *path, size_t at)
{
    struct strata_buffer bytes = {0};

    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    assert_true(at < bytes.size);
    bytes.data[at] ^= 0x55;
    assert_int_equal(fs_sim_put(fs, path, strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&bytes);
}

void harm_cut(struct strata_fs *fs, const char *path, size_t size)
{
    struct strata_buffer bytes = {0};

    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    assert_true(size <= bytes.size);
    assert_int_equal(fs_sim_put(fs, path, strata_bytes(bytes.data, size)), 0);
    strata_buffer_free(&bytes);
}

void harm_remove(struct strata_fs *fs, const char *path)
{
    assert_int_equal(fs_remove(fs, path, NULL), 0);
}

size_t harm_used(struct strata_fs *fs, const char *path)
{
    struct strata_buffer bytes = {0};
    size_t used;

    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    for (used = bytes.size; used && bytes.data[used - 1] == 0;)
        used--;
    strata_buffer_free(&bytes);
    return used;
}
