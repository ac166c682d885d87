// Where a script stands, and the errors that say so.
#include "internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char traces_key = 0, carried_key = 0;
static const char script_key = 0;

enum { FIRST_LEVELS = 14, LAST_LEVELS = 12 };

static int is_library(const lua_Debug *activation) {
    return strncmp(activation->source, LIBRARY_PREFIX, sizeof LIBRARY_PREFIX - 1) == 0;
}

int limiq_where(lua_State *L, char *buffer, size_t capacity) {
    lua_Debug activation;
    for (int level = 0; level < 100 && lua_getstack(L, level, &activation); level++) {
        lua_getinfo(L, "Sl", &activation);
        if (activation.currentline <= 0 || is_library(&activation)) continue;
        return snprintf(buffer, capacity, "%s:%d", activation.short_src, activation.currentline) < (int)capacity;
    }
    return 0;
}

enum { WHERE_SIZE = 2 * LUA_IDSIZE + 64 };

/// Whether a function stands in the script that was started, whose name is on the stack's top.
static int is_of_script(lua_State *L, const lua_Debug *activation) {
    return lua_type(L, -1) == LUA_TSTRING && strcmp(activation->source, lua_tostring(L, -1)) == 0;
}

/// The line that runs, and the script's own that led there: "build-web.lua:12 (helpers.lua:5)".
static int full_where(lua_State *L, char *buffer, size_t capacity) {
    lua_Debug activation;
    int length = 0, inner = 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &script_key);
    for (int level = 0; level < 200 && lua_getstack(L, level, &activation); level++) {
        lua_getinfo(L, "Sl", &activation);
        if (activation.currentline <= 0 || is_library(&activation)) continue;
        int is_outer = is_of_script(L, &activation);
        if (length && !is_outer) continue;
        char place[LUA_IDSIZE + 32];
        snprintf(place, sizeof place, "%s:%d", activation.short_src, activation.currentline);
        if (!length) {
            length = inner = snprintf(buffer, capacity, "%s", place);
        } else {
            char first[LUA_IDSIZE + 32];
            snprintf(first, sizeof first, "%.*s", inner, buffer);
            length = snprintf(buffer, capacity, "%s (%s)", place, first);
        }
        if (is_outer) break;
    }
    lua_pop(L, 1);
    return length > 0 && length < (int)capacity;
}

// MARK: tracebacks

static void add_function(luaL_Buffer *buffer, const lua_Debug *activation) {
    char text[LUA_IDSIZE + 64];
    const char *name = activation->name;
    if (*activation->what == 'm') {
        snprintf(text, sizeof text, "main chunk");
    } else if (*activation->namewhat == '\0') {
        snprintf(text, sizeof text, "function <%s:%d>", activation->short_src, activation->linedefined);
    } else {
        const char *kind = strcmp(activation->namewhat, "global") == 0 ? "function" : activation->namewhat;
        snprintf(text, sizeof text, "%s '%s'", kind, name);
    }
    luaL_addstring(buffer, text);
}

/// Whether a reader has no use for a C function: it has no name, or the library called it.
static int is_internal(lua_State *of, const lua_Debug *activation, int level) {
    lua_Debug caller;
    if (*activation->namewhat == '\0') return 1;
    return lua_getstack(of, level + 1, &caller) && lua_getinfo(of, "S", &caller) && is_library(&caller);
}

static void add_level(luaL_Buffer *buffer, lua_State *of, lua_Debug *activation, int level) {
    lua_getinfo(of, "Slnt", activation);
    int is_c = *activation->what == 'C';
    if (is_library(activation) || (is_c && is_internal(of, activation, level))) return;
    char position[LUA_IDSIZE + 32];
    if (is_c) snprintf(position, sizeof position, "\n\t[C]: in ");
    else snprintf(position, sizeof position, "\n\t%s:%d: in ", activation->short_src, activation->currentline);
    luaL_addstring(buffer, position);
    add_function(buffer, activation);
    if (activation->istailcall) luaL_addstring(buffer, "\n\t(...tail calls...)");
}

static int count_levels(lua_State *L) {
    lua_Debug activation;
    int low = 1, high = 1;
    while (lua_getstack(L, high, &activation)) {
        low = high;
        high *= 2;
    }
    while (low < high) {
        int middle = (low + high) / 2;
        if (lua_getstack(L, middle, &activation)) low = middle + 1;
        else high = middle;
    }
    return high;
}

void push_traceback(lua_State *L, lua_State *of, const char *message, int level) {
    luaL_Buffer buffer;
    luaL_checkstack(L, 8, NULL);
    int count = count_levels(of);
    luaL_buffinit(L, &buffer);
    if (message) {
        luaL_addstring(&buffer, message);
        luaL_addchar(&buffer, '\n');
    }
    luaL_addstring(&buffer, "stack traceback:");
    lua_Debug activation;
    for (int shown = 0; lua_getstack(of, level, &activation); level++, shown++) {
        if (shown == FIRST_LEVELS && count - level > LAST_LEVELS) {
            char text[64];
            snprintf(text, sizeof text, "\n\t...\t(skipping %d levels)", count - level - LAST_LEVELS);
            luaL_addstring(&buffer, text);
            level = count - LAST_LEVELS;
            if (!lua_getstack(of, level, &activation)) break;
        }
        add_level(&buffer, of, &activation, level);
    }
    luaL_pushresult(&buffer);
}

/// The level of `of` a script means: the handler's wrapper does not count.
static int level_of(lua_State *of, int wanted) {
    lua_Debug activation;
    int skipped = 0;
    for (int level = 0; level <= wanted + skipped && lua_getstack(of, level, &activation); level++) {
        lua_getinfo(of, "f", &activation);
        if (lua_tocfunction(of, -1) == guarded_handler) skipped++;
        lua_pop(of, 1);
    }
    return wanted + skipped;
}

static int debug_traceback(lua_State *L) {
    int first = lua_isthread(L, 1) ? 1 : 0;
    lua_State *of = first ? lua_tothread(L, 1) : L;
    if (!lua_isstring(L, first + 1) && !lua_isnoneornil(L, first + 1)) {
        lua_pushvalue(L, first + 1);
        return 1;
    }
    const char *message = lua_tostring(L, first + 1);
    int level = (int)luaL_optinteger(L, first + 2, L == of ? 1 : 0);
    // What an error unwound is remembered.
    if (of != L && lua_status(of) > LUA_YIELD) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &traces_key);
        lua_pushvalue(L, 1);
        if (lua_rawget(L, -2) == LUA_TSTRING) {
            if (!message) return 1;
            lua_pushfstring(L, "%s\n%s", message, lua_tostring(L, -1));
            return 1;
        }
    }
    push_traceback(L, of, message, of == L ? level_of(of, level) : level);
    return 1;
}

/// Pushes the traceback another task's error came with, where the error at `index` is that one.
static int push_carried(lua_State *L, int index) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &carried_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        return 0;
    }
    lua_rawgeti(L, -1, 1);
    int same = lua_rawequal(L, -1, index);
    lua_rawgeti(L, -2, 2);
    lua_replace(L, -3);
    lua_pop(L, 1);
    if (!same || !lua_isstring(L, -1)) {
        lua_pop(L, 1);
        return 0;
    }
    return 1;
}

int keep_traceback(lua_State *L) {
    lua_settop(L, 1);
    set_flag(L, COROUTINE_UNWINDS);
    // An interrupt that stops at once leaves nothing to look at, a coroutine that closes has no error.
    if (is_killed(control_of(L)) || has_flag(L, COROUTINE_CLOSES)) return 1;
    if (limiq_is_failure(L, 1)) complete_failure(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &traces_key);
    lua_pushthread(L);
    if (!push_carried(L, 1)) {
        int found = 0;
        if (limiq_is_failure(L, 1)) {
            lua_pushliteral(L, "traceback");
            found = lua_rawget(L, 1) == LUA_TSTRING;
            if (!found) lua_pop(L, 1);
        }
        if (!found) push_traceback(L, L, NULL, 1);
    }
    lua_rawset(L, -3);
    lua_settop(L, 1);
    return 1;
}

// MARK: failures

static int lacks(lua_State *L, const char *field) {
    lua_pushstring(L, field);
    int missing = lua_rawget(L, -2) == LUA_TNIL;
    lua_pop(L, 1);
    return missing;
}

static void set_text(lua_State *L, const char *field, const char *text) {
    lua_pushstring(L, field);
    lua_pushstring(L, text);
    lua_rawset(L, -3);
}

void complete_failure(lua_State *L) {
    if (!limiq_is_failure(L, -1)) return;
    luaL_checkstack(L, 8, NULL);
    char where[WHERE_SIZE];
    if (lacks(L, "where") && full_where(L, where, sizeof where)) set_text(L, "where", where);
    if (lacks(L, "traceback")) {
        lua_Debug raising;
        // A hook has no level of its own.
        int is_c = lua_getstack(L, 0, &raising) && lua_getinfo(L, "S", &raising) && *raising.what == 'C';
        lua_pushliteral(L, "traceback");
        push_traceback(L, L, NULL, is_c ? 1 : 0);
        lua_rawset(L, -3);
    }
}

int raise_failure(lua_State *L, const char *code, const char *hint, const char *format, ...) {
    luaL_checkstack(L, 8, NULL);
    lua_createtable(L, 0, 5);
    set_text(L, "code", code);
    if (hint) set_text(L, "hint", hint);
    lua_pushliteral(L, "message");
    va_list arguments;
    va_start(arguments, format);
    lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    lua_rawset(L, -3);
    limiq_mark_failure(L);
    complete_failure(L);
    return lua_error(L);
}

/// fail(table): raises a failure with these fields.
static int fail(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    limiq_mark_failure(L);
    complete_failure(L);
    return lua_error(L);
}

/// failure(table): makes these fields a failure without raising it.
static int make_failure(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    limiq_mark_failure(L);
    return 1;
}

static int where(lua_State *L) {
    char text[WHERE_SIZE];
    if (full_where(L, text, sizeof text)) lua_pushstring(L, text);
    else lua_pushnil(L);
    return 1;
}

/// set_script(name): the chunk whose lines are the script's own.
static int set_script(lua_State *L) {
    luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &script_key);
    return 0;
}

/// adopt(table): the metatable of failures.
static int adopt(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &failure_key);
    return 0;
}

void open_traceback(lua_State *L) {
    static const luaL_Reg core[] = {
        {"fail", fail}, {"failure", make_failure}, {"where", where}, {"adopt_failure", adopt},
        {"set_script", set_script}, {NULL, NULL},
    };
    luaL_setfuncs(L, core, 0);
    lua_newtable(L);
    lua_pushcfunction(L, debug_traceback);
    lua_setfield(L, -2, "traceback");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, LUA_DBLIBNAME);
    lua_pushvalue(L, -1);
    lua_setfield(L, -4, "loaded");
    lua_pop(L, 1);
    lua_setglobal(L, LUA_DBLIBNAME);
}
