// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlanFormat
import ResNetPlatform
import Synchronization

/// What the owners of a plan share; the last one frees it.
struct PlanMemory: ~Copyable {
  /// The copy that the plan's records and texts are in.
  private let head: MappedFile
  /// The mapping that its constants are in; nil if somebody else owns the bytes.
  let file: MappedFile?
  private let owners = Atomic<Int>(1)
  /// The weights of exact forms, three for each step; nil until a session makes them.
  private let weights: UnsafeMutableBufferPointer<Atomic<UnsafeMutableRawPointer?>>

  private init(
    head: consuming MappedFile, file: consuming MappedFile?,
    _ weights: UnsafeMutableBufferPointer<Atomic<UnsafeMutableRawPointer?>>
  ) {
    self.head = head
    self.file = file
    self.weights = weights
  }

  deinit {
    for index in weights.indices { free(weights[index].load(ordering: .relaxed)) }
    weights.deinitialize()
    free(weights.baseAddress)
  }

  /// Memory with one owner; nil if there is none to be had.
  static func make(
    head: consuming MappedFile, file: consuming MappedFile?, steps: Int
  ) -> UnsafeMutablePointer<PlanMemory>? {
    typealias Slot = Atomic<UnsafeMutableRawPointer?>
    guard let slots = malloc(3 * steps * MemoryLayout<Slot>.stride) else { return nil }
    guard let memory = malloc(MemoryLayout<PlanMemory>.size) else {
      free(slots)
      return nil
    }
    let weights = slots.bindMemory(to: Slot.self, capacity: 3 * steps)
    for index in 0..<3 * steps { (weights + index).initialize(to: Slot(nil)) }
    let result = memory.bindMemory(to: PlanMemory.self, capacity: 1)
    result.initialize(
      to: PlanMemory(
        head: head, file: file, UnsafeMutableBufferPointer(start: weights, count: 3 * steps)))
    return result
  }

  /// Counts another owner.
  func retain() { owners.add(1, ordering: .relaxed) }

  /// Takes one owner away.
  static func release(_ memory: UnsafeMutablePointer<PlanMemory>) {
    guard memory.pointee.owners.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else {
      return
    }
    memory.deinitialize(count: 1)
    free(memory)
  }

  /// The weights of a step in an exact form: those of an earlier session, or as `fill` makes them. Nil if there
  /// is no memory.
  func weights(
    _ step: Int, _ form: Arithmetic.Algorithm, _ byteCount: Int,
    _ fill: (UnsafeMutableRawPointer) -> Void
  ) -> UnsafeRawPointer? {
    let slot = 3 * step + Int(form.rawValue) - 1
    if let made = weights[slot].load(ordering: .acquiring) { return UnsafeRawPointer(made) }
    // Where a page of 2 MiB could be, one should be.
    let alignment = byteCount < 2 << 20 ? PlanLayout.alignment : 2 << 20
    // aligned_alloc may want a multiple of the alignment.
    var start: UnsafeMutableRawPointer?
    guard posix_memalign(&start, alignment, byteCount) == 0, let memory = start else { return nil }
    rn_allow_huge_pages(memory, byteCount)
    fill(memory)
    // Of two sessions that start at once, one is first.
    let (isFirst, found) = weights[slot].compareExchange(
      expected: nil, desired: memory, ordering: .acquiringAndReleasing)
    if isFirst { return UnsafeRawPointer(memory) }
    free(memory)
    return UnsafeRawPointer(found)
  }
}
