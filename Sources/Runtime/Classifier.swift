// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import CResNetPlatform
public import ResNetPlanFormat

/// A session with the memory that takes an image to its classes.
///
/// How an image is resized, cropped and normalized is part of the plan, so nobody says it twice. With
/// the module ResNetImages, a classifier takes photos:
///
/// ```swift
/// var classifier = try Classifier(Plan(path: "resnet18.plan"), threads: 2)
/// for guess in try classifier.classify(RGBImage(path: "church.jpg")).top(3) {
///   print(guess.label, guess.probability)
/// }
/// ```
///
/// A classifier is used by one thread at a time. Several classifiers of one file share its weights.
///
/// - **Allocates:** when it is made: the session and, in one block, the images that the network takes
///   and a probability for each class. Methods that give arrays or strings allocate them.
public struct Classifier: ~Copyable {
  /// The session, with the logits and features of the last image.
  public private(set) var session: Session

  /// The images that ``run(images:)`` takes: RGB8, rows from top to bottom, as the plan's preprocessing makes
  /// them.
  package let pixels: UnsafeMutableBufferPointer<UInt8>

  private let scores: UnsafeMutableBufferPointer<Float>

  #if !hasFeature(Embedded)
    /// The names of the classes; nil until the first classification asks for them.
    var labels: [String]?
  #endif

  /// Makes a session of a plan and the memory around it.
  ///
  /// - Parameters:
  ///   - plan: the plan, which the classifier keeps.
  ///   - threads: 1…64; the results do not depend on it.
  ///   - cpus: the CPU that each thread is bound to, as many as `threads`; nil leaves it to the system.
  ///   - instructionSet: the highest level to use; by default that of the environment variable
  ///     `RN_ISA`, or the best of this CPU.
  ///   - memoryLimit: bytes that the plan's file and the session may take together; nil for no limit.
  ///   - tuning: ``Tuning/measured`` pays for a classifier that runs often.
  /// - Throws: ``SessionError``, as ``Session`` does, and ``SessionError/noLogits``.
  public init(
    _ plan: consuming Plan, threads: Int = 1, cpus: CPUList? = nil,
    instructionSet: InstructionSet? = nil, memoryLimit: Int? = nil, tuning: Tuning = .none
  ) throws(SessionError) {
    try self.init(
      Session(
        plan, threads: threads, cpus: cpus, instructionSet: instructionSet,
        memoryLimit: memoryLimit, tuning: tuning))
  }

  /// Takes over a session.
  ///
  /// - Throws: ``SessionError/outOfMemory(bytes:)`` or ``SessionError/noLogits``.
  public init(_ session: consuming Session) throws(SessionError) {
    guard session.plan.classCount > 0 else { throw .noLogits }
    try self.init(ofAnyOutputs: session)
  }

  /// Takes over a session of a plan that may have no logits, and then no classes.
  package init(ofAnyOutputs session: consuming Session) throws(SessionError) {
    let classes = session.plan.classCount
    let pixelBytes = session.batch * session.plan.imageByteCount
    let scoreBytes = classes * MemoryLayout<Float>.stride
    let bytes = scoreBytes + pixelBytes
    guard let memory = malloc(bytes) else { throw .outOfMemory(bytes: bytes) }
    scores = UnsafeMutableBufferPointer(
      start: memory.bindMemory(to: Float.self, capacity: classes), count: classes)
    pixels = UnsafeMutableBufferPointer(
      start: (memory + scoreBytes).bindMemory(to: UInt8.self, capacity: pixelBytes),
      count: pixelBytes)
    self.session = session
  }

  deinit { free(scores.baseAddress) }

  /// How the plan wants images to be resized and cropped.
  public var preprocessing: PreprocessingRecord { session.plan.view.preprocessing }

  /// Runs the network on the first of ``pixels``, one image or several.
  ///
  /// - **Allocates:** nothing.
  package mutating func run(images: Int = 1) {
    session.run(pixels.span.extracting(0..<images * session.plan.imageByteCount))
  }

  /// Where an image of ``pixels`` begins.
  package func pixels(ofImage image: Int) -> UnsafeMutablePointer<UInt8> {
    pixels.baseAddress! + image * session.plan.imageByteCount
  }

  /// Calls `body` once on each thread, as ``Session`` does.
  package mutating func onEachThread(
    _ context: UnsafeMutableRawPointer,
    _ body: @convention(c) (UnsafeMutableRawPointer?, UInt32) -> Void
  ) {
    session.onEachThread(context, body)
  }

  /// Runs the network.
  ///
  /// - Parameter pixels: RGB8, rows from top to bottom without padding, ``Plan/imageByteCount`` bytes for each
  ///   image, resized and cropped as ``preprocessing`` says; several images if the session takes them.
  /// - **Allocates:** nothing.
  public mutating func run(_ pixels: Span<UInt8>) { session.run(pixels) }

  /// The probability of each class for an image of the last run, 0…1: the softmax of the logits or, of a single
  /// one, its sigmoid; the same bits on every CPU. Valid until the next call.
  ///
  /// - **Allocates:** nothing.
  package func probabilities(ofImage image: Int = 0) -> UnsafeBufferPointer<Float> {
    session.probabilities(ofImage: image, into: scores)
    return UnsafeBufferPointer(scores)
  }

  /// Calls `body` with the probability of each class for the last image, 0…1: the softmax of the
  /// logits or, of a single one, its sigmoid; the same bits on every CPU.
  ///
  /// - **Allocates:** nothing.
  public func withProbabilities<Result: ~Copyable, Failure>(
    _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(probabilities().span)
  }

  /// Whether the plan tells images that show none of its classes.
  public var knowsStrangers: Bool { session.plan.view.model.strangerScore != .none }

  /// Whether the last image shows none of the classes, as far as the plan can tell; false if it cannot.
  ///
  /// - Complexity: O(classes · features).
  /// - **Allocates:** nothing.
  public var isUnknown: Bool { isUnknown(image: 0) }

  /// The same for any image of the last run.
  package func isUnknown(image: Int) -> Bool {
    let view = session.plan.view
    let threshold = view.model.strangerThreshold
    switch view.model.strangerScore {
    case .none: return false
    case .probability:
      var greatest: Float = 0
      for probability in probabilities(ofImage: image) { greatest = max(greatest, probability) }
      return greatest < threshold
    case .likeness:
      let features = session.features(ofImage: image)
      let directions = (view.constants.baseAddress! + view.model.classDirections)
        .assumingMemoryBound(to: Float.self)
      let count = UInt32(features.count)
      let norm = rn_dot_f32(features.baseAddress, features.baseAddress, count).squareRoot()
      var greatest = -1.0
      for label in 0..<session.logits.count {
        let product = rn_dot_f32(
          features.baseAddress, directions + label * features.count, count)
        greatest = max(greatest, norm > 0 ? product / norm : 0)
      }
      return Float(greatest) < threshold
    }
  }

  /// Finds the most probable classes of an image of the last run.
  ///
  /// Classes are compared by their logits: of two that round to the same probability, the one of the
  /// greater logit comes first; of equal logits, the lower index.
  ///
  /// - Parameters:
  ///   - image: its place among the images of the run.
  ///   - classes: filled with the indices of classes, the most probable one first.
  /// - Returns: what was filled of `classes`: all of it unless there are fewer classes.
  /// - **Allocates:** nothing.
  package func top(
    ofImage image: Int = 0, _ classes: UnsafeMutableBufferPointer<Int>
  ) -> UnsafeBufferPointer<Int> {
    UnsafeBufferPointer(
      rebasing: classes[0..<topK(session.logits(ofImage: image), into: classes)])
  }
}
