local limiq = require "limiq"

return limiq.recipe {
    name = "timezone", doc = "The guest's time zone.", short = "name",
    options = { name = { match = "^[%w_+/-]+$", required = true, doc = "such as \"Europe/Zurich\"" } },
    example = 'recipes.timezone "Europe/Zurich"',
    build = function(options) return { user_data = { timezone = options.name } } end,
}
