import ACD
import CallControl

extension CallControl.Record {
  /// A fault of ours that the engine has found in its own state, and mended.
  var fault: String? {
    guard case .acd(.invariantBroken(let invariant, let contact, let agent)) = event else { return nil }
    let whose = contact == .none ? "agent \(agent.index)" : "contact \(contact.slot).\(contact.generation)"
    return "The engine's state was at odds with itself and has been mended: \(invariant) of \(whose)."
  }
}
