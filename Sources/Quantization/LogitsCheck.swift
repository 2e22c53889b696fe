// SPDX-License-Identifier: Apache-2.0

import ResNetImages
public import ResNetModelGraph
import ResNetPlanFormat
public import ResNetPlanning

/// Compares the float32 logits of a network with logits that its own framework gave for the same photos, and finds
/// the preprocessing with which they agree.
public struct LogitsCheck: Sendable {
  /// A way to prepare photos: a preset and what is changed of it.
  public struct Candidate: Sendable {
    public var preset: PreprocessingPreset?
    public var asked: InputDescription

    public init(preset: PreprocessingPreset? = nil, asked: InputDescription = InputDescription()) {
      (self.preset, self.asked) = (preset, asked)
    }
  }

  /// How far the logits of a candidate are from the given ones.
  public struct Agreement: Sendable {
    /// The greatest difference, divided by the greatest magnitude of a given logit.
    public var difference: Double
    /// Photos with the same greatest logit.
    public var sameLabels: Int
    public var photos: Int

    /// Whether only roundings differ. Pixels resized in another way differ more.
    public var isExact: Bool { difference <= 1e-3 }
    /// Whether the rest may come from another decoder or from resizing tensors instead of photos.
    public var isNear: Bool { difference <= 0.02 && sameLabels == photos }
  }

  private let model: FloatModel
  private let found: InputDescription
  private let photos: [String]
  private let logits: [[Float]]
  private let threads: Int

  /// - Parameters:
  ///   - program: the network, its channels in the order of its files.
  ///   - found: what its files say of its input.
  ///   - logits: a row for each photo, as many numbers as the network has outputs.
  ///   - folder: the photos, in the order of their names, as Python's `sorted` has them; if they are in sub-folders,
  ///     in the order of these first.
  /// - Throws: a ``QuantizationError`` if there are not as many photos as rows.
  /// - **Allocates:** the packed weights.
  public init(
    _ program: consuming Program, found: InputDescription, logits: [[Float]],
    photos folder: String, threads: Int
  ) throws {
    let outputs = program.tensors[program.mainOutput.tensor].channels
    photos = try photosInOrder(folder)
    guard logits.count == photos.count, logits.allSatisfy({ $0.count == outputs }) else {
      throw QuantizationError.logits(
        expected: "\(photos.count) rows of \(outputs), one for each photo, the first "
          + "for \(photos[0])",
        found: "\(logits.count) rows of \(logits.first?.count ?? 0)")
    }
    let isProbabilities = logits.allSatisfy { row in
      row.allSatisfy { 0...1 ~= $0 } && abs(row.reduce(0, +) - 1) < 1e-3
    }
    guard !isProbabilities || outputs == 1 else {
      throw QuantizationError.logits(
        expected: "logits, before the softmax", found: "rows of probabilities")
    }
    let size = ImageSize(height: program.inputHeight, width: program.inputWidth)
    model = FloatModel(program, preprocessing: PreprocessingRecord(resize: size, crop: size))
    (self.found, self.logits, self.threads) = (found, logits, threads)
  }

  /// The agreement of a candidate, on the first `limit` photos if it is given.
  ///
  /// - Throws: a `PreprocessingError`, or a ``QuantizationError`` for a photo that cannot be read.
  public func agreement(of candidate: Candidate, limit: Int? = nil) throws -> Agreement {
    var candidate = candidate
    candidate.asked.size = model.program.inputExtent
    let preprocessing = try Preprocessing(
      asked: candidate.asked, preset: candidate.preset, found: found)
    // The network keeps its order of channels here: the pixels are turned instead.
    var record = preprocessing.record
    if preprocessing.isBGR {
      (record.mean, record.std) = (record.mean.reversed, record.std.reversed)
    }
    let model = FloatModel(model, preprocessing: record)
    let count = min(limit ?? photos.count, photos.count)
    let rows = try mapImages(
      count: count, threads: threads, progress: { _ in },
      makeWorker: { FloatExecutor(model) },
      value: { executor, index in
        var pixels = try photoPixels(photos[index], model.preprocessing)
        if preprocessing.isBGR {
          for red in stride(from: 0, to: pixels.count, by: 3) { pixels.swapAt(red, red + 2) }
        }
        executor.run(pixels)
        return executor.values(of: model.program.mainOutput.tensor)
      })
    var greatest: Float = 0
    var difference: Float = 0
    var same = 0
    for (row, given) in zip(rows, logits) {
      for (value, other) in zip(row, given) {
        greatest = max(greatest, other.magnitude)
        // NaN, of an overflow, must not count as agreement.
        difference = value.isFinite ? max(difference, (value - other).magnitude) : .infinity
      }
      same += row.firstIndex(of: row.max()!) == given.firstIndex(of: given.max()!) ? 1 : 0
    }
    return Agreement(
      difference: Double(difference) / Double(max(greatest, .leastNormalMagnitude)),
      sameLabels: same, photos: count)
  }

  /// Tries the presets and, if none agrees, combinations of their parts, on two photos.
  ///
  /// - Parameter tried: told each preset that is tried.
  /// - Returns: the best of all.
  public func search(tried: (Candidate, Agreement) -> Void) throws -> Candidate {
    // The best first; of candidates that agree as well, the first that was tried.
    var results: [(candidate: Candidate, agreement: Agreement)] = []
    @discardableResult
    func attempt(_ candidate: Candidate) throws -> Agreement {
      let result = try agreement(of: candidate, limit: 2)
      let place = results.firstIndex { result.difference < $0.agreement.difference }
      results.insert((candidate, result), at: place ?? results.endIndex)
      return result
    }
    func suits(_ preset: PreprocessingPreset) -> Bool {
      let input = preset.input
      let hasOneMean =
        input.mean?.min() == input.mean?.max() && input.std?.min() == input.std?.max()
      return !found.isGrey || hasOneMean
    }
    for preset in PreprocessingPreset.allCases.filter(suits) {
      let candidate = Candidate(preset: preset)
      tried(candidate, try attempt(candidate))
    }
    guard !results[0].agreement.isExact else { return results[0].candidate }
    // What is subtracted, in which order, and what is cut off change most, the filter and the centre least.
    for preset in [.torchvision, .clip, .caffe, .half, .unit, .bytes].filter(suits) {
      for order in [InputDescription.ChannelOrder.rgb, .bgr] where order == .rgb || !found.isGrey {
        for (fit, fraction) in Self.fits {
          var candidate = Candidate(preset: preset)
          candidate.asked.channelOrder = order
          (candidate.asked.fit, candidate.asked.cropFraction) = (fit, fraction)
          try attempt(candidate)
        }
      }
    }
    for result in results.prefix(4) where !results[0].agreement.isExact {
      for interpolation in InputDescription.Interpolation.allCases {
        for centring in InputDescription.Centring.allCases {
          var candidate = result.candidate
          candidate.asked.interpolation = interpolation
          candidate.asked.centring = centring
          try attempt(candidate)
        }
      }
    }
    return results[0].candidate
  }

  private static let fits: [(InputDescription.Fit, Double?)] = [
    (.crop, 0.875), (.crop, 0.95), (.crop, 0.9), (.crop, 1), (.squash, 1), (.squash, 0.875),
    (.letterbox, nil),
  ]
}

extension LogitsCheck.Candidate {
  /// The options of `resnet-quantize` that ask for it.
  public var options: String {
    func list(_ values: SIMD3<Double>) -> String { "\(values.x),\(values.y),\(values.z)" }
    let input = preset?.input
    var words: [String] = []
    if let preset { words.append("--preset \(preset.rawValue)") }
    if let mean = asked.mean, let std = asked.std, mean != input?.mean || std != input?.std {
      words.append("--mean=\(list(mean)) --std \(list(std))")
    }
    func add<Part: Equatable>(
      _ option: String, _ part: (InputDescription) -> Part?, unsaid: Part? = nil
    ) {
      guard let asked = part(asked), asked != input.flatMap(part) ?? unsaid else { return }
      words.append("--\(option) \(asked)")
    }
    add("channel-order", \.channelOrder, unsaid: .rgb)
    add("interpolation", \.interpolation)
    add("fit", \.fit)
    if let fraction = asked.cropFraction, fraction != input?.cropFraction || asked.fit != input?.fit
    {
      words.append("--crop-pct \(fraction)")
    }
    add("centring", \.centring, unsaid: .even)
    return words.joined(separator: " ")
  }
}

/// The photos of a folder in the order of Python's `sorted`, or those of its sub-folders, folder by folder.
private func photosInOrder(_ folder: String) throws -> [String] {
  guard isFolder(folder) else { throw QuantizationError.folder(path: folder) }
  func inOrder(_ names: [String]) -> [String] {
    names.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
  }
  func photos(_ path: String) throws -> [String] {
    var files = PhotoFiles()
    try files.search(path, isDeep: false)
    return inOrder(files.photos)
  }
  var found = try photos(folder)
  if found.isEmpty {
    let folders = inOrder(try PhotoFiles.list(folder)).map { join(folder, $0) }
    found = try folders.filter(isFolder).flatMap(photos)
  }
  guard !found.isEmpty else {
    throw QuantizationError.noPhotos(folder: folder, otherFormats: nil)
  }
  return found
}
