import Glibc
import Support
import Testing

/// `limiq repl`, from a pipe and from a terminal.
@Suite(.serialized) struct `Lua line by line` {
    @Test func `shows what each line is worth, keeps its globals, and goes on after an error`() async throws {
        try await LimiqCommand.with { limiq in
            let lines = [
                "1 + 1", "x = 5", "x * 2", "for i = 1, 2 do", "print(i)", "end", "{ 1, { b = 'yes' } }",
                "nil",
                "nope", ")(", "vm = limiq.vm { name = 'web' }", "vm:up().changed", "vm:up().changed",
                "vm:state()",
            ]
            let result = try await command(
                "sh", ["-c", #"printf '%s\n' "$@" | "$LIMIQ" repl"#, "sh"] + lines,
                environment: limiq.environment.merging(["LIMIQ": program]) { $1 }, folder: limiq.folder)
            #expect(result.status == 0)
            #expect(
                result.lines == ["2", "10", "1", "2", "{ 1, { b = \"yes\" } }", "true", "false", "running"],
                "\(result.errors)")
            #expect(result.errors.contains("repl:1: undeclared global nope\n"))
            #expect(result.errors.contains("repl:1: unexpected symbol near ')'\n"))
        }
    }

    @Test func `is edited in a terminal; Ctrl-C ends what a line does, and clears one that is typed`()
        async throws
    {
        try await LimiqCommand.with { limiq in
            try await TmuxPane.with(limiq) { pane in
                try await pane.enter("limiq repl; echo ended $?")
                #expect(try await pane.shows { $0.last == ">" })
                try await pane.enter("20 + 1")
                #expect(try await pane.shows { $0.suffix(2) == ["21", ">"] })
                for key in ["Up", "BSpace", "2", "Enter"] { try await pane.press(key) }
                #expect(try await pane.shows { $0.suffix(3) == ["> 20 + 2", "22", ">"] })
                try await pane.enter("if true then")
                #expect(try await pane.shows { $0.last == ">>" })
                try await pane.enter("print 'whole' end")
                #expect(try await pane.shows { $0.suffix(2) == ["whole", ">"] })
                // More often than a run that is to be cleaned up would bear.
                for endless in [
                    "limiq.sleep '1h'", "while true do end", "limiq.sleep '2h'", "repeat until false",
                ] {
                    try await pane.enter(endless)
                    #expect(try await pane.shows { $0.last == "> \(endless)" })
                    try await pane.press("C-c")
                    #expect(
                        try await pane.shows {
                            $0.suffix(2).first?.hasSuffix("interrupted") == true && $0.last == ">"
                        })
                }
                try await pane.press("C-d")
                #expect(try await pane.shows { $0.contains("ended 0") })

                try await pane.enter("limiq repl; echo then $?")
                #expect(try await pane.shows { $0.last == ">" })
                try await pane.press("Up")
                #expect(try await pane.shows { $0.last == "> repeat until false" }, "lines outlive a session")
                try await pane.press("C-c")
                #expect(try await pane.shows { $0.last == ">" })
                try await pane.enter("if true then")
                #expect(try await pane.shows { $0.last == ">>" })
                try await pane.press("C-c")
                #expect(try await pane.shows { $0.last == ">" })
                try await pane.enter("6 * 7")
                #expect(try await pane.shows { $0.suffix(2) == ["42", ">"] })
                for key in ["limiq.disk.ov", "Tab"] { try await pane.press(key) }
                #expect(try await pane.shows { $0.last?.hasPrefix("> limiq.disk.overlay") == true })
                try await pane.press("C-c")
                try await pane.enter("help 'limiq.ssh_keys'")
                #expect(
                    try await pane.shows {
                        $0.contains { $0.hasPrefix("limiq.ssh_keys()") } && $0.last == ">"
                    })
                try await pane.press("C-d")
                #expect(try await pane.shows { $0.contains("then 0") })
                var info = stat()
                #expect(stat(limiq.folder + "/repl-history", &info) == 0 && info.st_mode & 0o777 == 0o600)
            }
        }
    }
}
