// A state: its memory, and the libraries a script may use.
#include "internal.h"
#include <stdlib.h>

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

/// Gives the table on the stack a function that a script does not get: of a function its bytecode, by which two can be
/// told apart.
static void keep_dump(lua_State *L) {
    lua_getglobal(L, LUA_STRLIBNAME);
    lua_getfield(L, -1, "dump");
    lua_setfield(L, -3, "dump");
    lua_pop(L, 1);
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
    make_weak_table(L, &lists_key);
    make_weak_table(L, &traces_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &primitives_key);
    lua_newtable(L);
    keep_dump(L);
    remove_fields(L, NULL, of_base);
    remove_fields(L, "os", of_os);
    remove_fields(L, "string", of_string);
    open_values(L);
    open_protected(L);
    open_traceback(L);
    open_coroutines(L);
    open_calls(L);
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
