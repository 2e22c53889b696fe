// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
package import ResNetPlanFormat

/// The memory of teaching a plan: one block, whose size is known before.
///
/// Public for the board's build, in which no other module sees the deinit of a type of the package.
public struct TeachingMemory: ~Copyable {
  /// Where everything lies in the block, as offsets in bytes.
  package struct Layout {
    package let byteCount: Int
    fileprivate let trainer, texts, records: Int

    /// - Parameters:
    ///   - size: the most that is taught. With kept features these are sums, in which photos and classes may be twice:
    ///     they may exceed what can be taught.
    ///   - nameBytes: of the names of all classes, with a zero byte behind each.
    ///   - plan: the plan that is taught.
    ///   - first: bytes of the caller's own, which come first.
    package init(_ size: TeachingSize, nameBytes: Int, _ plan: PlanView, first: Int = 0) {
      trainer = PlanLayout.aligned(first)
      // Just fewer photos than features take more memory than as many: they get coordinates.
      var reduced = size
      reduced.photos = min(size.photos, max((size.features - 1) / size.views, 1))
      texts = trainer + max(HeadTrainer.byteCount(size), HeadTrainer.byteCount(reduced))
      let textByteCount = TaughtTexts.byteCount(
        nameBytes: nameBytes, photos: size.photos, plan)
      records = texts + PlanLayout.aligned(textByteCount)
      let most = TaughtPlan.greatestMemoryByteCount(plan, textByteCount: textByteCount)
      byteCount = records + PlanLayout.aligned(most)
    }
  }

  private let start: UnsafeMutableRawPointer
  private let layout: Layout

  /// Allocates the block.
  ///
  /// - Throws: ``TeachingError/outOfMemory(bytes:)``.
  package init(_ layout: Layout) throws(TeachingError) {
    guard let start = aligned_alloc(PlanLayout.alignment, layout.byteCount) else {
      throw .outOfMemory(bytes: layout.byteCount)
    }
    self.start = start
    self.layout = layout
  }

  deinit { free(start) }

  /// Bytes of the block.
  package var byteCount: Int { layout.byteCount }
  /// The caller's own.
  package var first: UnsafeMutableRawPointer { start }
  /// For the trainer.
  package var trainer: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: start + layout.trainer, count: layout.texts - layout.trainer)
  }
  /// For the texts of the plan.
  var texts: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: start + layout.texts, count: layout.records - layout.texts)
  }
  /// For writing the plan.
  package func records(of plan: TaughtPlan) -> UnsafeMutableRawBufferPointer {
    let count = plan.memoryByteCount
    precondition(count <= byteCount - layout.records, "room for the records")
    return UnsafeMutableRawBufferPointer(start: start + layout.records, count: count)
  }
}
