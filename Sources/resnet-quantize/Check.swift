// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ResNetModelGraph
import ResNetModelImport
import ResNetPlanning
import ResNetPlatform
import ResNetQuantization

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Compares a model's logits with those of its own framework and finds the preprocessing.",
    discussion: """
      Save the logits that your own program computes for some photos, 8 are enough:
        numpy.save("logits.npy", numpy.stack([logits_of(p) for p in sorted(glob.glob("photos/*"))]))
      and run
        resnet-quantize check MODEL --against logits.npy --photos photos
      The model runs in float32 with the preprocessing that the options and its files say. If the logits \
      differ, known ones are tried, and the options of the one that fits are printed. Exit status 1 if \
      none fits.
      """)

  @Argument(help: "The checkpoint.", completion: .file())
  var model: String

  @Option(
    help: ArgumentHelp(
      "The logits, one row a photo, sorted by name: NumPy (.npy) or safetensors with one tensor.",
      valueName: "file"),
    completion: .file())
  var against: String

  @Option(help: ArgumentHelp("The folder with these photos.", valueName: "dir"))
  var photos: String

  @OptionGroup(title: "Preprocessing")
  var preprocessing: PreprocessingOptions

  @Option(help: ArgumentHelp("Which copy of the weights to take.", valueName: "key"))
  var weights: String?

  @OptionGroup(title: "What a state dict does not tell")
  var untold: UntoldOptions

  @Option(help: "Threads (default: all processors).")
  var threads: Int?

  func validate() throws {
    try checkRange("--threads", threads, 1...256, "1 to 256")
  }

  func run() throws {
    let (check, origin) = try makeCheck()
    let asked = LogitsCheck.Candidate(
      preset: preprocessing.preset, asked: preprocessing.asked)
    let first = try check.agreement(of: asked)
    print("largest difference  same label  preprocessing")
    show(first, origin)
    if first.isExact { return print("The logits agree.") }

    var (best, agreement) = (asked, first)
    let found = try check.search { show($1, $0.options) }
    let result = try check.agreement(of: found)
    if result.difference < first.difference { (best, agreement) = (found, result) }
    show(agreement, best.options)
    guard agreement.isExact || agreement.isNear else {
      throw ToolError(
        "expected the logits of one of the known preprocessings, found a difference of at least "
          + "\(text(agreement)) (\(best.options)): activation, pooling, strides, dilation or eps of the "
          + "network may be others than the file tells")
    }
    let words =
      agreement.isExact ? "agree" : "nearly agree, as if pixels were resized by other means,"
    printLine("The logits \(words) with: \(best.options.isEmpty ? origin : best.options)")
  }

  private func makeCheck() throws -> (LogitsCheck, origin: String) {
    do {
      let tensor = try Tensor(contentsOf: against)
      guard tensor.shape.count == 2, tensor.shape[1] > 0 else {
        throw ToolError("expected a row of logits for each photo, found shape \(tensor.shape)")
      }
      let width = tensor.shape[1]
      let rows = stride(from: 0, to: tensor.values.count, by: width).map {
        Array(tensor.values[$0..<$0 + width])
      }
      var network: Network
      do {
        network = try Network(
          contentsOf: model, weights: weights, bottleneckStride: untold.bottleneckStride,
          outputStride: untold.outputStride, antiAliasing: untold.antiAliasing)
        try network.foldBatchNorms()
        network.dropDeadBranches()
      } catch {
        throw ToolError("\(model): \(error)")
      }
      let source = network.source
      for note in source.notes { tell(note) }
      let known = try preprocessing.preprocessing(of: source)
      let check = try LogitsCheck(
        Program(
          network, height: known.record.crop.height, width: known.record.crop.width),
        found: source.input, logits: rows,
        photos: photos,
        threads: workingThreads(threads))
      return (check, known.origin)
    } catch let error as ImportError {
      throw ToolError("\(against): \(error)")
    }
  }

  private func text(_ agreement: LogitsCheck.Agreement) -> String {
    String(printf: "%.2g", agreement.difference)
  }

  private func show(_ agreement: LogitsCheck.Agreement, _ words: String) {
    let labels = "\(agreement.sameLabels) of \(agreement.photos)"
    printLine(column(text(agreement), 20) + column(labels, 12) + words)
  }
}
