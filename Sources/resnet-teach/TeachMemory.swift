// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlanFormat
import ResNetTeaching

/// The memory of the photos' features, of teaching and of making the plan: one block, whose size is known before.
struct TeachMemory: ~Copyable {
  let byteCount: Int
  /// The features of a view.
  let features: Int

  private let start: UnsafeMutableRawPointer
  private let trainerOffset, textOffset, planOffset: Int

  /// - Parameter size: the most photos, classes and names. With kept features these are sums, in which photos and
  ///   classes may be twice: they may exceed what can be taught.
  init(
    _ size: PhotoTable.Size, views: Int, findsStrangers: Bool, _ plan: PlanView
  ) throws(TeachFailure) {
    func trainer(_ photos: Int) -> Int {
      HeadTrainer.byteCount(
        TeachingSize(
          photos: photos, views: views, features: plan.featureCount, classes: size.classes,
          findsStrangers: findsStrangers))
    }
    let trainerOffset = PhotoTable.byteCount(size)
    // Just fewer photos than features take more memory than as many: they get coordinates.
    let reduced = (plan.featureCount - 1) / views
    let textOffset =
      trainerOffset + max(trainer(size.photos), trainer(min(size.photos, max(reduced, 1))))
    let texts = PlanTexts.byteCount(size, plan)
    let planOffset = textOffset + PlanLayout.aligned(texts)
    let channels = PlanLayout.paddedChannels(plan.featureCount)
    let records = plan.byteCount - plan.constants.count + texts + 1024
    let byteCount = planOffset + PlanLayout.aligned(records + 64 * channels)
    guard let start = aligned_alloc(PlanLayout.alignment, byteCount) else {
      throw .tool(.outOfMemory(bytes: byteCount))
    }
    self.start = start
    self.trainerOffset = trainerOffset
    self.textOffset = textOffset
    self.planOffset = planOffset
    self.byteCount = byteCount
    features = plan.featureCount
  }

  deinit { free(start) }

  /// For the photos' features, digests and names.
  var table: UnsafeMutableRawPointer { start }
  /// For teaching.
  var trainer: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: start + trainerOffset, count: textOffset - trainerOffset)
  }
  /// For the texts of the plan.
  var texts: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: start + textOffset, count: planOffset - textOffset)
  }
  /// For the records of the plan.
  func plan(_ count: Int) -> UnsafeMutableRawBufferPointer {
    precondition(count <= byteCount - planOffset, "room for the records")
    return UnsafeMutableRawBufferPointer(start: start + planOffset, count: count)
  }
}
