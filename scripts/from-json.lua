-- A machine from a description that another program wrote: web.json is the API's document.
local limiq = require "limiq"

local document = limiq.json.read "web.json"
-- What the document leaves to the host.
document.spec.disks[1].backing_file = limiq.image "debian-12"

local web = limiq.vm(document)
web:up { timeout = "10m" }
print(web.name, web:address(), "http://" .. web:forward(80))
