// SPDX-License-Identifier: Apache-2.0

// The names are those of the header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CResNetLibrary
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime
import ResNetTeaching

@c @implementation
public func resnet_plan_get_teaching_memory(
  _ plan: OpaquePointer?, _ teaching: UnsafePointer<resnet_teaching>?,
  _ bytes: UnsafeMutablePointer<Int>?
) -> resnet_status {
  report { () throws(Failure) in
    let view = try Handle<Plan>.find(plan).pointee.content.view
    let teaching = try requireStruct(teaching, "a resnet_teaching").pointee
    let bytes = try require(bytes, "a place for the bytes")
    bytes.pointee = memoryLayout(try size(of: teaching, view), view).byteCount
  }
}

@c @implementation
public func resnet_plan_teach(
  _ plan: OpaquePointer?, _ teaching: UnsafePointer<resnet_teaching>?,
  _ path: UnsafePointer<CChar>?, _ result: UnsafeMutablePointer<resnet_teaching_result>?
) -> resnet_status {
  report { () throws(Failure) in
    // An owner of its own: the plan may be closed meanwhile.
    let plan = try Handle<Plan>.find(plan).pointee.content.shared()
    let teaching = try requireStruct(teaching, "a resnet_teaching").pointee
    let path = try require(path, "a path")
    let result = try requireStruct(result, "a resnet_teaching_result")
    let view = plan.view
    let size = try size(of: teaching, view)
    let photos = try GivenPhotos(teaching, size)
    // A file that cannot be written should fail before the work, not after it.
    var file = try attempt { () throws(FileError) in try NewFile(path) }
    let memory = try attempt { () throws(TeachingError) in
      try TeachingMemory(memoryLayout(size, view))
    }
    var trainer = try attempt { () throws(TeachingError) in
      try HeadTrainer(size, memory: memory.trainer)
    }
    let found = try attempt { () throws(TeachingError) in
      try trainer.add(photos)
      return try trainer.train(rejects: teaching.reject)
    }
    let taught = try attempt { () throws(TaughtPlanError) in
      try TaughtPlan(view, trainer, photos, by: .library, memory)
    }
    let written = try attempt { () throws(FileError) in
      try taught.write(memory: memory.records(of: taught)) { (bytes) throws(FileError) in
        try file.append(bytes)
      }
      try file.close()
      return try file.contents()
    }
    // As others will read it: a plan that breaks a rule gets no name.
    _ = try attempt { () throws(PlanError) in try PlanView(validating: written.bytes) }
    try attempt { () throws(FileError) in try file.publish() }
    if let named = teaching.named {
      for photo in 0..<photos.count { named[photo] = UInt32(trainer.verdict(ofPhoto: photo).best) }
    }
    result.pointee = resnet_teaching_result(found, size: result.pointee.size)
  }
}

/// How much is taught, if a plan can be taught that.
private func size(
  of teaching: resnet_teaching, _ view: PlanView
) throws(Failure) -> TeachingSize {
  try attempt { () throws(TaughtPlanError) in try TaughtPlan.check(view) }
  // A size_t above the greatest Int is negative here.
  func count(_ number: Int) -> Int { Int(clamping: UInt(bitPattern: number)) }
  guard 0...0.5 ~= teaching.reject else {
    throw Failure(
      expected: "a share to reject of 0 to 0.5", found: "\(teaching.reject, decimals: 6)")
  }
  let size = TeachingSize(
    photos: count(teaching.photo_count), features: view.featureCount,
    classes: count(teaching.class_count), findsStrangers: teaching.reject > 0)
  try attempt { () throws(TeachingError) in try size.check() }
  return size
}

private func memoryLayout(_ size: TeachingSize, _ view: PlanView) -> TeachingMemory.Layout {
  TeachingMemory.Layout(
    size, nameBytes: GivenPhotos.nameByteCount(classes: size.classes), view)
}

extension resnet_teaching_result {
  /// What is known of a head.
  fileprivate init(_ found: TeachingResult, size: Int) {
    let rule = found.strangers
    let byLikeness = rule?.score == .likeness
    self.init(
      size: size, right: UInt32(found.right), folds: UInt32(found.folds),
      top1_low: found.interval.lowerBound, top1_high: found.interval.upperBound,
      loss: found.calibratedLoss, strength: found.strength, temperature: found.temperature,
      false_rejects: rule?.falseRejects ?? 0,
      caught: (byLikeness ? rule?.caughtByLikeness : rule?.caughtByProbability) ?? 0)
  }
}
