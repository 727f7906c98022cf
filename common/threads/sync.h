/* sync.h: mutexes, condition variables, semaphores and threads: POSIX's, through one interface, so
 * that a test can put a scheduler in between and decide which thread goes on at each of these
 * calls.
 *
 * All of common/ and stages/ locks and waits through this file alone. Without a scheduler each call
 * is POSIX's, after one look at a global. A scheduler is put in while no other thread runs and
 * nothing is locked; the objects are POSIX's in both cases, so a scheduler may use them, or only
 * their addresses.
 *
 * Times are nanoseconds of a clock that nobody sets (CLOCK_MONOTONIC). */
#ifndef STRATA_COMMON_SYNC_H
#define STRATA_COMMON_SYNC_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

struct sync_mutex {
    pthread_mutex_t os;
};
struct sync_cond {
    pthread_cond_t os;
};
struct sync_sem {
    sem_t os;
};
struct sync_once {
    pthread_once_t os;
};
struct sync_thread {
    pthread_t os;
};
#define SYNC_MUTEX_INIT                                                                            \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER                                                                  \
    }
#define SYNC_ONCE_INIT                                                                             \
    {                                                                                              \
        PTHREAD_ONCE_INIT                                                                          \
    }

/* Answers the calls of the same names below. */
struct sync_scheduler {
    void (*lock)(struct sync_mutex *mutex);
    bool (*trylock)(struct sync_mutex *mutex);
    void (*unlock)(struct sync_mutex *mutex);
    void (*wait)(struct sync_cond *cond, struct sync_mutex *mutex);
    bool (*wait_until)(struct sync_cond *cond, struct sync_mutex *mutex, uint64_t ns);
    void (*wake_one)(struct sync_cond *cond);
    void (*wake_all)(struct sync_cond *cond);
    void (*take)(struct sync_sem *sem);
    void (*post)(struct sync_sem *sem);
    int (*start)(struct sync_thread *thread, void *(*run)(void *arg), void *arg);
    void *(*join)(struct sync_thread *thread);
    uint64_t (*now)(void);
    void (*sleep)(uint64_t ns);
    void (*yield)(void);
    void (*point)(void);
};

/* NULL: none. */
extern const struct sync_scheduler *sync_scheduler;

static inline bool sync_is_scheduled(void)
{
    return __builtin_expect(sync_scheduler != NULL, 0);
}

/* ---- Mutexes --------------------------------------------------------------------------------- */

/* 0, or an errno: no memory. */
static inline int sync_mutex_init(struct sync_mutex *mutex)
{
    return pthread_mutex_init(&mutex->os, NULL);
}

static inline void sync_mutex_free(struct sync_mutex *mutex)
{
    pthread_mutex_destroy(&mutex->os);
}

static inline void sync_lock(struct sync_mutex *mutex)
{
    if (sync_is_scheduled())
        sync_scheduler->lock(mutex);
    else
        pthread_mutex_lock(&mutex->os);
}

/* False: another thread has it. */
static inline bool sync_trylock(struct sync_mutex *mutex)
{
    return sync_is_scheduled() ? sync_scheduler->trylock(mutex)
                               : pthread_mutex_trylock(&mutex->os) == 0;
}

static inline void sync_unlock(struct sync_mutex *mutex)
{
    if (sync_is_scheduled())
        sync_scheduler->unlock(mutex);
    else
        pthread_mutex_unlock(&mutex->os);
}

/* ---- Condition variables --------------------------------------------------------------------- */

/* 0, or an errno: no memory. */
int sync_cond_init(struct sync_cond *cond);
void sync_cond_free(struct sync_cond *cond);
/* The mutex is held before and after. It may return without a wake-up. */
void sync_wait(struct sync_cond *cond, struct sync_mutex *mutex);
/* The same, until that time at most. False: the time has come. */
bool sync_wait_until(struct sync_cond *cond, struct sync_mutex *mutex, uint64_t ns);
void sync_wake_one(struct sync_cond *cond);
void sync_wake_all(struct sync_cond *cond);

/* ---- Semaphores ------------------------------------------------------------------------------ */

/* It begins at 0. */
void sync_sem_init(struct sync_sem *sem);
void sync_sem_free(struct sync_sem *sem);
/* Waits until it is above 0, and lowers it. */
void sync_take(struct sync_sem *sem);
void sync_post(struct sync_sem *sem);

/* ---- Threads --------------------------------------------------------------------------------- */

/* 0, or an errno: there can be no more threads. What it starts blocks all signals: they are the
 * program's, not the library's. */
int sync_start(struct sync_thread *thread, void *(*run)(void *arg), void *arg);
/* Waits until it has ended; what it returned. */
void *sync_join(struct sync_thread *thread);

/* `init` may neither lock nor wait. */
static inline void sync_once(struct sync_once *once, void (*init)(void))
{
    pthread_once(&once->os, init);
}

uint64_t sync_now(void);
void sync_sleep(uint64_t ns);
/* Another thread may go first: of a loop that waits for it. */
void sync_yield(void);

/* Between two accesses to memory that threads share without a lock: here, too, a scheduler may
 * switch. Nothing without one. */
static inline void sync_point(void)
{
    if (sync_is_scheduled())
        sync_scheduler->point();
}

#endif
