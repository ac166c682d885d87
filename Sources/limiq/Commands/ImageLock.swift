import ArgumentParser
import Basics
import ImageLibrary
import Primitives

struct LockOptions: ParsableArguments {
    @Flag(help: "Take no image by a name of which limiq.lock, beside the script, has no entry.")
    var locked = false
}

extension Image {
    struct Lock: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Write the digests and addresses of the images that a script uses into limiq.lock beside it.",
            discussion: """
                The script is looked at as limiq check does. From then on a run of it takes these very images, or says that \
                the publisher has others by now. What the file has for other scripts of the folder stays.
                """)

        @Argument(help: "The script.", completion: CompletionKind.script)
        var script: String

        @OptionGroup var parameters: ParameterOptions

        @Argument(parsing: .postTerminator, help: "The script's own words.")
        var words: [String] = []

        func run() throws {
            var session = try Session(connect: nil, script: script)
            session.parameters = try parameters.given()
            session.words = words
            let cancellation = Cancellation()
            try Signals.forward { _ in cancellation.cancel() }
            let images = try session.images()
            let names = try names(session)
            guard !names.isEmpty else {
                return StandardError.tell("\(script) asks for no image by its name")
            }
            let display = makeDisplay(json: false, RunRecorder()) { _ in nil }
            defer { display.finish() }
            var lock = try session.lock()
            for name in names {
                let entry = try images.lockEntry(name, cancellation) { display.progress($0) }
                lock.entries[name] = entry
                let image = entry.image.map { "\(name) (\($0))" } ?? name
                display.output(.standard, Array("\(image)  \(entry.checksum.text)\n".utf8))
            }
            try lock.write()
        }

        /// The names that the script asks the library for.
        private func names(_ session: Session) throws -> [String] {
            let dryRun = DryRun(try session.environment())
            let rehearsal = try Rehearsal(
                script, session, primitives: dryRun.primitives(parameters: session.parameters))
            if let failure = rehearsal.failure {
                guard dryRun.isGuessing || rehearsal.isOver || rehearsal.lacksWords else { throw failure }
                StandardError.complain(
                    "\(failure.location ?? script): images from here on are not locked: that depends on what a machine answers"
                )
            }
            return dryRun.imageNames
        }
    }
}
