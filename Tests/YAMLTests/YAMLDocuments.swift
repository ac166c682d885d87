import Support

/// Texts to hold readers of YAML against each other.
enum YAMLDocuments {
    /// Texts of each kind that yaml-test-suite has, right and wrong ones.
    static let kinds: [String] =
        comments + documents + blocks + blockScalars + quotes + plain + flow + properties + tabs + breaks
        + merges
        + cloudConfigs

    private static let comments = [
        "", "\n\n", "# a\n", "  # a\n\n# b", "a: 1 # b\n", "a: 1# b\n", "a: # b\n  1\n", "a:\n# b\n  1\n",
        "- a # 1\n# 2\n- b\n", "# a\n---\n# b\nc: 1\n# d\n...\n# e\n", "[a, # b\n c # d\n] # e\n",
        "{a: 1, # b\n c: 2}\n", "'a' # b\n", "'a'#b\n", "a # b\n# c\nd\n", "a: b\n # c\n d\n",
        "#\u{e9}\na: 1\n",
        "a: 'b # c'\n", "- #a\n- b\n", "? a # b\n: c # d\n", "a:\n  - b\n # c\n  - d\n", "a\n# b\n",
        "x: y #\n",
    ]

    private static let documents = [
        "---\n", "---\na\n", "--- a\n", "--- # a\nb\n", "---\n...\n", "...\n", "...\na\n", "a\n...\n",
        "a\n---\nb\n",
        "a\n...\nb\n", "---\n---\n", "a\n... # b\n", "a\n... b\n", "---a\n", "----\n", "a: 1\n---\n",
        "--- {a: 1}\n",
        "--- |\n a\n", "--- \"a\n b\"\n", "--- a: 1\n", "--- - a\n", "---\n- a\n", "%YAML 1.1\n---\na\n",
        "%YAML 1.2\n--- a\n", "%YAML 2.0\n--- a\n", "%YAML 1.1\na\n", "%YAML 1.1\n%YAML 1.1\n---\n",
        "%YAML 1.1 # a\n---\n", "%YAML 1.1a\n---\n", "%YAML 1\n---\n", "%YAML\n---\n",
        "%FOO bar baz\n--- a\n", "%\n---\n",
        "% a\n", " %a\n", "%TAG ! tag:yaml.org,2002:\n--- !str 1\n",
        "%TAG !e! tag:yaml.org,2002:\n---\n!e!int \"7\"\n",
        "%TAG !e! tag:yaml.org,2002:\n%TAG !e! x\n---\n", "%TAG !e tag\n---\n", "%TAG e! tag\n---\n",
        "%TAG !e!\n---\n",
        "%TAG !e! tag:a,b # c\n---\n", "a\n%YAML 1.1\n---\n", "a: 1\n...\n%YAML 1.1\n---\nb: 2\n",
        "a: b\n%c: d\n",
        "%YAML 01.1\n---\na\n", "'a\n---\nb'\n", "\"a\n...\nb\"\n", "[a,\n---\nb]\n", "|\n a\n---\n",
        "a:\n  b\n---\nc: 1\n",
        "\u{feff}a: 1\nb: 2\n", "\u{feff}# a\nb: 1\n", "\u{feff}---\na: 1\n", "\u{feff}", "\u{feff}[1, 2]",
        "a: \u{feff}b\nc: d: e\n", "\u{feff}\u{feff}a: 1\nb: 2\n", "a: 1\n\u{feff}b: 2\n",
        "\u{feff} a: 1\nb: 2\n",
    ]

    private static let blocks = [
        "a: 1\nb: 2\n", "a:\n  b:\n    c: 1\n", "a:\n b: 1\n  c: 2\n", "a:\n  b: 1\n c: 2\n",
        " a: 1\n b: 2\n", " a: 1\nb: 2\n",
        "- a\n- b\n", "- - a\n  - b\n- c\n", "-\n  a\n-\n  - b\n", "- a: 1\n  b: 2\n- c: 3\n",
        "-  a: 1\n   b: 2\n",
        "- a: 1\n b: 2\n", "a:\n- b\n- c\nd: 1\n", "a:\n  - b\n  - c\n", "a:\n - b\n- c\n", "a: - b\n",
        "- a\nb: 1\n",
        "a: 1\n- b\n", "a\nb: 1\n", "a: 1\nb\n", "a: 1\nb\nc: 2\n", "a: b: c\n", "a: 'b': c\n",
        "'a': 1\n\"b\": 2\n", "a :  1\n",
        "a:1\n", "a:\n", "a:\nb:\n", "- \n- \n", "-\n-\n", "-a\n", "- -\n", "- - -\n", "? a\n: b\n", "? a\n",
        "? a\n? b\n", "?\n: a\n",
        ": a\n", ":\n", "? - a\n: - b\n", "? a: 1\n: b\n", "? |\n  a\n: b\n", "? [a]\n: b\n",
        "? a\n:\n  - b\n", "? - a\n  - b\n: c\n",
        "a: ? b\n", "- ? a\n  : b\n", "- ? a\n- : b\n", "a: 1\n? b\n: 2\n", "? a : 1\n", "[a]: 1\n",
        "{a: 1}: 2\n", "[a\n]: 1\n",
        "a b c: 1\n", "a\n b: 1\n", "a: b\n  c\n", "a: b\nc\n", "a: b\n c: d\n", "a:\n  b\n  c\nd: 1\n",
        "? \n", "a: 1\n\n\n\nb: 2\n",
        "\(String(repeating: "k", count: 1030)): 1\n", "\(String(repeating: "k", count: 1020)): 1\n",
        "a: {\(String(repeating: "k", count: 1030)): 1}\n",
        "x: [\(String(repeating: "1, ", count: 400))]: 2\n",
        "a: 1\na: 2\n", "1: a\n0x1: b\n", "1: a\n'1': b\n", "yes: a\ntrue: b\n1: c\n1.0: d\n",
        "~: a\nnull: b\n", ".nan: a\n.NaN: b\n",
        "2024-01-01: a\n", "{a: 1, a: 2}\n", "\u{e9}: 1\ne\u{301}: 2\n", "\u{2126}: 1\n\u{3a9}: 2\n",
        "a:\n   - b\n  - c\n", "a:\n  - b\n   - c\n", "a:\n    b: 1\n  c: 2\n", "- a\n - b\n", "- a\n-b\n",
        "a:\n  b\n c\n",
    ]

    private static let blockScalars = [
        "|\n a\n", ">\n a\n b\n", "a: |\n  b\n  c\n", "a: |-\n  b\n", "a: |+\n  b\n\n\n", "a: |\n  b\n\n\n",
        "a: >-\n  b\n  c\n\n  d\n",
        "a: >+\n  b\n\n", "a: |2\n   b\n  c\n", "a: |2-\n   b\n", "a: |-2\n   b\n", "a: |0\n b\n",
        "a: |10\n b\n", "a: |+-\n b\n", "a: |a\n b\n",
        "a: | # c\n  b\n", "a: |#c\n  b\n", "a: |\n b\nc: 1\n", "a: |\nb\n", "a: |\n\n  b\n",
        "a: |\n    \n  b\n", "a: |\n  \n  b\n", "a: |\n  b\n   c\n  d\n",
        "a: >\n  b\n   c\n   d\n  e\n", "a: >\n\n  b\n\n\n  c\n", "a: >\n  b\n\n   c\n\n  d\n",
        "- |\n a\n- >\n b\n", "- |\n a\n b\n-\n c\n",
        "a: |\n  b\n # c\nd: 1\n", "a: |\n  b\n  # c\nd: 1\n", "a: |", "a: |\n", "a: |\n  b", "a: |+",
        "a: |\n\tb\n", "a: |\n  \tb\n  c\n", "a: |\n  b\n\tc\n",
        "a: >\n  \tb\n  c\n", "a: >\n  b\n  \tc\n  d\n", "a: |\n  b\n ---\nc: 1\n", "a: |\n  ---\n  b\n",
        "|\n---\n", "|\na\n", "|1\n a\n", "a: [|\n b]\n", "a: |1\n  b\n",
        "a: |\u{3000}\n b\n", "a: |\n  b\u{2028}  c\n  d\n", "a: >\n  b\u{2028}  c\n", "a: |\n  b\u{85}  c\n",
        "all:\n\t@echo\n", "m: |\n  all:\n  \t@echo hi\n",
        "m: |\n  \t@echo hi\n  all:\n", "m:\n- |\n  \tx\n", "a: >\n \n  b\n", "a: |\n   \n  \n b\n",
        "a: !!str |\n  b\n", "a: &x |\n  b\nc: *x\n", "a: | b\n", "a: >1-\n  b\n",
        "a: |9\n          b\n", "a:\n  - |2\n      b\n", "- - |\n   a\n  - b\n",
    ]

    private static let quotes = [
        "'a'", "'a''b'", "''", "'''a'''", "'a\n b\n\n c'\n", "'a\\nb'", "'a", "'a' b", "a: 'b' c\n",
        "'a': b\n", "'a\n b': c\n", "\"a\"", "\"\"", "\"a\\nb\\t\\\"c\\\\\"",
        "\"\\0\\a\\b\\t\\n\\v\\f\\r\\e\\ \\/\\N\\_\\L\\P\"", "\"\\x41\\u00e9\\U0001f600\"", "\"\\x4\"",
        "\"\\u12g4\"", "\"\\U00110000\"", "\"\\ud83d\\ude00\"", "\"\\q\"", "\"\\'\"",
        "\"a\n b\n\n\n c\"", "\"a\\\n  b\"", "\"a \\\n \\ b\"", "\"a\\\n\n b\"", "\"a  \n  b\"",
        "\"a\t\n\tb\"", "\"a", "\"a\\", "\"a\nb: c", "a: \"b\n c\"\nd: 1\n", "a: \"b\nc\"\n", "a: 'b\nc'\n",
        "\" a \"", "' a\n b '", "\"\n a\n\"", "'\n\n a'", "\"a\\\tb\"", "\"\u{85}a\"", "\"a\u{2028}b\"",
        "\"a\u{2029} b\"", "[\"a\", 'b']", "{\"a\":1, 'b':2}", "{\"a\":b}", "{'a':b,c}", "\"a\":b\n",
        "'a' 'b'\n",
        "- 'a\n- b'\n", "\"a\n  ...x\"", "\"a\n... \"", "'a\n--- b'", "\"\\\n\"", "\"é\\u0301\"", "'\\'",
        "\"\\/\"",
    ]

    private static let plain = [
        "a", "a b", "a\nb", "a\n\nb", "a\n\n\nb\n", "a  b", "-a", "- a", "?a", "? a", ":a", ": a", "a:b",
        "a: b", "a:", "a#b", "a #b", "a,b", "a]b", "a}b", "@a", "`a", "%a", "!a", "&a", "*a", "|a", ">a",
        "~", "null", "yes", "y", "on", "0", "00", "07", "08", "0o7", "0x1f", "0b1", "0b", "0x", "0_", "0x_",
        "-0x_", "1_000", "1.5", "1.", ".5", "1e3", "1e+3", "1.0e+3", "1.0E-3", ".inf", "-.INF", "+.inf",
        ".nan", "-.nan",
        "12:30", "12:30:45", "-1:30", "1:60", "1:5.5", "41:12:05:42:31:10", "52:54:00:12:34:56",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
        "89148000000060671234", "0xffffffffffffffffff", "1:0:0:0:0:0:0:0:0:0:0:0", "1.5e+400", "-0.0",
        "1_.5_e+3", "2024-01-01", "2024-13-01", "2024-02-30", "2023-02-29", "2024-1-1", "2024-1-1 1:02:03",
        "2024-01-01 25:00:00", "2024-01-01T12:00:00Z", "2024-01-01 12:00:00 +1", "2024-01-01 12:00:00 +23:59",
        "2024-01-01 12:00:00 -24:00", "2024-01-01 12:60:00", "0000-01-01", "2024-01-01 12:00:00.",
        "=", "<<", "a: =\n", "=: a\n", "- <<\n", "[<<]", "<<: 1\n", "http://a/b?c=1#d", "a?b", "[a?b]",
        "[curl, http://h/x?y=1]", "{a?: 1}", "[a:b]", "[a: b]", "[:a]", "[::]", "[a:]", "[a:,b]", "[-a]",
        "[-]", "[- a]", "[a-]",
        "a: b\n\n\n  c\n", "a\n  b\n c\n", "a\n# b\nc\n", "a: -1\n", "a: - 1\n", "a: *\n", "a: &\n",
        "a: &b\n", "a: !\n", "a\u{a0}b", "\u{a0}", "a\u{85}b", "a\u{2028}b", "\u{e9}: \u{1f600}", "a: @b\n",
        "a: `b`\n", "a: b @c\n",
        "a\u{1}", "a\u{7f}b", "a: \u{fffe}\n", "\u{80}", "a: \u{1b}[0m\n", "$HOME", "a: $(b)\n", "/a/b",
        "\\a", "(a)", "~a", "a!b", "a&b", "a*b", "a|b", "--", "-- a", "--- -", "...a",
    ]

    private static let flow = [
        "[]", "{}", "[a]", "[a, b]", "[a, b,]", "[,]", "[a,,b]", "[a b]", "[a\nb]", "[a", "a]", "[[a], [b]]",
        "{a: 1}", "{a: 1,}", "{,}", "{a}", "{a, b: c}", "{a: }", "{: a}", "{a: b: c}", "{a:1}", "{\"a\":1}",
        "{a: [b, {c: d}]}",
        "[a: 1]", "[a: 1, b: 2]", "[? a : 1]", "[? a]", "[?]", "{? a}", "{? a : b}", "{?a: b}", "[: a]",
        "[{a: 1}: b]", "{[a]: b}", "{{a: 1}: b}", "[a, b]: c\n", "a: [b,\nc]\n", "a: [b,\n  c\n]\n",
        "a: [\nb\n]\n", "a: {b: 1,\nc: 2}\nd: 1\n",
        "[a}", "{a]", "[a]]", "{a: 1}}", "[a] b", "{a: 1} b", "a: [b] c\n", "- [a]\n- {b: 1}\n", "[a # b\n]",
        "[a, # b\n c]", "[#a\n]", "[ - a ]", "[ a, - b ]", "{a: - b}", "[\n- a\n]", "[\"a\" b]", "['a' 'b']",
        "[a 'b']",
        "[a:\n b]", "[\"a\"\n: b]", "{\"a\"\n: b}", "{a\n: b}", "{a:\n b}", "[a, b\n]: c", "{a: 1\nb: 2}",
        "]", "}", ",", "a: ]\n", "a: ,\n", "- }\n", "[ } ]", "[ } ] ] ]: x", "{ ] }", "[[[[[[[[]]]]]]]]",
        "[a, [b, [c]]]: 1\n",
        "{a: b, ? c : d}", "{a: 'b', \"c\": d}", "{ a : 1 }", "[ a , b ]", "{a: |\n b}", "{a: >\n b}",
        "{a: &x 1, b: *x}", "{&a b: c}", "[*a]", "[&a a, *a]", "{*a : b}", "{a: !!str 1}", "[!!str, !!null ]",
        "[! a]",
    ]

    private static let properties = [
        "&a b", "&a\nb", "&a [b]", "&a\n- b\n", "- &a b\n- *a\n", "- *a\n- &a b\n",
        "a: &x 1\nb: &x 2\nc: *x\n", "&a &b c", "&a *b", "*a b", "a: *b\n", "a: &b\nc: *b\n",
        "&a a: 1\nb: *a\n", "a: &b\n  c: 1\nd: *b\n", "- &a\n- *a\n", "*a : 1\n",
        "&a a: b\n*a : c\n", "&a: b\n", "&a:b c\n", "&a-b_1 c", "&\u{e9} a", "& a", "* a", "&a, b", "[&a, b]",
        "[*a, b]", "&a!!str b", "&a !!str b", "!!str &a b", "!!str !!int b", "!!int 7", "!!int '7'",
        "!!int x", "!!int ''", "!!int '+ 7'", "!!int ' 0b1 '",
        "!!int 0o17", "!!int '0_x1'", "!!int 1:2", "!!int '1:a'", "!!int \u{664}\u{665}", "!!float 7",
        "!!float 1e3", "!!float x", "!!float ''", "!!float infinity", "!!float '1:2.5'", "!!float -nan",
        "!!bool yes", "!!bool tRuE", "!!bool 1", "!!null x", "!!null [a]",
        "!!str [a]", "!!str {a: 1}", "!!str {=: x}", "!!int {=: 3}", "!!str", "a: !!str\n", "!!seq {a: 1}",
        "!!seq a", "!!map [a]", "!!map a", "!!seq [a]", "!!map {a: 1}", "!!set {a, b}", "!!set {a: 1}",
        "!!set [a]", "{? !!set {a} : 1}", "!!omap [a: 1, b: 2]",
        "!!omap [a]", "!!omap [{a: 1, b: 2}]", "!!omap {a: 1}", "!!pairs [a: 1, a: 2]", "!!pairs [[a]: b]",
        "!!omap [<<: 1]", "!!binary aGVsbG8=", "!!binary 'aGVs bG8='", "!!binary a", "!!binary \u{e9}",
        "!!binary ab=c", "!!binary ab==cd", "!!binary '='",
        "!!timestamp 2024-01-01", "!!timestamp x", "!!timestamp 2024-1-1", "!foo a", "!!foo a",
        "!<tag:yaml.org,2002:str> 1", "!<!> 1", "!<a", "!<> a", "! 1", "! 'yes'", "! \"12\\n\"",
        "! \"yes\\n\"", "! [a]", "!a!b c", "!!python/object:x {}", "!!python/unicode a", "!!s%74r 1",
        "!%zz a", "!%c3 a",
        "!!str,a", "!!str\ta", "!\ta", "- !!str\n- a\n", "!!str # a\nb", "!!merge a", "!!value a",
        "{!!merge a: {b: 1}}", "&a [*a]", "&a {b: *a}", "- &a [x]\n- [*a, *a]\n",
        "a: &x [1]\nb: &y [*x]\nc: [*y]\n", "[&a [&a b]]", "--- &a\n--- *a\n",
    ]

    private static let tabs = [
        "\ta", "a\t", "a\tb", "a:\tb\n", "a: \tb\n", "a: b\t\n", "a:\t\n", "a: b\t# c\n", "\ta: b\n",
        "a:\n\tb: c\n", "a:\n \tb: c\n", "a:\n  b: c\n\td: e\n", "-\ta\n", "- \ta\n", "- a\t\n", "-\t- a\n",
        "?\ta\n", "[a,\tb]", "[\ta]", "[a\t]", "[\n\ta\n]", "{\ta: b}",
        "{a:\tb}", "'a'\t\n", "'a\tb'", "\"a\n\tb\"", "a\n\tb\n", "a: b\n\tc\n", "\t# a\n",
        "a: 1\n\t\nb: 2\n", "a: 1\n\t# b\n", "packages:\t\n - a\n", "a: |\t\n  b\n", "a: |\n  b\t\n",
        "---\ta\n", "...\t\n", "%YAML\t1.1\n---\n", "%YAML 1.1\t\n---\n", "&a\tb\n", "*a\t", "a: &b\tc\n",
        "!!str\tb\n",
        "\t", " \t", "\n\t\n", "a: b\n \t\nc: d\n", "- [\ta]\n", "a: [\n\t]\n",
    ]

    private static let breaks = [
        "a: 1\r\nb: 2\r\n", "a: 1\rb: 2\r", "a: |\r\n  b\r\n  c\r\n", "a: >\r\n  b\r\n  c\r\n", "'a\r\n b'",
        "\"a\\\r\n b\"", "a\r\n\r\nb", "# a\r\nb: 1\r\n", "- a\r\n- b\r\n", "a:\r\n  b: c: d\r\n",
        "a: b: c\r\n", "a\r\n---\r\nb\r\n", "--- a\r\n...\r\n", "%YAML 1.1\r\n---\r\na\r\n",
        "[a,\r\nb]\r\n", "a: 1\u{85}b: 2\n", "a: 1\u{2028}b: 2\n", "a: 1\u{2029}b: c: d\n", "\r", "\r\n",
        "\n\r", "a: \"b\r\"\n", "a: 'b\r\n\r\nc'\n", "a: |\r  b\r  c\r", "a:\u{85}  b: c: d\n",
        "'x\u{301}\r\n\u{301}y'\n", "a: b\r\n\tc\r\n", "k\u{e9}y: [\r\n\"\u{1f600}\": x: y]",
    ]

    private static let merges = [
        "a: &a {x: 1}\nb: {<<: *a}\n", "a: &a {x: 1}\nb: {<<: *a, x: 2}\n",
        "a: &a {x: 1}\nb: {x: 2, <<: *a}\n", "a: &a {x: 1}\nb: &b {x: 2, y: 3}\nc: {<<: [*a, *b]}\n",
        "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n", "{<<: {a: 1}, <<: {a: 2}}", "{<<: [a]}",
        "{<<: a}",
        "{<<: [[{a: 1}]]}", "{<<: []}", "{<<: {}}", "{'<<': {a: 1}}", "{<<: !!str {a: 1}}", "&a {<<: *a}",
        "- &a {b: &c {d: 1}}\n- {<<: *a, b: 2}\n- *c\n", "{<<: {[a]: 1}}", "{a: 1, <<: {a: 2, b: 3}, b: 4}",
        "{<<: {=: 1}}", "{=: 1, a: 2}", "- =\n- {=: 1}\n", "{a: =}", "{&a =: 1, b: *a}",
        "{<<: {<<: {<<: {a: 1}}}}", "? <<\n: {a: 1}\n", "<<:\n- {a: 1}\n- {b: 2}\nc: 3\n",
        "{<<: {a: 1, a: 2}}", "{a: {<<: x}, b: !!int y}", "{b: !!int y, a: {<<: x}}", "[{[a]: b}, !!int x]",
        "[[!!int x], !!int y]", "{a: [!!int x], b: !!int y, c: {[d]: e}}",
    ]

    private static let cloudConfigs = [
        "#cloud-config\npackages:\t\n - nginx\n",
        "#cloud-config\nruncmd:\n - [curl, http://example.com/x?y=1]\n",
        "#cloud-config\nwrite_files:\n - path: /x\n   content: |\n     \tindented\n     plain\n",
        "#cloud-config\nlocale: &a en_US\ntimezone: &a UTC\nhostname: *a\n",
        "#cloud-config\nusers:\n- default\n- name: a\n  sudo: ALL=(ALL) NOPASSWD:ALL\n  ssh_authorized_keys:\n  - ssh-ed25519 AAAA a@b\n",
        "#cloud-config\nruncmd:\n- echo \"a: b\"\n- echo a: b\n",
        "#cloud-config\nruncmd:\n- [ls, -l]\n- 'echo'\n- - a\n  - b\n",
        "version: 2\nethernets:\n  eth0: {match: {macaddress: 52:54:00:12:34:10}, dhcp4: true}\n",
        "version: 2\nmodems: {m0: {sim-id: 89148000000060671234}}\n",
        "bootcmd:\n- |\n  #!/bin/sh\n  if true; then\n  \techo hi\n  fi\n",
        "chpasswd:\n  expire: no\n  list: |\n    a:b\n    c:$6$x\n", "final_message: |\n  $UPTIME\n",
        "ntp:\n  servers: [0.pool.ntp.org,1.pool.ntp.org]\n",
        "apt:\n  sources:\n    a.list: {source: \"deb $MIRROR $RELEASE main\"}\n",
        "write_files:\n- content: !!binary |\n    aGVsbG8K\n  path: /a\n  permissions: 0644\n",
        "{\"packages\": [\"a\",\"b\"], \"x\":{\"y\":null}}\n",
        "hostname: web-01\nfqdn: web-01.example.org.\nmanage_etc_hosts: True\n",
        "power_state: {delay: now, mode: reboot, message: Bye Bye, timeout: 30, condition: True}\n",
    ]
}
