/* server_hash_test.c: hashes of the server (stages/14_server/store/entry.h): what they are in the
 * database after any commands. */
#include "test.h"

#include "14_server/store/entry.h"
#include "rng.h"
#include "server_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- 14.I12 and 14.I13, read from the database ----------------------------------------------- */

struct seen {
    uint64_t keys, hashes;
    uint64_t until;   /* of all records of the hash that was seen last */
    uint64_t missing; /* fields of it that were not seen yet */
};

static void look_at(struct rig *rig, struct strata_iter *iter, struct seen *seen)
{
    struct strata_slice name = strata_iter_key(iter), value;
    struct strata_error err;
    size_t size;

    if (!entry_is_reserved(name)) {
        seen->keys++;
        return;
    }
    size = (size_t)name.data[7] << 8 | name.data[8];
    if (name.size == 9 + size) {
        assert_int_equal(seen->missing, 0);
        assert_ok(strata_iter_value(iter, &value, &err), &err);
        assert_int_equal(value.size, 8);
        seen->missing = value.data[0];
        assert_true(seen->missing > 0);
        seen->until = strata_iter_until(iter);
        seen->keys++, seen->hashes++;
        assert_int_equal(strata_get(rig->db, strata_bytes(name.data + 9, size), NULL, &err),
                         STRATA_NOT_FOUND);
    } else {
        assert_true(seen->missing-- > 0);
        assert_int_equal(strata_iter_until(iter), seen->until);
    }
}

static struct seen check(struct rig *rig)
{
    struct seen seen = {0};
    struct strata_iter *iter;
    struct strata_error err;
    char want[40];
    int rc;

    assert_ok(strata_iter_new(rig->db, &iter, &err), &err);
    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err))
        look_at(rig, iter, &seen);
    assert_int_equal(rc, STRATA_NOT_FOUND);
    assert_int_equal(seen.missing, 0);
    strata_iter_free(iter);
    snprintf(want, sizeof want, ":%d\r\n", (int)seen.keys);
    assert_string_equal(ask(rig, "dbsize\n"), want);
    return seen;
}

static void hash_records_agree_after_any_commands(void **state)
{
    static const char *const commands[] = {"hset k%u f%u 1\n",
                                           "hset k%u f%u 1 f0 2 f1 3\n",
                                           "hdel k%u f%u\n",
                                           "hdel k%u f%u f0 f1 f2\n",
                                           "hsetnx k%u f%u 1\n",
                                           "hincrby k%u f%u 3\n",
                                           "set k%u v%u\n",
                                           "set k%u v%u keepttl\n",
                                           "del k%u k%u\n",
                                           "expire k%u 10%u\n",
                                           "persist k%u\n",
                                           "mset k%u 1 k%u 2\n",
                                           "multi\nhset k%u f%u 1\nexec\n",
                                           "multi\ndel k%u\nhset k%u f1 1 f2 2\nexec\n",
                                           "multi\nhset k%u a 1\nset k%u 1\nexec\n",
                                           "getdel k%u\n",
                                           "hgetall k%u\n",
                                           "pexpireat k%u %u\n"};
    struct rng rng;
    uint64_t hashes = 0;
    struct rig rig;

    (void)state;
    rng_init(&rng, 14);
    rig_open(&rig);
    for (int i = 0; i < 3000; i++) {
        char line[200];
        unsigned which = (unsigned)rng_below(&rng, sizeof commands / sizeof *commands);
        unsigned key = (unsigned)rng_below(&rng, 4), other = (unsigned)rng_below(&rng, 4);
        snprintf(line, sizeof line, commands[which], key, other);
        ask(&rig, line);
        hashes += check(&rig).hashes;
    }
    assert_true(hashes > 500);
    rig_close(&rig);
}

/* ---- Beside others --------------------------------------------------------------------------- */

static void hash_that_is_watched_stops_exec_when_it_is_written(void **state)
{
    static const char *const changes[] = {"hset h a 2\n", "hset h b 2\n", "hdel h a\n",
                                          "expire h 9\n", "del h\n",      "set h 1\n"};
    struct rig rig;
    struct job other;

    (void)state;
    rig_open(&rig);
    job_open(&rig, &other);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        ask(&rig, "del h\nhset h a 1\nwatch h\nmulti\nget none\n");
        ask_by(&rig, &other, changes[i]);
        assert_string_equal(ask(&rig, "exec\n"), "*-1\r\n");
    }
    ask(&rig, "del h\nwatch h\nmulti\nget none\n");
    ask_by(&rig, &other, "hset h a 1\n");
    assert_string_equal(ask(&rig, "exec\n"), "*-1\r\n");
    ask(&rig, "watch h\nmulti\nget none\n");
    ask_by(&rig, &other, "hset i a 1\n");
    assert_string_equal(ask(&rig, "exec\n"), "*1\r\n$-1\r\n");
    job_free(&other);
    rig_close(&rig);
}

static void hash_is_there_after_the_server_was_started_again(void **state)
{
    struct strata_error err;
    struct rig rig;

    (void)state;
    rig_open(&rig);
    assert_string_equal(ask(&rig, "hset h a 1\n"), ":1\r\n");
    state_free(rig.server);
    memset(rig.server, 0, sizeof *rig.server);
    assert_ok(state_init(rig.server, rig.db, &rig.options, &err), &err);
    assert_memory_equal(ask(&rig, "get h\n"), "-WRONGTYPE ", 11);
    assert_string_equal(ask(&rig, "hget h a\n"), "$1\r\n1\r\n");
    rig_close(&rig);
}

static void hash_whose_record_is_damaged_is_an_error(void **state)
{
    static const uint8_t name[] = "\xffhash\0\0\0\1h";
    struct strata_error err;
    struct rig rig;

    (void)state;
    rig_open(&rig);
    ask(&rig, "hset h a 1\n");
    assert_ok(strata_put(rig.db, strata_bytes(name, 10), strata_string("short"), &err), &err);
    assert_memory_equal(ask(&rig, "hlen h\n"), "-ERR corrupt", 12);
    assert_memory_equal(ask(&rig, "set h 1\n"), "-ERR corrupt", 12);
    assert_ok(strata_put(rig.db, strata_bytes("\xffhash", 5), strata_string(""), &err), &err);
    assert_string_equal(ask(&rig, "keys *\n"), "*1\r\n$1\r\nh\r\n");
    rig_close(&rig);
}

/* A name longer than a key can be: the database says so; such a key can be a string. */
static void hash_of_a_key_that_is_too_long_is_refused(void **state)
{
    char *line = malloc(STRATA_MAX_KEY + 100);
    struct rig rig;

    (void)state;
    assert_non_null(line);
    rig_open(&rig);
    ask(&rig, "hset h a 1\n");
    strcpy(line, "*3\r\n$3\r\nset\r\n$65530\r\n");
    memset(line + strlen(line), 'k', 65530);
    strcpy(line + 21 + 65530, "\r\n$1\r\nv\r\n");
    assert_string_equal(ask(&rig, line), "+OK\r\n");
    strcpy(line, "*4\r\n$4\r\nhset\r\n$65530\r\n");
    memset(line + strlen(line), 'j', 65530);
    strcpy(line + 22 + 65530, "\r\n$1\r\nf\r\n$1\r\nv\r\n");
    assert_memory_equal(ask(&rig, line), "-ERR invalid", 12);
    check(&rig);
    free(line);
    rig_close(&rig);
}

static void hash_half_written_in_multi_leaves_nothing(void **state)
{
    int size = STRATA_MAX_KEY + 1;
    char *field = malloc((size_t)size), *lines = malloc((size_t)size + 200);
    struct rig rig;

    (void)state;
    assert_true(field && lines);
    memset(field, 'f', (size_t)size);
    snprintf(
        lines, (size_t)size + 200,
        "multi\n*6\r\n$4\r\nhset\r\n$1\r\nh\r\n$1\r\na\r\n$1\r\n1\r\n$%d\r\n%.*s\r\n$1\r\n2\r\n"
        "exec\n",
        size, size, field);
    rig_open(&rig);
    assert_non_null(strstr(ask(&rig, lines), "-ERR "));
    assert_string_equal(ask(&rig, "hset h b 1\nhgetall h\n"), ":1\r\n*2\r\n$1\r\nb\r\n$1\r\n1\r\n");
    rig_close(&rig);
    free(field);
    free(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_records_agree_after_any_commands),
        cmocka_unit_test(hash_that_is_watched_stops_exec_when_it_is_written),
        cmocka_unit_test(hash_is_there_after_the_server_was_started_again),
        cmocka_unit_test(hash_whose_record_is_damaged_is_an_error),
        cmocka_unit_test(hash_of_a_key_that_is_too_long_is_refused),
        cmocka_unit_test(hash_half_written_in_multi_leaves_nothing),
    };
    return cmocka_run_group_tests_name("server_hash", tests, NULL, NULL);
}
