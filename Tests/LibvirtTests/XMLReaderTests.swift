import Basics
import Testing
import XML

@Suite struct `Reading XML` {
    @Test func `elements, attributes and text are found by their path`() throws {
        let root = try XMLReader.parse(
            """
            <domain type='kvm'><name>a &lt;b&gt; &amp; ü</name>
              <devices><disk device="cdrom"/><disk device="disk"><source file='/x &quot;y&quot;'/></disk></devices>
            </domain>
            """)
        #expect(root.name == "domain")
        #expect(root.attributes == ["type": "kvm"])
        #expect(root.first("name")?.text == "a <b> & ü")
        #expect(root.all("devices/disk").map { $0.attributes["device"] } == ["cdrom", "disk"])
        #expect(root.first("devices/disk/source")?.attributes["file"] == "/x \"y\"")
        #expect(root.first("devices/interface") == nil)
    }

    @Test func `namespaces are resolved, whatever the prefix`() throws {
        let root = try XMLReader.parse("<m xmlns:q='urn:one'><q:vm q:a='1' b='2'><![CDATA[<&>]]></q:vm></m>")
        let vm = try #require(root.first("vm"))
        #expect(vm.namespace == "urn:one")
        #expect(vm.attributes == ["q:a": "1", "b": "2"])
        #expect(vm.text == "<&>")
    }

    @Test(arguments: ["<a>\n<b></a>", "", "words", "<a>\n&nope;</a>"])
    func `a mistake names its line`(_ text: String) {
        #expect { try XMLReader.parse(text) } throws: { error in
            (error as? Failure)?.message.contains("not XML") == true
        }
    }

    @Test func `an entity is not read from a file`() throws {
        let text = "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>"
        #expect(try XMLReader.parse(text).text == "")
    }
}
