// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
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

  func run() throws {
    let loaded: Plan
    do throws(PlanError) {
      loaded = try Plan(path: plan)
    } catch {
      throw ToolError("\(plan): \(error)")
    }
    printSummary(loaded)
    printSteps(loaded.view)
    printTensors(loaded.view)
    printArena(loaded.view)
  }

  private func printSummary(_ plan: borrowing Plan) {
    let view = plan.view
    let model = view.model
    let multiplications = (0..<view.stepCount).reduce(0) { $0 + view.step($1).multiplications }
    print("outputs      \(model.classCount) logits of \(model.featureCount) features")
    print("precision    \(model.precision.name)\(exceptions(view))")
    print("work         \(String(format: "%.3f", Double(multiplications) / 1e9)) GMAC an image")
    print("file         \(view.bytes.count) bytes, of them \(view.constants.count) constants")
    print("arena        \(view.arenaByteCount) bytes")
    print("scratch      \(view.scratchByteCount) bytes a thread")
    if view.madeByteCount > 0 {
      print("transformed  \(view.madeByteCount) bytes of weights, made when a session starts")
    }
    print("session      \(plan.sessionByteCount(threads: 1)) bytes with 1 thread")
    print(
      "input        RGB, shorter side to \(view.preprocessing.resize) (bilinear, antialiased), centre "
        + "\(view.preprocessing.crop)×\(view.preprocessing.crop)")
    print("             mean \(list(view.preprocessing.mean)), std \(list(view.preprocessing.std))")
    print("classes      \(view.hasClassNames ? "named" : "without names")")
    for line in String(cString: view.provenance).split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      print(column(String(parts[0]), 12), parts.count > 1 ? parts[1].dropFirst() : "")
    }
  }

  /// How many layers have weights of another format.
  private func exceptions(_ view: PlanView) -> String {
    [ElementFormat.q8, .f16, .f32].filter { $0 != view.model.precision }.map { format in
      let count = (0..<view.stepCount).count {
        view.step($0).multiplications > 0 && view.step($0).format == format
      }
      return count == 0 ? "" : ", \(count) layer\(count == 1 ? "" : "s") in \(format.name)"
    }.joined()
  }

  private func list(_ values: SIMD3<Float>) -> String { "\(values.x) \(values.y) \(values.z)" }

  private func printSteps(_ view: PlanView) {
    print("\nstep  operation     name                   kernel  input → output       MMAC  weights")
    for index in 0..<view.stepCount {
      let step = view.step(index)
      let isConvolution = step.operation == .convolution || step.operation == .stem
      let kernel = isConvolution ? "\(step.kernelSize)×\(step.kernelSize)/\(step.stride)" : ""
      var flow = step.operation == .input ? "image" : "\(step.input)"
      if step.hasResidual { flow += " + \(step.residual)" }
      flow += " → \(step.output)"
      let work = String(format: "%.1f", Double(step.multiplications) / 1e6)
      let format = step.multiplications == 0 ? "" : "\(step.format.name)"
      print(
        right("\(index)", 4), "", column("\(step.operation.name)", 13),
        column(String(cString: view.name(step.name)), 22), column(kernel, 7), column(flow, 16),
        right(work, 8), "",
        ([format, form(step, view)] + (step.hasHalfSums ? ["fp16 sums"] : []))
          .filter { !$0.isEmpty }.joined(separator: ", "))
    }
  }

  /// The Winograd form, its levels and the bytes of its weights.
  private func form(_ step: StepRecord, _ view: PlanView) -> String {
    guard let winograd = step.winograd else { return "" }
    let bytes = winograd.byteCount(
      inputs: view.tensor(step.input).channels, outputs: view.tensor(step.output).channels)
    let name = "F(\(winograd.tileHeight)×\(winograd.tileWidth))"
    guard step.format == .q8 else {
      return "\(name), \(bytes / 1000) kB \(winograd.isMadeBySession ? "made" : "stored")"
    }
    let levels = PlanTarget.allCases.filter { winograd.levels >> $0.level & 1 != 0 }
    return "\(name) on \(levels.map(\.rawValue).joined(separator: ", ")), \(bytes / 1000) kB"
  }

  private func printTensors(_ view: PlanView) {
    print(
      "\ntensor  name                   height × width × channels  border    offset     bytes  "
        + "scale, zero point")
    for index in 0..<view.tensorCount {
      let tensor = view.tensor(index)
      let shape = "\(tensor.height) × \(tensor.width) × \(tensor.channels)"
      let range =
        tensor.format == .f32 ? "float32" : "\(tensor.scale), \(tensor.zeroPoint)"
      print(
        right("\(index)", 6), "", column(String(cString: view.name(tensor.name)), 22),
        column(shape, 25), right("\(tensor.border)", 7), right("\(tensor.offset)", 9),
        right("\(tensor.storageByteCount)", 9), "", range)
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

  private func column(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
