// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import FoundationEssentials
public import ResNetModelGraph
import ResNetModelImport
import ResNetPlanFormat
public import ResNetPlanning
import ResNetPlatform

/// One number for each channel, or one for all.
struct Triple: ExpressibleByArgument {
  let values: SIMD3<Double>

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map {
      Double($0.trimmed)
    }
    let known = numbers.compactMap { $0 }
    guard known.count == numbers.count, known.allSatisfy(\.isFinite) else { return nil }
    switch known.count {
    case 1: values = SIMD3(repeating: known[0])
    case 3: values = SIMD3(known)
    default: return nil
    }
  }
}

/// The size of an image: `224`, or height and width as in `480x640`.
struct SizeOption: ExpressibleByArgument {
  let extent: Network.Extent

  init?(argument: String) {
    let sides = argument.split(
      omittingEmptySubsequences: false, whereSeparator: { "xX×".contains($0) })
    let numbers = sides.compactMap { Int($0) }
    guard numbers.count == sides.count, 1...2 ~= numbers.count else { return nil }
    extent = Network.Extent(numbers[0], numbers[numbers.count - 1])
  }
}

extension PreprocessingPreset: ExpressibleByArgument {}
extension InputDescription.Interpolation: ExpressibleByArgument {}
extension InputDescription.Fit: ExpressibleByArgument {}
extension InputDescription.Centring: ExpressibleByArgument {}
extension InputDescription.ChannelOrder: ExpressibleByArgument {}

/// How the photos of a network are prepared.
///
/// What is not said here is taken from the files of the model, and what they do not say is torchvision's.
struct PreprocessingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The image, 32 to 2048 pixels a side: a square, or height and width such as 480x640 (default: the model's, "
        + "or else 224, for CIFAR 32, for faces 112).",
      valueName: "size"))
  var inputSize: SizeOption?

  @Option(
    help:
      "Pixels of the photo's shorter side before the crop (default: 8/7 of the input's, of one that is no square 1)."
  )
  var resize: Int?

  @Option(
    help: ArgumentHelp(
      "The same as a fraction: the input size divided by the shorter side, such as 0.875.",
      valueName: "fraction"))
  var cropPct: Double?

  @Option(
    help: ArgumentHelp(
      "A known preprocessing; the other options here change parts of it.",
      valueName: PreprocessingPreset.allCases.map(\.rawValue).joined(separator: "|")))
  var preset: PreprocessingPreset?

  @Option(
    help: ArgumentHelp(
      "What is subtracted from values 0…1, in the network's order of channels; with --std.",
      valueName: "r,g,b"))
  var mean: Triple?

  @Option(help: ArgumentHelp("What they are divided by then.", valueName: "r,g,b"))
  var std: Triple?

  @Option(
    help: ArgumentHelp("What white is to --mean and --std: 1, or 255.", valueName: "1|255"))
  var scale: Double = 1

  @Option(
    help: ArgumentHelp(
      "The order of channels that the network takes: bgr for one trained with OpenCV or Caffe.",
      valueName: "rgb|bgr"))
  var channelOrder: InputDescription.ChannelOrder?

  @Option(help: "Pillow's filter that resizes.")
  var interpolation: InputDescription.Interpolation?

  @Option(
    help: ArgumentHelp(
      "How photos get the input's proportions: crop the centre, squash them, or letterbox with black borders.",
      valueName: "crop|squash|letterbox"))
  var fit: InputDescription.Fit?

  @Option(
    help: ArgumentHelp(
      "Where a crop begins between two pixels: at the even one, or rounded down as Hugging Face does.",
      valueName: "even|down"))
  var centring: InputDescription.Centring?

  func validate() throws {
    let range = PlanLayout.imageSides
    let words = "\(range.lowerBound) to \(range.upperBound)"
    try checkRange("--input-size", inputSize?.extent.height, range, words)
    try checkRange("--input-size", inputSize?.extent.width, range, words)
    let least = inputSize.map { min($0.extent.height, $0.extent.width) } ?? range.lowerBound
    try checkRange("--resize", resize, least...4096, "the input size \(least) to 4096")
    if let cropPct, !(cropPct > 0 && cropPct <= 1) {
      throw ValidationError("expected --crop-pct above 0 and at most 1, found \(cropPct)")
    }
    guard resize == nil || cropPct == nil else {
      throw ValidationError("--resize and --crop-pct say the same: leave one out")
    }
    guard (mean == nil) == (std == nil) else {
      throw ValidationError("expected --mean and --std together")
    }
    if let std, !(std.values.min() > 0) {
      throw ValidationError("expected --std above 0")
    }
    guard scale > 0, scale.isFinite else {
      throw ValidationError("expected --scale above 0, found \(scale)")
    }
    guard scale == 1 || mean != nil else {
      throw ValidationError("--scale is the unit of --mean and --std: give them too")
    }
    guard fit != .letterbox || (resize == nil && cropPct == nil) else {
      throw ValidationError("--fit letterbox cuts nothing off: leave --resize and --crop-pct out")
    }
  }

  /// What the options say, without the preset.
  var asked: InputDescription {
    var asked = InputDescription()
    (asked.size, asked.resizedSide, asked.cropFraction) = (inputSize?.extent, resize, cropPct)
    (asked.mean, asked.std) = (mean.map { $0.values / scale }, std.map { $0.values / scale })
    (asked.channelOrder, asked.interpolation) = (channelOrder, interpolation)
    (asked.fit, asked.centring) = (fit, centring)
    return asked
  }

  /// The preprocessing of a network.
  func preprocessing(of source: Network.Source) throws(PreprocessingError) -> Preprocessing {
    try Preprocessing(asked: asked, preset: preset, found: source.input)
  }
}

extension Network.Source {
  /// Whether the file tells strides, activations and the like.
  var isGraph: Bool { format.hasPrefix("ONNX") }
}

/// Checks the value of an option, if it was given.
func checkRange<Number: Comparable>(
  _ option: String, _ found: Number?, _ range: ClosedRange<Number>, _ words: String
) throws {
  guard let found, !range.contains(found) else { return }
  throw ValidationError("expected \(option) of \(words), found \(found)")
}
