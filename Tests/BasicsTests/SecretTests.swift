import Basics
import Testing

@Suite struct `Secrets in texts` {
    @Test func `what a message quotes of a secret is masked, a line of a key too`() {
        Secrets.remember("S3CR3T-of-SecretTests")
        Secrets.remember("-----BEGIN KEY-----\nbGluZSBvbmUgb2YgU2VjcmV0VGVzdHM\nx\n")
        #expect(Secrets.masked("no S3CR3T-of-SecretTests here") == "no ‹secret› here")
        #expect(Secrets.masked("near bGluZSBvbmUgb2YgU2VjcmV0VGVzdHM: bad") == "near ‹secret›: bad")
        #expect(Secrets.masked("x marks the spot") == "x marks the spot")
        let failure = Failure(
            .io, "cannot open S3CR3T-of-SecretTests", hint: "not S3CR3T-of-SecretTests",
            resource: "S3CR3T-of-SecretTests", cause: "S3CR3T-of-SecretTests is not there")
        #expect(!failure.masked.description.contains("S3CR3T"))
    }

    @Test(arguments: [
        ("https://u:pass@host/x?y=1", "https://u:‹secret›@host/x?y=1"),
        ("a http://u:p@w@h b", "a http://u:‹secret›@h b"), ("http://host/a:b@c", "http://host/a:b@c"),
        ("qemu+ssh://root@node2/system", "qemu+ssh://root@node2/system"), ("a://b c:d@e", "a://b c:d@e"),
        ("no address", "no address"),
    ])
    func `the password of an address is masked`(_ text: String, _ shown: String) {
        #expect(Secrets.masked(text) == shown)
    }
}
