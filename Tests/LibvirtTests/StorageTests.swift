import Libvirt
import Testing
import XML

@Suite struct `Storage through libvirt's test driver` {
    private static let pool = "<pool type='dir'><name>p</name><target><path>/p</path></target></pool>"

    private static func volume(_ name: String) -> String {
        """
        <volume><name>\(name)</name><capacity unit='KiB'>64</capacity>
        <target><format type='raw'/></target></volume>
        """
    }

    @Test func `a pool is made and gone, and its volumes with it by name`() throws {
        try TestNode.with { node in
            let connection = try Connection(uri: node.uri)
            try connection.definePool(Self.pool) { pool throws(LibvirtError) in
                #expect(pool.name == "p")
                #expect(try !pool.isActive())
                try pool.build()
                try pool.create()
                try pool.setAutostart(true)
                #expect(try pool.isActive())
            }
            try connection.withPool("p") { pool throws(LibvirtError) in
                for name in ["two", "one"] {
                    try pool.createVolume(Self.volume(name)) { volume throws(LibvirtError) in
                        #expect(volume.name == name)
                        #expect(try volume.path() == "/p/\(name)")
                    }
                }
                try pool.refresh()
                #expect(try pool.volumes() == ["one", "two"])
                try pool.withVolume("one") { volume throws(LibvirtError) in
                    let capacity = (try? XMLReader.parse(try volume.xml()))?.first("capacity")?.text
                    #expect(capacity == "65536")
                    try volume.delete()
                }
                #expect(try pool.volumes() == ["two"])
                try pool.withVolume("two") { volume throws(LibvirtError) in try volume.delete() }
                try pool.destroy()
                try pool.undefine()
            }
            #expect(throws: LibvirtError.self) {
                try connection.withPool("p") { pool throws(LibvirtError) in pool.name }
            }
        }
    }

    @Test func `what is missing is told by libvirt's codes`() throws {
        try TestNode.with { node in
            let connection = try Connection(uri: node.uri)
            func code(_ body: () throws(LibvirtError) -> Void) -> LibvirtError.Code? {
                do throws(LibvirtError) {
                    try body()
                    return nil
                } catch { return error.code }
            }
            #expect(
                code { () throws(LibvirtError) in
                    try connection.withPool("p") { _ throws(LibvirtError) in }
                } == .noStoragePool)
            try connection.definePool(Self.pool) { pool throws(LibvirtError) in
                try pool.create()
                #expect(
                    code { () throws(LibvirtError) in
                        try pool.withVolume("one") { _ throws(LibvirtError) in }
                    } == .noStorageVolume)
            }
        }
    }
}
