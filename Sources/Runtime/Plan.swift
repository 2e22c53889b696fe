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

  /// The bytes of arena that a session with `threads` threads needs: for the tensors, for the scratch memory of
  /// each thread, for the transformed weights of an fp16 plan that does not store them, and for its bound steps.
  public func sessionByteCount(threads: Int) -> Int {
    SessionLayout(view, threads: threads).byteCount
  }
}

/// What lies where in the memory of a session; the tensors come first.
package struct SessionLayout {
  /// The scratch memory of the first thread, and bytes from one thread's to the next.
  package let scratch, scratchPitch: Int
  /// The transformed weights that a session makes.
  package let loadTimeWeights: Int
  package let steps: Int
  package let byteCount: Int

  package init(_ view: PlanView, threads: Int) {
    scratch = PlanLayout.aligned(view.arenaByteCount + Session.overread)
    scratchPitch = PlanLayout.aligned(view.scratchByteCount + Session.overread)
    loadTimeWeights = scratch + threads * scratchPitch
    steps = PlanLayout.aligned(loadTimeWeights + view.loadTimeByteCount)
    byteCount = steps + PlanLayout.aligned(view.stepCount * MemoryLayout<BoundStep>.stride)
  }
}
