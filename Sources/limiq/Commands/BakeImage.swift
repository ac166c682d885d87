import ArgumentParser
import HostFiles
import Primitives

extension Image {
    struct Bake: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an image of a machine once, by a recipe; prints its path.",
            discussion: "The recipe is a Lua file that returns what limiq.image.bake takes: "
                + "return { name = \"web-base\", from = \"debian-12\", cloud_init = … }.")

        @Argument(help: "The recipe.", completion: CompletionKind.script)
        var recipe: String

        @Flag(help: "One JSON object a line on standard output instead of text.")
        var json = false

        @Flag(help: "Compress the image: a third of its size, and some 25 s for each GiB.")
        var compress = false

        @Flag(help: "Leave what a bake that failed was made of, for a look.")
        var keep = false

        @OptionGroup var parameters: ParameterOptions

        /// The script that does with the recipe what a script of the user's would do.
        private static let script = """
            local limiq = require "limiq"
            local name, compress = table.unpack(limiq.args)
            local recipe = require(name)
            if type(recipe) == "table" and compress == "true" then recipe.compress = true end
            print(limiq.image.bake(recipe))
            """

        func run() throws {
            var session = try Session(connect: nil, script: recipe)
            session.json = json
            session.choices = RunChoices(keepsFailed: keep)
            session.parameters = try parameters.given()
            var module = lastComponent(recipe)
            if module.hasSuffix(".lua") { module.removeLast(".lua".count) }
            session.words = [module, "\(compress)"]
            try session.run(source: Self.script, name: "=limiq image bake", on: recipe)
        }
    }
}
