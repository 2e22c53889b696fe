// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import ResNetModelGraph
import ResNetModelImport
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import ResNetRuntime

/// The precision of the plan's weights and activations.
enum PrecisionOption: String, ExpressibleByArgument, CaseIterable {
  case int8, fp16, fp32
}

/// A format of floating-point numbers.
enum FloatOption: String, ExpressibleByArgument, CaseIterable {
  case fp16, fp32
}

private func target(_ name: String) throws -> PlanTarget {
  guard let target = PlanTarget(name: name) else {
    let known =
      PlanTarget.allCases.map(\.rawValue).joined(separator: ", ")
      + ", cortex-a53, cortex-a72"
    throw ValidationError("expected --target of \(known), found \(name)")
  }
  return target
}

/// Where transformed weights are.
enum TransformedOption: String, ExpressibleByArgument, CaseIterable {
  case made, stored, none

  var value: TransformedWeights {
    switch self {
    case .made: .made
    case .stored: .stored
    case .none: .none
    }
  }
}

struct Quantize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a plan of a checkpoint (the default command).",
    discussion: """
      CHECKPOINT is a PyTorch state dict (.pth, .pt) or a safetensors file with the tensor names of \
      torchvision, timm or Hugging Face, or an ONNX model. int8 needs a folder of photos like those the \
      network will see; 64 are enough to begin with.
      """)

  @Argument(help: "The checkpoint.", completion: .file())
  var checkpoint: String?

  @Option(help: "A folder with JPEG and PNG photos to calibrate with; sub-folders are searched.")
  var calibration: String?

  @Option(
    help: "Per cent of the photos that may be unreadable; they are listed and left out (0 to 50).")
  var allowUnreadable: Double = 5

  @Option(
    help: ArgumentHelp(
      "Compares float32 and the plan on the photos in DIR/CLASS/, with labels: as this CPU runs it.",
      valueName: "dir"))
  var evaluate: String?

  @Option(
    help: ArgumentHelp(
      "With --evaluate: keeps as few layers as it takes out of int8, so that top-1 is at most so many "
        + "percentage points below float32's.",
      valueName: "points"))
  var maxDrop: Double?

  @Option(help: "With --max-drop: the weights of layers that are not int8, fp16 or fp32.")
  var keepIn: FloatOption = .fp16

  @Option(
    name: .customLong("report"),
    help: ArgumentHelp(
      "Writes what quantization did as a page (.html) or as .json; may be repeated.",
      valueName: "file"))
  var reports: [String] = []

  @Option(name: .shortAndLong, help: "The plan to write.")
  var output: String

  @Option(
    help: ArgumentHelp(
      "How activation ranges are chosen: auto tries all on a quarter of the photos and keeps the "
        + "one with the least noise.",
      valueName: "auto|min-max|moving-average|percentile|entropy|mse"))
  var method: MethodOption = .auto

  @Option(help: "Per cent of the values that are not clipped, with --method percentile.")
  var percentile: Double = 99.9999

  @Flag(
    inversion: .prefixedNo,
    help: "Whether biases take up what rounding the weights changes of the outputs' means.")
  var biasCorrection = true

  @Flag(
    help: ArgumentHelp(
      "Scales channels between convolutions to like ranges, by powers of two: float32 results keep every "
        + "bit, int8 may gain where channels are very unlike."))
  var equalize = false

  @Option(help: "int8, fp16 or fp32; fp16 and fp32 need no photos.")
  var precision: PrecisionOption = .int8

  @Option(help: "Height and width of the image, 32 to 1024 pixels.")
  var inputSize: Int = 224

  @Option(
    help: "Pixels of the photo's shorter side before the crop (default: 8/7 of the input size).")
  var resize: Int?

  @Option(help: "A file with one class name a line.", completion: .file())
  var classes: String?

  @Option(help: "auto, or the architecture that the checkpoint must have: resnet18 … resnet152.")
  var architecture: String = "auto"

  @Option(
    help: ArgumentHelp(
      "Which copy of the weights to take if a checkpoint has several: model, model_ema, …",
      valueName: "key"))
  var weights: String?

  @Option(
    help: ArgumentHelp(
      "Where bottlenecks have their stride: first (V1, the paper's) or 3x3 (V1.5, torchvision's); "
        + "only ONNX models tell. Hugging Face's downsample_in_bottleneck is first.",
      valueName: "first|3x3"))
  var bottleneckStride: StrideOption?

  @Option(help: "No checkpoint: random weights of this architecture, for timing.")
  var random: String?

  @Option(
    name: .customLong("target"),
    help: ArgumentHelp(
      "A level: sse42, avx2, avx512vnni, neon (also cortex-a53, cortex-a72); may be repeated. int8: stores "
        + "Winograd weights where they pay there; the results stay the same, the plan becomes larger and "
        + "faster. fp16: its times decide the Winograd forms, and those the last bits of the results.",
      valueName: "level"),
    transform: target)
  var targets: [PlanTarget] = []

  @Option(
    help: ArgumentHelp(
      "With fp16, where the transformed weights of Winograd convolutions are: made when a session starts "
        + "(default), stored in the plan instead of the others, or none.",
      valueName: "made|stored|none"))
  var transformed: TransformedOption?

  @Option(
    help: ArgumentHelp(
      "With fp16: by how many MB transformed weights may exceed what they replace (default: by 5/4 of all "
        + "weights, 28 for a ResNet18).",
      valueName: "MB"))
  var transformedLimit: Int?

  @Option(
    help: ArgumentHelp(
      "With fp16: what sums are in, fp32, or fp16 where the CPU has such arithmetic (Cortex-A76 and newer; "
        + "elsewhere nothing changes): faster, and further from float32. Needs photos, which tell whether "
        + "the sums of a layer stay in range with inputs four times as large."))
  var sums: FloatOption = .fp32

  @Flag(help: "With --random: the last batch norm of each branch starts at zero.")
  var zeroInitResidual = false

  @Option(help: "With --random: the number of outputs.")
  var outputs: Int = 1000

  @Option(help: "With --random: the seed of weights and calibration images.")
  var seed: UInt64 = 0

  @Option(help: "Threads that calibrate (default: all processors). The plan does not depend on it.")
  var threads: Int?

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  func validate() throws {
    guard (checkpoint == nil) != (random == nil) else {
      throw ValidationError("expected either a checkpoint or --random ARCHITECTURE")
    }
    guard 32...1024 ~= inputSize else {
      throw ValidationError("expected --input-size of 32 to 1024, found \(inputSize)")
    }
    guard inputSize...4096 ~= resizedSide else {
      throw ValidationError(
        "expected --resize of the input size \(inputSize) to 4096, found \(resizedSide)")
    }
    guard percentile > 50 && percentile <= 100 else {
      throw ValidationError("expected --percentile above 50 and at most 100, found \(percentile)")
    }
    guard 0...50 ~= allowUnreadable else {
      throw ValidationError("expected --allow-unreadable of 0 to 50, found \(allowUnreadable)")
    }
    guard threads.map({ 1...256 ~= $0 }) ?? true else {
      throw ValidationError("expected --threads of 1 to 256, found \(threads!)")
    }
    guard checkpoint == nil || precision != .int8 || calibration != nil else {
      throw ValidationError(
        "int8 needs --calibration DIR with photos; or use --precision fp16 or fp32")
    }
    guard sums == .fp32 || precision == .fp16 else {
      throw ValidationError("--sums goes with --precision fp16")
    }
    guard checkpoint == nil || sums == .fp32 || calibration != nil else {
      throw ValidationError("--sums fp16 needs --calibration DIR with photos")
    }
    guard random == nil || calibration == nil else {
      throw ValidationError("--random calibrates with random images: leave --calibration out")
    }
    guard random == nil || (weights == nil && bottleneckStride == nil) else {
      throw ValidationError("--weights and --bottleneck-stride go with a checkpoint")
    }
    guard reports.isEmpty || (precision == .int8 && random == nil) else {
      throw ValidationError("--report goes with an int8 plan of a checkpoint")
    }
    guard evaluate == nil || (precision != .fp32 && random == nil) else {
      throw ValidationError("--evaluate goes with an int8 or fp16 plan of a checkpoint")
    }
    guard precision != .fp32 || (transformed == nil && transformedLimit == nil) else {
      throw ValidationError("--transformed and --transformed-limit go with weights in fp16")
    }
    guard transformedLimit.map({ 0...4096 ~= $0 }) ?? true else {
      throw ValidationError(
        "expected --transformed-limit of 0 to 4096 MB, found \(transformedLimit!)")
    }
    for report in reports where ![".html", ".json"].contains(where: report.hasSuffix) {
      throw ValidationError("expected --report of a .html or .json file, found \(report)")
    }
    guard maxDrop == nil || (evaluate != nil && precision == .int8) else {
      throw ValidationError("--max-drop needs an int8 plan and --evaluate DIR with labelled photos")
    }
    guard maxDrop.map({ 0...100 ~= $0 }) ?? true else {
      throw ValidationError("expected --max-drop of 0 to 100 points, found \(maxDrop!)")
    }
    guard random != nil || !zeroInitResidual else {
      throw ValidationError("--zero-init-residual goes with --random")
    }
  }

  /// torchvision's preset resizes to 256 for a crop of 224.
  private var resizedSide: Int { resize ?? (inputSize * 8 + 3) / 7 }

  func run() throws {
    let start = ContinuousClock.now
    let progress = Progress(isQuiet: quiet)
    let preprocessing = PreprocessingRecord(resize: resizedSide, crop: inputSize)
    let classNames = try classes.map(readClassNames) ?? []
    var provenance = Provenance()
    // The only copy of the weights from here on.
    let model = FloatModel(
      try load(progress, &provenance), preprocessing: preprocessing)

    var scheme: QuantizationScheme
    var quality: Quality?
    if precision == .int8 {
      (scheme, quality) = try calibrate(model, preprocessing, classNames, progress, &provenance)
    } else {
      scheme = QuantizationScheme(model, weights: precision == .fp16 ? .float16 : .float32)
      if sums == .fp16 {
        scheme.magnitudes = try findMagnitudes(model, preprocessing, progress, &provenance)
      }
    }
    if !targets.isEmpty {
      provenance.add("targets", targets.map(\.rawValue).joined(separator: " "))
    }
    progress.begin("packing weights")
    var options = PlanOptions()
    options.classNames = classNames
    options.provenance = provenance.text
    options.targets = targets
    options.transformed = transformed?.value ?? .made
    options.transformedLimit = transformedLimit.map { $0 * 1_000_000 }
    let file = try Planner.plan(scheme, options)
    var evaluation: String?
    if precision == .fp16, let evaluate {
      let photos = try LabelledImages(
        folder: evaluate, classNames: classNames, classCount: model.program.classCount,
        preprocessing: preprocessing)
      options.keepsTensors = true
      evaluation = Quality.line(
        try Comparison.compare(
          model, with: PlanBytes(Planner.plan(scheme, options)), on: photos, threads: threadCount,
          progress: progress, "evaluating"),
        precision: "fp16")
    }
    if let quality { try writeReports(quality, file) }
    try writeWhole(file, to: output)
    progress.end()
    if !quiet {
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      if let quality { print(quality.text) }
      if let evaluation { print(evaluation) }
      if evaluation != nil, sums == .fp16, !KernelTable(upTo: .best).hasHalfSums {
        print("This CPU has no fp16 sums: those of the evaluation were float32.")
      }
      print(
        "\(output): \(model.program.name), \(precision.rawValue), \(inputSize)×\(inputSize), "
          + "\(file.count / 1000) kB, made in \(String(format: "%.1f", seconds)) s")
    }
  }

  private var threadCount: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }

  /// The network; the checkpoint is let go.
  private func load(_ progress: Progress, _ provenance: inout Provenance) throws -> Program {
    let source = try loadCheckpoint(progress)
    var graph = try graph(of: source)
    let dropped = graph.dropDeadBranches()
    let equalized = equalize ? graph.equalize() : nil
    provenance.add("tool", "resnet-quantize \(ResNetQuantize.configuration.version)")
    provenance.add("architecture", graph.config.name)
    provenance.add("source", describe(source))
    provenance.add("precision", precision.rawValue)
    let copy = [source.wrapper, source.strippedPrefix].compactMap { $0 }
    if !copy.isEmpty { provenance.add("weights", copy.joined(separator: " ")) }
    if !dropped.isEmpty { provenance.add("dropped branches", dropped.joined(separator: " ")) }
    if let equalized { provenance.add("equalized channels", "\(equalized)") }
    return Program(graph, inputSize: inputSize)
  }

  private func calibrate(
    _ model: FloatModel, _ preprocessing: PreprocessingRecord, _ classNames: [String],
    _ progress: Progress,
    _ provenance: inout Provenance
  ) throws -> (QuantizationScheme, Quality?) {
    // What is missing should be known before the work.
    let labelled = try evaluate.map {
      try LabelledImages(
        folder: $0, classNames: classNames, classCount: model.program.classCount,
        preprocessing: preprocessing)
    }
    let calibrator = try calibrator(model, preprocessing, progress)
    let images = calibrator.images
    // Random weights have no quality to tell or to choose by.
    let method = random != nil && method == .auto ? .minMax : method.method(percentile: percentile)
    var choice =
      if let method { try calibrator.choose(method) } else { try calibrator.chooseBest() }
    let correction = biasCorrection ? ", bias correction" : ""
    provenance.add(
      "calibration", "\(images.description), method \(choice.method)\(correction)")
    var evaluation: Comparison?
    if let maxDrop, let labelled {
      choice.floatFormat = keepIn == .fp16 ? .float16 : .float32
      (choice, evaluation) = try calibrator.limitDrop(of: choice, to: maxDrop, on: labelled)
      let kept = choice.floatLayers(in: model.program)
      if !kept.isEmpty {
        provenance.add("\(choice.floatFormat.name) layers", kept.joined(separator: " "))
      }
    }
    guard random == nil, !quiet || !reports.isEmpty else {
      return (calibrator.scheme(of: choice), nil)
    }
    let comparison = try calibrator.compare(choice)
    if evaluation == nil {
      evaluation = try labelled.map { try calibrator.evaluate(choice, on: $0) }
    }
    return (
      calibrator.scheme(of: choice),
      Quality(
        model: model, images: images.description, choice: choice, comparison: comparison,
        evaluation: evaluation)
    )
  }

  /// What observes the photos, or random images for random weights.
  private func calibrator(
    _ model: FloatModel, _ preprocessing: PreprocessingRecord, _ progress: Progress
  ) throws -> Calibrator {
    let images: CalibrationImages
    if let calibration {
      images = try CalibrationImages(
        folder: calibration, preprocessing: preprocessing, allowUnreadable: allowUnreadable)
      progress.end()
      images.listUnreadable()
    } else {
      images = CalibrationImages(randomCount: 4, seed: seed, size: inputSize)
    }
    return Calibrator(
      model: model, images: images, threads: threadCount,
      correctsBias: biasCorrection, progress: progress)
  }

  /// The greatest magnitude of each tensor in the photos.
  private func findMagnitudes(
    _ model: FloatModel, _ preprocessing: PreprocessingRecord, _ progress: Progress,
    _ provenance: inout Provenance
  ) throws -> [Float] {
    let calibrator = try calibrator(model, preprocessing, progress)
    let images = calibrator.images
    let calibration = try calibrator.observe(Array(0..<images.count), "finding ranges")
    provenance.add("fp16 sums", "ranges of \(images.description)")
    return calibration.histograms.map { max(abs($0.minimum), abs($0.maximum)) }
  }

  private func loadCheckpoint(_ progress: Progress) throws -> Checkpoint {
    if let random {
      progress.begin("drawing random weights")
      let config = try ResNetConfig(named: random, outputDimension: outputs)
      return Checkpoint.random(config: config, seed: seed, zeroInitResidual: zeroInitResidual)
    }
    progress.begin("reading \(checkpoint!)")
    do {
      let source = try Checkpoint(contentsOf: checkpoint!, weights: weights)
      if !source.passedOver.isEmpty { tellCopies(of: source) }
      return source
    } catch {
      throw ToolError("\(checkpoint!): \(error)")
    }
  }

  private func tellCopies(of source: Checkpoint) {
    let taken = quoted(source.wrapper ?? source.strippedPrefix ?? "")
    let others = source.passedOver.map { quoted($0) }.joined(separator: ", ")
    FileHandle.standardError.write(
      Data("resnet-quantize: took the weights under \(taken), passed over \(others)\n".utf8))
  }

  private func graph(of source: Checkpoint) throws -> Graph {
    do {
      let config = try ResNetConfig(
        describing: source, requiring: architecture == "auto" ? nil : architecture,
        bottleneckStride: bottleneckStride?.value)
      let graph = try Graph(folding: source, config: config)
      try graph.check(inputSize: inputSize)
      return graph
    } catch {
      throw ToolError("\(checkpoint ?? random!): \(error)")
    }
  }

  private func describe(_ source: Checkpoint) -> String {
    switch source.format {
    case .random(let seed):
      "random weights, seed \(seed)" + (zeroInitResidual ? ", zero-init residual" : "")
    case .safetensors: "safetensors, sha256 \(source.sha256)"
    case .torchZip: "torch.save archive, sha256 \(source.sha256)"
    case .torchLegacy: "legacy torch.save file, sha256 \(source.sha256)"
    case .onnx: "ONNX model, sha256 \(source.sha256)"
    }
  }

  private func readClassNames(_ path: String) throws -> [String] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw ToolError("\(path): expected a readable UTF-8 file with one class name a line")
    }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    while lines.last == "" { lines.removeLast() }
    return lines
  }

  private func writeReports(_ quality: Quality, _ file: [UInt8]) throws {
    guard !reports.isEmpty else { return }
    let report = try Report(
      plan: output, file: file, quality: quality, correctsBias: biasCorrection,
      isEqualized: equalize)
    for path in reports {
      try writeWhole(
        path.hasSuffix(".json") ? Array(report.json()) : Array(report.html().utf8), to: path)
    }
  }
}

/// Lines of `key: value` about how a plan was made; nothing that differs from run to run.
private struct Provenance {
  private(set) var text = ""

  mutating func add(_ key: String, _ value: String) { text += "\(key): \(value)\n" }
}
