local limiq = require "limiq"
local part = require "limiq.recipes.part"

return limiq.recipe {
    name = "apt_mirror",
    doc = [[
Where Debian and Ubuntu have their packages of: the sources that the image comes with are written anew by
cloud-init. Of other families it is refused.]],
    options = {
        primary = { required = true, check = part.address_problem,
            doc = "the archive, \"http://mirror.example.org/debian\"" },
        security = { required = true, check = part.address_problem,
            doc = "that of security updates: without one, cloud-init takes primary, which has none of Debian's" },
        key = { doc = "the public key that signs the mirror, in ASCII, where it is not the distribution's" },
        family = part.family_option,
    },
    example = [[
recipes.apt_mirror {
    primary = "http://mirror.example.org/debian", security = "http://mirror.example.org/debian-security",
}]],
    build = function(options)
        return part.by_family(options.family, function(family)
            if family ~= "debian" then
                part.refuse("apt_mirror", ("a machine of the family %s has no apt"):format(family))
            end
            local function mirror(uri) return uri and { { arches = { "default" }, uri = uri, key = options.key } } end
            return {
                user_data = { apt = {
                    preserve_sources_list = false, primary = mirror(options.primary),
                    security = mirror(options.security),
                } },
            }
        end)
    end,
}
