// The base of a task, requests, and the functions of the base library a sandbox must watch.
#include "internal.h"
#include <stdio.h>
#include <string.h>

// MARK: the base of a task

/// Pushes the traceback of the error this coroutine had last, or nil.
static void push_kept_traceback(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &traces_key);
    lua_pushthread(L);
    lua_rawget(L, -2);
    lua_remove(L, -2);
}

/// An error that stops the task goes on passing every pcall when the library raises it again, as it must.
static int traced_ended(lua_State *L, int status, lua_KContext context) {
    restore_flag(L, context, COROUTINE_UNWINDS);
    if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - 1;
    if (has_flag(L, COROUTINE_CLOSES) && !had_flag(context, COROUTINE_CLOSES)) return lua_error(L);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    push_kept_traceback(L);
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

static int shield_ended(lua_State *L, int status, lua_KContext context) {
    restore_flag(L, context, COROUTINE_IS_SHIELDED);
    if (status == LUA_OK || status == LUA_YIELD) {
        restore_flag(L, context, COROUTINE_UNWINDS);
        return lua_gettop(L) - count_below(context);
    }
    lua_replace(L, 1);
    push_kept_traceback(L);
    lua_replace(L, 2);
    return carry(L);
}

/// shield(f, …): what `f` returns; it runs to its end although the task is to stop.
static int shield(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_pushcfunction(L, keep_traceback);
    lua_insert(L, 1);
    lua_KContext context = context_of(L, 1);
    set_flag(L, COROUTINE_IS_SHIELDED);
    return shield_ended(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, context, shield_ended), context);
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

/// What does not wait is done: others may wait for it.
static int is_for_others(int request) {
    return request == LIMIQ_CANCEL || request == LIMIQ_LIMIT || request == LIMIQ_ANNOUNCE;
}

/// Hands the whole stack to the scheduler; the answer, or its error, comes back as the function's.
static int ask(lua_State *L, int request, const char *name) {
    limiq_control *control = control_of(L);
    if (is_killed(control) || (!is_for_others(request) && must_stop(control))) return raise_stop(L);
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
    if (lua_rawget(L, -2) != LUA_TNUMBER) return raise_failure(L, "not_found", NULL, "there is no primitive %s", name);
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

/// Whether the running task is to end here and now, so that nothing more is to be tried.
static int stopped(lua_State *L) {
    lua_pushboolean(L, must_stop(control_of(L)));
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
    lua_KContext context = context_of(L, 0);
    int results = call_original(L);
    // It catches what a function that reads the text for it raises.
    restore_flag(L, context, COROUTINE_UNWINDS);
    if (has_flag(L, COROUTINE_STOPS) && !had_flag(context, COROUTINE_STOPS)) return lua_error(L);
    return results;
}

/// `setmetatable` without finalizers: they run at any allocation and cannot be interrupted.
static int base_setmetatable(lua_State *L) {
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return raise_failure(
                L, "forbidden", "use a <close> variable, or call the clean-up yourself", "__gc is not allowed in a metatable");
        lua_pop(L, 1);
    }
    return call_original(L);
}

static int base_collectgarbage(lua_State *L) {
    const char *option = luaL_optstring(L, 1, "collect");
    if (strcmp(option, "stop") == 0)
        return raise_failure(L, "forbidden", NULL, "collectgarbage \"stop\" is not allowed: memory is limited");
    return call_original(L);
}

void open_calls(lua_State *L) {
    static const luaL_Reg core[] = {
        {"perform", perform}, {"request", request}, {"task", current_task}, {"killed", killed},
        {"stopped", stopped}, {"traced", traced}, {"carry", carry}, {"shield", shield}, {NULL, NULL},
    };
    static const luaL_Reg watched[] = {
        {"load", base_load}, {"setmetatable", base_setmetatable}, {"collectgarbage", base_collectgarbage}, {NULL, NULL},
    };
    static const struct {
        const char *name;
        int kind;
    } requests[] = {
        {"SPAWN", LIMIQ_SPAWN}, {"JOIN", LIMIQ_JOIN}, {"CANCEL", LIMIQ_CANCEL}, {"LIMIT", LIMIQ_LIMIT},
        {"SLEEP", LIMIQ_SLEEP}, {"AWAIT", LIMIQ_AWAIT}, {"ANNOUNCE", LIMIQ_ANNOUNCE},
    };
    luaL_setfuncs(L, core, 0);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        lua_pushinteger(L, requests[i].kind);
        lua_setfield(L, -2, requests[i].name);
    }
    lua_pushglobaltable(L);
    for (const luaL_Reg *function = watched; function->name; function++) {
        lua_getfield(L, -1, function->name);
        lua_pushcclosure(L, function->func, 1);
        lua_setfield(L, -2, function->name);
    }
    lua_pop(L, 1);
}
