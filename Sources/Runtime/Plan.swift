// SPDX-License-Identifier: Apache-2.0

public import ResNetPlanFormat
import ResNetPlatform

/// A plan file, mapped read-only and validated.
///
/// The weights stay in the file's pages, which all processes share: loading copies nothing.
///
/// - **Allocates:** address space, no heap.
public struct Plan: ~Copyable {
  /// The records and constants; valid as long as this value lives.
  public let view: PlanView

  /// The mapping that `view` points into; nil if somebody else owns the bytes.
  private let file: MappedFile?

  /// Maps and validates the plan at `path`, a `String` or, in Embedded Swift, a text ended by a zero byte.
  ///
  /// - Throws: ``PlanError`` if the file cannot be read, is damaged or breaks a rule of the format.
  /// - Complexity: O(size of the file), for its checksums.
  public init(path: UnsafePointer<CChar>) throws(PlanError) {
    let mapping = try Plan.map(path)
    view = try PlanView(validating: mapping.bytes)
    file = consume mapping
  }

  /// Validates a plan in memory that starts at a multiple of 64 and outlives this value.
  package init(unownedBytes bytes: UnsafeRawBufferPointer) throws(PlanError) {
    view = try PlanView(validating: bytes)
    file = nil
  }

  private static func map(_ path: UnsafePointer<CChar>) throws(PlanError) -> MappedFile {
    do throws(FileError) {
      return try MappedFile(path: path)
    } catch {
      throw .file(error)
    }
  }

  /// Lets go of the file's pages in memory; what is touched again is read again.
  func dropPages() { file?.dropPages() }

  /// Height and width of the image that a session takes, in pixels.
  public var inputSize: Int { view.model.imageHeight }

  /// The number of logits.
  public var classCount: Int { view.classCount }

  /// The number of pooled features.
  public var featureCount: Int { view.featureCount }

  /// The bytes of arena that a session with `threads` threads needs at least: for the tensors, for the scratch
  /// memory of each thread, for the transformed weights of fp16 and float32 that the plan does not store, and for
  /// its bound steps.
  public func sessionByteCount(threads: Int) -> Int {
    SessionLayout(view, threads: threads).byteCount
  }

  /// The bytes of arena that a tuned session takes at most: with room for transformed int8 weights beside what
  /// ``sessionByteCount(threads:)`` says.
  ///
  /// - Parameter memoryLimit: bytes for the plan's file and the session together; nil for no limit.
  public func tunedSessionByteCount(threads: Int, memoryLimit: Int? = nil) -> Int {
    SessionLayout(
      tuned: view, threads: threads, arenaLimit: memoryLimit.map { $0 - view.bytes.count }
    )
    .byteCount
  }
}

/// What lies where in the memory of a session; the tensors come first.
package struct SessionLayout {
  /// The scratch memory of the first thread, and bytes from one thread's to the next.
  package let scratch, scratchPitch: Int
  /// The transformed weights that a session makes because the plan says so.
  package let loadTimeWeights: Int
  package let steps: Int
  /// What is known of the steps' exact forms, and the weights of those, as many bytes as there is room for.
  let forms, formWeights, formWeightsByteCount: Int
  package let byteCount: Int

  /// The memory of a session without exact forms.
  package init(_ view: PlanView, threads: Int) { self.init(view, threads, formWeights: 0) }

  /// The memory of a tuned session: for all forms, if the limit allows it, or as far as it does.
  init(tuned view: PlanView, threads: Int, arenaLimit: Int?) {
    let wanted = ExactForms(plan: view).largestByteCount
    let most = SessionLayout(view, threads, formWeights: wanted)
    let tooMuch = arenaLimit.map { max(most.byteCount - $0, 0) } ?? 0
    let room = (wanted - tooMuch) / PlanLayout.alignment * PlanLayout.alignment
    self = room == wanted ? most : SessionLayout(view, threads, formWeights: max(room, 0))
  }

  private init(_ view: PlanView, _ threads: Int, formWeights byteCount: Int) {
    let formScratch = byteCount > 0 ? ExactForms(plan: view).scratchByteCount : 0
    scratch = PlanLayout.aligned(view.arenaByteCount + Session.overread)
    scratchPitch = PlanLayout.aligned(max(view.scratchByteCount, formScratch) + Session.overread)
    loadTimeWeights = scratch + threads * scratchPitch
    steps = PlanLayout.aligned(loadTimeWeights + view.loadTimeByteCount)
    forms = steps + PlanLayout.aligned(view.stepCount * MemoryLayout<BoundStep>.stride)
    formWeights = forms + PlanLayout.aligned(view.stepCount * MemoryLayout<StepForms>.stride)
    formWeightsByteCount = byteCount
    self.byteCount = formWeights + byteCount
  }
}
