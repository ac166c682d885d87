// The coroutine library, after lcorolib.c of Lua 5.4, with two additions: a request of a primitive passes upward
// through every coroutine to the scheduler, and `close` may wait.
#include "internal.h"
#include <string.h>

/// Resumes `co` with the values on the top of `L`. A request from inside is handed on: then this does not return,
/// and `next` continues with the answer on the top.
/// - Returns: the number of results on the top of `L`, or -1 with the error there.
static int advance(lua_State *L, lua_State *co, int arguments, lua_KContext base, lua_KFunction next) {
    limiq_control *control = control_of(L);
    if (!lua_checkstack(co, arguments)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, co, arguments);
    int could_pass = control->can_pass;
    int results = 0;
    control->can_pass = could_pass && lua_isyieldable(L);
    int status = limiq_resume(control, co, L, arguments, &results);
    control->can_pass = could_pass;
    if (status == LUA_YIELD && control->request != LIMIQ_NOTHING) {
        luaL_checkstack(L, results, "too many arguments to a primitive");
        set_flag(co, COROUTINE_WAITS);
        lua_xmove(co, L, results);
        return lua_yieldk(L, results, base, next);
    }
    if (status == LUA_OK || status == LUA_YIELD) {
        if (!lua_checkstack(L, results + 1)) {
            lua_pop(co, results);
            lua_pushliteral(L, "too many results to resume");
            return -1;
        }
        lua_xmove(co, L, results);
        return results;
    }
    lua_xmove(co, L, 1);
    // It passes the pcalls of this coroutine as it did those of the other.
    if (has_flag(co, COROUTINE_STOPS)) set_flag(L, COROUTINE_STOPS);
    if (is_killed(control) || has_flag(co, COROUTINE_STOPS)) return lua_error(L);
    return -1;
}

/// Whether only the scheduler may resume `co`.
static int is_taken(lua_State *co) {
    return has_flag(co, COROUTINE_WAITS) || (has_flag(co, COROUTINE_IS_TASK) && lua_status(co) == LUA_YIELD);
}

static lua_State *checked_coroutine(lua_State *L) {
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co, 1, "coroutine");
    return co;
}

// MARK: create and yield

static int body_ended(lua_State *L, int status, lua_KContext context) {
    (void)context;
    if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - 1;
    if (has_flag(L, COROUTINE_CLOSES) && lua_isnil(L, -1)) return 0;
    return lua_error(L);
}

/// The bottom of every coroutine: its `<close>` variables run on an error under this call, where they may wait.
static int run_body(lua_State *L) {
    int arguments = lua_gettop(L);
    lua_pushcfunction(L, keep_traceback);
    lua_insert(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 2);
    return body_ended(L, lua_pcallk(L, arguments, LUA_MULTRET, 1, 0, body_ended), 0);
}

static int co_create(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(co, run_body, 1);
    return 1;
}

/// The coroutine of a task: its function runs without a net, it brings its own.
static int create_task(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    set_flag(co, COROUTINE_IS_TASK);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    return 1;
}

static int yielded(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    if (!has_flag(L, COROUTINE_CLOSES)) return lua_gettop(L);
    lua_pushnil(L);
    return lua_error(L);
}

static int co_yield(lua_State *L) {
    if (has_flag(L, COROUTINE_IS_TASK)) return luaL_error(L, "attempt to yield from outside a coroutine");
    if (has_flag(L, COROUTINE_CLOSES)) return luaL_error(L, "attempt to yield across a C-call boundary");
    return lua_yieldk(L, lua_gettop(L), 0, yielded);
}

// MARK: resume and wrap

static int resumed(lua_State *L, int results) {
    if (results < 0) {
        lua_pushboolean(L, 0);
        lua_insert(L, -2);
        return 2;
    }
    lua_pushboolean(L, 1);
    lua_insert(L, -(results + 1));
    return results + 1;
}

static int resume_answered(lua_State *L, int status, lua_KContext base) {
    (void)status;
    lua_State *co = lua_tothread(L, 1);
    clear_flag(co, COROUTINE_WAITS);
    return resumed(L, advance(L, co, lua_gettop(L) - (int)base, base, resume_answered));
}

static int co_resume(lua_State *L) {
    lua_State *co = checked_coroutine(L);
    if (is_taken(co)) {
        lua_pushliteral(L, "cannot resume non-suspended coroutine");
        return resumed(L, -1);
    }
    return resumed(L, advance(L, co, lua_gettop(L) - 1, 1, resume_answered));
}

static int wrap_resumed(lua_State *L, lua_State *co, int results) {
    if (results >= 0) return results;
    int status = lua_status(co);
    if (status != LUA_OK && status != LUA_YIELD) {
        status = lua_resetthread(co);
        lua_xmove(co, L, 1);
    }
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int wrap_answered(lua_State *L, int status, lua_KContext base) {
    (void)status;
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    clear_flag(co, COROUTINE_WAITS);
    return wrap_resumed(L, co, advance(L, co, lua_gettop(L) - (int)base, base, wrap_answered));
}

static int call_wrapped(lua_State *L) {
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    if (is_taken(co)) {
        lua_pushliteral(L, "cannot resume non-suspended coroutine");
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
        return lua_error(L);
    }
    return wrap_resumed(L, co, advance(L, co, lua_gettop(L), 0, wrap_answered));
}

static int co_wrap(lua_State *L) {
    co_create(L);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

// MARK: status

static const char *status_of(lua_State *L, lua_State *co) {
    if (L == co) return "running";
    if (is_taken(co)) return "normal";
    switch (lua_status(co)) {
    case LUA_YIELD:
        return "suspended";
    case LUA_OK: {
        lua_Debug activation;
        if (lua_getstack(co, 0, &activation)) return "normal";
        return lua_gettop(co) == 0 ? "dead" : "suspended";
    }
    default:
        return "dead";
    }
}

static int co_status(lua_State *L) {
    lua_pushstring(L, status_of(L, checked_coroutine(L)));
    return 1;
}

static int co_isyieldable(lua_State *L) {
    lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    lua_pushboolean(L, lua_isyieldable(co) && !has_flag(co, COROUTINE_IS_TASK) && !has_flag(co, COROUTINE_CLOSES));
    return 1;
}

static int co_running(lua_State *L) {
    lua_pushthread(L);
    lua_pushboolean(L, has_flag(L, COROUTINE_IS_TASK));
    return 2;
}

// MARK: close

static int closed(lua_State *L, lua_State *co) {
    clear_flag(co, COROUTINE_CLOSES);
    int failed = lua_resetthread(co) != LUA_OK;
    lua_pushboolean(L, !failed);
    if (!failed) return 1;
    lua_xmove(co, L, 1);
    return 2;
}

static int close_answered(lua_State *L, int status, lua_KContext base) {
    (void)status;
    lua_State *co = lua_tothread(L, 1);
    clear_flag(co, COROUTINE_WAITS);
    advance(L, co, lua_gettop(L) - (int)base, base, close_answered);
    return closed(L, co);
}

/// A coroutine that stands in a `yield` is resumed there with an error no pcall of its own catches; so its `<close>`
/// variables run inside it and may wait. They get nil as the error, as from plain Lua.
static int co_close(lua_State *L) {
    lua_State *co = checked_coroutine(L);
    const char *status = status_of(L, co);
    if (*status != 's' && *status != 'd') return luaL_error(L, "cannot close a %s coroutine", status);
    if (lua_status(co) != LUA_YIELD) return closed(L, co);
    lua_settop(L, 1);
    set_flag(co, COROUTINE_CLOSES);
    advance(L, co, 0, 1, close_answered);
    return closed(L, co);
}

// MARK: clean-up

/// The coroutine that `L` waits for in a `resume`, a `wrap` or a `close`; `NULL` where it waits for none.
static lua_State *resumed_by(lua_State *L) {
    lua_Debug activation;
    if (!lua_checkstack(L, 2) || !lua_getstack(L, 0, &activation)) return NULL;
    lua_getinfo(L, "f", &activation);
    lua_CFunction function = lua_tocfunction(L, -1);
    lua_State *co = NULL;
    if (function == call_wrapped && lua_getupvalue(L, -1, 1)) {
        co = lua_tothread(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return function == co_resume || function == co_close ? lua_tothread(L, 1) : co;
}

/// Whether a `<close>` variable's handler runs because its block has ended without an error; where it was one, the coroutine
/// unwinds. Where a handler ends in a tail call, nothing is left that tells.
static int runs_handler(lua_State *L) {
    // To find a level takes as many steps as its number.
    enum { MOST_LEVELS = 2000 };
    lua_Debug activation;
    for (int level = 0; level < MOST_LEVELS && lua_getstack(L, level, &activation); level++) {
        lua_getinfo(L, "n", &activation);
        if (strcmp(activation.namewhat, "metamethod") == 0 && strcmp(activation.name, "close") == 0) return 1;
    }
    return 0;
}

int limiq_is_cleaning_up(lua_State *base) {
    for (lua_State *L = base; L; L = resumed_by(L)) {
        if (has_flag(L, COROUTINE_CLOSES) || has_flag(L, COROUTINE_UNWINDS) || has_flag(L, COROUTINE_IS_SHIELDED))
            return 1;
        if (runs_handler(L)) return 1;
    }
    return 0;
}

void open_coroutines(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"create", co_create}, {"resume", co_resume}, {"running", co_running}, {"status", co_status},
        {"wrap", co_wrap}, {"yield", co_yield}, {"isyieldable", co_isyieldable}, {"close", co_close}, {NULL, NULL},
    };
    luaL_newlib(L, functions);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, LUA_COLIBNAME);
    lua_pop(L, 1);
    lua_setglobal(L, LUA_COLIBNAME);
    lua_pushcfunction(L, create_task);
    lua_setfield(L, -2, "create_task");
}
