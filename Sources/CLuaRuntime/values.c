// Values with a meaning of their own, and what a script prints.
#include "internal.h"
#include <stdlib.h>
#include <string.h>

const char failure_key = 0, secret_key = 0, lists_key = 0, primitives_key = 0;

void limiq_register(lua_State *L, const char *name, int number) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &primitives_key);
    lua_pushstring(L, name);
    lua_pushinteger(L, number);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

int limiq_next(lua_State *L, int index) { return lua_next(L, index); }

// MARK: null: the only light userdata there is

static const char null_address = 0;

int limiq_is_null(lua_State *L, int index) {
    return lua_islightuserdata(L, index) && lua_touserdata(L, index) == &null_address;
}

void limiq_push_null(lua_State *L) { lua_pushlightuserdata(L, (void *)&null_address); }

static int null_text(lua_State *L) {
    lua_pushliteral(L, "null");
    return 1;
}

// MARK: secrets: the text is where a script cannot look

static int has_metatable(lua_State *L, int index, const char *key) {
    if (!lua_getmetatable(L, index)) return 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, key);
    int same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

const char *limiq_to_secret(lua_State *L, int index, size_t *length) {
    if (lua_type(L, index) != LUA_TUSERDATA || !has_metatable(L, index, &secret_key)) return NULL;
    *length = (size_t)lua_rawlen(L, index) - 1;
    return lua_touserdata(L, index);
}

void limiq_push_secret(lua_State *L, const char *text, size_t length) {
    char *copy = lua_newuserdatauv(L, length + 1, 0);
    if (length) memcpy(copy, text, length);
    copy[length] = '\0';
    lua_rawgetp(L, LUA_REGISTRYINDEX, &secret_key);
    lua_setmetatable(L, -2);
}

static int secret(lua_State *L) {
    size_t length;
    if (limiq_to_secret(L, 1, &length)) {
        lua_settop(L, 1);
        return 1;
    }
    const char *text = luaL_checklstring(L, 1, &length);
    limiq_push_secret(L, text, length);
    return 1;
}

static int secret_text(lua_State *L) {
    lua_pushliteral(L, "‹secret›");
    return 1;
}

static int secrets_equal(lua_State *L) {
    size_t left_length, right_length;
    const char *left = limiq_to_secret(L, 1, &left_length), *right = limiq_to_secret(L, 2, &right_length);
    lua_pushboolean(L, left && right && left_length == right_length && memcmp(left, right, left_length) == 0);
    return 1;
}

/// What is joined with a secret is one.
static int secrets_joined(lua_State *L) {
    const char *texts[2];
    size_t lengths[2];
    for (int i = 0; i < 2; i++) {
        texts[i] = limiq_to_secret(L, i + 1, &lengths[i]);
        if (!texts[i]) texts[i] = luaL_checklstring(L, i + 1, &lengths[i]);
    }
    char *joined = lua_newuserdatauv(L, lengths[0] + lengths[1], 0);
    if (lengths[0]) memcpy(joined, texts[0], lengths[0]);
    if (lengths[1]) memcpy(joined + lengths[0], texts[1], lengths[1]);
    limiq_push_secret(L, joined, lengths[0] + lengths[1]);
    return 1;
}

// MARK: lists that came from above empty: as tables they could not be told from empty maps

void limiq_mark_list(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lists_key);
    lua_pushvalue(L, -2);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

int limiq_is_marked_list(lua_State *L, int index) {
    index = lua_absindex(L, index);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lists_key);
    lua_pushvalue(L, index);
    int marked = lua_rawget(L, -2) == LUA_TBOOLEAN;
    lua_pop(L, 2);
    return marked;
}

/// list(table): the table; empty, it counts as a list.
static int list(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    limiq_mark_list(L);
    return 1;
}

// MARK: failures

void limiq_mark_failure(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &failure_key) == LUA_TTABLE) lua_setmetatable(L, -2);
    else lua_pop(L, 1);
}

int limiq_is_failure(lua_State *L, int index) {
    return lua_istable(L, index) && has_metatable(L, index, &failure_key);
}

static int is_failure(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, limiq_is_failure(L, 1));
    return 1;
}

static int describe(lua_State *L) {
    luaL_tolstring(L, 1, NULL);
    return 1;
}

void limiq_describe(limiq_control *control, lua_State *L, int index) {
    index = lua_absindex(L, index);
    const char *type = luaL_typename(L, index);
    int has_text = lua_type(L, index) == LUA_TSTRING || lua_type(L, index) == LUA_TNUMBER || lua_getmetatable(L, index);
    if (has_text && lua_type(L, index) != LUA_TSTRING && lua_type(L, index) != LUA_TNUMBER) {
        lua_pushliteral(L, "__tostring");
        has_text = lua_rawget(L, -2) != LUA_TNIL;
        lua_pop(L, 2);
    }
    if (has_text) {
        lua_pushcfunction(L, describe);
        lua_pushvalue(L, index);
        if (limiq_call(control, L, 1, 1) == LUA_OK) return;
        lua_pop(L, 1);
    }
    lua_pushfstring(L, "(error object is a %s value)", type);
}

// MARK: output: collected here, written by the scheduler in the order it was printed

/// Before the bytes of one stream.
typedef struct {
    uint32_t stream;
    uint32_t length;
} chunk_header;

enum { OUTPUT_LIMIT = 64 << 20 };

static void append(lua_State *L, const char *bytes, size_t length, size_t *chunk) {
    limiq_control *control = control_of(L);
    size_t needed = control->output_length + length;
    if (needed > OUTPUT_LIMIT) luaL_error(L, "too much output where nothing can be written yet");
    if (needed > control->output_capacity) {
        size_t capacity = needed * 2 < 1024 ? 1024 : needed * 2;
        char *grown = realloc(control->output, capacity);
        if (!grown) luaL_error(L, "not enough memory");
        control->output = grown;
        control->output_capacity = capacity;
    }
    if (length) memcpy(control->output + control->output_length, bytes, length);
    control->output_length = needed;
    if (chunk) {
        chunk_header header;
        memcpy(&header, control->output + *chunk, sizeof header);
        header.length += (uint32_t)length;
        memcpy(control->output + *chunk, &header, sizeof header);
    }
}

static size_t begin_chunk(lua_State *L, int stream) {
    chunk_header header = {.stream = (uint32_t)stream, .length = 0};
    size_t start = control_of(L)->output_length;
    append(L, (const char *)&header, sizeof header, NULL);
    return start;
}

int limiq_take_output(limiq_control *control, size_t *position, int *stream, const char **bytes, size_t *length) {
    if (*position >= control->output_length) {
        control->output_length = 0;
        return 0;
    }
    chunk_header header;
    memcpy(&header, control->output + *position, sizeof header);
    *stream = (int)header.stream;
    *bytes = control->output + *position + sizeof header;
    *length = header.length;
    *position += sizeof header + header.length;
    return 1;
}

static int flushed(lua_State *L, int status, lua_KContext context) {
    (void)L;
    (void)status;
    (void)context;
    return 0;
}

/// Lets the scheduler write now, where that is possible; else it does at the next request.
static int flush(lua_State *L) {
    limiq_control *control = control_of(L);
    if (is_killed(control) || !lua_isyieldable(L) || !control->can_pass) return 0;
    control->request = LIMIQ_FLUSH;
    control->requester = L;
    return lua_yieldk(L, 0, 0, flushed);
}

static int print(lua_State *L) {
    int count = lua_gettop(L);
    // All texts first: a `__tostring` may print too, or raise.
    luaL_checkstack(L, count + 4, "too many values to print");
    for (int i = 1; i <= count; i++) {
        luaL_tolstring(L, i, NULL);
        lua_replace(L, i);
    }
    size_t chunk = begin_chunk(L, 1);
    for (int i = 1; i <= count; i++) {
        size_t length;
        const char *text = lua_tolstring(L, i, &length);
        if (i > 1) append(L, "\t", 1, &chunk);
        append(L, text, length, &chunk);
    }
    append(L, "\n", 1, &chunk);
    return flush(L);
}

/// write(stream, …) as `file:write` takes it.
static int write_stream(lua_State *L) {
    int stream = (int)luaL_checkinteger(L, 1);
    int count = lua_gettop(L);
    for (int i = 2; i <= count; i++) luaL_checkstring(L, i);
    size_t chunk = begin_chunk(L, stream);
    for (int i = 2; i <= count; i++) {
        size_t length;
        const char *text = lua_tolstring(L, i, &length);
        append(L, text, length, &chunk);
    }
    return flush(L);
}

static void make_metatable(lua_State *L, const char *name, lua_CFunction text) {
    lua_newtable(L);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__metatable");
    lua_pushcfunction(L, text);
    lua_setfield(L, -2, "__tostring");
}

void open_values(lua_State *L) {
    static const luaL_Reg core[] = {
        {"secret", secret}, {"list", list}, {"is_failure", is_failure}, {"write", write_stream}, {NULL, NULL},
    };
    luaL_setfuncs(L, core, 0);
    limiq_push_null(L);
    make_metatable(L, "null", null_text);
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "null");
    make_metatable(L, "secret", secret_text);
    lua_pushcfunction(L, secrets_equal);
    lua_setfield(L, -2, "__eq");
    lua_pushcfunction(L, secrets_joined);
    lua_setfield(L, -2, "__concat");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &secret_key);
    lua_pushcfunction(L, print);
    lua_setglobal(L, "print");
}
