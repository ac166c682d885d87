import Basics
import CCloudInitSchema
import JSONSchema

/// The schema of cloud-config, cloud-init's own.
enum CloudConfigSchema {
    /// The schema, read once, at the first use.
    static let shared: Result<JSONSchema, Failure> = Result { () throws(Failure) in
        try JSONSchema.read(text)
    }

    /// The JSON of the schema.
    static var text: String {
        let bytes = UnsafeBufferPointer(start: cloud_init_schema(), count: cloud_init_schema_length())
        return String(decoding: bytes, as: UTF8.self)
    }
}
