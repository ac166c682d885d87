import Foundation
import Support
import Testing

@testable import GuestConfig

/// What limiq makes of a template, and what cloud-init's own renderer does.
@Suite struct `A template beside cloud-init's own rendering` {
    private struct Answer: Decodable {
        let text: String?
        let error: String?
    }

    private static let metaData = """
        instance-id: i-1
        local-hostname: web-01.example.org
        role: db
        numbers: [1, 2, 3]
        flag: true
        nothing: null
        nested: {a-b: c, empty: ''}

        """

    private static let program = """
        import json, sys
        sys.path.insert(0, "/usr/lib/python3/dist-packages")
        from cloudinit.handlers.jinja_template import convert_jinja_instance_data
        from cloudinit.templater import render_string
        meta = {"instance-id": "i-1", "local-hostname": "web-01.example.org", "role": "db", "numbers": [1, 2, 3],
                "flag": True, "nothing": None, "nested": {"a-b": "c", "empty": ""}, "dsmode": "net"}
        v1 = {"instance-id": "i-1", "instance_id": "i-1", "local-hostname": "web-01", "local_hostname": "web-01",
              "distro": "debian", "platform": "nocloud", "region": None, "public_ssh_keys": [], "cloud_name": "unknown"}
        names = convert_jinja_instance_data({"ds": {"meta_data": meta, "_doc": "x"}, "v1": v1, "merged_cfg": {}},
                                            include_key_aliases=True)
        def answer(text):
            try: return {"text": render_string("## template: jinja\\n" + text, names)}
            except Exception as e: return {"error": type(e).__name__ + ": " + str(e)}
        json.dump([answer(t) for t in json.load(sys.stdin)], sys.stdout)
        """

    private func answers(_ texts: [String]) async throws -> [Answer] {
        let input = String(decoding: try JSONEncoder().encode(texts), as: UTF8.self)
        return try await python(Self.program, input: input, as: [Answer].self)
    }

    /// - Returns: whether the whole text is known to limiq.
    @discardableResult
    private func compare(
        _ text: String, _ answer: Answer, sourceLocation: SourceLocation = #_sourceLocation
    ) -> Bool {
        do throws(JinjaProblem) {
            let rendered = try JinjaTemplate(text, line: 1).rendered(
                InstanceData(metaData: Self.metaData).variables)
            guard rendered.isComplete, rendered.uncertainLines.isEmpty else { return false }
            #expect(
                rendered.text == answer.text, "\(answer.error ?? ""):\n\(text)",
                sourceLocation: sourceLocation)
            let lines =
                rendered.text.isEmpty
                ? 0
                : rendered.text.split(separator: "\n", omittingEmptySubsequences: false).count
                    - (rendered.text.hasSuffix("\n") ? 1 : 0)
            #expect(rendered.lines.count == lines, "\(text)", sourceLocation: sourceLocation)
            #expect(
                !rendered.missing.isEmpty
                    || !(answer.text ?? "").uppercased().contains(
                        "CI_MISSING_JINJA_VAR/"),
                "\(text)", sourceLocation: sourceLocation)
            return true
        } catch {
            #expect(
                answer.error != nil, "\(error.line): \(error.message), and cloud-init takes it:\n\(text)",
                sourceLocation: sourceLocation)
            return true
        }
    }

    private static let templates = [
        "", "\n", "text", "text\n", "text\n\n", "#cloud-config\nhostname: {{ v1.local_hostname }}\n",
        "a: {{ v1.instance_id }}\nb: {{ instance_id }}\nc: {{ v1['instance-id'] }}\n",
        "{{ ds.meta_data.local_hostname }} {{ ds.meta_data['local-hostname'] }} {{ ds['meta_data'].role }}",
        "{{ ds.meta_data.nested.a_b }}{{ ds.meta_data.nested['a-b'] }}{{ ds.meta_data.numbers[0] }}{{ ds.meta_data.numbers[-1] }}",
        "{{ ds.meta_data.numbers }} {{ ds.meta_data.flag }} {{ ds.meta_data.nothing }} {{ ds.meta_data.nested }}",
        "{{ v1.nope }} {{ nope }} {{ ds.meta_data.nope }}", "{{ nope.more }}", "{{ v1.nope.more }}",
        "{{ nope['x'] }}",
        "{{ v1.instance-id }}", "{{ v1.local-hostname }}", "{{ nope - 1 }}", "{{ nope + 1 }}", "{{ nope() }}",
        "{{ nope | default('x') }} {{ nope|d('y') }} {{ v1.region | default('z', true) }} {{ ds.meta_data.nested.empty | default('e', boolean=true) }}",
        "{{ v1.region }} {{ v1.distro }}", "{{ role }} {{ ds.meta_data.role | upper }} {{ 'ABC' | lower }}",
        "{% if v1.instance_id == 'i-1' %}one{% else %}two{% endif %}\nend\n",
        "{% if nope %}one{% elif ds.meta_data.flag %}two{% else %}three{% endif %}",
        "{% if ds.meta_data.role is defined and ds.meta_data.role in ['db', 'web'] %}\nyes\n{% endif %}\n",
        "{% if not nope is defined %}a{% endif %}{% if nope is not defined %}b{% endif %}{% if 'x' not in 'abc' %}c{% endif %}",
        "{% for n in ds.meta_data.numbers %}\n- {{ n }} {{ loop.index }} {{ loop.last }}\n{% endfor %}\nend\n",
        "{% for n in ds.meta_data.numbers if n > 1 %}{{ n }}{% else %}none{% endfor %}",
        "{% for n in [] %}{{ n }}{% else %}none{% endfor %}{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }} {% endfor %}",
        "{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(1, 3) %}{{ i }}{% endfor %}",
        "{% set name = 'x' ~ 1 ~ v1.instance_id %}\n{{ name }}\n", "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
        "{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}{% if true %}{% set x = 3 %}{% endif %}{{ x }}",
        "{# a comment #}\nx\n{#- more -#}   \n y", "{% raw %}{{ x }}{% endraw %}\n",
        "{%- raw -%}  {% if %} {%- endraw -%}  x",
        "a  {{- ' b ' -}}  c", "a \n {%- if true -%} \n b \n {%- endif -%} \n c",
        "{%+ if true +%}\nx\n{%+ endif +%}\ny",
        "{{ 'a' if true else 'b' }} {{ 'a' if false }} {{ 'a' if nope is defined else 'c' }}",
        "{{ 1 + 2 * 3 - 4 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ (1 + 2) * 3 }} {{ -3 }} {{ 1 < 2 }} {{ 1 == 1 and 2 != 3 or false }}",
        "{{ 'a-b-c'.split('-')[1] }} {{ ' x '.strip() }} {{ 'x'.upper() }} {{ 'web-01'.startswith('web') }} {{ 'aXb'.replace('X', '-') }}",
        "{{ 'a b'.split() }} {{ ['a', 'b'] | join(',') }} {{ [1, 2] | length }} {{ [1, 2] | first }} {{ 'abc' | last }} {{ '5' | int + 1 }}",
        "{{ 'x' | foo }}", "{{ 'x' | foo if true }}", "{% if true %}{{ 'x' | foo }}{% endif %}",
        "{{ 'x' is foo }}", "{{ x | }}", "{{ }}", "{{ x",
        "{{ x }", "{{ x }}}", "{{ {'a': 1}['a'] }}", "{{ {'a': {'b': 2}}}}", "{{ [1, 2,] }}", "{{ (1, 2) }}",
        "{{ () }}", "{{ 'a' 'b' }}",
        "{% if %}x{% endif %}", "{% if x %}", "{% endif %}", "{% for x %}{% endfor %}", "{% for x in y %}",
        "{% unknown %}", "{% fi x %}", "{% set x %}",
        "{% set x %}body{% endset %}{{ x }}", "{% if a %}{% for b in c %}{% endif %}{% endfor %}",
        "{% else %}", "{% if a %}{% else %}{% else %}{% endif %}",
        "{{ 'unclosed }}", "{{ a ? b }}", "{{ a & b }}", "{{ a.b.c }}", "{{ a.'b' }}", "{{ a[ }}",
        "{{ a['b' }}", "{{ f(a, b=1, *c, **d) }}", "{{ f(a=1, b) }}",
        "{# unclosed", "{% raw %}x", "{{ '\\n' }}", "{{ '\\x41' }}", "{{ '\\x4' }}", "{{ \"it's\" }}",
        "{{ 1_000 }} {{ 0x1f }} {{ 0b11 }} {{ 1.5 }} {{ 1e3 }} {{ 012 }}",
        "{% macro m(a, b=1) %}{{ a }}{% endmacro %}{{ m(1) }}", "{% block x %}y{% endblock %}",
        "{% block x %}y{% endblock x %}", "{% with a=1, b=2 %}{{ a }}{{ b }}{% endwith %}{{ a }}",
        "{% filter upper %}x{% endfilter %}", "{% do [].append(1) %}x", "{% print 1, 2 %}",
        "{% include 'x' %}", "{% import 'x' as y %}", "{% from 'x' import y %}", "{% extends 'x' %}",
        "{% call f() %}x{% endcall %}", "{% autoescape true %}x{% endautoescape %}",
        "{% for (a, b) in [[1, 2]] %}{{ a }}{{ b }}{% endfor %}", "{% for (a, b), c in [] %}{% endfor %}",
        "{{ true }} {{ True }} {{ none }} {{ None }}", "{% set true = 1 %}", "{{ nope | upper }}",
        "{{ nope ~ 'x' }}", "{{ nope | length }}", "{{ nope | int }}", "{{ nope < 1 }}", "{{ nope == 1 }}",
        "{% for x in nope %}a{% else %}b{% endfor %}",
        "{{ ds.meta_data.get('role') }} {{ ds.meta_data.get('x', 'y') }} {{ ds.meta_data.items() | length }}",
        "line\r\n{{ v1.instance_id }}\r\nend\r\n", "${VAR} ${#array[@]}", "${#array[@]} #}",
        "awk '{print $1}' {{ v1.instance_id }}", "{{ '{{' }} {{ '%}' }}", "{{ v1 }}", "{{ ds }}",
        "{{ 'a' is string }} {{ 1 is string }} {{ {} is mapping }} {{ none is none }} {{ 'a' is eq 'a' }} {{ 'a' is in ['a'] }}",
        "{{ x is defined is defined }}", "{{ 1 if }}", "{{ not }}",
        "{{ 1 if x }}", "{{ a.0 }}", "{{ [1,2,3][0:2] }}", "{{ 'abc'[1] }}", "{{ 'abc'[9] }}", "{{ 5 % 0 }}",
        "{{ 2 ** 3 }}", "{{ 1 / 2 }}", "{{ 'a' * 3 }}", "{{ 'é' }} {{ '日' | upper }}",
        "{% if v1.distro == 'debian' %}a{% else %}b{% endif %}", "{{ v1.distro }}-{{ v1.instance_id }}",
        "{% for %}", "{%%}", "{% if a = 1 %}{% endif %}", "{{ a = 1 }}", "{{ a; }}", "{{ !a }}",
        "{% if a && b %}{% endif %}",
        "{{ \"a\" | default }} {{ nope | default }}", "{{ 'a,b' | replace(',', ';') }}",
        "{{ ' a ' | trim }}|",
        "{{ 'aBC' | capitalize }} {{ 'x' | string }} {{ 'x' | safe }} {{ 'abc' | list }} {{ {'a': 1} | list }}",
        "{% set ns = namespace(x=1) %}{% set ns.x = 2 %}{{ ns.x }}", "{{ loop }}", "{{ range(3) | list }}",
        "{{ dict(a=1) }}", "{{ lipsum }}",
    ]

    @Test func `Each template has the same end and the same text`() async throws {
        let answers = try await answers(Self.templates)
        try #require(answers.count == Self.templates.count)
        var known = 0
        for (text, answer) in zip(Self.templates, answers) where compare(text, answer) { known += 1 }
        #expect(
            known * 3 > Self.templates.count * 2, "\(known) of \(Self.templates.count) are known to limiq")
    }

    @Test func `Of 6000 templates with something changed none is refused that cloud-init takes`() async throws
    {
        var generator = SeededGenerator(state: 20_261_130)
        let pieces = [
            "{{", "}}", "{%", "%}", "{#", "#}", " if ", " else ", " in ", " not ", " is ", "(", ")", "[", "]",
            "{", "}", "'", "\"", ".", ",", "|", "-", "+", "~", "=", "==",
            " ", "\n", "x", "1", "endif", "endfor", "{% endif %}", "{{ v1.instance_id }}", "default", ":",
            "*", "\\", "é", "and", "or", "\r\n", "_", "0", "set ", "for ",
        ]
        var texts: [String] = []
        while texts.count < 6000 {
            var scalars = Array((Self.templates.randomElement(using: &generator) ?? "").unicodeScalars)
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                let place = Int.random(in: 0...scalars.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0:
                    scalars.removeSubrange(
                        place..<min(scalars.count, place + Int.random(in: 1...4, using: &generator)))
                default:
                    scalars.insert(
                        contentsOf: (pieces.randomElement(using: &generator) ?? "").unicodeScalars, at: place)
                }
            }
            texts.append(String(String.UnicodeScalarView(scalars)))
        }
        let answers = try await answers(texts)
        try #require(answers.count == texts.count)
        for (text, answer) in zip(texts, answers) { compare(text, answer) }
        #expect(answers.count { $0.error != nil } > 1000 && answers.count { $0.text != nil } > 1000)
    }
}
