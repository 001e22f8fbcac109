/* A pool of threads for the kernels: `parallel(piece, context, count)` runs piece(context, 0),
   …, piece(context, count - 1), each once, on whoever is awake.

   Why not OpenMP. A region of OpenMP ends when every thread of its team has come and gone, so the
   caller waits even for a thread that the system has not yet put on a core: measured on a virtual
   machine that packs threads onto few cores, 7 ms for a region after a pause. Here pieces are
   claimed one by one from a counter. The caller claims too, and at the end waits only for pieces
   that a worker has begun. Threads that come late find nothing left to do, and cost nothing.
   Beside that: no second OpenMP runtime in a process that has one, and a fork is no drama.

   The gate tells what the threads need to know in one word, changed atomically:

        63                      17   16   15        0
       ┌──────────────────────────┬──────┬───────────┐    a worker enters (inside + 1) only while
       │        number of the job │ open │  inside   │    the job is open and new to it; the caller
       └──────────────────────────┴──────┴───────────┘    closes it, and waits for inside = 0

   A worker that finds itself on the caller's core moves to another: left alone, some schedulers
   keep the two together for good, and two threads then take as long as one.

   A worker without a job looks at the gate for a while (a training step comes with its next
   kernel soon), then sleeps on a condition. It does not give its core away between looks: whoever
   took it, a build in the background, would keep it for milliseconds. */

#ifndef MINIGRAD_THREADS_H
#define MINIGRAD_THREADS_H

#include <Python.h>

typedef void (*Piece)(void *context, Py_ssize_t index);

#if (defined(__GNUC__) || defined(__clang__)) && !defined(_WIN32)
#include <pthread.h>
#include <sched.h>
#include <time.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define POOL_MOST 64       /* threads */
#define POOL_PATIENCE 1e-3 /* seconds that a worker looks for a job before it sleeps */
#define POOL_OPEN ((uint64_t)1 << 16)
#define POOL_INSIDE (POOL_OPEN - 1)
#define POOL_JOB(GATE) ((GATE) >> 17)

static struct {
    uint64_t gate;
    char apart[56]; /* what all look at, and what all count, in cache lines of their own */
    Py_ssize_t next;
    char apart_too[56];
    Piece piece;
    void *context;
    Py_ssize_t count;
    long caller;  /* its number in the system: a thread that has ended is no error there */
    int core;     /* of the caller */
    int busy;     /* a caller is using the pool */
    int limit;    /* threads allowed, the caller included */
    int started;  /* workers */
    int sleeping; /* workers */
    pthread_mutex_t lock;
    pthread_cond_t wake;
} pool = {.limit = 1, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

#define POOL_GET(FIELD) __atomic_load_n(&pool.FIELD, __ATOMIC_SEQ_CST)
#define POOL_SET(FIELD, VALUE) __atomic_store_n(&pool.FIELD, VALUE, __ATOMIC_SEQ_CST)

static inline void pool_breathe(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static inline double pool_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Run pieces until none is left. */
static inline void pool_work(void)
{
    Py_ssize_t i;
    while ((i = __atomic_fetch_add(&pool.next, 1, __ATOMIC_RELAXED)) < pool.count)
        pool.piece(pool.context, i);
}

static inline int pool_calls(uint64_t gate, int me, uint64_t done)
{
    return (gate & POOL_OPEN) && POOL_JOB(gate) != done && me < POOL_GET(limit);
}

#if defined(__linux__)
static inline int pool_core(void) { return sched_getcpu(); }
static inline long pool_self(void) { return syscall(SYS_gettid); }

/* Leave the caller's core, if that is where this worker is; where there is no other, give way. */
static void pool_part(void)
{
    cpu_set_t cores;
    if (pool.core != pool_core())
        return;
    if (sched_getaffinity((pid_t)pool.caller, sizeof(cores), &cores) || CPU_COUNT(&cores) < 2) {
        sched_yield();
        return;
    }
    CPU_CLR(pool.core, &cores);
    pthread_setaffinity_np(pthread_self(), sizeof(cores), &cores);
}
#else
static inline int pool_core(void) { return -1; }
static inline long pool_self(void) { return 0; }
static void pool_part(void) { sched_yield(); }
#endif

static void *pool_worker(void *argument)
{
    const int me = (int)(intptr_t)argument; /* 1, 2, …: the caller is 0 */
    uint64_t done = 0, gate;
    for (;;) {
        double until = pool_clock() + POOL_PATIENCE;
        for (int look = 0; !pool_calls(gate = POOL_GET(gate), me, done); look++) {
            pool_breathe();
            if (look % 64 < 63)
                continue;
            pool_part();
            if (pool_clock() < until)
                continue;
            pthread_mutex_lock(&pool.lock);
            __atomic_fetch_add(&pool.sleeping, 1, __ATOMIC_SEQ_CST);
            while (!pool_calls(POOL_GET(gate), me, done))
                pthread_cond_wait(&pool.wake, &pool.lock);
            __atomic_fetch_sub(&pool.sleeping, 1, __ATOMIC_SEQ_CST);
            pthread_mutex_unlock(&pool.lock);
        }
        if (!__atomic_compare_exchange_n(&pool.gate, &gate, gate + 1, 0, __ATOMIC_SEQ_CST,
                                         __ATOMIC_SEQ_CST))
            continue;
        done = POOL_JOB(gate);
        pool_part();
        pool_work();
        __atomic_fetch_sub(&pool.gate, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

/* Start the workers that are missing; one that cannot be started is done without. */
static void pool_start(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (; pool.started < pool.limit - 1; pool.started++)
        if (pthread_create(&thread, &attributes, pool_worker, (void *)(intptr_t)(pool.started + 1)))
            break;
    pthread_attr_destroy(&attributes);
}

static void pool_run(Piece piece, void *context, Py_ssize_t count)
{
    if (count < 2 || pool.limit < 2 || __atomic_exchange_n(&pool.busy, 1, __ATOMIC_SEQ_CST)) {
        for (Py_ssize_t i = 0; i < count; i++)
            piece(context, i);
        return;
    }
    if (pool.started < pool.limit - 1)
        pool_start();
    pool.piece = piece, pool.context = context, pool.count = count, pool.next = 0;
    pool.caller = pool_self(), pool.core = pool_core();
    POOL_SET(gate, ((POOL_JOB(pool.gate) + 1) << 17) | POOL_OPEN);
    if (POOL_GET(sleeping)) {
        pthread_mutex_lock(&pool.lock);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.lock);
    }
    pool_work();
    __atomic_fetch_and(&pool.gate, ~POOL_OPEN, __ATOMIC_SEQ_CST);
    for (int look = 0; POOL_GET(gate) & POOL_INSIDE; look++)
        if (look < 256)
            pool_breathe();
        else
            sched_yield(); /* the worker may be waiting for this very core */
    POOL_SET(busy, 0);
}

static void pool_limit(int threads)
{
    pool.limit = threads < 1 ? 1 : threads > POOL_MOST ? POOL_MOST : threads;
}

/* A forked child has none of its parent's workers, and one thread until it asks for more. */
static void pool_after_fork(void)
{
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.wake, NULL);
    pool.started = pool.sleeping = pool.busy = 0;
    pool.gate &= ~(POOL_OPEN | POOL_INSIDE);
    pool.limit = 1;
}

static void pool_open(void) { pthread_atfork(NULL, NULL, pool_after_fork); }

#else /* one thread */
#define POOL_MOST 1
static struct { int limit; } pool = {1};
static void pool_run(Piece piece, void *context, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++)
        piece(context, i);
}
static void pool_limit(int threads) { (void)threads; }
static void pool_open(void) {}
#endif

#endif
