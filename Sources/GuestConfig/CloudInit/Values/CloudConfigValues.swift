import JSONSchema
import YAML

/// The check of values that a schema lets through and a guest trips over in silence.
///
/// Source: cloud-init 22.4's own modules, `config/cc_*.py`, and the programs they call: `useradd`, `chpasswd`, `sudo`.
enum CloudConfigValues {
    static func problems(of root: YAMLNode) -> [ValueProblem] {
        var problems = ValueProblems()
        let root = PlacedNode(root)
        let accounts = CloudConfigAccounts(root)
        AccountValues.check(accounts, &problems)
        PasswordValues.check(root, accounts, &problems)
        KeyValues.check(root, accounts, &problems)
        FileValues.check(root, accounts, &problems)
        SystemValues.check(root, &problems)
        return problems.found
    }

    /// Whether cloud-init does as meant with a value that its schema has no place for: its modules take more.
    static func takes(_ problem: SchemaProblem) -> Bool {
        guard case .type(let given, _) = problem.kind,
            problem.path.description.hasPrefix("write_files["),
            problem.path.description.hasSuffix("].permissions"), case .scalar(.int, _) = given.content
        else { return false }
        return true
    }
}
