local limiq = require "limiq"

---Whether a file can be written only when users and packages are there: before, nobody but root is sure to be.
local function is_late(owner)
    for name in (owner or ""):gmatch "[^:]+" do
        if name ~= "root" then return true end
    end
end

return limiq.recipe {
    name = "files", short = "files",
    doc = [[
Files in the guest. A content may be a secret. One with an `owner` other than root is written when users and packages
are there.]],
    options = {
        files = { required = true, doc = "the files", type = { { fields = {
            path = { type = "path", required = true, doc = "where it is" },
            content = { type = "text", required = true, doc = "what is in it" },
            permissions = { default = "0644", doc = "octal digits" },
            owner = { doc = "such as \"www-data\", or \"root:docker\"" },
        } } } },
    },
    example = 'recipes.files { { path = "/etc/motd", content = "welcome\\n" } }',
    build = function(options)
        local written = {}
        for index, file in ipairs(options.files) do
            file.defer = is_late(file.owner)
            written[index] = file
        end
        return { user_data = { write_files = written } }
    end,
}
