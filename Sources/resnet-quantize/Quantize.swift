// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import FoundationEssentials
import ResNetModelGraph
import ResNetModelImport
import ResNetPlanFormat
public import ResNetPlanning
import ResNetPlatform
import ResNetQuantization
import ResNetRuntime

/// The precision of the plan's weights and activations.
enum PrecisionOption: String, ExpressibleByArgument, CaseIterable {
  case int8, fp16, fp32

  var format: WeightFormat {
    switch self {
    case .int8: .int8
    case .fp16: .float16
    case .fp32: .float32
    }
  }
}

extension Board: ExpressibleByArgument {}

/// How activation ranges are chosen.
struct MethodOption: ExpressibleByArgument {
  /// Nil for the best of all.
  let method: CalibrationMethod?

  init?(argument: String) {
    method = CalibrationMethod(argument)
    if method == nil, argument != "auto" { return nil }
  }

  private init() { method = nil }
  static let auto = MethodOption()
  static var defaultCompletionKind: CompletionKind {
    .list(["auto"] + CalibrationMethod.allCases.map(\.description))
  }
  var defaultValueDescription: String { method?.description ?? "auto" }
}

struct Quantize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a plan of a checkpoint (the default command).",
    discussion: """
      CHECKPOINT is a PyTorch state dict (.pth, .pt) or a safetensors file with the tensor names of \
      torchvision, timm or Hugging Face, or an ONNX model. int8 needs a folder of photos like those the \
      network will see; 64 are enough to begin with.

      EXAMPLES
        resnet-quantize resnet18.pth --calibration photos --classes names.txt -o resnet18.plan
        resnet-quantize resnet50.pth --calibration photos --evaluate labelled --max-drop 0.5 -o resnet50.plan
        resnet-quantize resnet18.pth --calibration photos --fast --min-sqnr 36 -o resnet18-fast.plan
        resnet-quantize resnet18.onnx --precision fp16 --for pi5 --memory 64 -o resnet18-fp16.plan
        resnet-quantize resnet18.pth --calibration photos --outputs layer2,layer3 -o backbone.plan
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
      "Compares float32 and the plan on the photos in DIR/CLASS/, with labels: as this CPU runs it. Photos that "
        + "cannot be read are listed and left out.",
      valueName: "dir"))
  var evaluate: String?

  @Option(
    help: ArgumentHelp(
      "With --evaluate: keeps as few layers as it takes out of int8, so that top-1 is at most so many "
        + "percentage points below float32's.",
      valueName: "points"))
  var maxDrop: Double?

  @Flag(
    help: ArgumentHelp(
      "Codes the inputs of 3×3 convolutions to 8 bits in a transform's domain where that saves most time: for CPUs "
        + "with an 8-bit dot product (Raspberry Pi 5, AVX-VNNI, AVX-512 VNNI). Results are no longer those of "
        + "direct sums, but the same on every CPU."))
  var fast = false

  @Option(
    help: ArgumentHelp(
      "With --fast: the least signal-to-noise ratio of the logits on held-out photos (default: 34). --max-drop, if "
        + "given, is kept as well.",
      valueName: "dB"))
  var minSqnr: Double?

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
  var method = MethodOption.auto

  @Option(help: "Per cent of the values that are not clipped, with --method percentile.")
  var percentile: Double = 99.9999

  @Flag(
    inversion: .prefixedNo,
    help: "Whether biases take up what quantization changes of the outputs' means, layer by layer.")
  var biasCorrection = true

  @Flag(
    help: ArgumentHelp(
      "Scales channels between convolutions to like ranges, by powers of two: float32 results keep every "
        + "bit, int8 may gain where channels are very unlike."))
  var equalize = false

  @Option(help: "int8, fp16 or fp32; fp16 and fp32 need no photos.")
  var precision: PrecisionOption = .int8

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp(
      "The board that will run the plan; int8 plans are the same for all.",
      valueName: Board.allCases.map(\.rawValue).joined(separator: "|")))
  var board: Board = .any

  @Option(
    help: ArgumentHelp(
      "What plan and session may take together, with four threads: fp16 and fp32 plans get fewer transformed "
        + "weights; if it is not enough, no plan is made.",
      valueName: "MB"))
  var memory: Int?

  @OptionGroup(title: "Preprocessing")
  var preprocessing: PreprocessingOptions

  @Option(help: "A file with one class name a line.", completion: .file())
  var classes: String?

  @Option(help: "auto, or the architecture that the checkpoint must have, such as resnet50.")
  var architecture: String = "auto"

  @Option(
    help: ArgumentHelp(
      "Which copy of the weights to take if a checkpoint has several: model, model_ema, …",
      valueName: "key"))
  var weights: String?

  @OptionGroup(title: "What a state dict does not tell")
  var untold: UntoldOptions

  @Option(
    help: ArgumentHelp(
      "No checkpoint: random weights of this architecture, for timing: resnet18, resnext50_32x4d, seresnet50, "
        + "resnet20, preactresnet18, iresnet50 and others.",
      valueName: "name"))
  var random: String?

  @Flag(help: "With --random: the last batch norm of each branch starts at zero.")
  var zeroInitResidual = false

  @Option(
    help: ArgumentHelp(
      "What the plan gives out, separated by commas: logits, features, or parts, layers and values by the names of "
        + "PyTorch or ONNX, such as layer2,layer3 (default: features,logits). What none of them needs is left out.",
      valueName: "names"))
  var outputs: String?

  @Option(help: "With --random: the number of classes (default: 1000, of networks for CIFAR 10).")
  var classCount: Int?

  @Option(help: "With --random: the seed of weights and calibration images.")
  var seed: UInt64 = 0

  @Option(help: "Threads that calibrate (default: all processors). The plan does not depend on it.")
  var threads: Int?

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  @OptionGroup(title: "Expert options, which --for decides otherwise")
  var expert: ExpertOptions

  func validate() throws {
    guard (checkpoint == nil) != (random == nil) else {
      throw ValidationError("expected either a checkpoint or --random ARCHITECTURE")
    }
    guard percentile > 50 && percentile <= 100 else {
      throw ValidationError("expected --percentile above 50 and at most 100, found \(percentile)")
    }
    try checkRange("--allow-unreadable", allowUnreadable, 0...50, "0 to 50")
    try checkRange("--threads", threads, 1...256, "1 to 256")
    guard checkpoint == nil || precision != .int8 || calibration != nil else {
      throw ValidationError(
        "int8 needs --calibration DIR with photos; or use --precision fp16 or fp32")
    }
    guard expert.accumulate == nil || precision == .fp16 else {
      throw ValidationError("--accumulate goes with --precision fp16")
    }
    guard checkpoint == nil || expert.accumulate != .fp16 || calibration != nil else {
      throw ValidationError("--accumulate fp16 needs --calibration DIR with photos")
    }
    guard board.hasFloatKernels || (precision == .int8 && maxDrop == nil) else {
      throw ValidationError(
        "--for \(board.rawValue) goes with int8: fp16 and fp32 layers take seconds on \(board.cpu)")
    }
    try checkRange("--memory", memory, 1...1 << 20, "1 to 1048576 MB")
    guard random == nil || calibration == nil else {
      throw ValidationError("--random calibrates with random images: leave --calibration out")
    }
    guard random == nil || (weights == nil && !untold.isAny) else {
      throw ValidationError(
        "--weights, --bottleneck-stride, --output-stride and --anti-aliasing go with a checkpoint")
    }
    guard reports.isEmpty || (precision == .int8 && random == nil) else {
      throw ValidationError("--report goes with an int8 plan of a checkpoint")
    }
    guard evaluate == nil || (precision != .fp32 && random == nil) else {
      throw ValidationError("--evaluate goes with an int8 or fp16 plan of a checkpoint")
    }
    for report in reports where ![".html", ".json"].contains(where: report.hasSuffix) {
      throw ValidationError("expected --report of a .html or .json file, found \(report)")
    }
    guard maxDrop == nil || (evaluate != nil && precision == .int8) else {
      throw ValidationError("--max-drop needs an int8 plan and --evaluate DIR with labelled photos")
    }
    try checkRange("--max-drop", maxDrop, 0...100, "0 to 100 points")
    guard !fast || precision == .int8 else { throw ValidationError("--fast goes with int8") }
    guard !fast || board.hasDotProduct else {
      throw ValidationError(
        "--fast saves no time with --for \(board.rawValue): \(board.cpu) has no 8-bit dot product")
    }
    guard fast || minSqnr == nil else { throw ValidationError("--min-sqnr goes with --fast") }
    try checkRange("--min-sqnr", minSqnr, 0...100, "0 to 100 dB")
    guard random != nil || !zeroInitResidual else {
      throw ValidationError("--zero-init-residual goes with --random")
    }
    try checkFiles()
  }

  mutating func run() throws {
    threads = workingThreads(threads)
    let start = ContinuousClock.now
    let progress = Progress(isQuiet: quiet)
    let classNames = try classes.map(readClassNames) ?? []
    var provenance = Provenance()
    let (program, source, preprocessing) = try load(progress, &provenance)
    // Which files a checkpoint consists of is only known now.
    try check(source.dataFiles.map { ("the data of the checkpoint", $0) })
    if program.classCount == 0 {
      let found = "outputs \(program.outputs.map { quoted($0.name) }.joined(separator: ", "))"
      for (option, value) in [("--evaluate", evaluate), ("--classes", classes)] where value != nil {
        throw ToolError("expected logits among the outputs for \(option), found \(found)")
      }
    }
    // The only copy of the weights from here on.
    let model = FloatModel(program, preprocessing: preprocessing.record)
    // What is missing should be known before the work.
    let labelled = try evaluate.map {
      try LabelledImageFolder(
        $0, classNames: classNames, classCount: model.program.classCount)
    }
    tellLeftOut([], evaluate ?? "", labelled?.otherFormats)

    var scheme: QuantizationScheme
    var quality: Quality?
    if precision == .int8 {
      (scheme, quality) = try quantize(model, labelled, progress, &provenance)
    } else {
      scheme = QuantizationScheme(model, weights: precision.format)
      if sumsInHalves {
        let images = try images(progress)
        provenance.add("fp16 sums", "ranges of \(images.description)")
        scheme.magnitudes = try Calibration(
          observing: model, on: images, threads: threadCount, progress: progress.callback
        ).magnitudes
      }
    }
    let targets = expert.targets.isEmpty ? board.targets : expert.targets
    if board != .any { provenance.add("for", "\(board.rawValue): \(board.cpu)") }
    if !targets.isEmpty, precision != .int8 || keepsFloats(scheme) {
      provenance.add("targets", targets.map(\.rawValue).joined(separator: " "))
    }
    if let memory { provenance.add("memory", "\(memory) MB") }
    progress.begin("packing weights")
    var options = PlanOptions()
    options.classNames = classNames
    options.provenance = provenance.text
    options.targets = targets
    options.winograd =
      expert.algorithm == .direct ? .off : expert.winograd == .plan ? .inPlan : .atLoad
    options.winogradByteLimit = expert.winogradLimit.map { $0 * 1_000_000 }
    let fitted = try FittedPlan(
      scheme, options, memoryLimit: memory.map { $0 * 1_000_000 }, threads: Quantize.boardThreads)
    let file = fitted.file
    var evaluation = quality?.evaluation
    if precision == .fp16, let labelled {
      evaluation = try Comparison(
        of: scheme, options, on: labelled, threads: threadCount, progress: progress.callback)
    }
    if let quality { try writeReports(quality, file, preprocessing) }
    try writeWhole(file, to: output)
    progress.end()
    if random == nil { tellAssumptions(source, preprocessing) }
    tellLeftOut(evaluation?.unreadable ?? [], evaluate ?? "", nil)
    if let evaluation, evaluation.isNearChance { tell(Quality.chanceWarning(evaluation)) }
    guard !quiet else { return }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    for line in quality?.lines ?? [] { printLine(line) }
    if board != .any || memory != nil { print(choice(fitted)) }
    if precision == .fp16, let evaluation { print(Quality.line(evaluation, precision: "fp16")) }
    if evaluation != nil, sumsInHalves, !KernelTable(upTo: .best).hasHalfSums {
      print("This CPU has no fp16 sums: those of the evaluation were float32.")
    }
    printLine(
      "\(output): \(model.program.name), \(precision.rawValue), "
        + "\(model.program.inputExtent.text), \(file.count / 1000) kB, made in \(String(printf: "%.1f", seconds)) s"
    )
  }

  /// What `--fast` keeps of the logits.
  private static let leastDecibels = 34.0

  /// Threads of the session that `--memory` speaks of.
  private static let boardThreads = 4

  /// Whether layers may sum in fp16: where a CPU was named that can, and photos tell in which layers.
  private var sumsInHalves: Bool {
    guard precision == .fp16 else { return false }
    return expert.accumulate.map { $0 == .fp16 }
      ?? (board.hasHalfSums && (calibration != nil || random != nil))
  }

  private func keepsFloats(_ scheme: QuantizationScheme) -> Bool {
    scheme.layers.values.contains { $0 != .int8 }
  }

  /// What was chosen for a board or a memory limit, and why.
  private func choice(_ plan: FittedPlan) -> String {
    var words: [String] = []
    switch precision {
    case .int8: words.append("int8, whose sessions choose the fastest exact forms by measuring")
    case .fp16, .fp32:
      words.append("\(precision.rawValue) with the Winograd forms that are fastest on \(board.cpu)")
    }
    if sumsInHalves { words.append("sums in fp16 where the photos show that they stay in range") }
    if let memory {
      func megabytes(_ bytes: Int) -> String { String(printf: "%.1f", Double(bytes) / 1e6) }
      words.append(
        "in \(memory) MB: plan \(megabytes(plan.file.count)), session \(megabytes(plan.sessionByteCount)), "
          + "tuned at most \(megabytes(plan.tunedByteCount)) with \(Quantize.boardThreads) threads")
    }
    return "for \(board.rawValue): " + words.joined(separator: "; ")
  }

  private var threadCount: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }

  /// The network as it will be executed.
  private func load(
    _ progress: Progress, _ provenance: inout Provenance
  ) throws -> (Program, Network.Source, Preprocessing) {
    var network = try loadNetwork(progress)
    do {
      let preprocessing = try preprocessing.preprocessing(of: network.source)
      if precision == .int8 { try preprocessing.checkPadding() }
      if preprocessing.isBGR { try network.swapRedAndBlue() }
      if let outputs {
        try network.selectOutputs(
          outputs.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
        provenance.add("outputs", outputs)
      }
      try network.foldBatchNorms()
      let dropped = network.dropDeadBranches()
      let equalized = equalize ? network.equalize() : nil
      provenance.add("tool", "resnet-quantize \(ResNetQuantize.configuration.version)")
      provenance.add("architecture", network.name)
      provenance.add("source", describe(network.source))
      provenance.add("preprocessing", preprocessing.origin)
      if preprocessing.isBGR {
        provenance.add("channel order", "bgr, turned in the first convolution")
      }
      provenance.add("precision", precision.rawValue)
      let copy = [network.source.wrapper, network.source.strippedPrefix].compactMap { $0 }
      if !copy.isEmpty { provenance.add("weights", copy.joined(separator: " ")) }
      if !dropped.isEmpty { provenance.add("dropped branches", dropped.joined(separator: " ")) }
      if let equalized { provenance.add("equalized channels", "\(equalized)") }
      return (
        try Program(
          network, height: preprocessing.record.crop.height,
          width: preprocessing.record.crop.width), network.source, preprocessing
      )
    } catch {
      throw ToolError("\(checkpoint ?? random!): \(error)")
    }
  }

  private func quantize(
    _ model: FloatModel, _ labelled: LabelledImageFolder?, _ progress: Progress,
    _ provenance: inout Provenance
  ) throws -> (QuantizationScheme, Quality?) {
    // Random weights have no quality to choose by.
    var method = random != nil ? method.method ?? .minMax : method.method
    if case .percentile = method { method = .percentile(percentile) }
    var quantization = try Quantization(
      of: model, on: images(progress), method: method, correctsBias: biasCorrection,
      threads: threadCount, progress: progress.callback)
    let correction = biasCorrection ? ", bias correction" : ""
    provenance.add(
      "calibration", "\(quantization.source), method \(quantization.method)\(correction)")
    var evaluation: Comparison?
    if fast {
      let drop = maxDrop.flatMap { points in labelled.map { DropLimit(points: points, images: $0) }
      }
      evaluation = try quantization.codeConvolutions(
        keeping: minSqnr ?? Quantize.leastDecibels, drop: drop)
      let coded = quantization.codedLayers.map { "\($0.name) \($0.form.title)" }
      provenance.add("coded", coded.isEmpty ? "no layer" : coded.joined(separator: ", "))
    }
    // If layers are coded, that is within the limit already.
    if let maxDrop, let labelled, evaluation == nil {
      do {
        evaluation = try quantization.limitDrop(
          to: maxDrop, on: labelled, keepingIn: expert.keepIn.format)
      } catch let error as QuantizationError {
        guard case .drop = error else { throw error }
        throw ToolError("\(error): expected a larger --max-drop, or --precision fp16")
      }
      if let format = quantization.floatFormat {
        provenance.add(
          "\(format.name) layers", quantization.floatLayers.joined(separator: " "))
      }
    }
    guard random == nil, !quiet || !reports.isEmpty else { return (quantization.scheme, nil) }
    let comparison = try quantization.compareHeldOut()
    if evaluation == nil { evaluation = try labelled.map { try quantization.evaluate(on: $0) } }
    return (
      quantization.scheme,
      Quality(quantization: quantization, comparison: comparison, evaluation: evaluation)
    )
  }

  /// The photos to calibrate with, or random images for random weights.
  private func images(_ progress: Progress) throws -> any ImageSource {
    guard let calibration else { return RandomImages(count: 4, seed: seed) }
    let folder = try ImageFolder(
      calibration, allowedUnreadable: allowUnreadable, threads: threadCount)
    progress.end()
    tellLeftOut(folder.unreadable, calibration, folder.otherFormats)
    return folder
  }

  /// Told also if nothing else is: they are no part of what was asked for.
  private func tellLeftOut(_ photos: [String], _ folder: String, _ otherFormats: String?) {
    let others = otherFormats.map { ["\(folder): \($0)"] } ?? []
    for line in photos + others { tell("left out \(line)") }
  }

  private func loadNetwork(_ progress: Progress) throws -> Network {
    if let random {
      progress.begin("drawing random weights")
      let config = try ResNetConfig(named: random, outputDimension: classCount)
      return Network(random: config, seed: seed, zeroInitResidual: zeroInitResidual)
    }
    progress.begin("reading \(checkpoint!)")
    do {
      let network = try Network(
        contentsOf: checkpoint!, weights: weights, bottleneckStride: untold.bottleneckStride,
        outputStride: untold.outputStride, antiAliasing: untold.antiAliasing)
      if architecture != "auto" { try network.check(architecture: architecture) }
      return network
    } catch {
      throw ToolError("\(checkpoint!): \(error)")
    }
  }

  /// Tells what nobody said, and what the import left out.
  private func tellAssumptions(_ source: Network.Source, _ preprocessing: Preprocessing) {
    if !source.passedOver.isEmpty {
      let taken = quoted(source.wrapper ?? source.strippedPrefix ?? "")
      let others = source.passedOver.map { quoted($0) }.joined(separator: ", ")
      tell("took the weights under \(taken), passed over \(others)")
    }
    for note in source.notes { tell(note) }
    if !preprocessing.isAsked {
      let hint = preprocessing.isAssumed ? " (--preset to change)" : ""
      tell("preprocessing: \(preprocessing.origin)\(hint)")
    }
    guard !quiet, !source.isGraph else { return }
    tell(
      "a state dict does not tell activation, pooling, strides, dilation and eps: they are taken as "
        + "torchvision's; resnet-quantize check MODEL --against LOGITS.npy --photos DIR finds out")
  }

  private func describe(_ source: Network.Source) -> String {
    source.sha256.isEmpty ? source.format : "\(source.format), sha256 \(source.sha256)"
  }

  private func writeReports(
    _ quality: Quality, _ file: [UInt8], _ preprocessing: Preprocessing
  ) throws {
    guard !reports.isEmpty else { return }
    let report = try QuantizationReport(
      quality.quantization, quality.comparison, evaluation: quality.evaluation,
      plan: String(output.split(separator: "/").last ?? ""), file: file, isEqualized: equalize,
      preprocessingOrigin: preprocessing.origin)
    for path in reports {
      try writeWhole(
        path.hasSuffix(".json") ? Array(report.json()) : Array(report.html().utf8), to: path)
    }
  }
}

/// Lines of `key: value` about how a plan was made; nothing that differs from run to run. Values may have names of
/// the checkpoint in them, of which what cannot be shown is escaped.
private struct Provenance {
  private(set) var text = ""

  mutating func add(_ key: String, _ value: String) {
    text += "\(key): \(String(value, as: .line))\n"
  }
}
