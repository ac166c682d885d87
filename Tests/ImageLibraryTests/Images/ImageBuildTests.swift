import Basics
import Foundation
import HostFiles
import Steps
import Support
import Testing

@Suite struct `Building an image where its publisher cannot be reached` {
    private static let copy = "cp \"$(dirname \"$0\")/../publisher/files/latest/disk.qcow2\" \"$1\""

    @Test func `calls the builder and shows what it says`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.builder(
                "echo 'debian-12: unpacking' >&2; echo noise >&2; \(Self.copy); echo 'debian-12: done' >&2")
            let library = fixture.library(url: ImageFixture.nobody)
            #expect(try fixture.resolve(in: library) == fixture.path("debian-12.qcow2"))
            #expect(try fixture.bytes("debian-12.qcow2") == fixture.image)
            #expect(fixture.names == ["debian-12.qcow2"])
            #expect(
                fixture.steps.lines == [
                    "download asking for its checksum", "download failed",
                    "build its publisher cannot be reached; building it from packages", "build unpacking",
                    "build done", "image",
                ])
        }
    }

    @Test func `a network's login page in place of the list is no publisher`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.publisher.set(["/latest/SUMS": .init(login: true)])
            let failure = #expect(throws: Failure.self) { try fixture.resolve() }
            #expect(failure?.code == .unreachable)
            #expect(
                failure?.message
                    == "debian-12 cannot be downloaded: a web page answers in place of \(fixture.publisher.url)/latest/SUMS"
            )
            #expect(
                failure?.hint
                    == "does this network want a login? or put the image into \(fixture.state.cloudImages) as debian-12.qcow2"
            )
            try fixture.builder(Self.copy)
            #expect(try fixture.resolve() == fixture.path("debian-12.qcow2"))
        }
    }

    @Test(arguments: [404, 503])
    func `is not tried where the publisher answers`(_ status: Int) async throws {
        try await ImageFixture.with { fixture in
            try fixture.builder(Self.copy)
            try fixture.publisher.set(["/latest/SUMS": .init(status: status)])
            #expect(throws: Failure.self) { try fixture.resolve() }
            #expect(fixture.names.isEmpty)
        }
    }

    @Test(arguments: [false, true])
    func `without a builder the way out is a file`(_ isThere: Bool) async throws {
        try await ImageFixture.with { fixture in
            if isThere {
                // One that may not be run is none.
                try fixture.builder(Self.copy)
                chmod(fixture.scratch.path("builders/debian-12"), 0o644)
            }
            let library = fixture.library(url: ImageFixture.nobody)
            let failure = #expect(throws: Failure.self) { try fixture.resolve(in: library) }
            #expect(failure?.code == .unreachable)
            #expect(failure?.message == "debian-12 cannot be downloaded")
            #expect(failure?.cause?.contains("Failed to connect to 127.0.0.1 port 1") == true)
            #expect(
                failure?.hint
                    == "is there a network, or a proxy to name in https_proxy? or put the image into \(fixture.state.cloudImages) as debian-12.qcow2"
            )
            #expect(fixture.names.isEmpty)
        }
    }

    @Test func `a builder that fails is quoted, and what it left half-made is gone`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.builder(
                """
                head -c 100000 /dev/zero > "$1"
                echo half > "$(dirname "$1")/.$(basename "$1").12345678"
                echo 'debian-12: these Debian packages are missing: mtools' >&2
                echo '  hint: apt-get install mtools' >&2
                exit 1
                """)
            let failure = #expect(throws: Failure.self) {
                try fixture.resolve(in: fixture.library(url: ImageFixture.nobody))
            }
            #expect(failure?.code == .program)
            #expect(failure?.message == "debian-12 can be neither downloaded nor built here")
            #expect(failure?.cause == "these Debian packages are missing: mtools")
            #expect(
                failure?.hint
                    == "apt-get install mtools, or put the image into \(fixture.state.cloudImages) as debian-12.qcow2"
            )
            #expect(fixture.names.isEmpty)
        }
    }

    @Test func `a builder that was killed, or made no image, leaves nothing under the name`() async throws {
        try await ImageFixture.with { fixture in
            for script in ["\(Self.copy); kill -9 $$", "printf '<html>' > \"$1\"", ": > \"$1\"", ":"] {
                try fixture.builder(script)
                #expect(throws: Failure.self, "\(script)") {
                    try fixture.resolve(in: fixture.library(url: ImageFixture.nobody))
                }
                #expect(fixture.names.isEmpty, "\(script)")
            }
        }
    }

    @Test func `can be cancelled: the builder has time to clean up`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.builder(
                """
                trap 'sleep 0.2; touch "$(dirname "$0")/cleaned"; exit 1' TERM
                echo 'debian-12: begun' >&2
                sleep 300 & wait
                """)
            let cancellation = Cancellation()
            fixture.steps.watch { if $0.event == .detail(Step(.build), "begun") { cancellation.cancel() } }
            let failure = #expect(throws: Failure.self) {
                try fixture.resolve(in: fixture.library(url: ImageFixture.nobody), cancellation)
            }
            #expect(failure?.code == .cancelled)
            #expect(failure?.message == "debian-12: the build was cancelled")
            #expect(access(fixture.scratch.path("builders/cleaned"), F_OK) == 0)
            #expect(fixture.names.isEmpty)
        }
    }

    @Test func `a file that somebody put there meanwhile is not written over`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.builder("\(Self.copy); echo mine > \"$(dirname \"$1\")/debian-12.qcow2\"")
            let failure = #expect(throws: Failure.self) {
                try fixture.resolve(in: fixture.library(url: ImageFixture.nobody))
            }
            #expect(failure?.cause == "\(fixture.path("debian-12.qcow2")) exists")
            #expect(
                try fixture.bytes("debian-12.qcow2")
                    == Data("mine\n".utf8))
        }
    }
}
