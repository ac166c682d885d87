extension GuestFinding {
    /// A finding of a cloud-init file among those of all that configures the guest.
    public init(_ finding: CloudInitCheck.Finding) {
        self.init(
            isError: finding.severity == .error, code: .cloudInit, text: finding.text, hint: finding.hint)
    }
}
