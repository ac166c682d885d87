local limiq = require "limiq"

return limiq.recipe {
    name = "guest_agent",
    doc = "The guest agent, through which limiq runs commands and reads files, for images that come without it.",
    example = "recipes.guest_agent()",
    build = function()
        return {
            user_data = {
                package_update = true,
                packages = { "qemu-guest-agent" },
                runcmd = { { "systemctl", "start", "qemu-guest-agent" } },
            },
        }
    end,
}
