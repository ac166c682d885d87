#pragma once
#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>

// Swift imports no function-like macro and not every constant: what LuaRuntime needs of them, as functions.
static inline int clua_registry(void) { return LUA_REGISTRYINDEX; }
static inline void clua_pop(lua_State *L, int count) { lua_settop(L, -count - 1); }
