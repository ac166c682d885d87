import Basics
import Glibc
import Testing

@Suite struct `The runtime's own source` {
    /// The Lua calls that may raise: a `longjmp` over a Swift frame.
    private static let raising = [
        "lua_call", "lua_callk", "lua_getfield", "lua_setfield", "lua_gettable", "lua_settable",
        "lua_getglobal",
        "lua_setglobal", "lua_geti", "lua_seti", "lua_compare", "lua_concat", "lua_arith", "lua_len",
        "lua_next", "lua_error",
        "lua_yield", "lua_yieldk", "luaL_tolstring", "luaL_openlibs", "luaL_requiref", "luaL_error",
        "luaL_len",
        "luaL_checkstack", "luaL_traceback", "luaL_where", "luaL_gsub", "luaL_getsubtable",
    ]

    @Test func `Swift calls nothing that raises`() throws {
        let folder =
            #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Sources/LuaRuntime"
        var looked = 0
        for name in try namesInFolder(folder) where name.hasSuffix(".swift") {
            looked += 1
            let file = try #require(fopen("\(folder)/\(name)", "r"))
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let text = String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
            for word in text.split(whereSeparator: {
                !($0.isASCII && ($0.isLetter || $0.isNumber)) && $0 != "_"
            }) {
                let isRaising =
                    Self.raising.contains(String(word)) || word.hasPrefix("luaL_check")
                    || word.hasPrefix("luaL_opt")
                #expect(!isRaising, "\(name) calls \(word)")
            }
        }
        #expect(looked > 5)
    }
}
