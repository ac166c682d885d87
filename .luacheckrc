std = "lua54"
max_line_length = 120
-- The sandbox replaces globals: that is what it is for.
files["stdlib/runtime/sandbox.lua"] = { globals = {
    "io", "os", "debug", "package", "coroutine", "pcall", "xpcall", "load", "loadfile", "dofile", "require",
    "print", "setmetatable", "collectgarbage", "string",
} }
