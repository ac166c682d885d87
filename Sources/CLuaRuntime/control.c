// The memory limit, interruption, and the state itself.
#define _GNU_SOURCE
#include "internal.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char failure_key = 0, secret_key = 0, lists_key = 0, traces_key = 0, carried_key = 0, primitives_key = 0;

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

/// The state whose script runs on this thread, for the signal handler.
static _Thread_local limiq_control *volatile here;

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
    return control;
}

void limiq_control_free(limiq_control *control) {
    pthread_mutex_destroy(&control->thread->mutex);
    free(control->thread);
    free(control->output);
    free(control);
}

/// Refuses to grow beyond the limit while Lua runs, which makes Lua collect garbage, try again, and raise.
static void *allocate(void *user, void *block, size_t old, size_t new) {
    limiq_control *control = user;
    if (!block) old = 0;
    if (new == 0) {
        free(block);
        control->used -= old;
        return NULL;
    }
    if (control->enforcing && new > old && control->used + (new - old) > control->limit) {
        control->refused++;
        return NULL;
    }
    void *grown = realloc(block, new);
    if (grown) control->used += new - old;
    return grown;
}

// MARK: stopping

long long limiq_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void limiq_set_cancelled_text(limiq_control *control, const char *text) {
    snprintf(control->cancelled_text, sizeof control->cancelled_text, "%s", text);
}

int raise_stop(lua_State *L) {
    limiq_control *control = control_of(L);
    if (is_killed(control)) return raise_failure(L, "interrupted", NULL, "interrupted");
    if (control->told) set_flag(L, COROUTINE_STOPS);
    control->told = 1;
    control->patience = 0;
    if (is_cancelled(control)) return raise_failure(L, "cancelled", NULL, "%s", control->cancelled_text);
    return raise_failure(L, "interrupted", NULL, "interrupted");
}

/// Runs before the next instruction of the coroutine it was set for. A task that is killed is stopped again and again, in its
/// handlers too.
static void stop_hook(lua_State *L, lua_Debug *activation) {
    (void)activation;
    limiq_control *control = control_of(L);
    if (control->deadline && limiq_now() >= control->deadline + clean_up_time) control->killed = 1;
    if (is_killed(control)) raise_stop(L);
    lua_sethook(L, NULL, 0, 0);
    if (!must_stop(control)) return;
    if (control->told && ++control->patience < PATIENCE) return;
    raise_stop(L);
}

static void arm(lua_State *L) { lua_sethook(L, stop_hook, LUA_MASKCOUNT, 1); }

/// On the scheduler's own thread, so that the running coroutine stands still meanwhile.
static void on_signal(int number) {
    (void)number;
    limiq_control *control = here;
    if (!control) return;
    control->alarms++;
    if (control->running) arm(control->running);
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
    pthread_mutex_lock(&thread->mutex);
    if (thread->alarm == 0 || at < thread->alarm) start_timer(thread, at);
    pthread_mutex_unlock(&thread->mutex);
}

void limiq_reset_alarm(limiq_control *control, long long at) {
    struct limiq_thread *thread = control->thread;
    pthread_mutex_lock(&thread->mutex);
    if (interrupts_of(control) == 0) start_timer(thread, at);
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
    if (interrupts_of(control) > 0) start_timer(thread, limiq_now() + alarm_interval);
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
        start_timer(thread, limiq_now() + alarm_interval);
    }
    pthread_mutex_unlock(&thread->mutex);
}

int limiq_resume(limiq_control *control, lua_State *coroutine, lua_State *from, int arguments, int *results) {
    limiq_control *outer = here;
    lua_State *before = control->running;
    control->request = LIMIQ_NOTHING;
    control->running = coroutine;
    here = control;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    // The signal either finds `running`, or came before and is seen here.
    if (is_killed(control)) arm(coroutine);
    control->enforcing++;
    int status = lua_resume(coroutine, from, arguments, results);
    control->enforcing--;
    control->running = before;
    here = outer;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (before && is_killed(control)) arm(before);
    return status;
}

int limiq_call(limiq_control *control, lua_State *L, int arguments, int results) {
    limiq_control *outer = here;
    lua_State *before = control->running;
    control->running = control->base = L;
    here = control;
    control->enforcing++;
    int status = lua_pcall(L, arguments, results, 0);
    control->enforcing--;
    control->running = before;
    here = outer;
    return status;
}

// MARK: the state

static void open_library(lua_State *L, const char *name, lua_CFunction open) {
    luaL_requiref(L, name, open, 1);
    lua_pop(L, 1);
}

static void remove_fields(lua_State *L, const char *library, const char *const *names) {
    if (library) lua_getglobal(L, library);
    else lua_pushglobaltable(L);
    for (; *names; names++) {
        lua_pushnil(L);
        lua_setfield(L, -2, *names);
    }
    lua_pop(L, 1);
}

static void make_weak_table(lua_State *L, const char *key) {
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

/// Leaves the table of functions for the prelude on the stack.
static int open_state(lua_State *L) {
    static const char *const of_base[] = {"dofile", "loadfile", "warn", NULL};
    static const char *const of_os[] = {"execute", "exit", "remove", "rename", "tmpname", "setlocale", NULL};
    static const char *const of_string[] = {"dump", NULL};
    open_library(L, LUA_GNAME, luaopen_base);
    open_library(L, LUA_TABLIBNAME, luaopen_table);
    open_library(L, LUA_OSLIBNAME, luaopen_os);
    open_library(L, LUA_STRLIBNAME, luaopen_string);
    open_library(L, LUA_MATHLIBNAME, luaopen_math);
    open_library(L, LUA_UTF8LIBNAME, luaopen_utf8);
    remove_fields(L, NULL, of_base);
    remove_fields(L, "os", of_os);
    remove_fields(L, "string", of_string);
    make_weak_table(L, &lists_key);
    make_weak_table(L, &traces_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &primitives_key);
    lua_newtable(L);
    open_values(L);
    open_traceback(L);
    open_calls(L);
    open_coroutines(L);
    return 1;
}

lua_State *limiq_open(limiq_control *control) {
    lua_State *L = lua_newstate(allocate, control);
    if (!L) return NULL;
    *extra_space(L) = (uintptr_t)control;
    lua_pushcfunction(L, open_state);
    if (lua_pcall(L, 0, 1, 0) != LUA_OK) {
        lua_close(L);
        return NULL;
    }
    return L;
}
