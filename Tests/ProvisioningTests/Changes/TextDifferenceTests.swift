import Testing

@testable import Provisioning

@Suite struct `The lines in which two documents differ` {
    @Test func `are shown in the order of the texts, what goes before what comes`() {
        let old = "#cloud-config\npackages: [nginx]\nruncmd:\n- a\n- b\n"
        let new = "#cloud-config\npackages: [nginx, curl]\nruncmd:\n- b\n- c\n"
        #expect(
            TextDifference(old, new).lines == [
                "- packages: [nginx]", "+ packages: [nginx, curl]", "- - a", "+ - c",
            ])
        #expect(TextDifference(old, old).lines == [])
        #expect(TextDifference("a\r\nb", "a\nb").lines == [], "the end of a line is none of its words")
    }

    @Test(arguments: [
        ("password: hunter2", "+ password: ‹secret›"), ("  API_TOKEN=abc", "+   API_TOKEN= ‹secret›"),
        ("- $6$salt$hash", "+ ‹secret›"), ("passwd: $6$a$b", "+ passwd: ‹secret›"),
        ("  b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW", "+ ‹secret›"),
        (
            "- ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample ann",
            "+ - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample ann"
        ),
        ("packages: [passt]", "+ packages: [passt]"),
    ])
    func `hide what may be a secret, whoever has written it`(line: String, shown: String) {
        #expect(TextDifference("", line).lines.suffix(1) == [shown])
    }

    @Test func `are not looked for in texts that nobody would read`() {
        let long = String(repeating: "line\n", count: 6000)
        #expect(TextDifference(long, long + "more\n").lines == [])
    }
}
