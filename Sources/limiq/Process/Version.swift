/// The version of this program, by <https://semver.org>.
let limiqVersion = "0.2.0"
