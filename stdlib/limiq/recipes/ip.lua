---IP addresses as a network configuration writes them (RFC 4632, section 3.1; RFC 4291, sections 2.2 and 2.3).
local M = {}

---@class limiq.recipes.Address
---@field text string
---@field family 4|6
---@field groups integer[] 4 bytes, or 8 words of 16 bits
---@field bits integer of a group: 8 or 16
---@field prefix? integer

---@return integer[]? groups
local function version4(text)
    local groups = { text:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)$" }
    for index, digits in ipairs(groups) do
        -- 010 is 8 to some readers and 10 to others.
        if #digits > 3 or digits:match "^0%d" or tonumber(digits) > 255 then return nil end
        groups[index] = math.tointeger(tonumber(digits))
    end
    return #groups == 4 and groups or nil
end

---@return integer[]? groups `nil` where one is no word, or there are none but may not be
local function words(text)
    local groups = {}
    if text == "" then return groups end
    for word in (text .. ":"):gmatch "([^:]*):" do
        if not word:match "^%x%x?%x?%x?$" then return nil end
        groups[#groups + 1] = tonumber(word, 16)
    end
    return groups
end

---@return integer[]? groups
local function version6(text)
    local left, right = text:match "^(.-)::(.*)$"
    if not left then
        local groups = words(text)
        return groups and #groups == 8 and groups or nil
    end
    local first, last = words(left), words(right)
    if not first or not last or #first + #last > 7 then return nil end
    for _ = 1, 8 - #first - #last do first[#first + 1] = 0 end
    return table.move(last, 1, #last, #first + 1, first)
end

---Reads an address, with its prefix length where it has one: `10.0.2.50/24`, `fd00::5`.
---
---Example:
---```lua
---ip.parse "10.0.2.50/24" -- { family = 4, groups = { 10, 0, 2, 50 }, prefix = 24, … }
---```
---@param text any
---@return limiq.recipes.Address? address `nil` where it is none
function M.parse(text)
    if type(text) ~= "string" then return nil end
    local host, length = text:match "^([^/]+)/(%d%d?%d?)$"
    host = host or text
    local groups, family, bits = version4(host), 4, 8
    if not groups then groups, family, bits = version6(host), 6, 16 end
    local prefix = length and math.tointeger(tonumber(length))
    if not groups or prefix and prefix > #groups * bits then return nil end
    return { text = text, family = family, groups = groups, bits = bits, prefix = prefix }
end

---The mask of a group: how many of its first bits belong to the network.
local function mask(address, index)
    local ones = math.max(0, math.min(address.bits, address.prefix - (index - 1) * address.bits))
    return ((1 << ones) - 1) << (address.bits - ones)
end

---Whether an address is in the network of another, which has a prefix.
---@param network limiq.recipes.Address
---@param address limiq.recipes.Address
---@return boolean
function M.contains(network, address)
    if network.family ~= address.family then return false end
    for index, group in ipairs(network.groups) do
        local bits = mask(network, index)
        if group & bits ~= address.groups[index] & bits then return false end
    end
    return true
end

---Whether the bits behind the prefix are all 0: the address of a network, which no host has.
---@param address limiq.recipes.Address
---@return boolean
function M.is_network(address)
    for index, group in ipairs(address.groups) do
        if group & ~mask(address, index) & ((1 << address.bits) - 1) ~= 0 then return false end
    end
    return true
end

---Whether the bits behind the prefix are all 1: in IPv4, the address of all hosts of a network.
---@param address limiq.recipes.Address
---@return boolean
function M.is_broadcast(address)
    if address.family ~= 4 or address.prefix > 30 then return false end
    for index, group in ipairs(address.groups) do
        if group | mask(address, index) ~= 255 then return false end
    end
    return true
end

return M
