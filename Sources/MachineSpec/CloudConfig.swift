import Basics
import YAML

/// The texts of the four files of the NoCloud datasource, written from tables.
public enum CloudConfig {
    /// The text of one of them, from a table.
    static func text(of table: Value, as file: SeedFile) -> String {
        switch file {
        case .userData, .vendorData: userData(from: table)
        case .metaData: metaData(from: table)
        case .networkConfig: networkConfig(from: table)
        }
    }

    /// The text of user-data or vendor-data: the header cloud-init looks for, then the YAML.
    public static func userData(from value: Value) -> String {
        "#cloud-config\n" + YAML.write(value)
    }

    /// The text of meta-data. `instance-id` and `local-hostname` are texts to cloud-init: a number becomes one.
    public static func metaData(from value: Value) -> String {
        guard case .map(var map) = value else { return YAML.write(value) }
        for key in ["instance-id", "local-hostname"] {
            switch map[key] {
            case .int(let number)?: map[key] = .string("\(number)")
            case .double(let number)?: map[key] = .string("\(number)")
            default: break
            }
        }
        return YAML.write(.map(map))
    }

    /// The text of network-config, version 1 or 2 (netplan), as it is.
    public static func networkConfig(from value: Value) -> String {
        YAML.write(value)
    }
}
