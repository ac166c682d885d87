// What the files of this target share.
#pragma once
#include "CLuaRuntime.h"
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdint.h>

/// Chunk names of the shipped library begin so; its frames are left out of what a script author sees.
#define LIBRARY_PREFIX "@<limiq>/"

/// What a coroutine is, kept in the low bits of its extra space: the rest is the address of the control.
enum {
    /// The base of a task: what is outside any coroutine for a script.
    COROUTINE_IS_TASK = 1,
    /// A request from inside it is on its way: nobody else may resume it.
    COROUTINE_WAITS = 2,
    /// `coroutine.close` unwinds it: errors pass every pcall entered before.
    COROUTINE_CLOSES = 4,
    /// An error is on its way up to the pcall that catches it: what runs meanwhile are handlers.
    COROUTINE_UNWINDS = 8,
    /// An error that stops the task for good: it passes every pcall entered before.
    COROUTINE_STOPS = 16,
    /// A shield runs in it.
    COROUTINE_IS_SHIELDED = 32,

    COROUTINE_FLAGS = 63,
};

static inline uintptr_t *extra_space(lua_State *L) { return lua_getextraspace(L); }

static inline limiq_control *control_of(lua_State *L) {
    return (limiq_control *)(*extra_space(L) & ~(uintptr_t)COROUTINE_FLAGS);
}

static inline int has_flag(lua_State *L, int flag) { return (*extra_space(L) & (uintptr_t)flag) != 0; }
static inline void set_flag(lua_State *L, int flag) { *extra_space(L) |= (uintptr_t)flag; }
static inline void clear_flag(lua_State *L, int flag) { *extra_space(L) &= ~(uintptr_t)flag; }

static inline int interrupts_of(limiq_control *control) {
    return __atomic_load_n(&control->interrupts, __ATOMIC_ACQUIRE);
}

/// Whether the running task is to end whatever its handlers do.
static inline int is_killed(limiq_control *control) {
    return control->killed || interrupts_of(control) >= 2;
}

/// Whether somebody has cancelled the running task, or its time is over.
static inline int is_cancelled(limiq_control *control) {
    return control->cancelled || (control->deadline && limiq_now(control) >= control->deadline);
}

/// Whether the running task is to end when its clean-up is done.
static inline int is_stopping(limiq_control *control) {
    return is_killed(control) || is_cancelled(control) || (interrupts_of(control) > 0 && !control->shielded);
}

/// Whether the running task is to end here and now.
static inline int must_stop(limiq_control *control) {
    return is_killed(control) || (is_stopping(control) && !limiq_is_cleaning_up(control->base));
}

// resume.c

/// The state whose script runs on this thread, for the signal handler.
extern _Thread_local limiq_control *volatile running_here;
/// Has the next instruction of `L` look whether it is to stop.
void stop_soon(limiq_control *control, lua_State *L);

// values.c

// Registry keys, by address.
extern const char failure_key, secret_key, lists_key, primitives_key;

void open_values(lua_State *L);

// protected.c

/// The context of a protected call: the number of values below the results, and what the coroutine was at.
lua_KContext context_of(lua_State *L, int below);
int count_below(lua_KContext context);
int had_flag(lua_KContext context, int flag);
/// Gives the coroutine the flag it had when the call was entered.
void restore_flag(lua_State *L, lua_KContext context, int flag);
/// `xpcall` wraps a script's handler in this; tracebacks and levels skip it.
int guarded_handler(lua_State *L);

void open_protected(lua_State *L);

// traceback.c

extern const char traces_key, carried_key;

/// Raises a failure with these fields at the script's line; `hint` may be NULL.
int raise_failure(lua_State *L, const char *code, const char *hint, const char *format, ...);
/// Completes `where` and `traceback` of the failure on the top, where it is one and has none.
void complete_failure(lua_State *L);
/// Pushes a traceback of `of`, from `level` on, without the library's frames.
void push_traceback(lua_State *L, lua_State *of, const char *message, int level);
/// A message handler that keeps the traceback of its coroutine for later.
int keep_traceback(lua_State *L);

void open_traceback(lua_State *L);

// coroutines.c

void open_coroutines(lua_State *L);

// control.c

/// The error that stops the running task. A pcall catches the first, and none those that follow.
int raise_stop(lua_State *L);

// calls.c

void open_calls(lua_State *L);
