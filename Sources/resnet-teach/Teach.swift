// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages
import ResNetPhotoTool
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime
import ResNetTeaching

/// Does what the command line asks for.
///
/// - Returns: true: a photo that cannot be read is left out.
func teach(_ arguments: borrowing Arguments) throws(TeachFailure) -> Bool {
  let folders = try ofFolders(PhotoFolders(arguments.photos, tool))
  try ofFolders(folders.checkImages())
  var classifier = try openClassifier(arguments, photos: folders.imageCount)
  let view = classifier.session.plan.view
  do throws(TaughtPlanError) {
    try TaughtPlan.check(view)
  } catch {
    throw .plan(arguments.model, error)
  }
  // Files that cannot be written should fail before the work, not after it.
  var output = try shared(OutputFile(arguments.output))
  var features: OutputFile?
  if let path = arguments.keptFeatures {
    features = try shared(OutputFile(path))
  } else {
    features = nil
  }
  var report: OutputFile?
  if let path = arguments.report?.path {
    report = try shared(OutputFile(path))
  } else {
    report = nil
  }

  let views = arguments.isFlipped ? 2 : 1
  let scratch = try shared(Buffer<UInt8>(count: fingerprintByteCount(view.featureCount)))
  let network = fingerprint(&classifier, UnsafeMutableRawPointer(scratch.elements.baseAddress!))
  let keptPhotos = try KeptPhotos.read(
    arguments.keptFeatures, network, features: view.featureCount, views: views)
  let kept = keptPhotos.features
  try checkCounts(folders, hasOthers: kept != nil)
  let size = PhotoTable.Size(
    photos: folders.imageCount + (kept?.count ?? 0),
    classes: folders.count + (kept?.classCount ?? 0), features: views * view.featureCount,
    nameBytes: folders.nameByteCount + (kept?.nameBytes ?? 0))
  let memory = try makeMemory(size, views: views, view, arguments)
  tellMemory(classifier, memory, photos: size.photos)

  var table = PhotoTable(size, memory: memory.first)
  kept?.add(to: &table)
  table.keepPhotos()
  let taken = try takePhotos(folders, &classifier, &table, isFlipped: arguments.isFlipped)
  table.sort()

  let start = rn_monotonic_ns()
  var trainer = try makeTrainer(table, memory, views: views, view, arguments)
  tellCounts(table)
  tellDuplicates(table, trainer)
  let result: TeachingResult
  do throws(TeachingError) {
    result = try trainer.train(rejects: arguments.rejects ?? 0)
  } catch {
    throw failure(error, table, arguments.photos)
  }
  let summary = Summary(
    table: table, result: result, taken: taken, trainingTime: rn_monotonic_ns() - start,
    isFlipped: arguments.isFlipped)

  try write(table, trainer, view, memory, &output, arguments)
  if arguments.report != nil {
    try write(summary, trainer, to: &report!, arguments.report!.format)
  }
  if arguments.keptFeatures != nil {
    do throws(ToolFailure) {
      try FeatureFile.write(table, network, features: view.featureCount, views: views) {
        (bytes) throws(ToolFailure) in try features!.append(bytes)
      }
    } catch {
      throw .tool(error)
    }
  }
  try shared(output.close())
  // Its pages would be memory beside those of the new plan, which are read now.
  classifier.session.plan.dropPages()
  try check(output, arguments.output)
  try shared(report?.close())
  try shared(features?.close())
  try shared(features?.publish())
  try shared(report?.publish())
  try shared(output.publish())
  var text = TextOutput()
  if arguments.json {
    text.append(json: summary, trainer)
  } else {
    text.append(summary, trainer)
  }
  try shared(text.endLine())
  return true
}

private func openClassifier(
  _ arguments: borrowing Arguments, photos: Int
) throws(TeachFailure) -> Classifier {
  // Weights of tuned forms may take more memory than all else, so somebody must have said how much.
  let runsOften = photos >= 64 && arguments.options.memoryLimit != nil
  let session = try shared(
    openSession(arguments.model, arguments.options, runsOften: runsOften))
  tool.tellThreads(of: session, arguments.options)
  do throws(SessionError) {
    return try Classifier(ofAnyOutputs: session)
  } catch {
    throw .tool(.session(arguments.model, error))
  }
}

/// Checks what can be known before anything is computed.
private func checkCounts(
  _ folders: borrowing PhotoFolders, hasOthers: Bool
) throws(TeachFailure) {
  guard folders.count <= TeachingSize.mostClasses else {
    throw .photos(folders.root, .classCount(folders.count))
  }
  guard folders.imageCount <= TeachingSize.mostPhotos else {
    throw .photos(folders.root, .photoCount(folders.imageCount))
  }
  guard !hasOthers else { return }
  guard folders.count > 1 else { throw .photos(folders.root, .classCount(1)) }
  for folder in 0..<folders.count {
    let found = folders.imageCount(inFolder: folder)
    if found < 2 { throw .tooFew(folders.root, "\(folders.name(folder))", found: found) }
  }
}

/// Allocates the memory of the table, of teaching and of making the plan.
private func makeMemory(
  _ size: PhotoTable.Size, views: Int, _ view: PlanView, _ arguments: borrowing Arguments
) throws(TeachFailure) -> TeachingMemory {
  let most = TeachingSize(
    photos: size.photos, views: views, features: view.featureCount, classes: size.classes,
    findsStrangers: arguments.rejects != nil)
  let layout = TeachingMemory.Layout(
    most, nameBytes: size.nameBytes, view, first: PhotoTable.byteCount(size))
  do throws(TeachingError) {
    return try TeachingMemory(layout)
  } catch {
    throw .tool(.outOfMemory(bytes: layout.byteCount))
  }
}

private func makeTrainer(
  _ table: PhotoTable, _ memory: borrowing TeachingMemory, views: Int, _ view: PlanView,
  _ arguments: borrowing Arguments
) throws(TeachFailure) -> HeadTrainer {
  do throws(TeachingError) {
    let size = TeachingSize(
      photos: table.count, views: views, features: view.featureCount,
      classes: table.classCount, findsStrangers: arguments.rejects != nil)
    var trainer = try HeadTrainer(size, memory: memory.trainer)
    try trainer.add(table)
    return trainer
  } catch {
    throw failure(error, table, arguments.photos)
  }
}

private func failure(
  _ error: TeachingError, _ table: PhotoTable, _ path: UnsafePointer<CChar>
) -> TeachFailure {
  if case .photosOfClass(let index, let found) = error {
    return .tooFew(path, "\(table.className(index))", found: found)
  }
  return .photos(path, error)
}

/// Makes the plan and appends it to its file.
private func write(
  _ table: PhotoTable, _ trainer: borrowing HeadTrainer, _ view: PlanView,
  _ memory: borrowing TeachingMemory, _ output: inout OutputFile, _ arguments: borrowing Arguments
) throws(TeachFailure) {
  let plan: TaughtPlan
  do throws(TaughtPlanError) {
    plan = try TaughtPlan(view, trainer, table, by: .tool, memory)
  } catch {
    throw .plan(arguments.model, error)
  }
  do throws(ToolFailure) {
    try plan.write(memory: memory.records(of: plan)) { (bytes) throws(ToolFailure) in
      try output.append(bytes)
    }
  } catch {
    throw .tool(error)
  }
}

/// Reads the plan that was made as others will: one that breaks a rule gets no name.
private func check(
  _ output: borrowing OutputFile, _ path: UnsafePointer<CChar>
) throws(TeachFailure) {
  let file = try shared(output.contents())
  do throws(PlanError) {
    _ = try PlanView(validating: file.bytes)
  } catch {
    throw .result(path, error)
  }
}
