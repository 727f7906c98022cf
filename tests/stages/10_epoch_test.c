/* 10_epoch_test.c: sections of readers, and grace periods. */
#include "10_concurrency/work/epoch.h"
#include "test.h"

#include <stdlib.h>

static struct epoch *epoch_new(void)
{
    struct epoch *epoch = calloc(1, sizeof *epoch);

    assert_non_null(epoch);
    epoch_init(epoch);
    return epoch;
}

static void epoch_del(struct epoch *epoch)
{
    epoch_free(epoch);
    free(epoch);
}

/* ---- One thread ------------------------------------------------------------------------------ */

static void epoch_period_ends_with_the_sections_before_it(void **state)
{
    struct epoch *epoch = epoch_new();
    struct epoch_section before, later;
    uint64_t ticket;

    (void)state;
    assert_true(epoch_passed(epoch, epoch_ticket(epoch))); /* there is none */
    before = epoch_enter(epoch);
    ticket = epoch_ticket(epoch);
    assert_false(epoch_passed(epoch, ticket));
    later = epoch_enter(epoch);
    assert_false(epoch_passed(epoch, ticket));
    epoch_leave(before);
    assert_true(epoch_passed(epoch, ticket));
    ticket = epoch_ticket(epoch);
    assert_false(epoch_passed(epoch, ticket)); /* it waits for `later` */
    epoch_leave(later);
    assert_true(epoch_passed(epoch, ticket));
    epoch_del(epoch);
}

/* A period that is under way may have looked at a section's counter before that began. */
static void epoch_ticket_is_of_a_period_that_begins_later(void **state)
{
    struct epoch *epoch = epoch_new();
    struct epoch_section first, second;
    uint64_t early, late;

    (void)state;
    first = epoch_enter(epoch);
    early = epoch_ticket(epoch);
    assert_false(epoch_passed(epoch, early));
    second = epoch_enter(epoch); /* the period has begun, and turned */
    late = epoch_ticket(epoch);
    assert_true(late > early);
    epoch_leave(first);
    assert_true(epoch_passed(epoch, early));
    assert_false(epoch_passed(epoch, late));
    epoch_leave(second);
    assert_true(epoch_passed(epoch, late));
    epoch_del(epoch);
}

/* A reader that was stopped between its load of the phase and its count. */
static void epoch_late_reader_of_an_old_phase_is_waited_for(void **state)
{
    struct epoch *epoch = epoch_new();
    struct epoch_section late;
    uint64_t ticket;
    unsigned phase = atomic_load(&epoch->phase);

    (void)state;
    epoch_wait(epoch);
    assert_true((atomic_load(&epoch->phase) & 1) != (phase & 1));
    late.readers = &epoch->stripes[0].readers[phase & 1];
    atomic_fetch_add(late.readers, 1);
    ticket = epoch_ticket(epoch);
    for (int i = 0; i < 10; i++)
        assert_false(epoch_passed(epoch, ticket));
    epoch_leave(late);
    assert_true(epoch_passed(epoch, ticket));
    epoch_del(epoch);
}

/* ---- Threads --------------------------------------------------------------------------------- */

#define READERS 3
#define ROUNDS 3000

struct value {
    uint64_t a, b; /* the same, until it is freed */
};

struct shared {
    struct epoch *epoch;
    struct value *_Atomic now;
    _Atomic bool stop;
    _Atomic uint64_t looks;
};

static void spoil(struct value *value)
{
    value->a = 1;
    value->b = 2;
    free(value);
}

static void *look(void *arg)
{
    struct shared *s = arg;
    uint64_t wrong = 0;

    while (!atomic_load(&s->stop)) {
        struct epoch_section section = epoch_enter(s->epoch);
        const struct value *value = atomic_load(&s->now);
        wrong += value->a != value->b;
        epoch_leave(section);
        atomic_fetch_add_explicit(&s->looks, 1, memory_order_relaxed);
    }
    return (void *)(uintptr_t)wrong;
}

static struct value *value_new(uint64_t number)
{
    struct value *value = malloc(sizeof *value);

    assert_non_null(value);
    value->a = value->b = number;
    return value;
}

/* ASan, TSan, or the reader itself, sees what is freed too early. */
static void epoch_readers_never_see_what_is_freed(void **state)
{
    struct shared s = {.epoch = epoch_new()};
    struct sync_thread threads[READERS];

    (void)state;
    atomic_init(&s.now, value_new(0));
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(sync_start(&threads[i], look, &s), 0);
    while (!atomic_load(&s.looks)) /* on a machine that is busy they may not have begun */
        sync_yield();
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        struct value *old = atomic_exchange(&s.now, value_new(i));
        epoch_wait(s.epoch);
        spoil(old);
    }
    atomic_store(&s.stop, true);
    for (size_t i = 0; i < READERS; i++)
        assert_null(sync_join(&threads[i]));
    free(atomic_load(&s.now));
    epoch_del(s.epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epoch_period_ends_with_the_sections_before_it),
        cmocka_unit_test(epoch_ticket_is_of_a_period_that_begins_later),
        cmocka_unit_test(epoch_late_reader_of_an_old_phase_is_waited_for),
        cmocka_unit_test(epoch_readers_never_see_what_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
