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
};

static inline uintptr_t *extra_space(lua_State *L) { return lua_getextraspace(L); }

static inline limiq_control *control_of(lua_State *L) {
    return (limiq_control *)(*extra_space(L) & ~(uintptr_t)15);
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

// Registry keys, by address.
extern const char failure_key, secret_key, lists_key, traces_key, carried_key, primitives_key;

/// Raises a failure with these fields at the script's line; `hint` may be NULL.
int raise_failure(lua_State *L, const char *code, const char *hint, const char *format, ...);
/// Completes `where` and `traceback` of the failure on the top, where it is one and has none.
void complete_failure(lua_State *L);
/// The error of an interrupt.
int raise_interrupted(lua_State *L);
/// Hands the whole stack to the scheduler; the answer, or its error, comes back as the function's.
int ask(lua_State *L, int request, const char *name);

/// Pushes a traceback of `of`, from `level` on, without the library's frames.
void push_traceback(lua_State *L, lua_State *of, const char *message, int level);
/// A message handler that keeps the traceback of its coroutine for later.
int keep_traceback(lua_State *L);

void open_calls(lua_State *L);
void open_coroutines(lua_State *L);
void open_values(lua_State *L);
void open_traceback(lua_State *L);
/// `xpcall` wraps a script's handler in this; tracebacks and levels skip it.
int guarded_handler(lua_State *L);
