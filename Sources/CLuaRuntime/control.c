// What the scheduler and the code inside Lua share, and how a task is stopped that computes.
#define _GNU_SOURCE
#include "internal.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct limiq_thread {
    pthread_mutex_t mutex;
    int present;
    pthread_t id;
    sigset_t mask;
    int has_timer;
    timer_t timer;
    /// When the timer goes off first, 0 for not at all.
    long long alarm;
};

/// The time between two alarms.
static const long long alarm_interval = 50000000;
/// The alarms a task may compute on after it was told to stop: about a second.
enum { PATIENCE = 20 };
/// What clean-up may take after the time of a task is over, in nanoseconds.
static const long long clean_up_time = 10000000000;

// MARK: stopping

static long long monotonic_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

long long limiq_now(const limiq_control *control) { return monotonic_now() + control->ahead; }

void limiq_set_cancelled_text(limiq_control *control, const char *text) {
    snprintf(control->cancelled_text, sizeof control->cancelled_text, "%s", text);
}

int raise_stop(lua_State *L) {
    limiq_control *control = control_of(L);
    if (is_killed(control)) return raise_failure(L, "interrupted", NULL, "interrupted");
    if (control->has_stopped) set_flag(L, COROUTINE_STOPS);
    control->has_stopped = 1;
    control->patience = 0;
    if (is_cancelled(control)) return raise_failure(L, "cancelled", NULL, "%s", control->cancelled_text);
    return raise_failure(L, "interrupted", NULL, "interrupted");
}

/// Runs before the next instruction of the coroutine it was set for. A task that is killed is stopped again and again, in its
/// handlers too.
static void stop_hook(lua_State *L, lua_Debug *activation) {
    (void)activation;
    limiq_control *control = control_of(L);
    if (control->deadline && limiq_now(control) >= control->deadline + clean_up_time) control->killed = 1;
    if (is_killed(control)) raise_stop(L);
    lua_sethook(L, NULL, 0, 0);
    if (!must_stop(control)) return;
    if (control->has_stopped && ++control->patience < PATIENCE) return;
    raise_stop(L);
}

// MARK: the control

limiq_control *limiq_control_create(size_t memory_limit) {
    // Aligned, as the flags of a coroutine are kept in the low bits of this address.
    size_t size = (sizeof(limiq_control) + COROUTINE_FLAGS) & ~(size_t)COROUTINE_FLAGS;
    limiq_control *control = aligned_alloc(COROUTINE_FLAGS + 1, size);
    struct limiq_thread *thread = calloc(1, sizeof *thread);
    if (!control || !thread) {
        free(control);
        free(thread);
        return NULL;
    }
    memset(control, 0, size);
    pthread_mutex_init(&thread->mutex, NULL);
    control->thread = thread;
    control->limit = memory_limit;
    control->can_pass = 1;
    control->stop = stop_hook;
    return control;
}

void limiq_control_free(limiq_control *control) {
    pthread_mutex_destroy(&control->thread->mutex);
    free(control->thread);
    free(control->output);
    free(control);
}

// MARK: the signal

/// On the scheduler's own thread, so that the running coroutine stands still meanwhile.
static void on_signal(int number) {
    (void)number;
    limiq_control *control = running_here;
    if (!control) return;
    control->alarms++;
    if (control->running) stop_soon(control, control->running);
}

static void install_handler(void) {
    // SIGURG: by default it is ignored, so that a stray one harms nobody.
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGURG, &action, NULL);
}

// MARK: the alarm: an end of its time or a person's wish must reach a task that never waits

/// Under the mutex.
static void start_timer(struct limiq_thread *thread, long long at) {
    struct itimerspec times = {
        .it_value = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000},
        .it_interval = {.tv_nsec = at ? alarm_interval : 0},
    };
    thread->alarm = at;
    if (thread->has_timer) timer_settime(thread->timer, TIMER_ABSTIME, &times, NULL);
}

void limiq_set_alarm(limiq_control *control, long long at) {
    struct limiq_thread *thread = control->thread;
    at -= control->ahead;
    pthread_mutex_lock(&thread->mutex);
    if (thread->alarm == 0 || at < thread->alarm) start_timer(thread, at);
    pthread_mutex_unlock(&thread->mutex);
}

void limiq_reset_alarm(limiq_control *control, long long at) {
    struct limiq_thread *thread = control->thread;
    pthread_mutex_lock(&thread->mutex);
    if (interrupts_of(control) == 0) start_timer(thread, at ? at - control->ahead : 0);
    pthread_mutex_unlock(&thread->mutex);
}

/// Without a timer only what waits can be stopped, as before any alarm.
static void make_timer(struct limiq_thread *thread) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG};
    event._sigev_un._tid = gettid();
    thread->has_timer = timer_create(CLOCK_MONOTONIC, &event, &thread->timer) == 0;
    thread->alarm = 0;
}

// MARK: the thread

void limiq_arrive(limiq_control *control) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_handler);
    struct limiq_thread *thread = control->thread;
    sigset_t urgent;
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    pthread_mutex_lock(&thread->mutex);
    thread->present = 1;
    thread->id = pthread_self();
    make_timer(thread);
    if (interrupts_of(control) > 0) start_timer(thread, monotonic_now() + alarm_interval);
    pthread_sigmask(SIG_UNBLOCK, &urgent, &thread->mask);
    pthread_mutex_unlock(&thread->mutex);
}

void limiq_leave(limiq_control *control) {
    struct limiq_thread *thread = control->thread;
    pthread_mutex_lock(&thread->mutex);
    thread->present = 0;
    if (thread->has_timer) timer_delete(thread->timer);
    thread->has_timer = 0;
    pthread_sigmask(SIG_SETMASK, &thread->mask, NULL);
    __atomic_store_n(&control->interrupts, 0, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&thread->mutex);
}

void limiq_interrupt(limiq_control *control) {
    struct limiq_thread *thread = control->thread;
    pthread_mutex_lock(&thread->mutex);
    __atomic_add_fetch(&control->interrupts, 1, __ATOMIC_ACQ_REL);
    // Under the mutex: the thread cannot have ended.
    if (thread->present) {
        pthread_kill(thread->id, SIGURG);
        start_timer(thread, monotonic_now() + alarm_interval);
    }
    pthread_mutex_unlock(&thread->mutex);
}
