-- The pages of the reference in their order, and what stands on each, by patterns of names. What no other takes stands
-- on the last.
return {
    {
        file = "machines", title = "Machines",
        text = "What a machine is to be, and the handle of one: `limiq.vm` gives it. A handle has every method of a\n"
            .. "[domain](domains.md) too. The fields of a description are on a page of their own: [the spec](spec.md).",
        "^limiq%.vm$", "^limiq%.with$", "^VM:",
    },
    {
        file = "domains", title = "Domains",
        text = "A domain is what libvirt has of a machine. These work on any, made by limiq or not, and on the handle\n"
            .. "of a machine.",
        "^limiq%.domain%.", "^Domain:",
    },
    { file = "fleets", title = "Fleets", text = "Machines that are alike, as one value.", "^limiq%.fleet$", "^Fleet:" },
    {
        file = "networks", title = "Networks", text = "Networks of machines: [how to use them](../howto/networks.md).",
        "^limiq%.network", "^Network:",
    },
    {
        file = "hosts", title = "Hosts", text = "Other hosts than this one: [how to use them](../howto/hosts.md).",
        "^limiq%.connect$", "^limiq%.hosts$", "^Hosts:", "^limiq%.host%.info$", "^limiq%.uri$",
    },
    {
        file = "images", title = "Images",
        text = "The library of images, baked images and warm machines: [images](../images.md),\n"
            .. "[made once](../howto/warm.md).",
        "^limiq%.image", "^limiq%.warm$",
    },
    {
        file = "media", title = "Disks, seeds and ISO images", text = "The primitives below a machine, usable alone.",
        "^limiq%.disk%.", "^limiq%.cidata%.", "^limiq%.iso%.",
    },
    {
        file = "tasks", title = "Tasks",
        text = "Every call looks blocking and yields underneath: what waits holds up nobody else.",
        "^limiq%.spawn$", "^limiq%.each$", "^Task:", "^limiq%.sleep$", "^limiq%.timeout$", "^limiq%.retry$",
        "^limiq%.try$", "^limiq%.shield$",
    },
    {
        file = "data", title = "Data", text = "JSON, YAML, base64, and secrets.",
        "^limiq%.json%.", "^limiq%.yaml%.", "^limiq%.base64%.", "^limiq%.secret$", "^limiq%.null$",
    },
    {
        file = "script", title = "The script and this machine",
        text = "What a script is given, and what it may do here. `--sandbox` takes most of it away:\n"
            .. "[safety](../safety.md).",
        "",
    },
}
