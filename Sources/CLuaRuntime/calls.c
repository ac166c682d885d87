// Protected calls, requests, and the functions of the base library a sandbox must watch.
#include "internal.h"
#include <stdio.h>
#include <string.h>

// MARK: pcall and xpcall, after lbaselib.c

/// Whether an error must pass this protected call. One entered by a handler of a coroutine that closes works as ever.
static int must_pass(lua_State *L, int entered_closing) {
    return is_killed(control_of(L)) || (has_flag(L, COROUTINE_CLOSES) && !entered_closing);
}

/// The context: the number of values below the results, and whether the coroutine was closing already.
static lua_KContext context_of(lua_State *L, int below) {
    return below | (has_flag(L, COROUTINE_CLOSES) ? 8 : 0);
}

static int call_ended(lua_State *L, int status, lua_KContext context) {
    if (status != LUA_OK && status != LUA_YIELD) {
        if (must_pass(L, (context & 8) != 0)) return lua_error(L);
        lua_pushboolean(L, 0);
        lua_pushvalue(L, -2);
        return 2;
    }
    return lua_gettop(L) - (int)(context & 7);
}

static int base_pcall(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    lua_KContext context = context_of(L, 0);
    return call_ended(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, context, call_ended), context);
}

int guarded_handler(lua_State *L) {
    if (must_pass(L, lua_toboolean(L, lua_upvalueindex(2)))) return 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

static int base_xpcall(lua_State *L) {
    int count = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushboolean(L, has_flag(L, COROUTINE_CLOSES));
    lua_pushcclosure(L, guarded_handler, 2);
    lua_replace(L, 2);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2);
    lua_KContext context = context_of(L, 2);
    return call_ended(L, lua_pcallk(L, count - 2, LUA_MULTRET, 2, context, call_ended), context);
}

// MARK: the base of a task

static int traced_ended(lua_State *L, int status, lua_KContext context) {
    if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - 1;
    if (has_flag(L, COROUTINE_CLOSES) && !(context & 8)) return lua_error(L);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &traces_key);
    lua_pushthread(L);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    return 3;
}

/// traced(f, …): true and the results, or false, the error and its traceback. A task that must end ends here too.
static int traced(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushcfunction(L, keep_traceback);
    lua_insert(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 2);
    lua_KContext context = context_of(L, 0);
    return traced_ended(L, lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 1, context, traced_ended), context);
}

/// carry(error, traceback): raises another task's error; its traceback stays that of the task.
static int carry(lua_State *L) {
    lua_settop(L, 2);
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, 2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &carried_key);
    lua_settop(L, 1);
    return lua_error(L);
}

// MARK: requests

static int answered(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    if (lua_toboolean(L, 1)) return lua_gettop(L) - 1;
    lua_settop(L, 2);
    complete_failure(L);
    return lua_error(L);
}

int ask(lua_State *L, int request, const char *name) {
    limiq_control *control = control_of(L);
    if (is_killed(control)) return raise_interrupted(L);
    if (!lua_isyieldable(L) || !control->can_pass)
        return raise_failure(
            L, "cannot_wait", "call it before or after, and keep what it returns in a local variable",
            "%s cannot wait here: it is called by a function of Lua's own, such as table.sort or string.gsub, or by a "
            "metamethod such as __tostring",
            name);
    control->request = request;
    control->requester = L;
    return lua_yieldk(L, lua_gettop(L), 0, answered);
}

/// perform(name, …): what the primitive returns, or its error.
static int perform(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &primitives_key);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, -2) != LUA_TNUMBER) return raise_failure(L, "no_primitive", NULL, "there is no primitive %s", name);
    int number = (int)lua_tointeger(L, -1);
    lua_pop(L, 2);
    char shown[64];
    snprintf(shown, sizeof shown, "%s", name);
    lua_remove(L, 1);
    control_of(L)->primitive = number;
    return ask(L, LIMIQ_PERFORM, shown);
}

/// request(kind, name, …): a request to the scheduler itself; `name` is for the error where it cannot wait.
static int request(lua_State *L) {
    int kind = (int)luaL_checkinteger(L, 1);
    char shown[64];
    snprintf(shown, sizeof shown, "%s", luaL_checkstring(L, 2));
    lua_remove(L, 1);
    lua_remove(L, 1);
    return ask(L, kind, shown);
}

static int current_task(lua_State *L) {
    lua_pushinteger(L, control_of(L)->task);
    return 1;
}

/// Whether the running task must end: clean-up that would wait has no chance.
static int killed(lua_State *L) {
    lua_pushboolean(L, is_killed(control_of(L)));
    return 1;
}

// MARK: watched functions. The upvalue is the original, called on the same stack so that its messages name this one.

static int call_original(lua_State *L) { return lua_tocfunction(L, lua_upvalueindex(1))(L); }

/// `load` for text only: mutated bytecode crashes the interpreter.
static int base_load(lua_State *L) {
    const char *mode = luaL_optstring(L, 3, "t");
    if (!strchr(mode, 't')) {
        luaL_pushfail(L);
        lua_pushliteral(L, "load takes Lua text, not bytecode");
        return 2;
    }
    if (lua_gettop(L) < 3) lua_settop(L, 3);
    lua_pushliteral(L, "t");
    lua_replace(L, 3);
    return call_original(L);
}

/// `setmetatable` without finalizers: they run at any allocation and cannot be interrupted.
static int base_setmetatable(lua_State *L) {
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return raise_failure(
                L, "not_allowed", "use a <close> variable, or call the clean-up yourself", "__gc is not allowed in a metatable");
        lua_pop(L, 1);
    }
    return call_original(L);
}

static int base_collectgarbage(lua_State *L) {
    const char *option = luaL_optstring(L, 1, "collect");
    if (strcmp(option, "stop") == 0)
        return raise_failure(L, "not_allowed", NULL, "collectgarbage \"stop\" is not allowed: memory is limited");
    return call_original(L);
}

void open_calls(lua_State *L) {
    static const luaL_Reg core[] = {
        {"perform", perform}, {"request", request}, {"task", current_task}, {"killed", killed},
        {"traced", traced}, {"carry", carry}, {NULL, NULL},
    };
    static const luaL_Reg watched[] = {
        {"load", base_load}, {"setmetatable", base_setmetatable}, {"collectgarbage", base_collectgarbage}, {NULL, NULL},
    };
    static const struct {
        const char *name;
        int kind;
    } requests[] = {
        {"SPAWN", LIMIQ_SPAWN}, {"JOIN", LIMIQ_JOIN}, {"CANCEL", LIMIQ_CANCEL},
        {"SLEEP", LIMIQ_SLEEP}, {"AWAIT", LIMIQ_AWAIT}, {"ANNOUNCE", LIMIQ_ANNOUNCE},
    };
    luaL_setfuncs(L, core, 0);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        lua_pushinteger(L, requests[i].kind);
        lua_setfield(L, -2, requests[i].name);
    }
    lua_pushglobaltable(L);
    lua_pushcfunction(L, base_pcall);
    lua_setfield(L, -2, "pcall");
    lua_pushcfunction(L, base_xpcall);
    lua_setfield(L, -2, "xpcall");
    for (const luaL_Reg *function = watched; function->name; function++) {
        lua_getfield(L, -1, function->name);
        lua_pushcclosure(L, function->func, 1);
        lua_setfield(L, -2, function->name);
    }
    lua_pop(L, 1);
}
