// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ResNetPlanFormat
import ResNetPlanning
import ResNetPlatform
import ResNetRuntime

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what a plan holds: steps, tensors, memory, preprocessing, provenance.",
    discussion: """
      The arena drawing has a row for each step and 64 columns for the bytes of the arena. A letter is a \
      live tensor, capital where the step writes it.
      """)

  @Argument(help: "The plan.", completion: .file())
  var plan: String

  @Option(help: "Tells what a session takes in so many MB, plan and session together.")
  var memory: Int?

  @Option(help: "The threads of that session (1 to 64).")
  var threads: Int = 1

  func validate() throws {
    try checkRange("--memory", memory, 1...1 << 20, "1 to 1048576 MB")
    try checkRange("--threads", threads, 1...64, "1 to 64")
  }

  func run() throws {
    let loaded: Plan
    do throws(PlanError) {
      loaded = try Plan(path: plan)
    } catch {
      throw ToolError("\(plan): \(error)")
    }
    if let memory { return try printMemory(loaded, limit: memory * 1_000_000) }
    printSummary(loaded)
    printSteps(loaded.view)
    printTensors(loaded.view)
    printArena(loaded.view)
  }

  private func printSummary(_ plan: borrowing Plan) {
    let view = plan.view
    let multiplications = (0..<view.stepCount).reduce(0) { $0 + view.step($1).multiplications }
    for index in 0..<plan.outputCount {
      print(column(index == 0 ? "outputs" : "", 12), describe(plan.output(at: index), plan))
    }
    print("precision    \(formats(view))")
    print("work         \(String(printf: "%.3f", Double(multiplications) / 1e9)) GMAC an image")
    print("file         \(view.byteCount) bytes, of them \(view.constants.count) constants")
    print("arena        \(view.arenaByteCount) bytes")
    print("scratch      \(view.scratchByteCount) bytes a thread")
    if view.loadTimeByteCount > 0 {
      print("transformed  \(view.loadTimeByteCount) bytes of weights, made when a session starts")
    }
    let least = plan.sessionByteCount(threads: threads)
    let most = plan.tunedSessionByteCount(threads: threads)
    print(
      "session      \(least) bytes with \(threads) thread\(threads == 1 ? "" : "s")", terminator: ""
    )
    print(most > least ? ", tuned at most \(most)" : "")
    let words = view.preprocessing.words
    print("input        \(words.resizing)\n             \(words.normalization)")
    print("classes      \(view.hasClassNames ? "named" : "without names")")
    for line in String(cString: view.provenance).split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      print(column(String(parts[0]), 12), parts.count > 1 ? parts[1].dropFirst() : "")
    }
  }

  /// An output's name, shape and numbers.
  private func describe(_ output: PlanOutput, _ plan: borrowing Plan) -> String {
    let shape =
      output.height * output.width == 1
      ? "\(output.channels)" : "\(output.channels) × \(output.height) × \(output.width)"
    let numbers =
      output.format == .float32
      ? "float32" : "uint8, scale \(output.scale), zero point \(output.zeroPoint)"
    return "\(plan.name(of: output)): \(shape), \(numbers)"
  }

  /// What a session takes within a limit.
  private func printMemory(_ plan: borrowing Plan, limit: Int) throws {
    let file = plan.view.byteCount
    let least = plan.sessionByteCount(threads: threads)
    guard file + least <= limit else {
      throw ToolError(
        "\(self.plan): expected memory of at least \(file + least) bytes for plan and session, found \(limit)"
      )
    }
    let tuned = plan.tunedSessionByteCount(threads: threads, memoryLimit: limit)
    let most = plan.tunedSessionByteCount(threads: threads)
    print("plan         \(file) bytes, mapped")
    print("session      \(least) bytes with \(threads) thread\(threads == 1 ? "" : "s")")
    print("tuned        at most \(tuned) bytes; without a limit \(most)")
    print("left         at least \(limit - file - max(tuned, least)) bytes of \(limit)")
  }

  /// The weights of most layers, and how many layers have others.
  private func formats(_ view: PlanView) -> String {
    let layers = (0..<view.stepCount).map(view.step).filter { $0.multiplications > 0 }
    let counts = WeightFormat.allCases.map { format in
      (format, layers.count { $0.arithmetic.weights == format })
    }
    guard let most = counts.max(by: { $0.1 < $1.1 }) else { return "" }
    return counts.filter { $0.0 != most.0 && $0.1 > 0 }.reduce("\(most.0.name)") {
      "\($0), \($1.1) layer\($1.1 == 1 ? "" : "s") in \($1.0.name)"
    }
  }

  private func printSteps(_ view: PlanView) {
    print("\nstep  operation     name                   kernel  input → output       MMAC  weights")
    for index in 0..<view.stepCount {
      let step = view.step(index)
      var kernel = ""
      switch step.operation {
      case .stem(let record), .convolution(let record):
        kernel = "\(record.kernelHeight)×\(record.kernelWidth)/\(record.strideY)"
        if record.groups > 1 { kernel += " g\(record.groups)" }
        if record.dilationY > 1 { kernel += " d\(record.dilationY)" }
      case .pool(let record):
        kernel = "\(record.kernelHeight)×\(record.kernelWidth)/\(record.strideY)"
      case .input, .globalAverage, .linear, .scale, .sigmoid: break
      }
      var flow = step.operation == .input ? "image" : "\(step.input)"
      if step.hasResidual { flow += " + \(step.residual)" }
      flow += " → \(step.output)"
      let work = String(printf: "%.1f", Double(step.multiplications) / 1e6)
      let format = step.multiplications == 0 ? "" : "\(step.arithmetic.weights.name)"
      let sums = step.arithmetic.accumulator == .float16 ? "fp16 sums" : ""
      print(
        right("\(index)", 4), "", column("\(step.operation.name)", 13),
        column(String(cString: view.name(step.name)), 22), column(kernel, 7), column(flow, 16),
        right(work, 8), "",
        [format, form(step, view), sums].filter { !$0.isEmpty }.joined(separator: ", "))
    }
  }

  /// The Winograd or coded form and the bytes of its weights.
  private func form(_ step: StepRecord, _ view: PlanView) -> String {
    let algorithm = step.arithmetic.algorithm
    guard let record = step.operation.convolution, algorithm != .direct else { return "" }
    let bytes = step.arithmetic.transformedByteCount(
      inputs: view.tensor(step.input).channels, outputs: view.tensor(step.output).channels)
    return "\(algorithm.title), \(bytes / 1000) kB "
      + (record.transformedPlace == .madeAtLoad ? "made" : "stored")
  }

  private func printTensors(_ view: PlanView) {
    print(
      "\ntensor  name                   height × width × channels  border    offset     bytes  "
        + "scale, zero point")
    for index in 0..<view.tensorCount {
      let tensor = view.tensor(index)
      let shape = "\(tensor.height) × \(tensor.width) × \(tensor.channels)"
      let range =
        tensor.format == .float32 ? "float32" : "\(tensor.scale), \(tensor.zeroPoint)"
      let lower = tensor.lowerBytes == .none ? "" : ", with lower bytes"
      print(
        right("\(index)", 6), "", column(String(cString: view.name(tensor.name)), 22),
        column(shape, 25), right("\(tensor.border)", 7), right("\(tensor.offset)", 9),
        right("\(tensor.storageByteCount)", 9), "", range + lower)
    }
  }

  private func printArena(_ view: PlanView) {
    let width = 64
    print("\narena, \(view.arenaByteCount) bytes in \(width) columns")
    for index in 0..<view.stepCount {
      var row = [Character](repeating: ".", count: width)
      var live = 0
      for tensorIndex in 0..<view.tensorCount {
        let tensor = view.tensor(tensorIndex)
        guard tensor.firstStep...tensor.lastStep ~= index else { continue }
        let isOverwritten =
          view.step(index).residual == tensorIndex
          && view.tensor(view.step(index).output).offset == tensor.offset
        if !isOverwritten { live += tensor.storageByteCount }
        let start = tensor.offset * width / max(view.arenaByteCount, 1)
        let end = (tensor.offset + tensor.storageByteCount) * width / max(view.arenaByteCount, 1)
        let letter = String(UnicodeScalar(UInt8(ascii: "a") + UInt8(tensorIndex % 26)))
        let shown = tensor.firstStep == index ? letter.uppercased() : letter
        for place in start..<min(max(end, start + 1), width) where !row[place].isUppercase {
          row[place] = Character(shown)
        }
      }
      print(right("\(index)", 4) + ": " + String(row) + " (\(live / 1000)k)")
    }
  }

  private func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}

/// A text with spaces behind it up to a width.
func column(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}
