---A libvirt domain: a handle that holds its name and host, and one method for each primitive of `limiq.domain`.
---
---Example:
---```lua
---local domain = limiq.domain.get "web-server-01"
---domain:reboot()
---domain:wait("cloud-init", { timeout = "10m" })
---```
local runtime = require "limiq.runtime"
local host = require "limiq.host"

local perform = runtime.perform

---@class limiq.Domain
---@field name string
---@field uri? string the host's URI, nil for the run's own
local Domain = {}
Domain.__index = Domain
Domain.__name = "limiq.Domain"

function Domain:__tostring()
    return "domain " .. self.name
end

---@param name string
---@param uri? string
---@return limiq.Domain
function Domain.handle(name, uri)
    return setmetatable({ name = name, uri = uri }, Domain)
end

---Starts it. Does nothing where it runs.
---@async
function Domain:start() return perform("domain.start", self) end

---Asks the guest to power off, and waits until it has.
---@async
---@param options? { timeout?: string|number }
function Domain:shutdown(options) return perform("domain.shutdown", self, options) end

---Asks the guest to restart, and waits until it begins to.
---@async
---@param options? { timeout?: string|number }
function Domain:reboot(options) return perform("domain.reboot", self, options) end

---Restarts it as the reset button does.
---@async
function Domain:reset() return perform("domain.reset", self) end

---Ends it at once, as a pulled plug does.
---@async
function Domain:destroy() return perform("domain.destroy", self) end

---Stops its processors.
---@async
function Domain:suspend() return perform("domain.suspend", self) end

---Lets its processors go on.
---@async
function Domain:resume() return perform("domain.resume", self) end

---Removes its definition; its disks stay, unless `files = true`.
---@async
---@param options? { files?: boolean }
function Domain:undefine(options) return perform("domain.undefine", self, options) end

---`"running"`, `"paused"`, `"shut off"` …: the words of `virsh domstate`; and `"saved"`: off, with the memory kept.
---@async
---@return string
function Domain:state() return perform("domain.state", self) end

---Its description as libvirt has it.
---@async
---@param options? { inactive?: boolean }
---@return string
function Domain:xml(options) return perform("domain.xml", self, options) end

---Adds a CD-ROM drive, in the running guest too.
---@async
---@param options { id: string, iso_path?: string }
function Domain:attach_cdrom(options) return perform("domain.attach_cdrom", self, options) end

---Puts another image into a CD-ROM drive.
---@async
---@param id string
---@param iso_path string
---@param options? { force?: boolean }
function Domain:insert_media(id, iso_path, options)
    return perform("domain.insert_media", self, id, iso_path, options)
end

---Takes the image out of a CD-ROM drive.
---@async
---@param id string
---@param options? { force?: boolean }
function Domain:eject_media(id, options) return perform("domain.eject_media", self, id, options) end

---Removes a CD-ROM drive.
---@async
---@param id string
function Domain:detach_cdrom(id) return perform("domain.detach_cdrom", self, id) end

---Keeps the state of now, to go back to.
---@async
---@param options { name: string, memory?: boolean }
function Domain:snapshot(options) return perform("domain.snapshot", self, options) end

---Its snapshots, the oldest first.
---@async
---@return { name: string, created: integer, memory: boolean }[]
function Domain:snapshots() return perform("domain.snapshots", self) end

---Goes back to a snapshot: all that came after is lost.
---@async
---@param name string
function Domain:revert(name) return perform("domain.revert", self, name) end

---Forgets a snapshot.
---@async
---@param name string
function Domain:delete_snapshot(name) return perform("domain.delete_snapshot", self, name) end

---Waits for `"running"`, `"stopped"`, `"address"`, `"agent"`, `"ssh"` or `"cloud-init"`. A guest that gets on is not
---given up: `timeout` is the longest silence, `deadline` the end of the whole.
---
---Example:
---```lua
---domain:wait("cloud-init", { timeout = "5m", deadline = "1h" })
---```
---@async
---@param what string
---@param options? { timeout?: string|number, deadline?: string|number }
function Domain:wait(what, options) return perform("domain.wait", self, what, options) end

---Runs a program in the guest: `domain:exec { "uname", "-r" }`.
---@async
---@param command table the words, and `timeout`, `stdin`, `check`
---@return { code: integer, stdout: string, stderr: string }
function Domain:exec(command) return perform("domain.exec", self, host.split_command(command)) end

---The bytes of a file in the guest.
---@async
---@param path string
---@param options? { user?: string }
---@return string
function Domain:read_file(path, options) return perform("domain.read_file", self, path, options) end

---Writes a file in the guest. A new one is 0644 unless `mode` says otherwise; one that is there keeps its permissions.
---
---Example:
---```lua
---domain:write_file("/etc/app/token", token, { mode = "0600" })
---```
---@async
---@param path string
---@param bytes string
---@param options? { mode?: string, user?: string } the mode in octal digits
function Domain:write_file(path, bytes, options)
    return perform("domain.write_file", self, path, bytes, options)
end

---An address the guest has.
---@async
---@param options? table
---@return string
function Domain:address(options) return perform("domain.address", self, options) end

---What the serial console showed last.
---@async
---@param options? { tail?: integer }
---@return string
function Domain:console(options) return perform("domain.console", self, options) end

---Saves a picture of its screen as PNG.
---@async
---@param path string
function Domain:screenshot(path) return perform("domain.screenshot", self, path) end

---Presses keys one after the other: `domain:send_keys { "ret" }`.
---@async
---@param keys string[] by QEMU's names; those held together are joined: `"ctrl-alt-delete"`
function Domain:send_keys(keys) return perform("domain.send_keys", self, keys) end

return Domain
