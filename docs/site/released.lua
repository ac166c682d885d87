-- The names that releases have brought, as `since` of the reference says them. A name that stands in none is new in the
-- version that CHANGELOG.md begins with; when that is released, its names are added here.
return {
    ["0.1.0"] = [[
        Domain:address Domain:attach_cdrom Domain:console Domain:delete_snapshot Domain:destroy Domain:detach_cdrom
        Domain:eject_media Domain:exec Domain:insert_media Domain:read_file Domain:reboot Domain:reset Domain:resume
        Domain:revert Domain:screenshot Domain:send_keys Domain:shutdown Domain:snapshot Domain:snapshots
        Domain:start Domain:state Domain:suspend Domain:undefine Domain:wait Domain:write_file Domain:xml Fleet:each
        Fleet:exec Fleet:members Fleet:remove Fleet:rolling Fleet:scale Fleet:up Hosts:place Task:cancel Task:join
        VM:diff VM:down VM:forward VM:mac_address VM:preflight VM:remove VM:up limiq.args limiq.base64.decode
        limiq.base64.encode
        limiq.cidata.create limiq.connect limiq.disk.create limiq.disk.info limiq.disk.overlay limiq.disk.remove
        limiq.disk.resize limiq.domain.define limiq.domain.get limiq.domain.list limiq.each limiq.env
        limiq.file.exists limiq.file.list limiq.file.read limiq.file.write limiq.fleet limiq.host.info
        limiq.host.run limiq.hosts limiq.image limiq.image.add limiq.image.iso limiq.image.list limiq.image.remove
        limiq.iso.create limiq.iso.list limiq.iso.read limiq.json.decode limiq.json.encode limiq.json.read
        limiq.log.error limiq.log.info limiq.log.warn limiq.null limiq.params limiq.retry limiq.secret limiq.shield
        limiq.sleep limiq.spawn limiq.ssh.host_key limiq.ssh_keys limiq.timeout limiq.try limiq.uri limiq.vm
        limiq.yaml.decode limiq.yaml.encode limiq.yaml.read
    ]],
}
