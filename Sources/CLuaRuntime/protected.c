// Protected calls, after lbaselib.c: errors that stop a task pass those entered before.
#include "internal.h"

/// What a coroutine was at when a protected call was entered, and is at again after it.
enum { ENTRY_FLAGS = COROUTINE_CLOSES | COROUTINE_UNWINDS | COROUTINE_STOPS | COROUTINE_IS_SHIELDED };

lua_KContext context_of(lua_State *L, int below) {
    return below | (lua_KContext)(*extra_space(L) & ENTRY_FLAGS) << 3;
}

int count_below(lua_KContext context) { return (int)(context & 7); }

int had_flag(lua_KContext context, int flag) { return (context >> 3 & flag) != 0; }

void restore_flag(lua_State *L, lua_KContext context, int flag) {
    if (had_flag(context, flag)) set_flag(L, flag);
    else clear_flag(L, flag);
}

/// Whether an error must pass a protected call. One entered by a handler of what closes or stops works as ever.
static int must_pass(lua_State *L, lua_KContext context) {
    return is_killed(control_of(L)) || (has_flag(L, COROUTINE_CLOSES) && !had_flag(context, COROUTINE_CLOSES)) ||
           (has_flag(L, COROUTINE_STOPS) && !had_flag(context, COROUTINE_STOPS));
}

static int call_ended(lua_State *L, int status, lua_KContext context) {
    int failed = status != LUA_OK && status != LUA_YIELD;
    if (failed && must_pass(L, context)) return lua_error(L);
    restore_flag(L, context, COROUTINE_UNWINDS);
    if (failed) {
        lua_pushboolean(L, 0);
        lua_pushvalue(L, -2);
        return 2;
    }
    return lua_gettop(L) - count_below(context);
}

/// The message handler of `pcall`.
static int note_error(lua_State *L) {
    set_flag(L, COROUTINE_UNWINDS);
    return 1;
}

static int base_pcall(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    lua_pushcfunction(L, note_error);
    lua_insert(L, 1);
    lua_KContext context = context_of(L, 1);
    return call_ended(L, lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 1, context, call_ended), context);
}

int guarded_handler(lua_State *L) {
    set_flag(L, COROUTINE_UNWINDS);
    if (must_pass(L, (lua_KContext)lua_tointeger(L, lua_upvalueindex(2)))) return 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

static int base_xpcall(lua_State *L) {
    int count = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_KContext context = context_of(L, 2);
    lua_pushvalue(L, 2);
    lua_pushinteger(L, context);
    lua_pushcclosure(L, guarded_handler, 2);
    lua_replace(L, 2);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2);
    return call_ended(L, lua_pcallk(L, count - 2, LUA_MULTRET, 2, context, call_ended), context);
}

void open_protected(lua_State *L) {
    lua_pushcfunction(L, base_pcall);
    lua_setglobal(L, "pcall");
    lua_pushcfunction(L, base_xpcall);
    lua_setglobal(L, "xpcall");
}
