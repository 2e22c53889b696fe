// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
public import ResNetPlanFormat
import ResNetPlatform

/// A plan file, mapped read-only and validated.
///
/// The weights stay in the file's pages, which all processes share. Records and texts are copied before they
/// are validated: whoever changes the file while it is in use gets wrong results, but never a wrong address. If
/// the file becomes shorter, what touches its lost pages gets SIGBUS: replace plans by renaming.
///
/// - **Allocates:** pages for the records and texts, some 20 KB for a ResNet18, and 24 bytes for each step.
public struct Plan: ~Copyable {
  /// The records and constants; valid as long as this value lives.
  public let view: PlanView

  /// What all owners have in common.
  let memory: UnsafeMutablePointer<PlanMemory>

  /// Maps and validates the plan at `path`, a `String` or, in Embedded Swift, a text ended by a zero byte.
  ///
  /// - Parameter isLoaded: whether the whole file is read into memory of this process, so that whatever happens
  ///   to the file later does not matter.
  /// - Throws: ``PlanError`` if the file cannot be read, is damaged or breaks a rule of the format.
  /// - Complexity: O(size of the file), for its checksums.
  public init(path: UnsafePointer<CChar>, isLoaded: Bool = false) throws(PlanError) {
    try self.init { () throws(FileError) in try MappedFile(path: path, isLoaded: isLoaded) }
  }

  /// Validates a copy of a plan in memory.
  package init(copying bytes: UnsafeRawBufferPointer) throws(PlanError) {
    try self.init { () throws(FileError) in
      guard !bytes.isEmpty else { throw .empty }
      return try MappedFile(copying: bytes)
    }
  }

  private init(_ map: () throws(FileError) -> MappedFile) throws(PlanError) {
    let file: MappedFile
    do throws(FileError) {
      file = try map()
    } catch {
      throw .file(error)
    }
    let bytes = file.bytes
    (view, memory) = try Plan.open(bytes, file)
  }

  /// Validates a plan in memory that starts at a multiple of 64 and outlives this value.
  package init(unownedBytes bytes: UnsafeRawBufferPointer) throws(PlanError) {
    (view, memory) = try Plan.open(bytes, nil)
  }

  private static func open(
    _ bytes: UnsafeRawBufferPointer, _ file: consuming MappedFile?
  ) throws(PlanError) -> (PlanView, UnsafeMutablePointer<PlanMemory>) {
    let head: MappedFile
    do throws(FileError) {
      guard !bytes.isEmpty else { throw .empty }
      let start = bytes.prefix(PlanView.headByteCount(of: bytes))
      head = try MappedFile(copying: UnsafeRawBufferPointer(rebasing: start))
    } catch {
      throw .file(error)
    }
    let view = try PlanView(validating: head.bytes, constantsOf: bytes)
    guard let memory = PlanMemory.make(head: head, file: file, steps: view.stepCount) else {
      throw .file(.system(errno: ENOMEM))
    }
    return (view, memory)
  }

  /// The same plan with the owner `memory` besides those it has.
  private init(_ view: PlanView, _ memory: UnsafeMutablePointer<PlanMemory>) {
    self.view = view
    self.memory = memory
  }

  deinit { PlanMemory.release(memory) }

  /// Another owner of the same plan, for another session: on any thread, in no memory of its own.
  public func shared() -> Plan {
    memory.pointee.retain()
    return Plan(view, memory)
  }

  /// Lets go of the file's pages in memory; what is touched again is read again.
  package func dropPages() { memory.pointee.file?.dropPages() }

  /// Height and width of the image that a session takes, in pixels.
  public var imageSize: ImageSize { view.model.imageSize }

  /// The bytes of that image, RGB8.
  public var imageByteCount: Int { 3 * imageSize.area }

  /// The number of logits; 0 of a plan without a classifier.
  public var classCount: Int { view.classCount }

  /// The number of pooled features; 0 of a plan whose outputs are others.
  public var featureCount: Int { view.featureCount }

  /// The bytes of arena that a session with `threads` threads needs at least: for the tensors, for the scratch
  /// memory of each thread, for the transformed weights of fp16 and float32 that the plan does not store, and for
  /// its bound steps.
  ///
  /// With more than one image in a run there are as many arenas of tensors as threads, and for each other image
  /// what it takes to keep its outputs.
  ///
  /// - Parameters:
  ///   - threads: 1…64.
  ///   - batch: the most images of a run, 1…64.
  public func sessionByteCount(threads: Int, batch: Int = 1) -> Int {
    SessionLayout(view, threads: threads, batch: batch).byteCount
  }

  /// The bytes of arena that a tuned session takes at most: with room for transformed int8 weights beside what
  /// ``sessionByteCount(threads:batch:)`` says.
  ///
  /// - Parameters:
  ///   - threads: 1…64.
  ///   - batch: the most images of a run, 1…64.
  ///   - memoryLimit: bytes for the plan's file and the session together; nil for no limit.
  public func tunedSessionByteCount(
    threads: Int, batch: Int = 1, memoryLimit: Int? = nil
  ) -> Int {
    SessionLayout(
      tuned: view, threads: threads, batch: batch,
      arenaLimit: memoryLimit.map { $0 - view.byteCount }
    )
    .byteCount
  }
}

#if !hasFeature(Embedded)
  // Nothing in it changes but the number of owners, which is counted atomically.
  extension Plan: @unchecked Sendable {}
#endif

/// What lies where in the memory of a session; the tensors come first.
package struct SessionLayout {
  /// The scratch memory of the first thread, and bytes from one thread's to the next.
  package let scratch, scratchPitch: Int
  /// The transformed weights that a session makes because the plan says so.
  package let loadTimeWeights: Int
  package let steps: Int
  /// What is copied of images that are computed in the arena of another.
  let outputs: Int
  let batch: BatchLayout
  /// What is known of the steps' exact forms, and the weights of those, as many bytes as there is room for.
  let forms, formWeights, formWeightsByteCount: Int
  package let byteCount: Int

  /// The memory of a session without exact forms.
  package init(_ view: PlanView, threads: Int, batch: Int = 1) {
    self.init(view, threads, batch, formWeights: 0)
  }

  /// The memory of a tuned session: for all forms, if the limit allows it, or as far as it does.
  init(tuned view: PlanView, threads: Int, batch: Int, arenaLimit: Int?) {
    let wanted = ExactForms(plan: view).largestByteCount
    let most = SessionLayout(view, threads, batch, formWeights: wanted)
    let tooMuch = arenaLimit.map { max(most.byteCount - $0, 0) } ?? 0
    let room = (wanted - tooMuch) / PlanLayout.alignment * PlanLayout.alignment
    self =
      room == wanted ? most : SessionLayout(view, threads, batch, formWeights: max(room, 0))
  }

  private init(_ view: PlanView, _ threads: Int, _ images: Int, formWeights byteCount: Int) {
    let formScratch = byteCount > 0 ? ExactForms(plan: view).scratchByteCount : 0
    batch = BatchLayout(view, threads: threads, images: images)
    scratch = batch.byteCount
    scratchPitch = PlanLayout.aligned(max(view.scratchByteCount, formScratch) + Session.overread)
    loadTimeWeights = scratch + threads * scratchPitch
    steps = PlanLayout.aligned(loadTimeWeights + view.loadTimeByteCount)
    outputs =
      steps
      + PlanLayout.aligned(batch.arenaCount * view.stepCount * MemoryLayout<BoundStep>.stride)
    forms = outputs + PlanLayout.aligned(view.outputCount * MemoryLayout<OutputBytes>.stride)
    formWeights = forms + PlanLayout.aligned(view.stepCount * MemoryLayout<StepForms>.stride)
    formWeightsByteCount = byteCount
    self.byteCount = formWeights + byteCount
  }
}
