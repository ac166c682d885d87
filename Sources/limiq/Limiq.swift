import ArgumentParser

@main
struct Limiq: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limiq", abstract: "Lua scripts that make virtual machines.")
}
