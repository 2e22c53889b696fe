// SPDX-License-Identifier: Apache-2.0

import Glibc
import ResNetModelGraph
import ResNetPlanFormat
public import ResNetPlanning
import ResNetRuntime

/// Told how far a long computation is: its stage in words, how many of the stage's images are done, and how
/// many there are.
///
/// A stage begins with 0 images done, on the caller's thread; the others are told from several threads.
public typealias QuantizationProgress =
  @Sendable (_ stage: String, _ done: Int, _ total: Int) -> Void

/// How far a plan is from float32 on some images.
public struct Comparison: Sendable {
  /// Sums of squares of the float32 values and of the differences from them.
  public struct Noise: Sendable {
    public private(set) var signal = 0.0
    public private(set) var noise = 0.0

    /// The signal-to-quantization-noise ratio; infinite without noise.
    public var decibels: Double { 10 * log10(signal / noise) }

    mutating func add(_ reference: Float, _ value: Float) {
      signal += Double(reference) * Double(reference)
      noise += Double(value - reference) * Double(value - reference)
    }

    static func += (sum: inout Noise, other: Noise) {
      sum.signal += other.signal
      sum.noise += other.noise
    }
  }

  /// How often the right class came first and among the first five.
  public struct Score: Equatable, Sendable {
    public private(set) var first = 0
    public private(set) var firstFive = 0

    mutating func count(_ label: Int, _ logits: [Float]) {
      // Of equal logits the first counts more, as in resnet-run.
      let rank = logits.indices.count {
        logits[$0] > logits[label] || (logits[$0] == logits[label] && $0 < label)
      }
      first += rank == 0 ? 1 : 0
      firstFive += rank < 5 ? 1 : 0
    }

    static func += (sum: inout Score, other: Score) {
      sum.first += other.first
      sum.firstFive += other.firstFive
    }
  }

  public private(set) var imageCount = 0
  /// The output of each block, in order; empty if only logits were compared.
  public fileprivate(set) var blocks: [Noise] = []
  /// Each output, in order; empty if only logits were compared.
  public fileprivate(set) var outputs: [Noise] = []
  /// The logits, or of a network without them its main output.
  public private(set) var logits = Noise()
  private var cosines = 0.0
  /// The images to which both give the same label; none of a network without logits.
  public private(set) var agreeing = 0
  /// For images with labels.
  public private(set) var floatScore = Score()
  public private(set) var score = Score()
  /// The images with labels that were left out because they cannot be read, and why, in their order: a line each.
  public private(set) var unreadable: [String] = []
  /// How many images have each label.
  var labels: [Int: Int] = [:]

  /// The mean over images of the cosine between float32 logits and the plan's.
  public var cosine: Double { cosines / Double(imageCount) }

  /// The part of the images to which both give the same label.
  public var agreement: Double { Double(agreeing) / Double(imageCount) }

  private init(unreadable: [String] = []) { self.unreadable = unreadable }

  /// Compares the logits of one image with those of float32.
  ///
  /// - Parameter areLogits: whether the greatest one tells a label.
  package init(
    _ reference: [Float], _ logits: [Float], areLogits: Bool = true, label: Int? = nil
  ) {
    imageCount = 1
    var product = 0.0
    var square = 0.0
    for (a, b) in zip(reference, logits) {
      self.logits.add(a, b)
      product += Double(a) * Double(b)
      square += Double(b) * Double(b)
    }
    let lengths = (self.logits.signal * square).squareRoot()
    cosines = lengths > 0 ? product / lengths : 1
    func first(_ values: [Float]) -> Int? { values.firstIndex(of: values.max() ?? 0) }
    agreeing = areLogits && first(reference) == first(logits) ? 1 : 0
    if let label {
      floatScore.count(label, reference)
      score.count(label, logits)
      labels[label] = 1
    }
  }

  static func += (sum: inout Comparison, image: Comparison) {
    sum.imageCount += image.imageCount
    sum.unreadable += image.unreadable
    if sum.blocks.isEmpty {
      sum.blocks = image.blocks
    } else {
      for block in image.blocks.indices { sum.blocks[block] += image.blocks[block] }
    }
    if sum.outputs.isEmpty {
      sum.outputs = image.outputs
    } else {
      for output in image.outputs.indices { sum.outputs[output] += image.outputs[output] }
    }
    sum.logits += image.logits
    sum.cosines += image.cosines
    sum.agreeing += image.agreeing
    sum.floatScore += image.floatScore
    sum.score += image.score
    sum.labels.merge(image.labels, uniquingKeysWith: +)
  }
}

extension Comparison {
  /// Runs images through float32 and through the plan of a scheme, on this CPU.
  ///
  /// Sums are taken image by image and added in the order of images: the same for any number of
  /// threads.
  ///
  /// - Parameters:
  ///   - scheme: what the plan is made of.
  ///   - options: how it is made.
  ///   - images: at least one; those with labels are scored, and left out if they cannot be read.
  ///   - comparesBlocks: whether the outputs of each block and of the network are compared too.
  ///   - threads: how many images are in work at a time.
  ///   - progress: told of a stage "evaluating".
  /// - Throws: an error of `images`, a ``QuantizationError`` for a label that is no class, or a
  ///   ``PlanningError``.
  /// - **Allocates:** the plan twice; for each thread a session and float32 activations.
  public init(
    of scheme: QuantizationScheme, _ options: PlanOptions = PlanOptions(),
    on images: some ImageSource, comparesBlocks: Bool = false, threads: Int,
    progress: QuantizationProgress = { _, _, _ in }
  ) throws {
    self = try Self.compare(
      scheme, options, on: ModelImages(images, for: scheme.model, isReused: false),
      comparesBlocks: comparesBlocks, threads: threads, stage: "evaluating", progress: progress)
  }

  /// - Parameter references: the main output of all images in float32, if it is known.
  static func compare(
    _ scheme: QuantizationScheme, _ options: PlanOptions = PlanOptions(), on images: ModelImages,
    references: [[Float]]? = nil, comparesBlocks: Bool = false, threads: Int, stage: String,
    progress: QuantizationProgress
  ) throws -> Comparison {
    let model = scheme.model
    let program = model.program
    for image in 0..<images.count {
      guard let label = images.label(image), !(0..<program.classCount ~= label) else { continue }
      throw QuantizationError.label(image: image, classCount: program.classCount, found: label)
    }
    let blocks = comparesBlocks ? program.blockOutputs : []
    var options = options
    options.keepsTensors = comparesBlocks
    let plan = PlanBytes(try Planner.plan(scheme, options))
    progress(stage, 0, images.count)
    let results = try mapImages(
      count: images.count, threads: threads, progress: { progress(stage, $0, images.count) },
      makeWorker: {
        (
          session: try PlanSession(plan),
          executor: references == nil || comparesBlocks ? FloatExecutor(model) : nil
        )
      },
      value: { worker, index in
        let image: [UInt8]
        switch try images.readable(index) {
        case .success(let pixels): image = pixels
        case .failure(let error): return Comparison(unreadable: ["\(error)"])
        }
        worker.session.run(image)
        var noises: [Noise] = []
        var values: [Float] = []
        worker.executor?.run(image) { tensor in
          guard blocks.contains(where: { $0.tensor == tensor }) else { return }
          worker.executor?.read(tensor, into: &values)
          noises.append(worker.session.noise(of: tensor, values))
        }
        let main = program.mainOutput
        let reference = worker.executor?.values(of: main.tensor) ?? references?[index] ?? []
        var result = Comparison(
          reference, worker.session.values(of: main.name), areLogits: main.role == .logits,
          label: images.label(index))
        result.blocks = noises
        if comparesBlocks {
          result.outputs = program.outputs.map { output in
            worker.executor?.read(output.tensor, into: &values)
            var noise = Noise()
            for (a, b) in zip(values, worker.session.values(of: output.name)) { noise.add(a, b) }
            return noise
          }
        }
        return result
      })
    let sum = results.reduce(into: Comparison()) { $0 += $1 }
    if sum.imageCount == 0, let example = sum.unreadable.first {
      throw QuantizationError.unreadable(
        folder: images.source.description, allowedPercent: 100, found: images.count,
        count: images.count, example: example)
    }
    return sum
  }
}

extension Program {
  /// The blocks and the tensors that they end with, in order; the head's is the features.
  var blockOutputs: [(name: String, tensor: Int)] {
    var outputs: [(name: String, tensor: Int)] = []
    for operation in operations where operation.output != logitsTensor {
      if outputs.last?.name == operation.block { outputs.removeLast() }
      outputs.append((operation.block, operation.output))
    }
    return outputs
  }
}

/// A plan file in memory, aligned as a mapped one.
final class PlanBytes: @unchecked Sendable {
  // Nothing writes to the bytes after init.
  let bytes: UnsafeRawBufferPointer

  init(_ file: [UInt8]) {
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: file.count, alignment: PlanLayout.alignment)
    memory.copyBytes(from: file)
    bytes = UnsafeRawBufferPointer(memory)
  }

  deinit { bytes.deallocate() }
}

/// A session on one thread that keeps its plan alive.
final class PlanSession {
  private let file: PlanBytes
  private var session: Session

  init(_ file: PlanBytes) throws {
    self.file = file
    session = try Session(Plan(unownedBytes: file.bytes))
  }

  func run(_ image: [UInt8]) { session.run(image.span) }

  /// The values of an output, pixel by pixel.
  func values(of name: String) -> [Float] {
    let output = session.plan.output(name)!
    return [Float](unsafeUninitializedCapacity: output.count) { room, count in
      room.initialize(repeating: 0)
      session.read(output, into: room, as: .nhwc)
      count = output.count
    }
  }

  /// Adds the mean over the pixels of each channel of a tensor, of a plan that keeps all.
  func addChannelMeans(of tensor: Int, to sums: inout [ExactSum]) {
    var means = [Double](repeating: 0, count: sums.count)
    var (channel, pixels) = (0, 0)
    means.withUnsafeMutableBufferPointer { means in
      session.forEachValue(of: tensor) {
        means[channel] += Double($0)
        channel += 1
        if channel == means.count { (channel, pixels) = (0, pixels + 1) }
      }
    }
    for channel in sums.indices { sums[channel].add(means[channel] / Double(pixels)) }
  }

  /// Counts what a coded form would code of a tensor, of a plan that keeps all.
  func addCodedInputs(of tensor: Int, first: Int, to inputs: inout CodedInputs) {
    let (record, bytes, flip) = session.storage(of: tensor)
    inputs.add(record, bytes, flip: flip, first: first)
  }

  func noise(of tensor: Int, _ reference: [Float]) -> Comparison.Noise {
    var noise = Comparison.Noise()
    var place = 0
    reference.withUnsafeBufferPointer { reference in
      session.forEachValue(of: tensor) {
        noise.add(reference[place], $0)
        place += 1
      }
    }
    return noise
  }
}
