-- `require "limiq.runtime"`: what the library is built on.

local core = ...

---@class limiq.runtime
local M = {
  --- perform(name, ...): calls a primitive and returns what it returns.
  perform = core.perform,
  --- The names of all primitives, sorted.
  primitives = core.primitives,
  --- Plain values of the program around: arguments, parameters.
  constants = core.constants,

  spawn = core.spawn, each = core.each, sleep = core.sleep, timeout = core.timeout, retry = core.retry,
  try = core.try, shield = core.shield,

  --- Stands for nothing inside a table.
  null = core.null,
  --- secret(text): the text, shown as ‹secret›.
  secret = core.secret,
  --- list(table): the same table; empty, it reaches a primitive as a list.
  list = core.list,

  --- failure(fields): an error value that is not raised yet. fail(fields): raised at the script's line.
  failure = core.failure, fail = core.fail, is_failure = core.is_failure,
  --- stopped(): whether the task is to end, so that nothing more is to be tried in it.
  stopped = core.stopped,
  --- check_fields(name, options, known): refuses an option that is no key of `known`.
  check_fields = core.check_fields,
  --- nearest(word, names): the key of `names` that was most likely meant.
  nearest = core.nearest,
  --- described(value): what a value is, for a message.
  described = core.described,
  --- inspect(value, options): the value as a person reads it.
  inspect = core.inspect,
  --- library_text(name): a file of the library, "limiq/library.lua".
  library_text = function(name) return (core.perform("runtime.read_file", core.library .. "/" .. name)) end,
  --- program_text(function): what a function does, whatever it is called in and wherever it stands.
  program_text = function(body) return core.dump(body, true) end,
  --- where(): the line of the script that runs, "build-web.lua:12".
  where = core.where,
}

core.loaded["limiq.runtime"] = M
