-- Writes the manual pages into a folder:
--
--   limiq --experimental-dump-help >help.json
--   limiq run docs/site/manual.lua --set help=help.json --set to=FOLDER --set date="May 1, 2026"
local limiq = require "limiq"
local command = require "command"

local p = limiq.params { help = "help.json", to = ".", date = "" }
for name, text in pairs(command.manual(limiq.json.read(p.help).command, p.date)) do
    limiq.file.write(("%s/%s"):format(p.to, name), text, { mode = "0644" })
end
