/* bench_os_test.c: what the benchmark driver (bench/driver/os.c) does with the memory of its
 * process. */
#include "os.h"
#include "test.h"

#define MIB ((uint64_t)1 << 20)
#define WARM (64 * MIB)

static void warm_memory_was_touched_and_is_given_back(void **state)
{
    struct os_memory before, after;

    (void)state;
    os_memory_forget();
    os_memory(&before);
    os_memory_warm(WARM);
    os_memory(&after);
    if (!after.most)
        skip(); /* /proc does not tell */
    assert_true(after.most >= before.resident + WARM - MIB);
    assert_true(after.resident < before.resident + WARM / 2);
}

static void warm_memory_of_nothing_takes_nothing(void **state)
{
    struct os_memory before, after;

    (void)state;
    os_memory_forget();
    os_memory(&before);
    os_memory_warm(0);
    os_memory_warm(MIB); /* less than a huge page */
    os_memory(&after);
    assert_true(after.most < before.resident + MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warm_memory_was_touched_and_is_given_back),
        cmocka_unit_test(warm_memory_of_nothing_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
