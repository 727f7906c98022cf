/* sync.c: see sync.h. */
#define _DEFAULT_SOURCE
#include "threads/sync.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#define SECOND 1000000000u

const struct sync_scheduler *sync_scheduler;

static struct timespec time_of(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / SECOND), (long)(ns % SECOND)};
}

/* ---- Condition variables --------------------------------------------------------------------- */

int sync_cond_init(struct sync_cond *cond)
{
    pthread_condattr_t how;
    int sys = pthread_condattr_init(&how);

    if (sys)
        return sys;
    sys = pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    if (sys == 0)
        sys = pthread_cond_init(&cond->os, &how);
    pthread_condattr_destroy(&how);
    return sys;
}

void sync_cond_free(struct sync_cond *cond)
{
    pthread_cond_destroy(&cond->os);
}

void sync_wait(struct sync_cond *cond, struct sync_mutex *mutex)
{
    if (sync_is_scheduled())
        sync_scheduler->wait(cond, mutex);
    else
        pthread_cond_wait(&cond->os, &mutex->os);
}

bool sync_wait_until(struct sync_cond *cond, struct sync_mutex *mutex, uint64_t ns)
{
    struct timespec until = time_of(ns);

    if (sync_is_scheduled())
        return sync_scheduler->wait_until(cond, mutex, ns);
    return pthread_cond_timedwait(&cond->os, &mutex->os, &until) != ETIMEDOUT;
}

void sync_wake_one(struct sync_cond *cond)
{
    if (sync_is_scheduled())
        sync_scheduler->wake_one(cond);
    else
        pthread_cond_signal(&cond->os);
}

void sync_wake_all(struct sync_cond *cond)
{
    if (sync_is_scheduled())
        sync_scheduler->wake_all(cond);
    else
        pthread_cond_broadcast(&cond->os);
}

/* ---- Semaphores ------------------------------------------------------------------------------ */

void sync_sem_init(struct sync_sem *sem)
{
    sem_init(&sem->os, 0, 0);
}

void sync_sem_free(struct sync_sem *sem)
{
    sem_destroy(&sem->os);
}

void sync_take(struct sync_sem *sem)
{
    if (sync_is_scheduled())
        sync_scheduler->take(sem);
    else
        while (sem_wait(&sem->os) < 0 && errno == EINTR)
            ;
}

void sync_post(struct sync_sem *sem)
{
    if (sync_is_scheduled())
        sync_scheduler->post(sem);
    else
        sem_post(&sem->os);
}

/* ---- Threads --------------------------------------------------------------------------------- */

int sync_start(struct sync_thread *thread, void *(*run)(void *arg), void *arg)
{
    sigset_t all, before;
    int sys;

    if (sync_is_scheduled())
        return sync_scheduler->start(thread, run, arg);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread has it, too */
    sys = pthread_create(&thread->os, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return sys;
}

void *sync_join(struct sync_thread *thread)
{
    void *result = NULL;

    if (sync_is_scheduled())
        return sync_scheduler->join(thread);
    pthread_join(thread->os, &result);
    return result;
}

/* ---- Time ------------------------------------------------------------------------------------ */

uint64_t sync_now(void)
{
    struct timespec now;

    if (sync_is_scheduled())
        return sync_scheduler->now();
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

void sync_sleep(uint64_t ns)
{
    struct timespec left = time_of(ns);

    if (sync_is_scheduled())
        sync_scheduler->sleep(ns);
    else
        while (nanosleep(&left, &left) < 0 && errno == EINTR)
            ;
}

void sync_yield(void)
{
    if (sync_is_scheduled())
        sync_scheduler->yield();
    else
        sched_yield();
}
