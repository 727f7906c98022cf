/* points.c: MODE=points: each atomic access is a point at which the drawn schedules of
 * common/crash/concurrency/baton.h may switch threads. The compiler is told that TSan is wanted,
 * and calls these functions for every access to memory; TSan's library is not linked. Accesses that
 * are not atomic are no points: between threads they are ordered by atomic ones, or TSan reports
 * them. (The names and types: compiler-rt, tsan_interface.h and tsan_interface_atomic.h.) */
#include "threads/sync.h"

#include <stddef.h>

#define STRONG __ATOMIC_SEQ_CST

#define ATOMICS(bits)                                                                              \
    typedef uint##bits##_t a##bits;                                                                \
    a##bits __tsan_atomic##bits##_load(const volatile a##bits *at, int order);                     \
    a##bits __tsan_atomic##bits##_load(const volatile a##bits *at, int order)                      \
    {                                                                                              \
        (void)order;                                                                               \
        sync_point();                                                                              \
        return __atomic_load_n(at, STRONG);                                                        \
    }                                                                                              \
    void __tsan_atomic##bits##_store(volatile a##bits *at, a##bits value, int order);              \
    void __tsan_atomic##bits##_store(volatile a##bits *at, a##bits value, int order)               \
    {                                                                                              \
        (void)order;                                                                               \
        sync_point();                                                                              \
        __atomic_store_n(at, value, STRONG);                                                       \
    }                                                                                              \
    CHANGE(bits, exchange, __atomic_exchange_n)                                                    \
    CHANGE(bits, fetch_add, __atomic_fetch_add)                                                    \
    CHANGE(bits, fetch_sub, __atomic_fetch_sub)                                                    \
    CHANGE(bits, fetch_and, __atomic_fetch_and)                                                    \
    CHANGE(bits, fetch_or, __atomic_fetch_or)                                                      \
    CHANGE(bits, fetch_xor, __atomic_fetch_xor)                                                    \
    COMPARE(bits, strong)                                                                          \
    COMPARE(bits, weak)

#define CHANGE(bits, name, builtin)                                                                \
    a##bits __tsan_atomic##bits##_##name(volatile a##bits *at, a##bits value, int order);          \
    a##bits __tsan_atomic##bits##_##name(volatile a##bits *at, a##bits value, int order)           \
    {                                                                                              \
        (void)order;                                                                               \
        sync_point();                                                                              \
        return builtin(at, value, STRONG);                                                         \
    }

#define COMPARE(bits, name)                                                                        \
    int __tsan_atomic##bits##_compare_exchange_##name(volatile a##bits *at, a##bits *expected,     \
                                                      a##bits value, int order, int failed);       \
    int __tsan_atomic##bits##_compare_exchange_##name(volatile a##bits *at, a##bits *expected,     \
                                                      a##bits value, int order, int failed)        \
    {                                                                                              \
        (void)order, (void)failed;                                                                 \
        sync_point();                                                                              \
        return __atomic_compare_exchange_n(at, expected, value, 0, STRONG, STRONG);                \
    }

ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
    (void)order;
    sync_point();
}

#define NOTHING(name, ...)                                                                         \
    void __tsan_##name(__VA_ARGS__);                                                               \
    void __tsan_##name(__VA_ARGS__)                                                                \
    {                                                                                              \
    }
#define IGNORED __attribute__((unused))

NOTHING(atomic_signal_fence, int order IGNORED)
NOTHING(init, void)
NOTHING(func_entry, void *caller IGNORED)
NOTHING(func_exit, void)
NOTHING(vptr_update, void **at IGNORED, void *value IGNORED)
NOTHING(read_range, void *at IGNORED, size_t size IGNORED)
NOTHING(write_range, void *at IGNORED, size_t size IGNORED)

#define ACCESSES(size)                                                                             \
    NOTHING(read##size, void *at IGNORED)                                                          \
    NOTHING(write##size, void *at IGNORED)                                                         \
    NOTHING(unaligned_read##size, void *at IGNORED)                                                \
    NOTHING(unaligned_write##size, void *at IGNORED)
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)
