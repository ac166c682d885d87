local part = require "limiq.recipes.part"

---The guest agent, through which limiq runs commands and reads files, for images that come without it.
---
---Example:
---```lua
---recipes.guest_agent()
---```
---@return limiq.recipes.Part
local function guest_agent()
    return part.new("guest_agent", {
        user_data = {
            package_update = true,
            packages = { "qemu-guest-agent" },
            runcmd = { { "systemctl", "start", "qemu-guest-agent" } },
        },
    })
end

return guest_agent
