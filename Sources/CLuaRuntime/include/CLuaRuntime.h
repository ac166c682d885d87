// The half of LuaRuntime that runs inside Lua: what may raise or yield, and so cannot be Swift.
//
// Nothing here calls Swift. A request leaves by `lua_yieldk` and its answer comes back by `lua_resume`; C functions
// with continuations add no Lua frame, so that error levels and tracebacks are those of plain Lua.
#pragma once
#include <stddef.h>

typedef struct lua_State lua_State;
struct lua_Debug;

/// What a coroutine that yields to the scheduler asks for.
enum {
    LIMIQ_NOTHING = 0,
    /// A primitive: `primitive` is its number, the yielded values are its arguments.
    LIMIQ_PERFORM,
    /// (thread, arguments…) → the new task's number.
    LIMIQ_SPAWN,
    /// (task number) → true when the task has ended, and whether the time of `LIMIQ_LIMIT` was over then.
    LIMIQ_JOIN,
    /// (task number, message or nil, kill): the task is cancelled for good; with `kill` its clean-up is too.
    LIMIQ_CANCEL,
    /// (task number, seconds, message): the time after which the task, and all that it started, is cancelled.
    LIMIQ_LIMIT,
    /// (seconds)
    LIMIQ_SLEEP,
    /// (name): until somebody announces the name.
    LIMIQ_AWAIT,
    /// (name)
    LIMIQ_ANNOUNCE,
    /// Nothing but a chance to write what the script printed.
    LIMIQ_FLUSH,
};

/// What the scheduler and the code inside Lua share. One per Lua state.
typedef struct limiq_control {
    /// 0, 1 once interrupted, 2 when to stop at once. Written by `limiq_interrupt` on any thread.
    int interrupts;

    // The scheduler writes these before it resumes a task, and reads `has_stopped`, `patience` and `killed` after.
    /// The task that runs.
    long long task;
    /// Its coroutine.
    lua_State *base;
    /// Whether somebody has cancelled it.
    int cancelled;
    /// When it is cancelled, in nanoseconds of the run's clock; 0 for never.
    long long deadline;
    /// How far the run's clock is ahead of the monotonic one, in nanoseconds.
    long long ahead;
    /// The message it is cancelled with.
    char cancelled_text[200];
    /// Whether it was started by clean-up, so that an interrupt does not stop it.
    int shielded;
    /// Whether it has had the error that stops it: the next one is caught by no pcall.
    int has_stopped;
    /// How often the alarm found it computing on after that.
    int patience;
    /// Whether nothing in this task may catch an error any more, and its clean-up may not wait.
    int killed;

    // Set by the request a task yields with.
    int request;
    int primitive;
    /// The innermost coroutine: where the script stands.
    lua_State *requester;

    // The memory limit holds while Lua runs, never while Swift pushes values: an error there would jump over Swift frames.
    size_t used;
    size_t limit;
    size_t refused;
    int enforcing;

    /// How often the alarm has gone off.
    int alarms;

    // The rest is of no concern outside.
    int can_pass;
    lua_State *running;
    /// The hook that stops what runs.
    void (*stop)(lua_State *, struct lua_Debug *);
    char *output;
    size_t output_length;
    size_t output_capacity;
    struct limiq_thread *thread;
} limiq_control;

/// - Returns: `NULL` where there is no memory.
limiq_control *limiq_control_create(size_t memory_limit);
void limiq_control_free(limiq_control *control);

/// A state with the libraries a script may use. The table of functions for the prelude is left on its stack.
/// - Returns: `NULL` where there is no memory.
lua_State *limiq_open(limiq_control *control);

/// The scheduler's thread is the calling one until `limiq_leave`.
void limiq_arrive(limiq_control *control);
void limiq_leave(limiq_control *control);
/// Asks the running script to stop; callable on any thread.
void limiq_interrupt(limiq_control *control);

/// Looks whether a computing task has to stop, at this time of the run's clock in nanoseconds and again and again from
/// then on. An earlier alarm stays.
void limiq_set_alarm(limiq_control *control, long long at);
/// Ends the alarm, or puts it off to the time `at` where that is not 0; not that of an interrupt.
void limiq_reset_alarm(limiq_control *control, long long at);
/// The run's clock in nanoseconds.
long long limiq_now(const limiq_control *control);

/// Sets the message of a task's cancellation, shortened where it is too long.
void limiq_set_cancelled_text(limiq_control *control, const char *text);

/// Whether the task with this coroutine is at its clean-up: in a `<close>` variable's handler or a shield.
int limiq_is_cleaning_up(lua_State *base);

/// `lua_resume` that is interruptible and holds the memory limit.
int limiq_resume(limiq_control *control, lua_State *coroutine, lua_State *from, int arguments, int *results);
/// Calls the function below the arguments in protected mode, with the memory limit in force.
int limiq_call(limiq_control *control, lua_State *L, int arguments, int results);

/// Gives the primitive `name` a number. Protected by nothing but the absence of a limit: call it before scripts run.
void limiq_register(lua_State *L, const char *name, int number);

/// `lua_next` raises only for a key the table does not have: impossible while nothing is assigned between two calls.
int limiq_next(lua_State *L, int index);

int limiq_is_null(lua_State *L, int index);
void limiq_push_null(lua_State *L);
/// The text of a secret, `NULL` for any other value.
const char *limiq_to_secret(lua_State *L, int index, size_t *length);
void limiq_push_secret(lua_State *L, const char *text, size_t length);
/// Remembers that the empty table on the top is a list.
void limiq_mark_list(lua_State *L);
int limiq_is_marked_list(lua_State *L, int index);
/// Gives the table on the top the metatable of errors.
void limiq_mark_failure(lua_State *L);
int limiq_is_failure(lua_State *L, int index);
/// The text of any error value, on the stack: `__tostring` runs in protected mode.
void limiq_describe(limiq_control *control, lua_State *L, int index);

/// Writes `file:line` of the innermost frame of the script's own, at most `capacity` bytes with the NUL.
/// - Returns: 0 where there is none.
int limiq_where(lua_State *L, char *buffer, size_t capacity);

/// What the script wrote since the last call, a stream (1 or 2) and its bytes at a time, in order. The bytes stay valid until
/// the script runs on.
/// - Returns: 0 when there is no more.
int limiq_take_output(limiq_control *control, size_t *position, int *stream, const char **bytes, size_t *length);
