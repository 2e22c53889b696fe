// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph
package import ResNetPlanFormat
import ResNetQuantization
package import ResNetRuntime

/// A plan in memory that ends where the file does.
package final class LoadedPlan {
  private let memory: GuardedMemory
  private let bytes: UnsafeRawBufferPointer

  package init(_ file: [UInt8]) {
    memory = GuardedMemory(capacity: file.count)
    bytes = memory.suffix(holding: file)
  }

  package func plan() throws(PlanError) -> Plan { try Plan(unownedBytes: bytes) }
}

/// The bits of the results of one run.
package struct Results: Equatable {
  package var logits: [UInt32]
  package var features: [UInt32]

  package init(_ session: borrowing Session) {
    logits = session.logits.map(\.bitPattern)
    features = session.features.map(\.bitPattern)
  }

  package var floatLogits: [Float] { logits.map(Float.init(bitPattern:)) }
}

/// The results of one image in a new session.
package func infer(
  _ plan: LoadedPlan, _ image: [UInt8], threads: Int = 1, on set: InstructionSet = .best,
  arena: UnsafeMutableRawBufferPointer? = nil
) throws -> Results {
  var session = try Session(plan.plan(), threads: threads, instructionSet: set, arena: arena)
  session.run(image.span)
  return Results(session)
}

extension Program {
  /// The logits of an image in float32.
  package func logits(_ image: [UInt8]) -> [Float] {
    let executor = FloatExecutor(model)
    executor.run(image)
    return executor.values(of: mainOutput.tensor)
  }
}

/// The greatest difference, relative to the greatest number expected.
package func relativeDifference<Found: BinaryFloatingPoint, Expected: BinaryFloatingPoint>(
  _ found: [Found], _ expected: [Expected]
) -> Double {
  let greatest = expected.map(\.magnitude).max() ?? 0
  return zip(found, expected).map { abs(Double($0) - Double($1)) }.max()! / Double(greatest)
}
