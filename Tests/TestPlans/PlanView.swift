// SPDX-License-Identifier: Apache-2.0

package import ResNetPlanFormat

/// Calls `body` with a validated view of a plan in memory that ends where the file does.
package func withView<Result>(
  _ bytes: [UInt8], _ body: (PlanView) throws -> Result
) throws -> Result {
  let memory = GuardedMemory(capacity: bytes.count)
  return try body(PlanView(validating: memory.suffix(holding: bytes)))
}
