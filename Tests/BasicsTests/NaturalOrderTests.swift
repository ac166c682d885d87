import Basics
import Testing

@Suite struct `The order of names` {
    @Test(arguments: [
        ("web-2", "web-10"), ("web", "web-1"), ("a", "b"), ("a1b2", "a1b10"), ("7", "10"), ("01", "2"),
        ("01", "1"),
    ])
    func `counts numbers as a person does`(first: String, second: String) {
        #expect(comesBefore(first, second))
        #expect(!comesBefore(second, first))
    }

    @Test func `has no name before itself`() {
        for name in ["", "web-01", "1", "00"] { #expect(!comesBefore(name, name)) }
    }

    @Test func `is no matter of how long a number is`() {
        let long = String(repeating: "9", count: 400)
        #expect(comesBefore("vm-1", "vm-\(long)") && comesBefore("vm-\(long)", "vm-1\(long)"))
    }
}
