/// The things that machines have in common which take about the same time to come up.
public struct Likeness: Sendable, Hashable, Codable {
    public enum Way: String, Sendable, Codable {
        /// The machine is made, and boots for the first time where it is started.
        case new
        /// The machine is made, and goes on from the memory of one that has booted.
        case warm
        /// The machine was there, and starts.
        case again
        /// The machine was there, and there is nothing to start.
        case present
    }

    /// The name of the image that it starts from; `nil` for none.
    public var image: String?
    /// The URI of its host.
    public var host: String
    public var acceleration: String
    public var way: Way
    /// What is waited for; `nil` where it is only made.
    public var goal: String?

    public init(image: String?, host: String, acceleration: String, way: Way, goal: String?) {
        self.image = image
        self.host = host
        self.acceleration = acceleration
        self.way = way
        self.goal = goal
    }
}
