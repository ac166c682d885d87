/// The texts that stand for answers which nobody has yet: what is made of one is not judged.
public enum UnknownText {
    /// What a call answers that a check only looks at.
    public static let ofCheck = "unknown"
    /// What a plan shows.
    public static let ofPlan = "(known after boot)"

    /// Whether a text is one, or has that of a plan in it.
    public static func isIn(_ text: String) -> Bool { text == ofCheck || text.contains(ofPlan) }
}
