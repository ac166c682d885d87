import Basics
import Libvirt
import Support
import Testing
import XML

@Suite struct `Domains through libvirt's test driver` {
    @Test func `a domain goes through its life`() throws {
        try TestNode.with { node in
            let connection = try Connection(uri: node.uri)
            try connection.define(TestNode.domain("one")) { domain throws(LibvirtError) in
                #expect(domain.name == "one")
                #expect(domain.uuid.count == 36)
            }
            try connection.withDomain("one") { domain throws(LibvirtError) in
                var states = [try domain.state()]
                try domain.create()
                states.append(try domain.state())
                try domain.suspend()
                states.append(try domain.state())
                try domain.resume()
                try domain.reboot()
                states.append(try domain.state())
                try domain.destroy()
                states.append(try domain.state())
                #expect(states == [.shutOff, .running, .paused, .running, .shutOff])
                let xml = try domain.xml()
                #expect((try? XMLReader.parse(xml))?.first("name")?.text == "one")
                try domain.undefine()
            }
            #expect(try connection.domains().isEmpty)
        }
    }

    @Test func `a domain is kept with its memory, and started with its daemon`() throws {
        try TestNode.with { node in
            let connection = try Connection(uri: node.uri)
            try connection.define(TestNode.domain("one")) { _ throws(LibvirtError) in }
            try connection.withDomain("one") { domain throws(LibvirtError) in
                var states = [try domain.autostart()]
                try domain.setAutostart(true)
                states.append(try domain.autostart())
                try domain.setAutostart(false)
                states.append(try domain.autostart())
                try domain.create()
                try domain.managedSave()
                states.append(try domain.hasManagedSave())
                states.append(try domain.state() == .shutOff)
                #expect(states == [false, true, false, true, true])
            }
        }
    }

    @Test func `a missing domain is an error with libvirt's code and words`() throws {
        try TestNode.with { node in
            let connection = try Connection(uri: node.uri)
            #expect {
                try connection.withDomain("nobody") { domain throws(LibvirtError) in try domain.create() }
            } throws: { error in
                let error = error as? LibvirtError
                return error?.code == .noDomain && error?.message.contains("Domain not found") == true
            }
        }
    }

    @Test func `a description that is not valid is refused before it is kept`() throws {
        try TestNode.with { node in
            let connection = try Connection(uri: node.uri)
            let wrong = TestNode.domain("one").replacing("<vcpu>", with: "<nonsense/><vcpu>")
            #expect(throws: LibvirtError.self) {
                try connection.define(wrong) { domain throws(LibvirtError) in domain.name }
            }
            #expect(try connection.domains().isEmpty)
        }
    }

    @Test func `metadata of a namespace is kept, replaced and read back`() throws {
        try TestNode.with { node in
            let connection = try Connection(uri: node.uri)
            let space = "urn:limiq:test"
            try connection.define(TestNode.domain("one")) { domain throws(LibvirtError) in
                let before = try domain.metadata(namespace: space)
                #expect(before == nil)
                for text in ["a", "b & <c>"] {
                    let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
                    try domain.setMetadata("<note>\(escaped)</note>", namespace: space, key: "t")
                }
                let read = try domain.metadata(namespace: space)
                #expect((try? XMLReader.parse(read ?? ""))?.text == "b & <c>")
            }
        }
    }

    @Test func `a thousand domains are listed with their states`() throws {
        let names = (1000..<2000).map { "d\($0)" }
        try TestNode.with(domains: names.shuffled().map(TestNode.domain)) { node in
            let connection = try Connection(uri: node.uri)
            try connection.withDomain("d1500") { domain throws(LibvirtError) in try domain.destroy() }
            let listed = try connection.domains()
            #expect(listed.map(\.name) == names)
            #expect(listed.filter { $0.state == .shutOff }.map(\.name) == ["d1500"])
        }
    }

    @Test func `changes arrive as events, in their order, until cancelled`() throws {
        try TestNode.with { node in
            let connection = try Connection(uri: node.uri)
            let seen = Mailbox<ConnectionEvent>()
            let registration = try connection.onEvent { seen.put($0) }
            try connection.define(TestNode.domain("one")) { domain throws(LibvirtError) in
                try domain.create()
                try domain.suspend()
                try domain.resume()
                try domain.destroy()
                try domain.undefine()
            }
            let changes: [DomainChange] = [
                .defined, .started, .suspended, .resumed, .stopped(.destroyed), .undefined,
            ]
            for change in changes {
                let event = seen.next(before: .now + .seconds(20))
                #expect(event == .lifecycle(domain: "one", change))
            }
            registration.cancel()
            _ = try connection.define(TestNode.domain("two")) { domain throws(LibvirtError) in domain.name }
            #expect(seen.next(before: .now + .milliseconds(200)) == nil)
        }
    }

    @Test func `each thread gets its own error`() async throws {
        let messages = try await onThread {
            let answers = Mailbox<(name: String, message: String)>()
            for thread in 0..<8 {
                startThread {
                    for turn in 0..<50 {
                        let name = "thread\(thread)x\(turn)"
                        do throws(LibvirtError) {
                            _ = try Connection(uri: "test:///there/\(name)")
                        } catch {
                            answers.put((name, error.message))
                        }
                    }
                }
            }
            return (0..<400).compactMap { _ in answers.next(before: .now + .seconds(60)) }
        }
        #expect(messages.count == 400)
        #expect(messages.allSatisfy { $0.message.contains("/there/\($0.name)'") })
    }

    @Test func `a URI that nobody serves is an error, not a message on stderr`() {
        #expect(throws: LibvirtError.self) { try Connection(uri: "nothing:///there") }
    }
}
