import Basics
import Glibc

/// The place of the Lua library: `share/limiq` beside the `bin` folder of an installation, or `stdlib` in the checkout
/// the program was built in.
enum Installation {
    static func library() throws(Failure) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let program = String(
            decoding: buffer.prefix(max(count, 0)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        var folder = parent(of: program)
        let installed = parent(of: folder) + "/share/limiq"
        if holdsLibrary(installed) { return installed }
        while folder.count > 1 {
            if holdsLibrary(folder + "/stdlib") { return folder + "/stdlib" }
            folder = parent(of: folder)
        }
        throw Failure(
            .hostNotAble, "limiq's Lua library is not beside \(program)",
            hint: "install it with scripts/install, which puts it into share/limiq")
    }

    private static func holdsLibrary(_ folder: String) -> Bool {
        access(folder + "/limiq/init.lua", R_OK) == 0
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
