// SPDX-License-Identifier: Apache-2.0

public import ResNetPlanning
import ResNetRuntime

/// A plan and the memory that it takes with a session.
public struct FittedPlan: Sendable {
  /// The plan's file.
  public private(set) var file: [UInt8]
  /// Bytes of a session without exact forms.
  public private(set) var sessionByteCount: Int
  /// Bytes of a tuned session at most, within the limit.
  public private(set) var tunedByteCount: Int

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
    self = try FittedPlan(scheme, options, memoryLimit, threads)
    guard let memoryLimit, leastByteCount > memoryLimit else { return }
    var options = options
    let winograd = options.winograd
    // The limit of nil is 5/4 of the weights.
    var (fits, exceeds) = (0, options.winogradByteLimit ?? file.count / 4 * 5)
    options.winograd = .off
    self = try FittedPlan(scheme, options, memoryLimit, threads)
    guard leastByteCount <= memoryLimit else {
      throw QuantizationError.memory(expected: leastByteCount, found: memoryLimit)
    }
    options.winograd = winograd
    for _ in 0..<6 {
      let middle = (fits + exceeds) / 2
      options.winogradByteLimit = middle
      let plan = try FittedPlan(scheme, options, memoryLimit, threads)
      if plan.leastByteCount <= memoryLimit {
        (self, fits) = (plan, middle)
      } else {
        exceeds = middle
      }
    }
  }

  private init(
    _ scheme: QuantizationScheme, _ options: PlanOptions, _ memoryLimit: Int?, _ threads: Int
  ) throws {
    file = try Planner.plan(scheme, options)
    (sessionByteCount, tunedByteCount) = try FittedPlan.bytes(file, memoryLimit, threads)
  }

  /// Bytes of the file and of a session without exact forms.
  private var leastByteCount: Int { file.count + sessionByteCount }

  private static func bytes(
    _ file: [UInt8], _ memoryLimit: Int?, _ threads: Int
  ) throws -> (Int, Int) {
    let memory = PlanBytes(file)
    defer { withExtendedLifetime(memory) {} }
    let plan = try Plan(unownedBytes: memory.bytes)
    let least = plan.sessionByteCount(threads: threads)
    return (
      least, max(least, plan.tunedSessionByteCount(threads: threads, memoryLimit: memoryLimit))
    )
  }
}
