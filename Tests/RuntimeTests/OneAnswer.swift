// SPDX-License-Identifier: Apache-2.0

import ResNetRuntime
import TestPlans
import Testing

/// Expects one answer of every level and of every number of threads, and returns it.
@discardableResult
func expectOneAnswer(
  _ file: [UInt8], _ image: [UInt8], threads: [Int] = [1], on sets: [InstructionSet]? = nil,
  _ what: String = "", at location: SourceLocation = #_sourceLocation
) throws -> Results {
  let plan = LoadedPlan(file)
  let expected = try infer(plan, image, on: .reference)
  for set in sets ?? InstructionSet.available {
    for count in threads {
      let found = try infer(plan, image, threads: count, on: set)
      #expect(found == expected, "\(what), \(set), \(count)", sourceLocation: location)
    }
  }
  return expected
}
