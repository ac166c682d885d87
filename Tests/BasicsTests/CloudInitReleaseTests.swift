import Basics
import Testing

@Suite struct `A release of cloud-init` {
    @Test func `comes before those with larger numbers, and before the newest`() throws {
        let texts = ["0.7.9", "18.3", "20.4.1", "22.4", "22.4.2", "22.10", "23.1", "newest"]
        let releases = try texts.map { try #require(CloudInitRelease($0)) }
        #expect(releases.sorted() == releases)
        #expect(releases.map(\.description) == texts)
        #expect(releases[4].series == releases[3] && releases[7].series == .newest)
    }

    @Test(arguments: [
        "", "22", "22.", ".4", "22.4-2", "22.x", "22.4.2-1+deb12u3", "latest", "-1.2", "22.99999",
        "\u{662}.4",
    ])
    func `is made of numbers alone`(text: String) {
        #expect(CloudInitRelease(text) == nil)
    }
}
