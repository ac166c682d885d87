import Basics

/// The files of the NoCloud datasource, by the names the guest finds them under.
public enum SeedFile: String, Sendable, CaseIterable {
    case userData = "user-data"
    case vendorData = "vendor-data"
    case metaData = "meta-data"
    case networkConfig = "network-config"

    /// The field of a spec the file comes from: `user_data`.
    public var field: String { rawValue.replacing("-", with: "_") }
}

/// One of those files, as it was given.
public enum CloudInitDocument: Sendable, Equatable, ExpressibleByStringLiteral {
    /// A text, taken as it is.
    case text(String)
    /// A text that is shown to nobody.
    case secret(String)
    /// The bytes, taken as they are: gzip, or what else is no UTF-8.
    case bytes([UInt8])
    /// A table, written as YAML.
    case table(Value)

    public init(stringLiteral value: String) { self = .text(value) }

    /// The bytes the guest reads as a file of this name.
    public func bytes(as file: SeedFile) -> [UInt8] {
        switch self {
        case .bytes(let bytes): bytes
        case .text(let text), .secret(let text): Array(text.utf8)
        case .table(let table): Array(CloudConfig.text(of: table, as: file).utf8)
        }
    }

    /// The same content as text; `nil` where it is no UTF-8.
    package func text(as file: SeedFile) -> String? {
        switch self {
        case .text(let text), .secret(let text): text
        case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
        case .table(let table): CloudConfig.text(of: table, as: file)
        }
    }

    package var holdsSecret: Bool {
        switch self {
        case .secret: true
        case .table(let table): table.holdsSecret
        default: false
        }
    }

    /// The document with another text: as much a secret as this one.
    package func rewritten(_ text: String) -> CloudInitDocument { holdsSecret ? .secret(text) : .text(text) }

    package var isTable: Bool {
        if case .table = self { true } else { false }
    }
}

/// The documents cloud-init in a guest is to read: the files of the NoCloud datasource.
public struct CloudInitSpec: Sendable, Equatable {
    /// What becomes of an error that the check of the documents finds.
    public enum Check: String, Codable, SpecChoice {
        public static let prefix = "CLOUD_INIT_CHECK_"
        /// Nothing is made.
        case error = "CLOUD_INIT_CHECK_ERROR"
        /// It is told as a warning.
        case warn = "CLOUD_INIT_CHECK_WARN"
    }

    public var userData: CloudInitDocument?
    public var metaData: CloudInitDocument?
    public var networkConfig: CloudInitDocument?
    public var vendorData: CloudInitDocument?
    /// `nil`: `error`.
    public var check: Check?

    public init(
        userData: CloudInitDocument? = nil, metaData: CloudInitDocument? = nil,
        networkConfig: CloudInitDocument? = nil, vendorData: CloudInitDocument? = nil, check: Check? = nil
    ) {
        self.userData = userData
        self.metaData = metaData
        self.networkConfig = networkConfig
        self.vendorData = vendorData
        self.check = check
    }

    public subscript(file: SeedFile) -> CloudInitDocument? {
        get {
            switch file {
            case .userData: userData
            case .vendorData: vendorData
            case .metaData: metaData
            case .networkConfig: networkConfig
            }
        }
        set {
            switch file {
            case .userData: userData = newValue
            case .vendorData: vendorData = newValue
            case .metaData: metaData = newValue
            case .networkConfig: networkConfig = newValue
            }
        }
    }
}

/// The form of the API's message: each file as text.
extension CloudInitSpec: Codable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case userData = "user_data"
        case vendorData = "vendor_data"
        case metaData = "meta_data"
        case networkConfig = "network_config"
        case check

        init(_ file: SeedFile) {
            switch file {
            case .userData: self = .userData
            case .vendorData: self = .vendorData
            case .metaData: self = .metaData
            case .networkConfig: self = .networkConfig
            }
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        for file in SeedFile.allCases {
            self[file] = try container.decodeIfPresent(String.self, forKey: CodingKeys(file)).map {
                .text($0)
            }
        }
        check = try container.decodeIfPresent(Check.self, forKey: .check)
    }

    /// - Throws: `EncodingError` for a file that is no UTF-8.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        for file in SeedFile.allCases {
            guard let document = self[file] else { continue }
            guard let text = document.text(as: file) else {
                throw EncodingError.invalidValue(
                    document,
                    .init(codingPath: container.codingPath, debugDescription: "\(file.rawValue) is no text"))
            }
            try container.encode(text, forKey: CodingKeys(file))
        }
        try container.encodeIfPresent(check, forKey: .check)
    }
}
