import Basics
import CCloudInitSchema

/// cloud-init's own schema of cloud-config.
enum CloudConfigSchema {
    /// Read once, at the first use.
    static let shared: Result<JSONSchema, Failure> = Result { () throws(Failure) in
        try JSONSchema.read(text)
    }

    /// Its JSON.
    static var text: String {
        let bytes = UnsafeBufferPointer(start: cloud_init_schema(), count: cloud_init_schema_length())
        return String(decoding: bytes, as: UTF8.self)
    }
}
