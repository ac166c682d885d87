import Basics
import Hypervisors
import Testing

@testable import Provisioning

@Suite struct `A guest gets on` {
    private let start = ContinuousClock.now

    private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    private func progress(patience: Double = 600) -> GuestProgress {
        GuestProgress(patience: .seconds(patience), now: start)
    }

    @Test func `by a line that its console has not shown before`() {
        var guest = progress()
        guest.lines(["Unpacking nginx"], at: at(10))
        #expect(guest.last == at(10))
        guest.lines(["Unpacking nginx-common"], at: at(20))
        #expect(guest.last == at(20))
    }

    @Test(arguments: [
        ("[   12.512345] something", "[   13.000001] something"),
        (
            "[*     ] A start job is running for Network (1min 3s / no limit)",
            "[ ***  ] A start job is running for Network (2min 14s / no limit)"
        ),
        ("====>", "=====>"), ("10:00:10 +0000 waiting", "10:00:11 +0000 waiting"), ("same", "same"),
    ])
    func `not by one whose clock alone has moved`(line: String, next: String) {
        var guest = progress()
        guest.lines([line], at: at(10))
        guest.lines([next, "", next], at: at(20))
        #expect(guest.last == at(10))
    }

    @Test func `by a percentage that grows`() {
        var guest = progress()
        guest.lines(["Progress: [ 12%]"], at: at(10))
        guest.lines(["Progress: [ 13%]"], at: at(20))
        #expect(guest.last == at(20))
    }

    @Test func `without end by no console, whatever is printed`() {
        var guest = progress()
        let lines = (0..<250_000).map { number in
            String(String(number).utf8.map { Character(UnicodeScalar($0 + 49)) })
        }
        guest.lines(lines, at: at(10))
        guest.lines(["and one more"], at: at(20))
        #expect(guest.last == at(10))
    }

    @Test(arguments: [(20.0, true), (0.5, false)])
    func `by its disks, where they do more than its log needs`(mebibytes: Double, isWork: Bool) {
        for isWrite in [true, false] {
            var guest = progress()
            let bytes = 5_000_000 + UInt64(mebibytes * 1_048_576)
            guest.worked(GuestWork(read: 5_000_000, written: 5_000_000), at: at(0))
            guest.worked(
                GuestWork(read: isWrite ? 5_000_000 : bytes, written: isWrite ? bytes : 5_000_000),
                at: at(10))
            #expect(guest.last == (isWork ? at(10) : start))
        }
    }

    @Test func `not by what a new process counts from the beginning`() {
        var guest = progress()
        guest.worked(GuestWork(processors: .seconds(900), read: 1 << 40, written: 1 << 40), at: at(0))
        guest.worked(GuestWork(processors: .seconds(1), read: 7, written: 7), at: at(10))
        #expect(guest.last == start)
    }

    /// - Returns: how long a guest counts as getting on whose one processor never rests.
    private func spinning(_ guest: GuestProgress, read: UInt64, busy: Double = 0.95) -> Duration {
        var guest = guest
        for step in 0...2000 {
            let time = Double(step) * 10
            guest.worked(
                GuestWork(processors: .seconds(time * busy), read: read, written: 0), at: at(time))
        }
        return start.duration(to: guest.last)
    }

    @Test func `not by the processor of a firmware or boot loader that spins`() {
        #expect(spinning(progress(), read: 400_000) == .zero)
    }

    @Test func `by its processor where there is a system, and not for ever`() {
        var booted = progress()
        booted.lines(["[    0.000000] Linux version 6.1.0-38-cloud-amd64"], at: start)
        let withConsole = spinning(booted, read: 400_000)
        let withoutConsole = spinning(progress(), read: 300 << 20)
        for time in [withConsole, withoutConsole] {
            #expect(time > .seconds(600) && time <= .seconds(3600))
        }
        #expect(spinning(booted, read: 400_000, busy: 0.4) == .zero)
    }

    @Test func `not by booting again and again`() {
        var guest = progress()
        let boot = ["SeaBIOS", "GRUB"] + "abcdefghijklmnopqrstuvwxyz".map { "line \($0)" }
        var counts: [Int] = []
        for number in 0..<9 {
            guest.lines(boot, at: at(Double(number)))
            guest.worked(GuestWork(read: UInt64(number) << 24, written: 4096), at: at(Double(number)))
            counts.append(guest.booted(at: at(Double(number))))
            // Told of twice, it is one boot.
            #expect(guest.booted(at: at(Double(number) + 0.1)) == counts.last)
        }
        // The first boot has all its lines for the first time.
        #expect(counts == Array(0...8))
    }

    @Test func `by booting again where each boot writes or says something`() {
        var guest = progress()
        for number in 0..<20 {
            guest.worked(GuestWork(read: 0, written: UInt64(number) << 30), at: at(Double(number) * 60))
            #expect(guest.booted(at: at(Double(number) * 60)) <= 1)
        }
        guest.answered(at: at(5000))
        #expect(guest.last == at(5000))
    }

    @Test(arguments: [(1.0, nil), (4, 1), (20, 5), (600, 10), (86_400, 10)] as [(Double, Double?)])
    func `is looked at as often as the patience wants`(patience: Double, seconds: Double?) {
        #expect(progress(patience: patience).interval == seconds.map { .seconds($0) })
    }
}
