std = "lua54"
max_line_length = 120
-- Written by `limiq stubs`, for editors: declarations without bodies.
exclude_files = { "stdlib/limiq/library.lua", "stdlib/limiq/recipes/library.lua" }
