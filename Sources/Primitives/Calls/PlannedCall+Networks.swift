import Basics
import Hypervisors
import MachineSpec
import Provisioning

/// The steps by which a plan shows what becomes of networks.
extension PlannedCall {
    /// Notes what a run would do to a network.
    ///
    /// - Returns: whether it would do something.
    func bringUp(_ network: VirtualNetwork, _ spec: NetworkSpec) throws(Failure) -> Bool {
        let expected = run.expectedNetwork(network)
        let plan = expected == false ? NetworkPlan.making : try network.plan(spec)
        guard expected != true || plan.action == .change else { return false }
        let action: PlanStep.Action =
            switch plan.action {
            case .make: .make
            case .change: .change
            case .start: .start
            case .none: .none
            }
        var step = PlanStep(action: action, kind: "network", name: network.name)
        step.parts =
            plan.action == .make
            ? Self.parts(spec)
            : plan.changes.map {
                .init(name: $0.field, detail: "\($0.current ?? "none") → \($0.wanted ?? "none")")
            }
        add(step)
        run.expect(network, isThere: true)
        return step.isChange
    }

    private static func parts(_ spec: NetworkSpec) -> [PlanStep.Part] {
        var parts = [PlanStep.Part(name: spec.mode.rawValue, detail: spec.cidr)]
        if let ipv6 = spec.ipv6 { parts.append(.init(name: "ipv6", detail: ipv6)) }
        if let domain = spec.domain { parts.append(.init(name: "domain", detail: domain)) }
        return parts
    }

    /// Notes what a run would do to the networks of a machine's nics.
    func bringUpNetworks(of spec: VMSpec, on machine: Machine) throws(Failure) {
        var seen: Set<String> = []
        for described in spec.nics.compactMap(\.network?.spec) where seen.insert(described.name).inserted {
            let network = VirtualNetwork(described.name, on: machine.hypervisor, state: machine.state)
            // What is so already is no step of a machine's.
            let expected = run.expectedNetwork(network)
            if expected == true { continue }
            if expected == nil, try network.plan(described).action == .none { continue }
            _ = try bringUp(network, described)
        }
    }

    /// Notes that a network goes.
    ///
    /// - Returns: whether there is one.
    func remove(_ network: VirtualNetwork) throws(Failure) -> Bool {
        let gone = run.forecasts(on: network.hypervisor.uri).filter { $0.forecast.spec == nil }.map(\.name)
        let coming = run.forecasts(on: network.hypervisor.uri).filter { machine in
            machine.forecast.spec?.nics.contains { $0.network?.name == network.name } == true
        }
        if let user = coming.first {
            throw Failure(
                .inUse, "network \(network.name) is in use by \(user.name)",
                hint: "remove that machine first",
                resource: network.name)
        }
        if let isThere = run.expectedNetwork(network) {
            guard isThere else { return false }
        } else {
            guard try network.removal(after: Set(gone)) else { return false }
        }
        add(PlanStep(action: .remove, kind: "network", name: network.name))
        run.expect(network, isThere: false)
        return true
    }
}
