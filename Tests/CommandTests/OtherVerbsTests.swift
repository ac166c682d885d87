import Support
import Testing

@Suite struct `A word that is no verb` {
    @Test(arguments: [
        ("ls", "limiq list"), ("delete", "limiq rm VM"), ("halt", "limiq stop VM"),
        ("destroy", "limiq rm VM, or limiq stop --force VM"), ("reload", "limiq restart VM"),
        ("lst", "limiq list"),
        ("web.lua", "limiq run web.lua"), ("zzz", "limiq --help"),
    ])
    func `is answered with limiq's`(word: String, way: String) async throws {
        try await LimiqCommand.with { limiq in
            let result = try await limiq.run(word, "web-1")
            #expect(result.status == 2 && result.output.isEmpty)
            #expect(result.errors.contains(way), "\(result.errors)")
        }
    }
}

@Suite struct `A selector` {
    @Test(arguments: [
        ["stop"], ["stop", "--all", "web-1"], ["stop", "-l", "fleet"], ["stop", "a", "--timeout", "1"],
        ["list", "--columns", "name,sate"], ["gc", "--json"],
    ])
    func `that says nothing, or two things, is a matter of usage`(words: [String]) async throws {
        try await LimiqCommand.with { limiq in
            let result = try await limiq.run(with: words)
            #expect(result.status == 2, "\(result.errors)")
        }
    }
}
