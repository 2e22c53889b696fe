// SPDX-License-Identifier: Apache-2.0

public import ResNetPlanning
import ResNetRuntime

/// A plan and the memory that it takes with a session.
public struct FittedPlan: Sendable {
  /// The plan's file.
  public let file: [UInt8]
  /// Bytes of a session without exact forms.
  public let sessionByteCount: Int
  /// Bytes of a tuned session at most, within the limit.
  public let tunedByteCount: Int

  /// Makes a plan that fits with its session into a memory limit.
  ///
  /// If it does not, fp16 and float32 layers get fewer transformed weights, down to none. What int8 layers may have
  /// of them is the session's choice, within what the limit leaves.
  ///
  /// - Parameters:
  ///   - memoryLimit: bytes for the file and the session; nil for no limit.
  ///   - threads: of the session.
  /// - Throws: ``QuantizationError/memory(expected:found:)`` if even direct sums do not fit; `PlanningError`.
  /// - **Allocates:** the plan, twice while it is checked.
  public init(
    _ scheme: QuantizationScheme, _ options: PlanOptions, memoryLimit: Int?, threads: Int
  ) throws {
    var options = options
    while true {
      let file = try Planner.plan(scheme, options)
      let (least, tuned) = try FittedPlan.bytes(file, memoryLimit, threads)
      let excess = file.count + least - (memoryLimit ?? .max)
      guard excess > 0 else {
        (self.file, sessionByteCount, tunedByteCount) = (file, least, max(least, tuned))
        return
      }
      guard options.winograd != .off else {
        throw QuantizationError.memory(expected: file.count + least, found: memoryLimit!)
      }
      // The limit of nil is 5/4 of the weights. Not every step changes a form: the steps are not too small.
      let limit = options.winogradByteLimit ?? file.count / 4 * 5
      let lower = limit - max(excess, limit / 8)
      if lower > 1 << 16 { options.winogradByteLimit = lower } else { options.winograd = .off }
    }
  }

  private static func bytes(
    _ file: [UInt8], _ memoryLimit: Int?, _ threads: Int
  ) throws -> (least: Int, tuned: Int) {
    let memory = PlanBytes(file)
    defer { withExtendedLifetime(memory) {} }
    let plan = try Plan(unownedBytes: memory.bytes)
    return (
      plan.sessionByteCount(threads: threads),
      plan.tunedSessionByteCount(threads: threads, memoryLimit: memoryLimit)
    )
  }
}
