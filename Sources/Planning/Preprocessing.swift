// SPDX-License-Identifier: Apache-2.0

public import ResNetModelGraph
public import ResNetPlanFormat

/// Why a network's image cannot be prepared as it was asked for or as its files say.
public enum PreprocessingError: Error, Equatable, CustomStringConvertible {
  /// A side of the image is out of range.
  case inputSize(found: Network.Extent)
  /// The file's image has one size, another was asked for.
  case fixedSize(asked: Network.Extent, found: Network.Extent)
  /// A side before the crop is out of range.
  case resize(inputSize: Int, found: Int)
  /// The part that the crop keeps is out of range.
  case cropFraction(found: Double)
  /// A mean that is not finite, or a std that is not positive and finite, as float32.
  case normalization(found: String)
  /// A network of one channel has one mean and one std.
  case grey
  /// A letterbox has no crop.
  case letterbox
  /// A byte cannot stand for the mean, with which int8 networks pad the image.
  case padding(found: Float)

  public var description: String {
    switch self {
    case .inputSize(let found):
      "expected an input image of \(PlanLayout.imageSides.lowerBound) to "
        + "\(PlanLayout.imageSides.upperBound) pixels a side, found \(found.text)"
    case .fixedSize(let asked, let found):
      "expected --input-size \(found.option), which the model was exported for, found "
        + asked.option
    case .resize(let inputSize, let found):
      "expected a resize to \(inputSize), the input size, up to \(PlanLayout.greatestResize) "
        + "pixels, found \(found)"
    case .cropFraction(let found): "expected a crop of more than 0 up to 1, found \(found)"
    case .normalization(let found):
      "expected finite means and positive finite stds, found \(found)"
    case .grey: "expected one mean and one std for a network of one channel, found several"
    case .padding(let found):
      "expected means of 0 to 1 in int8, which pads the image with them, found \(found): use "
        + "--precision fp16"
    case .letterbox: "expected no --resize or --crop-pct with a letterbox, which cuts nothing off"
    }
  }
}

/// How the photos of a network are prepared, and who says so.
public struct Preprocessing: Equatable, Sendable {
  /// What a plan says. Its mean and std are those of red, green and blue.
  public let record: PreprocessingRecord
  /// Whether the network takes blue, green, red: see `Network.swapRedAndBlue()`.
  public let isBGR: Bool
  /// Where each part was found: one line, such as `from config.json`.
  public let origin: String
  /// Whether a part was neither asked for nor found.
  public let isAssumed: Bool

  /// Whether all was asked for.
  public var isAsked: Bool { origin == Origin.asked }

  private enum Origin {
    static let asked = "as asked for"
    static let assumed = "assumed torchvision's"
  }

  /// Takes each part of what was asked for, or else of the preset, or else of what the files of the network say,
  /// or else of torchvision's preprocessing.
  ///
  /// - Parameters:
  ///   - asked: what the user says; its `size` is the input size.
  ///   - preset: what the user names.
  ///   - found: what the files say, or is usual for the network; of 224 pixels if they and the user say nothing.
  /// - Throws: `PreprocessingError`.
  public init(
    asked: InputDescription = InputDescription(), preset: PreprocessingPreset? = nil,
    found: InputDescription = InputDescription()
  ) throws(PreprocessingError) {
    let size = try Self.inputSize(asked, found)
    let crop = ImageSize(height: size.height, width: size.width)
    var assumed = PreprocessingPreset.torchvision.input
    if found.isGrey {
      // The averages of torchvision's.
      (assumed.mean, assumed.std) = (SIMD3(repeating: 0.449), SIMD3(repeating: 0.226))
    }
    // The first of these that says something about a part decides it.
    let origins = found.origins.isEmpty ? "the model" : found.origins.joined(separator: ", ")
    let files = "from \(origins)"
    var layers = [(asked, Origin.asked)]
    if let preset { layers.append((preset.input, Origin.asked)) }
    layers += [(found, files), (assumed, Origin.assumed)]
    func first<Part>(_ part: (InputDescription) -> Part?) -> (part: Part, origin: String)? {
      for (layer, origin) in layers { if let part = part(layer) { return (part, origin) } }
      return nil
    }
    let mean = first(\.mean)!
    let std = first(\.std)!
    let interpolation = first(\.interpolation)!
    let fit = first(\.fit)!
    // Both are ways to say one thing.
    let resizing = first { $0.resizedSide != nil || $0.cropFraction != nil ? $0 : nil }!

    var record = PreprocessingRecord(resize: crop, crop: crop)
    record.colors = found.isGrey ? .grey : .rgb
    record.interpolation =
      switch interpolation.part {
      case .bilinear: .bilinear
      case .bicubic: .bicubic
      case .nearest: .nearest
      case .lanczos: .lanczos
      case .box: .box
      }
    record.fit =
      switch fit.part {
      case .crop: .crop
      case .squash: .squash
      case .letterbox: .letterbox
      }
    record.centring = first(\.centring)!.part == .down ? .down : .halfToEven
    switch fit.part {
    case .letterbox:
      guard asked.resizedSide == nil, asked.cropFraction == nil else { throw .letterbox }
    case .squash where resizing.origin == Origin.assumed: break
    // Frames of the input's own proportions are to stay whole, if nobody says otherwise.
    case .crop where resizing.origin == Origin.assumed && size.height != size.width: break
    case .crop, .squash:
      let isOfFiles = resizing.part == found
      let isRounded = resizing.part != asked && !isOfFiles && preset?.roundsResize ?? true
      let known = isOfFiles ? found.size ?? size : size
      record.resize.height = try Self.resizedSide(
        resizing.part, of: known, to: size, size.height, isRounded: isRounded)
      record.resize.width = try Self.resizedSide(
        resizing.part, of: known, to: size, size.width, isRounded: isRounded)
    }
    for (side, resized) in [
      (size.height, record.resize.height), (size.width, record.resize.width),
    ] where !(side...max(side, PlanLayout.greatestResize) ~= resized) {
      throw .resize(inputSize: side, found: resized)
    }
    isBGR = !found.isGrey && first(\.channelOrder)!.part == .bgr
    (record.mean, record.std) = (SIMD3<Float>(mean.part), SIMD3<Float>(std.part))
    for channel in 0..<3 {
      guard record.mean[channel].isFinite, record.std[channel].isFinite, record.std[channel] > 0
      else { throw .normalization(found: "mean \(mean.part), std \(std.part)") }
    }
    if found.isGrey, record.mean.min() != record.mean.max() || record.std.min() != record.std.max()
    {
      throw .grey
    }
    if isBGR {
      (record.mean, record.std) = (record.mean.reversed, record.std.reversed)
    }
    self.record = record
    let parts = [
      ("mean and std", mean.origin), ("interpolation", interpolation.origin),
      ("fit", resizing.origin == Origin.assumed ? fit.origin : resizing.origin),
    ]
    isAssumed = parts.contains { $0.1 == Origin.assumed }
    origin = Self.description(of: parts)
  }

  /// Checks that an int8 plan can hold the mean colour, which is the border of the image.
  public func checkPadding() throws(PreprocessingError) {
    for channel in 0..<3 where !(0...1 ~= record.mean[channel]) {
      throw .padding(found: record.mean[channel])
    }
  }

  private static func inputSize(
    _ asked: InputDescription, _ found: InputDescription
  ) throws(PreprocessingError) -> Network.Extent {
    if found.isSizeFixed, let said = found.size, let size = asked.size, size != said {
      throw .fixedSize(asked: size, found: said)
    }
    let size = asked.size ?? found.size ?? Network.Extent(224)
    guard PlanLayout.imageSides ~= size.height, PlanLayout.imageSides ~= size.width else {
      throw .inputSize(found: size)
    }
    return size
  }

  /// A side before the crop, whose own is `side`. What is said in pixels is the shorter side's, for images of `known`
  /// pixels.
  private static func resizedSide(
    _ input: InputDescription, of known: Network.Extent, to size: Network.Extent, _ side: Int,
    isRounded: Bool
  ) throws(PreprocessingError) -> Int {
    let shorter = min(known.height, known.width)
    if let resized = input.resizedSide, known == size, side == shorter { return resized }
    let fraction = input.resizedSide.map { Double(shorter) / Double($0) } ?? input.cropFraction!
    guard fraction > 0, fraction <= 1 else { throw .cropFraction(found: fraction) }
    let side = min(Double(side) / fraction, 1e6)
    return Int(isRounded || input.resizedSide != nil ? side.rounded() : side)
  }

  /// The parts by where they come from.
  private static func description(of parts: [(name: String, origin: String)]) -> String {
    var origins: [String] = []
    for part in parts where !origins.contains(part.origin) { origins.append(part.origin) }
    guard origins.count > 1 else { return origins[0] }
    return origins.map { origin in
      let names = parts.filter { $0.origin == origin }.map(\.name)
      return "\(names.joined(separator: ", ")) \(origin)"
    }.joined(separator: "; ")
  }
}

extension Network.Extent {
  /// As `--input-size` takes it: one number of a square.
  fileprivate var option: String { height == width ? "\(height)" : "\(height)x\(width)" }
}

extension PreprocessingRecord {
  /// What is done to a photo, in words: two lines, resizing and normalization.
  public var words: (resizing: String, normalization: String) {
    let filter = "\(interpolation)" + (interpolation == .nearest ? "" : ", antialiased")
    let isSquare = resize.height == resize.width
    let sides =
      switch fit {
      case .crop where isSquare:
        "shorter side to \(resize.height) (\(filter)), centre \(crop)"
      case .crop: "resized to cover \(resize) (\(filter)), centre \(crop)"
      case .squash where resize == crop: "squashed to \(crop) (\(filter))"
      case .squash: "squashed to \(resize) (\(filter)), centre \(crop)"
      case .letterbox where isSquare:
        "longer side to \(resize.height) (\(filter)), black borders to \(crop)"
      case .letterbox: "resized into \(resize) (\(filter)), black borders to \(crop)"
      }
    let rounding = centring == .down ? " rounded down" : ""
    return (
      "\(colors == .grey ? "grey" : "RGB"), \(sides)\(rounding)",
      "mean \(mean.x) \(mean.y) \(mean.z), std \(std.x) \(std.y) \(std.z)"
    )
  }
}
