local limiq = require "limiq"

return limiq.recipe {
    name = "packages", doc = "Packages of the distribution.", short = "names",
    options = { names = { type = { "string" }, single = true, min = 1, required = true, doc = "their names" } },
    example = 'recipes.packages { "htop", "tmux" }',
    build = function(options) return { user_data = { package_update = true, packages = options.names } } end,
}
