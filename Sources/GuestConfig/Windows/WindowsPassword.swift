/// The rules of Windows for the password of a local account.
///
/// Source: Microsoft's "Password must meet complexity requirements", which a server asks for and a client does not, and
/// the descriptions of `AdministratorPassword` and `AutoLogon` in "Unattended Windows Setup Reference".
public enum WindowsPassword {
    /// What Windows has against a password; `nil` where it takes it.
    ///
    /// - Parameters:
    ///   - user: the account's name.
    ///   - isServer: whether it is for an edition of Windows Server.
    public static func problem(_ password: String, user: String, isServer: Bool) -> String? {
        // What AutoLogon has room for.
        if password.utf16.count > 127 { return "it has more than 127 characters" }
        guard isServer else { return nil }
        if password.utf16.count < 6 { return "it has less than 6 characters" }
        if user.utf16.count >= 3, password.lowercased().contains(user.lowercased()) {
            return "it has the user's name in it"
        }
        let kinds = Set(password.unicodeScalars.map(Kind.init))
        return kinds.count < 3
            ? "it has less than three kinds of characters: capitals, small letters, digits, others" : nil
    }

    private enum Kind {
        case capital, small, digit, letter, other

        init(_ scalar: Unicode.Scalar) {
            let properties = scalar.properties
            if properties.isUppercase {
                self = .capital
            } else if properties.isLowercase {
                self = .small
            } else if ("0"..."9").contains(scalar) {
                self = .digit
            } else {
                self = properties.isAlphabetic ? .letter : .other
            }
        }
    }
}
