// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import CResNetThreads

/// Runs bound steps on one or more threads, for one image or several.
///
/// All threads compute one image together: each step's output is partitioned in a fixed way, and all threads meet
/// between steps, so no thread reads what another is still writing. Of several images, each thread computes whole
/// ones alone, in its own arena, without meeting the others; those that are left over are computed together before.
struct Executor {
  /// The start of the session's memory, with the arenas in it.
  let memory: UnsafeMutableRawPointer
  let layout: BatchLayout
  /// The steps between the tensors of the first arena, then those of the next.
  let steps: UnsafePointer<BoundStep>
  let stepCount: Int
  /// What is copied of an image that is computed in the arena of another.
  let outputs: UnsafeBufferPointer<OutputBytes>
  /// The scratch memory of the first thread, and bytes from one thread's to the next.
  let scratch: UnsafeMutableRawPointer
  let scratchPitch: Int
  let threads: Int
  let pool: OpaquePointer?
  /// Bytes from one image to the next.
  let imageByteCount: Int
  var images: UnsafePointer<UInt8>
  var imageCount = 1
  /// Where the time of the start and of each step's end goes, if somebody wants it.
  var timestamps: UnsafeMutablePointer<Int64>?

  mutating func run() {
    takeTime(beforeStep: 0)
    if let pool {
      withUnsafeMutablePointer(to: &self) { executor in
        rn_pool_run(
          pool,
          { context, thread in
            let executor = context!.assumingMemoryBound(to: Executor.self)
            executor.pointee.runImages(thread: Int(thread))
          }, executor)
      }
    } else {
      runImages(thread: 0)
    }
    takeTime(beforeStep: stepCount)
  }

  /// Takes the time if that is wanted, on thread 0.
  private func takeTime(beforeStep index: Int) {
    if let timestamps { timestamps[index] = rn_monotonic_ns() }
  }

  private func runImages(thread: Int) {
    let alone = layout.arenaCount < threads || imageCount == 1 ? 0 : imageCount / threads * threads
    for image in stride(from: imageCount - 1, through: alone, by: -1) {
      runTogether(image, thread)
      // The first image stays where it was computed, and is the last one there.
      if image > 0 {
        meet()
        if thread == 0 { copyOutputs(of: image, from: 0) }
        meet()
      }
    }
    for image in stride(from: alone - threads + thread, through: thread, by: -threads) {
      runAlone(image, thread)
    }
  }

  private func runTogether(_ image: Int, _ thread: Int) {
    let thread = SessionThread(
      index: thread, count: threads, scratch: scratch + thread * scratchPitch,
      image: images + image * imageByteCount)
    for index in 0..<stepCount {
      if index > 0 {
        meet()
        if thread.index == 0 { takeTime(beforeStep: index) }
      }
      steps[index].run(thread)
    }
  }

  /// Runs an image on one thread, in its arena; the last is the one whose arena that is.
  private func runAlone(_ image: Int, _ thread: Int) {
    let whole = SessionThread(
      index: 0, count: 1, scratch: scratch + thread * scratchPitch,
      image: images + image * imageByteCount)
    for index in 0..<stepCount { steps[thread * stepCount + index].run(whole) }
    if image != thread { copyOutputs(of: image, from: thread) }
  }

  /// Copies the outputs of an image from the arena where it was computed.
  private func copyOutputs(of image: Int, from arena: Int) {
    let source = memory + layout.arena(ofImage: arena)
    let target = memory + layout.arena(ofImage: image)
    for index in outputs.indices {
      let (offset, count) = (outputs[index].offset, outputs[index].count)
      memcpy(target + offset, source + offset, count)
    }
  }

  private func meet() {
    if let pool { rn_pool_barrier(pool) }
  }
}
