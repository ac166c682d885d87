local limiq = require "limiq"
local options_of = require "limiq.options"

return limiq.recipe {
    name = "swap", doc = "A file the guest swaps to. Its disk must have room for it.", short = "size",
    options = {
        size = { type = "size", min = "1MiB", required = true, doc = "such as \"2GiB\"" },
        path = { type = "path", default = "/swapfile", doc = "the file" },
    },
    example = 'recipes.swap "2GiB"',
    build = function(options)
        local bytes = options_of.bytes(options.size)
        return { user_data = { swap = { filename = options.path, size = bytes, maxsize = bytes } } }
    end,
}
