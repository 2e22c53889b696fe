// SPDX-License-Identifier: Apache-2.0

import AllocationCounter
import Glibc
import ResNetPlanFormat
import ResNetRuntime
import TestPlans

/// Counts the heap allocations of inference: one line for each case, `name count`.
///
/// With the argument `seccomp` it runs inference under a filter that kills the process at any
/// system call but futex, and with `seccomp-control` it then makes one that is forbidden.
@main struct AllocationProbe {
  static let size = 64
  static let network = TestNetwork.bottleneck

  static func main() throws {
    switch CommandLine.arguments.dropFirst().first {
    case nil: try countAllocations()
    case "seccomp": try runFiltered(forbidden: false)
    case "seccomp-control": try runFiltered(forbidden: true)
    default: exit(2)
    }
  }

  static func countAllocations() throws {
    for format in [WeightFormat.int8, .float32, .float16] {
      let plan = try network.plan(inputSize: .init(size), weights: format)
      // Of a batch of 5, two threads compute two images each and the last one together.
      for (threads, batch) in [(1, 1), (2, 1), (2, 5)] {
        let allocations = try withSession(plan, threads: threads, batch: batch) {
          session, images, room, places in
          rn_allocations_start()
          for _ in 0..<10 {
            session.run(images.span)
            for image in 0..<batch {
              session.probabilities(ofImage: image, into: room)
              _ = topK(UnsafeBufferPointer(room), into: places)
            }
          }
          return rn_allocations_stop()
        }
        print("\(format.name)", threads, batch, allocations)
      }
    }
    rn_allocations_start()
    var array: [Int] = []
    for value in 0..<CommandLine.arguments.count { array.append(value) }
    let allocations = rn_allocations_stop()
    print("control", array.count, allocations)
  }

  static func runFiltered(forbidden: Bool) throws {
    let plan = try network.plan(inputSize: .init(size))
    try withSession(plan, threads: 2, batch: 5) { session, images, room, places in
      // Once before, so that the dynamic linker has found every function.
      for isFiltered in [false, true] {
        if isFiltered {
          guard rn_forbid_system_calls() == 0 else { exit(77) }
        }
        for _ in 0..<10 {
          session.run(images.span)
          session.run(images.span.extracting(..<session.plan.imageByteCount))
          session.probabilities(into: room)
          _ = topK(UnsafeBufferPointer(room), into: places)
        }
      }
      if forbidden { _ = getppid() }
      // Ending the threads would take more system calls.
      rn_exit_at_once(0)
    }
  }

  static func withSession<Result>(
    _ bytes: [UInt8], threads: Int, batch: Int,
    _ body: (
      inout Session, [UInt8], UnsafeMutableBufferPointer<Float>, UnsafeMutableBufferPointer<Int>
    ) -> Result
  ) throws -> Result {
    let loaded = LoadedPlan(bytes)
    let plan = try loaded.plan()
    let room = UnsafeMutableBufferPointer<Float>.allocate(capacity: plan.classCount)
    let places = UnsafeMutableBufferPointer<Int>.allocate(capacity: 5)
    defer {
      room.deallocate()
      places.deallocate()
    }
    var session = try Session(plan, threads: threads, batch: batch)
    let images = (1...batch).flatMap { testImage(size, seed: UInt64($0)) }
    return withExtendedLifetime(loaded) {
      body(&session, images, room, places)
    }
  }
}
