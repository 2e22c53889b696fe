// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ResNetPlanFormat
import ResNetPlanning

/// A format of floating-point numbers.
enum FloatOption: String, ExpressibleByArgument, CaseIterable {
  case fp16, fp32

  var format: WeightFormat { self == .fp16 ? .float16 : .float32 }
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

/// How the 3×3 convolutions of fp16 and float32 layers are computed.
enum AlgorithmOption: String, ExpressibleByArgument, CaseIterable {
  case winograd, direct
}

/// Where the transformed weights of Winograd convolutions are.
enum WinogradOption: String, ExpressibleByArgument, CaseIterable {
  case load, plan
}

/// What `--for` decides otherwise.
struct ExpertOptions: ParsableArguments {
  @Option(help: "With --max-drop: the weights of layers that are not int8, fp16 or fp32.")
  var keepIn: FloatOption = .fp16

  @Option(
    name: .customLong("target"),
    help: ArgumentHelp(
      "With fp16 and fp32: a level, sse42, avx2, avx512vnni or neon (also cortex-a53, cortex-a72), whose times "
        + "decide the Winograd forms, and those the last bits of the results; may be repeated (default: all).",
      valueName: "level"),
    transform: target)
  var targets: [PlanTarget] = []

  @Option(
    help: ArgumentHelp(
      "With fp16 and fp32: winograd (default) where it takes less time, or direct everywhere, the yardstick.",
      valueName: "winograd|direct"))
  var algorithm: AlgorithmOption?

  @Option(
    help: ArgumentHelp(
      "With fp16 and fp32, where the transformed weights of Winograd convolutions are: made when a session "
        + "loads the plan (default), or in the plan instead of the others.",
      valueName: "load|plan"))
  var winograd: WinogradOption?

  @Option(
    help: ArgumentHelp(
      "With fp16 and fp32: by how many MB transformed weights may exceed the weights that they replace "
        + "(default: by 5/4 of all weights; of a ResNet18 28 in fp16, 56 in fp32).",
      valueName: "MB"))
  var winogradLimit: Int?

  @Option(
    help: ArgumentHelp(
      "With fp16: the format of accumulators, fp32, or fp16 where the CPU has such arithmetic (Cortex-A76 and "
        + "newer; elsewhere nothing changes): faster, and further from float32. Needs photos, which tell "
        + "whether the sums of a layer stay in range with inputs four times as large."))
  var accumulate: FloatOption?

  func validate() throws {
    guard algorithm != .direct || (winograd == nil && winogradLimit == nil) else {
      throw ValidationError("--winograd and --winograd-limit go with --algorithm winograd")
    }
    try checkRange("--winograd-limit", winogradLimit, 0...4096, "0 to 4096 MB")
  }
}
