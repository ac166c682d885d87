import DiskImages
import HostFiles

/// Puts an ISO image with a file of this content there, in the place of what is there.
func writeISO(_ content: String, to path: String) throws {
    try writeBytes(try ISOImage.bytes(label: "TOOLS", files: [ISOFile("content", content)]), to: path)
}
