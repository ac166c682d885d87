#pragma once
// What Swift cannot call of Lua's C API: macros, and the few functions that raise, each run under lua_pcallk.
#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

/// Shared by the state's allocator, its count hook and the Swift side.
typedef struct {
    size_t used;
    size_t limit;
    /// Only while Lua itself runs may the allocator refuse: Swift must not meet an error in the middle of a push.
    int armed;
    /// 0; 1: raise `interrupted` once; 2: raise the kill sentinel again and again.
    _Atomic int pending;
    /// The hook has raised `interrupted` since this was last cleared.
    int delivered;
    /// Their addresses name, in the registry, what the hook raises `interrupted` with, and the sentinel no pcall keeps.
    char interrupt_key, kill_key;
} limiq_control;

static inline void *limiq_allocate(void *data, void *block, size_t before, size_t after) {
    limiq_control *control = (limiq_control *)data;
    if (!block) before = 0;
    if (after == 0) {
        free(block);
        control->used -= before;
        return NULL;
    }
    if (control->armed && after > before && control->used - before + after > control->limit) return NULL;
    void *moved = realloc(block, after);
    if (!moved) {
        if (!control->armed) abort();
        return NULL;
    }
    control->used += after - before;
    return moved;
}

static inline limiq_control *limiq_get_control(lua_State *L) {
    return *(limiq_control **)lua_getextraspace(L);
}

/// Every coroutine inherits the main thread's extra space and hook.
static inline void limiq_set_control(lua_State *L, limiq_control *control) {
    *(limiq_control **)lua_getextraspace(L) = control;
}

static inline void *limiq_interrupt_address(limiq_control *control) { return &control->interrupt_key; }
static inline void *limiq_kill_address(limiq_control *control) { return &control->kill_key; }

static inline void limiq_set_pending(limiq_control *control, int level) {
    atomic_store(&control->pending, level);
}

static inline int limiq_get_pending(limiq_control *control) { return atomic_load(&control->pending); }

/// Runs inside Lua, never below a Swift frame of the same resume: it may raise.
static inline void limiq_count_hook(lua_State *L, lua_Debug *event) {
    (void)event;
    limiq_control *control = limiq_get_control(L);
    int once = 1;
    if (atomic_load(&control->pending) == 2) {
        lua_pushlightuserdata(L, &control->kill_key);
        lua_error(L);
    }
    if (atomic_compare_exchange_strong(&control->pending, &once, 0)) {
        control->delivered = 1;
        lua_rawgetp(L, LUA_REGISTRYINDEX, &control->interrupt_key);
        lua_call(L, 0, 0);
    }
}

static inline void limiq_set_hook(lua_State *L) { lua_sethook(L, limiq_count_hook, LUA_MASKCOUNT, 5000); }

static int limiq_open_libraries(lua_State *L) {
    luaL_openlibs(L);
    return 0;
}

/// (table) → a list of its keys and values in turn, without metamethods.
static int limiq_flatten(lua_State *L) {
    lua_Integer count = 0;
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pushvalue(L, -2);
        lua_rawseti(L, 2, ++count);
        lua_rawseti(L, 2, ++count);
    }
    return 1;
}

static inline lua_CFunction limiq_flatten_function(void) { return limiq_flatten; }
static inline lua_CFunction limiq_open_function(void) { return limiq_open_libraries; }

static inline int limiq_registry_index(void) { return LUA_REGISTRYINDEX; }
static inline void limiq_pop(lua_State *L, int count) { lua_settop(L, -count - 1); }
static inline void limiq_new_table(lua_State *L, int list, int fields) { lua_createtable(L, list, fields); }
static inline int limiq_pcall(lua_State *L, int arguments, int results) {
    return lua_pcallk(L, arguments, results, 0, 0, NULL);
}
