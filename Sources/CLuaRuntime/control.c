// The memory limit, interruption, and the state itself.
#define _GNU_SOURCE
#include "internal.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

const char failure_key = 0, secret_key = 0, lists_key = 0, traces_key = 0, carried_key = 0, primitives_key = 0;

struct limiq_thread {
    pthread_mutex_t mutex;
    int present;
    pthread_t id;
    sigset_t mask;
};

/// The state whose script runs on this thread, for the signal handler.
static _Thread_local limiq_control *volatile here;

limiq_control *limiq_control_create(size_t memory_limit) {
    limiq_control *control = calloc(1, sizeof *control);
    struct limiq_thread *thread = calloc(1, sizeof *thread);
    if (!control || !thread) {
        free(control);
        free(thread);
        return NULL;
    }
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

// MARK: interruption

static int is_due(limiq_control *control) {
    int interrupts = interrupts_of(control);
    return control->killed || interrupts >= 2 || (interrupts == 1 && !control->interrupted);
}

/// Runs before the next instruction of the coroutine it was set for.
static void interrupt_hook(lua_State *L, lua_Debug *activation) {
    (void)activation;
    limiq_control *control = control_of(L);
    if (!is_due(control)) {
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    // A task that must end is stopped again and again, in its handlers too.
    if (!is_killed(control)) {
        control->interrupted = 1;
        lua_sethook(L, NULL, 0, 0);
    }
    raise_interrupted(L);
}

static void arm(lua_State *L) { lua_sethook(L, interrupt_hook, LUA_MASKCOUNT, 1); }

/// On the scheduler's own thread, so that the running coroutine stands still meanwhile.
static void on_signal(int number) {
    (void)number;
    limiq_control *control = here;
    if (control && control->running) arm(control->running);
}

static void install_handler(void) {
    // SIGURG: by default it is ignored, so that a stray one harms nobody.
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGURG, &action, NULL);
}

void limiq_arrive(limiq_control *control) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_handler);
    sigset_t urgent;
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    pthread_mutex_lock(&control->thread->mutex);
    control->thread->present = 1;
    control->thread->id = pthread_self();
    pthread_sigmask(SIG_UNBLOCK, &urgent, &control->thread->mask);
    pthread_mutex_unlock(&control->thread->mutex);
}

void limiq_leave(limiq_control *control) {
    pthread_mutex_lock(&control->thread->mutex);
    control->thread->present = 0;
    pthread_sigmask(SIG_SETMASK, &control->thread->mask, NULL);
    __atomic_store_n(&control->interrupts, 0, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&control->thread->mutex);
}

void limiq_interrupt(limiq_control *control) {
    pthread_mutex_lock(&control->thread->mutex);
    __atomic_add_fetch(&control->interrupts, 1, __ATOMIC_ACQ_REL);
    // Under the mutex: the thread cannot have ended.
    if (control->thread->present) pthread_kill(control->thread->id, SIGURG);
    pthread_mutex_unlock(&control->thread->mutex);
}

int limiq_resume(limiq_control *control, lua_State *coroutine, lua_State *from, int arguments, int *results) {
    limiq_control *outer = here;
    lua_State *before = control->running;
    control->request = LIMIQ_NOTHING;
    control->running = coroutine;
    here = control;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    // The signal either finds `running`, or came before and is seen here.
    if (is_due(control)) arm(coroutine);
    control->enforcing++;
    int status = lua_resume(coroutine, from, arguments, results);
    control->enforcing--;
    control->running = before;
    here = outer;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (before && is_due(control)) arm(before);
    return status;
}

int limiq_call(limiq_control *control, lua_State *L, int arguments, int results) {
    limiq_control *outer = here;
    lua_State *before = control->running;
    control->running = L;
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
