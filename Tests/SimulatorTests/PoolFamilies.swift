import ACD
import Foundation
import Primitives

@testable import Simulator

/// Family `multiskill`: pools of agents with ranked skills.
extension Study {
  static func pools(_ rows: [Row]) -> Study? { nil }
}
