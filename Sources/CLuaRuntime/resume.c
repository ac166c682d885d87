// The two ways into Lua, with the memory limit in force.
#include "internal.h"

_Thread_local limiq_control *volatile running_here;

void stop_soon(limiq_control *control, lua_State *L) { lua_sethook(L, control->stop, LUA_MASKCOUNT, 1); }

int limiq_resume(limiq_control *control, lua_State *coroutine, lua_State *from, int arguments, int *results) {
    limiq_control *outer = running_here;
    lua_State *before = control->running;
    control->request = LIMIQ_NOTHING;
    control->running = coroutine;
    running_here = control;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    // The signal either finds `running`, or came before and is seen here.
    if (is_killed(control)) stop_soon(control, coroutine);
    control->enforcing++;
    int status = lua_resume(coroutine, from, arguments, results);
    control->enforcing--;
    control->running = before;
    running_here = outer;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (before && is_killed(control)) stop_soon(control, before);
    return status;
}

int limiq_call(limiq_control *control, lua_State *L, int arguments, int results) {
    limiq_control *outer = running_here;
    lua_State *before = control->running;
    control->running = control->base = L;
    running_here = control;
    control->enforcing++;
    int status = lua_pcall(L, arguments, results, 0);
    control->enforcing--;
    control->running = before;
    running_here = outer;
    return status;
}
